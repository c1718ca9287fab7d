"""After a session the model and the process are as they were, bit for bit: after success, error and cancel."""

from __future__ import annotations

import contextlib
import copy
import itertools
import queue
import random
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
import torch
import torchvision
from torch import nn

from inspector.engine import session
from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.recording.recorder import Cancelled
from inspector.engine.restore import kept_tensor, room, unwritten
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.restore.bits import differ, same_bits
from inspector.engine.restore.guard import Snapshot
from inspector.engine.restore.process.random_states import random_states, restore_random, seed_everything
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AnyEvent, CallRows, Run, Work
from tests.fingerprint import fingerprint
from tests.models import build, names

IN_PROCESS = names(without=("hostile", "big"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.gc, "collect", lambda: 0)  # 0.2 s each with torch loaded


class Fails(Exception):
    pass


def conversation(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], **options: Any) -> list[AnyEvent]:
    """Everything a person does in a session that a test can do quickly."""
    told: list[AnyEvent] = []
    with_session = Session(told.append)
    with_session.adopt(model, args, kwargs, "toy")
    with_session.announce()
    with_session.run(Run(with_session.generation, materialize=True, **options))
    paths = with_session.subject.tree.paths
    for path in (paths[0], paths[-1]):
        with_session.calls_of(path, values=True, force=True)
        with_session.queries.parameters(path, 50)
        with_session.queries.attributes(path)
        for row in with_session.queries.hooks(path).rows:
            with contextlib.suppress(UsageError):  # of our two, the first takes the second along
                with_session.set_hook(path, row.kind, row.id, False)
    with_session.observe((paths[-1],), True, False)
    with_session.run(Run(with_session.generation, seed=7, fresh_input=True))
    with_session.observe((paths[0],), True, True)
    with_session.run()
    with_session.close()
    return told


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_session_leaves_a_model_as_it_was(name: str) -> None:
    model, args, kwargs = build(name)
    before = fingerprint(model)
    told = conversation(model, args, kwargs)
    assert_same(fingerprint(model), before)
    assert any(isinstance(event, CallRows) for event in told)


def assert_same(after: dict[str, Any], before: dict[str, Any]) -> None:
    assert [key for key in {**before, **after} if before.get(key, "-") != after.get(key, "-")] == []


class Stops(nn.Module):
    """Another model, and then the end: an error, or the person's cancel."""

    def __init__(self, model: nn.Module, how: type[BaseException]) -> None:
        super().__init__()
        self.model, self.how, self.cancel = model, how, None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.model(*args, **kwargs)
        if self.how is not Cancelled:
            raise self.how
        raise Cancelled


@pytest.mark.parametrize("how", [Fails, Cancelled, KeyboardInterrupt])
@pytest.mark.parametrize("name", names("state"))
def test_so_does_one_whose_passes_do_not_end_well(name: str, how: type[BaseException]) -> None:
    inner, args, kwargs = build(name)
    model = Stops(inner, how)
    before = fingerprint(model)
    told = conversation(model, args, kwargs)
    assert_same(fingerprint(model), before)
    assert told


def test_so_does_one_that_was_cancelled_by_another_thread() -> None:
    class Slow(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.leaf, self.inside = nn.BatchNorm1d(4), nn.ReLU(), [threading.Event(), threading.Event()]

        def forward(self, x):
            x = self.norm(x)
            self.inside[0].set()
            assert self.inside[1].wait(20)
            return self.leaf(x)

    model = Slow().train()
    told: list[AnyEvent] = []
    opened = Session(told.append)
    before = fingerprint(model)

    def cancel() -> None:
        assert model.inside[0].wait(20)
        opened.cancel()
        model.inside[1].set()

    opened.adopt(model, (torch.eye(4),), {}, "slow")
    threading.Thread(target=cancel, daemon=True).start()
    summary = opened.run()
    assert summary.cancelled and summary.problem is not None and summary.problem.what == "the pass was cancelled"
    assert "norm.running_mean: values" in summary.restored
    opened.close()
    assert_same(fingerprint(model), before)


def everyones_hooks(model: nn.Module) -> list[Any]:
    """A hook of every kind on every module, with every flag."""
    handles = []
    for module in model.modules():
        handles += [
            module.register_forward_pre_hook(lambda m, a: None),
            module.register_forward_pre_hook(lambda m, a, k: None, with_kwargs=True, prepend=True),
            module.register_forward_hook(lambda m, a, o: None, always_call=True),
            module.register_forward_hook(lambda m, a, k, o: None, with_kwargs=True, prepend=True),
            module.register_full_backward_pre_hook(lambda m, g: None),
            module.register_full_backward_hook(lambda m, i, o: None),
            module.register_state_dict_pre_hook(lambda m, p, k: None),
            module.register_state_dict_post_hook(lambda m, s, p, d: None),
            module.register_load_state_dict_pre_hook(lambda *a: None),
            module.register_load_state_dict_post_hook(lambda m, k: None),
        ]
    return handles


@pytest.mark.parametrize("name", ["shared_relu", "two_names", "mha", "batchnorm_train", "raises_midway"])
def test_hooks_of_every_kind_survive(name: str) -> None:
    model, args, kwargs = build(name)
    handles = everyones_hooks(model)
    before = fingerprint(model)
    conversation(model, args, kwargs)
    assert_same(fingerprint(model), before)
    for handle in handles:
        handle.remove()
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("name", "training"), [("resnet18", True), ("resnet18", False), ("mobilenet_v3_small", True), ("swin_t", False)]
)
def test_torchvision_families(name: str, training: bool) -> None:
    model, x = torchvision.models.get_model(name).train(training), torch.randn(2, 3, 64, 64)
    before = fingerprint(model)
    opened = Session(lambda event: None)
    opened.adopt(model, (x,), {}, name)
    summary = opened.run()
    assert summary.problem is None
    opened.calls_of(opened.subject.tree.paths[-1], values=True, force=True)
    opened.close()
    assert_same(fingerprint(model), before)


def restored(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    model, args, kwargs = build(name)
    tree = walk(model)
    outcome = forward(tree, TensorBackup(tree), args, kwargs, seed=0)
    return outcome.restored, outcome.not_restored


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mlp", ()),
        ("dropout_train", ()),  # random states are put back without a word
        ("kv_cache", ("(root): cache",)),
        ("python_state", ("(root): steps", "(root): history", "(root): cfg", "(root): generator")),
        ("plain_tensor_cache", ("cache: values", "layers[…]: values")),
        ("global_changer", ("default dtype", "sys.stdout")),
        ("expanded_buffer", ("mask: values",)),
        ("evil_buffer", ("held: values",)),
        ("grows_in_forward", ("(root): late",)),
    ],
)
def test_what_was_put_back_is_said(name: str, words: tuple[str, ...]) -> None:
    assert restored(name) == (words, ())


def test_what_cannot_be_put_back_is_said() -> None:
    assert restored("advances_iterator") == ((), ("(root): it (an iterator that advanced)",))


def test_past_the_budget_writes_are_noticed_and_not_hidden() -> None:
    model = build("batchnorm_train")[0]
    model.register_buffer("large", torch.zeros(1000))
    model.register_forward_hook(lambda m, args, output: m.large.add_(int(output.mean() > -9)))
    tree = walk(model)
    backup = TensorBackup(tree, budget=2000)
    assert backup.not_copied == 4000
    before = fingerprint(model)
    outcome = forward(tree, backup, (torch.eye(4),), {}, seed=0)
    assert outcome.restored == tuple(
        f"1.{name}: values" for name in ("running_mean", "running_var", "num_batches_tracked")
    )
    assert outcome.not_restored == ("large: values (not copied, cannot be put back)",)
    assert model.large._version == 1 and [k for k, v in fingerprint(model).items() if before[k] != v] == [
        "tensor large"
    ]
    model._forward_hooks.clear()
    assert forward(tree, backup, (torch.eye(4),), {}, seed=0).not_restored == ()  # said once


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "write",
    [
        lambda p: p.mul_(2),
        lambda p: p.data.mul_(2),
        lambda p: setattr(p, "data", torch.zeros(7)),
        lambda p: setattr(p, "data", p.data.double()),
        lambda p: p.data.zero_(),
        lambda p: p.requires_grad_(False),
        lambda p: setattr(p, "grad", torch.ones_like(p)),
        lambda p: p.data.copy_(torch.tensor([float("nan"), -0.0])),
        lambda p: p.data.copy_(torch.tensor([-0.0, 2.0])),  # equal, but not in every bit
    ],
)
def test_any_write_to_a_parameter_is_put_back(write: Any, apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """`apart`: as on a device, which is asked about all tensors at once."""
    monkeypatch.setattr(kept_tensor, "_is_apart", lambda tensor: apart)

    class Writes(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([0.0, 2.0]))

        def forward(self):
            with torch.no_grad():
                write(self.w)
            return 1

    model = Writes()
    graph = (model.w * model.w).sum()  # has saved the parameter: a moved version counter would break it
    before = fingerprint(model)
    tree = walk(model)
    outcome = forward(tree, TensorBackup(tree), (), {}, seed=0)
    assert outcome.error is None and outcome.restored
    assert_same(fingerprint(model), before)
    graph.backward()


def test_a_device_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_tensor, "_is_apart", lambda tensor: True)
    monkeypatch.setattr(kept_tensor, "same_bits", lambda a, b: pytest.fail("one tensor is compared alone"))
    tree = walk(nn.Sequential(*(nn.Linear(2, 2) for _ in range(9))))
    snapshot = Snapshot(tree, TensorBackup(tree))
    assert snapshot.restore() == ([], [])


@pytest.mark.parametrize("apart", [False, True])
def test_many_are_compared_at_once_and_what_changed_is_found(apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of those that share memory, that lost it, and that are no plain tensors."""
    monkeypatch.setattr(kept_tensor, "_is_apart", lambda tensor: apart)
    monkeypatch.setattr(unwritten, "_LARGE", 0)
    monkeypatch.setattr(unwritten, "_MUCH", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    model = nn.Module()
    for number in range(20):
        model.register_buffer(f"b{number}", torch.randn(50 + number))
    model.b0 = model.b1[3:]  # a view of another one
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    model.register_buffer("short", torch.randn(1000))
    tree = walk(model)
    before, snapshot = copy.deepcopy(model.state_dict()), Snapshot(tree, TensorBackup(tree))
    model.b1.data[5] = 7.0
    model.b13.data.zero_()
    model.short.untyped_storage().resize_(4)
    changed = set(snapshot.restore()[0])
    assert "b13: values" in changed and changed & {"b0: values", "b1: values"}
    assert changed <= {"b0: values", "b1: values", "b13: values", "short: values", "short: memory"}
    assert all(same_bits(now, then) for now, then in zip(model.state_dict().values(), before.values(), strict=True))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inspector-compare")]


@pytest.mark.parametrize("apart", [False, True])
def test_where_not_all_can_be_asked_at_once_each_is_asked_alone(apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has no more threads; the device tells of an error of the pass."""

    def fail(*given: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(kept_tensor, "_is_apart", lambda tensor: apart)
    monkeypatch.setattr(unwritten, "_LARGE", 0)
    monkeypatch.setattr(unwritten, "_MUCH", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    tree = walk(model := nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    snapshot = Snapshot(tree, TensorBackup(tree))
    model[1].weight.data.zero_()
    monkeypatch.setattr(threading.Thread, "start", fail)
    monkeypatch.setattr(torch, "stack", fail)
    assert snapshot.restore() == (["1.weight: values"], [])


def test_copies_take_half_of_what_is_free_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"cpu": 10_000, "meta": 0}
    monkeypatch.setattr(room, "free_bytes", lambda device: free[device.type])
    model = nn.Module()
    for name, size in (("small", 100), ("fits", 1_000), ("large", 1_000)):
        model.register_buffer(name, torch.zeros(size))
    assert TensorBackup(walk(model)).not_copied == 4_000
    assert TensorBackup(walk(model), budget=500).not_copied == 8_000


def test_what_is_free_is_told_or_not() -> None:
    assert (room.free_bytes(torch.device("cpu")) or 1) > 0
    assert room.free_bytes(torch.device("cuda:0")) is None or torch.cuda.is_available()
    assert room.free_bytes(torch.device("meta")) is None


def test_copies_are_made_piece_by_piece_or_before_a_pass() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    told: list[Work] = []
    tree = walk(model)
    backup = TensorBackup(tree, tell=told.append)
    assert backup.not_copied == 0 and backup.copy_next() and backup.copy_next()
    Snapshot(tree, backup)
    assert not backup.copy_next()
    before = copy.deepcopy(model.state_dict())
    for parameter in model.parameters():
        parameter.data.mul_(2)
    assert [words.partition(":")[2] for words in backup.restore()] == [" values"] * 4
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


def test_what_was_written_before_anything_ran_is_nobodys_to_put_back() -> None:
    model = nn.Linear(4, 4)
    backup = TensorBackup(walk(model))
    backup.copy_next()
    model.weight.data.fill_(1)
    assert backup.restore() == [] and bool((model.weight == 1).all())


def test_nothing_is_written_where_nothing_changed() -> None:
    model = nn.Linear(4, 4)
    tree = walk(model)
    backup = TensorBackup(tree)
    snapshot = Snapshot(tree, backup)
    version, grad = model.weight._version, model.weight.grad
    assert snapshot.restore() == ([], [])
    assert model.weight._version == version and model.weight.grad is grad


@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float64, torch.bfloat16, torch.float8_e4m3fn, torch.int64, torch.bool, torch.complex64],
)
def test_same_bits(dtype: torch.dtype) -> None:
    a, b = torch.tensor([0.0, 1.0, 1.0]).to(dtype), torch.tensor([0.0, 1.0, 0.0]).to(dtype)
    assert same_bits(a, a.clone()) and not same_bits(a, b)
    assert not same_bits(a, a[:2]) and not same_bits(a, a.to(torch.int16))
    many = a.repeat(41)
    for count, start in itertools.product((1, 7, 8, 64, 120), (0, 1, 3)):  # also where eight bytes are no whole number
        part, copy = many[start:][:count], many.clone()[start:][:count]
        assert same_bits(part, copy) and same_bits(part, part.clone())
        copy[-1] = 1 - copy[-1].to(torch.int8)
        assert not same_bits(part, copy) and bool(differ(part, copy))
    square = (torch.arange(16) < 3).reshape(4, 4).to(dtype)
    assert same_bits(square.T, square.T.clone()) and not same_bits(square.T, square)


def test_same_bits_tells_what_equal_does_not() -> None:
    nan, zero = torch.tensor([float("nan")]), torch.tensor([0.0])
    assert same_bits(nan, nan.clone()) and not same_bits(zero, -zero)
    sparse = torch.eye(3).to_sparse()
    assert same_bits(sparse, sparse.clone()) and not same_bits(sparse, (2 * torch.eye(3)).to_sparse())


@pytest.fixture
def states() -> Iterator[dict[str, Any]]:
    kept = random_states()
    yield kept
    random.setstate(kept["python"])


@pytest.mark.parametrize(
    "draw",
    [random.random, numpy.random.rand, lambda: torch.rand(1), lambda: random.gauss(0, 1), lambda: numpy.random.randn()],
)
def test_every_generator_is_put_back_and_seeded(draw: Any) -> None:
    class Draws(nn.Module):
        def forward(self):
            drawn.put(float(draw()))

    drawn = queue.SimpleQueue[float]()  # a list that the forward closes over is put back
    model = Draws()
    tree = walk(model)
    draw()  # gauss keeps a second number back: part of the state
    before = fingerprint(model)
    for seed in (1, 2, 1):
        forward(tree, TensorBackup(tree), (), {}, seed=seed)
    draws = [drawn.get() for _ in range(3)]
    assert draws[0] == draws[2] != draws[1]
    assert_same(fingerprint(model), before)


def test_a_fingerprint_sees_any_bit_of_a_random_state(states: dict[str, Any]) -> None:
    model = nn.ReLU()
    before = fingerprint(model)
    assert fingerprint(model) == before
    state = torch.get_rng_state()
    changed = state.clone()
    changed[len(changed) // 2] ^= 1  # in the middle, where a printed tensor is abridged
    torch.set_rng_state(changed)
    different = fingerprint(model)
    torch.set_rng_state(state)
    assert different != before == fingerprint(model)
    kept = numpy.random.get_state()
    kept[1][300] ^= 1
    old = numpy.random.get_state()
    numpy.random.set_state(kept)
    different = fingerprint(model)
    numpy.random.set_state(old)
    assert different != before == fingerprint(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.weight.data.mul_(1 + 1e-7),
        lambda m: m.weight.detach().add_(0),
        lambda m: m.weight.requires_grad_(False),
        lambda m: m.train(not m.training),
        lambda m: m.register_forward_hook(lambda *a: None),
        lambda m: m._forward_hooks.update({1: None}),
        lambda m: setattr(m, "_forward_hooks", OrderedDict(m._forward_hooks)),
        lambda m: setattr(m.weight, "grad", torch.zeros(2, 2)),
        lambda m: m.notes["seen"].append(1),
        lambda m: m.table.add_(1),
        lambda m: setattr(m, "new", 1),
        lambda m: setattr(m, "__class__", Other),
        lambda m: m.weight.register_hook(lambda g: None),
    ],
)
def test_a_fingerprint_sees_any_change(change: Any) -> None:
    model = nn.Linear(2, 2)
    model.notes, model.table = {"seen": []}, torch.zeros(2)
    before = fingerprint(model)
    change(model)
    assert fingerprint(model) != before


class Other(nn.Linear):
    pass


def test_seeding_takes_any_seed() -> None:
    kept = random_states()
    for seed in (0, -1, 2**40):
        seed_everything(seed)
    restore_random(kept)


class FreesItsWeight(nn.Module):
    """As sharded training does between uses."""

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(4, 4)
        self.freed = nn.Parameter(torch.ones(1000))
        self.freed.untyped_storage().resize_(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.lin.bias.untyped_storage().resize_(0)
        return x


def test_freed_memory_is_not_touched() -> None:
    model = FreesItsWeight()
    before = model.lin.bias.tolist()
    with_session = Session(lambda event: None)
    with_session.adopt(model, (torch.ones(2, 4),), {}, "toy")
    ended = with_session.run()
    with_session.close()
    assert ended.problem is None
    assert ended.not_restored == ("lin.bias: memory (freed, cannot be put back)",), ended.not_restored
    assert model.lin.bias.tolist() == before  # somewhere else


@pytest.mark.skipif(not hasattr(torch.Tensor, "has_names"), reason="this version of torch has no names")
def test_a_tensor_with_names_is_compared() -> None:
    model = nn.Linear(4, 4)
    model.named = torch.zeros(2, 3, names=("a", "b"))
    with_session = Session(lambda event: None)
    with_session.adopt(model, (torch.ones(2, 4),), {}, "toy")
    ended = with_session.run()
    with_session.close()
    assert ended.restored == ended.not_restored == ()


class Counts:
    """An iterator of somebody's own, that says how much is left."""

    def __next__(self) -> int:
        raise AssertionError

    def __length_hint__(self) -> int:
        raise AssertionError


def test_nobodys_own_iterator_is_asked_how_much_is_left() -> None:
    model = nn.Identity()
    model.it = Counts()
    with_session = Session(lambda event: None)
    with_session.adopt(model, (torch.ones(2),), {}, "toy")
    assert with_session.run().problem is None
    with_session.close()


def test_nested_tensors_without_a_shape_are_compared() -> None:
    def nested(*parts: torch.Tensor) -> torch.Tensor:
        return torch.nested.nested_tensor(list(parts))

    one, other = torch.zeros(2, 3), torch.zeros(1, 3)
    assert same_bits(nested(one, other), nested(one, other))
    assert not same_bits(nested(one, other), nested(other, one))
    assert not same_bits(nested(one, other), nested(one, other + 1))
