"""Hooks, ours and other people's: listed with what can be known, switched off and on in place."""

from __future__ import annotations

import contextlib
import functools
import importlib
import warnings
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.modules import module as torch_modules
from torch.utils.hooks import RemovableHandle

from inspector.engine.answers import answer
from inspector.engine.modules.tree import ModuleTree, walk
from inspector.engine.session import Session
from inspector.engine.torch_hooks.dicts import GLOBAL_KINDS, LEGACY, MODULE_KINDS, OPTIMIZER_KINDS, TENSOR_KINDS
from inspector.engine.torch_hooks.ledger import Ledger
from inspector.engine.torch_hooks.outputs import OUTPUT_KIND
from inspector.engine.torch_hooks.slots import reserve_ids
from inspector.errors import UsageError
from inspector.records import AddHook, HookRow, HookSpec, Run
from tests.fingerprint import fingerprint
from tests.models import build

optimizers = importlib.import_module("torch.optim.optimizer")  # torch.optim deletes the name


def ledger() -> Ledger:
    return Ledger(lambda module: {})


def every_row(book: Ledger, tree: ModuleTree) -> list[HookRow]:
    """Of the process, then of the model, module by module."""
    of_modules = [row for node in tree.objects() for row in book.rows(node.module, path=tree.paths[node.index])]
    return [*book.process_rows(), *of_modules]


def called(log: list[int], number: int) -> Any:
    return lambda *args: log.append(number)


def with_hooks(count: int, log: list[int]) -> tuple[nn.Module, list[RemovableHandle]]:
    """A module whose forward hooks log their number; every second one has flags."""
    module = nn.ReLU()
    handles = []
    for number in range(count):
        flagged = number % 2 == 1
        handles.append(
            module.register_forward_hook(called(log, number), with_kwargs=flagged, always_call=flagged)
            if number != 2
            else module.register_forward_hook(called(log, number), prepend=True)
        )
    return module, handles


def snapshot(module: nn.Module) -> dict[str, Any]:
    return {k: v for k, v in fingerprint(module).items() if k.startswith("module")}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_enabled_in_any_order_all_is_as_before(order: tuple[int, ...]) -> None:
    log: list[int] = []
    module, handles = with_hooks(4, log)
    before, held = snapshot(module), module._forward_hooks
    book = ledger()
    for number in (1, 0, 3):
        book.toggle(module, "forward", handles[number].id, False)
    assert list(module._forward_hooks) == [handles[2].id]
    for index in order:
        book.toggle(module, "forward", handles[(1, 0, 3)[index]].id, True)
    assert snapshot(module) == before and module._forward_hooks is held
    module(torch.ones(1))
    assert log == [2, 0, 1, 3]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 6), st.data())
def test_any_toggling_at_all_ends_as_before(count: int, data: st.DataObject) -> None:
    log: list[int] = []
    module, handles = with_hooks(count, log)
    module(torch.ones(1))
    firing, before, book = list(log), snapshot(module), ledger()
    disabled: set[int] = set()
    for number, on in data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.booleans()), max_size=12)):
        book.toggle(module, "forward", handles[number].id, on)
        (disabled.discard if on else disabled.add)(number)
        log.clear()
        module(torch.ones(1))
        assert log == [number for number in firing if number not in disabled]
        rows = book.rows(module)
        assert [row.id for row in rows] == [handles[number].id for number in firing]
        assert [row.enabled for row in rows] == [number not in disabled for number in firing]
    book.enable_all()
    assert snapshot(module) == before


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(5)), st.permutations(range(5)))
def test_every_order_of_disabling_and_enabling(off: list[int], on: list[int]) -> None:
    module, handles = with_hooks(5, [])
    before, book = snapshot(module), ledger()
    for number in off:
        book.toggle(module, "forward", handles[number].id, False)
    for number in on:
        book.toggle(module, "forward", handles[number].id, True)
    assert snapshot(module) == before


MODULE = {
    "forward_pre": "register_forward_pre_hook",
    "forward": "register_forward_hook",
    "full_backward_pre": "register_full_backward_pre_hook",
    "full_backward": "register_full_backward_hook",
    LEGACY: "register_backward_hook",
    "state_dict_pre": "register_state_dict_pre_hook",
    "state_dict": "register_state_dict_post_hook",
    "load_state_dict_pre": "register_load_state_dict_pre_hook",
    "load_state_dict_post": "register_load_state_dict_post_hook",
}
TENSOR = {"parameter": "register_hook", "post_accumulate_grad": "register_post_accumulate_grad_hook"}
GLOBAL = {
    "global forward_pre": torch_modules.register_module_forward_pre_hook,
    "global forward": torch_modules.register_module_forward_hook,
    "global full_backward_pre": torch_modules.register_module_full_backward_pre_hook,
    "global full_backward": torch_modules.register_module_full_backward_hook,
    f"global {LEGACY}": torch_modules.register_module_backward_hook,
    "optimizer step_pre": optimizers.register_optimizer_step_pre_hook,
    "optimizer step_post": optimizers.register_optimizer_step_post_hook,
}
EVERY = [*MODULE, *TENSOR, *GLOBAL]
assert set(EVERY) >= {kind.name for kind in (*MODULE_KINDS, *TENSOR_KINDS, *GLOBAL_KINDS, *OPTIMIZER_KINDS)}


class Bench:
    """One linear layer, and whatever fires each kind of hook on it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.module = nn.Linear(2, 2)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=0.0)
        self.ledger = ledger()
        self.log: list[int] = []
        self.handles: list[RemovableHandle] = []
        self.holder = None if kind in GLOBAL else self.module
        self.of = "weight" if kind in TENSOR else ""

    def register(self, number: int, **flags: bool) -> RemovableHandle:
        hook = called(self.log, number)
        if self.kind in GLOBAL:
            handle = GLOBAL[self.kind](hook, **flags)
        else:
            place = self.module.weight if self.kind in TENSOR else self.module
            handle = getattr(place, {**MODULE, **TENSOR}[self.kind])(hook, **flags)
        self.handles.append(handle)
        return handle

    def toggle(self, handle: RemovableHandle, on: bool) -> None:
        self.ledger.toggle(self.holder, self.kind, handle.id, on, self.of)

    def rows(self) -> tuple[HookRow, ...]:
        return self.ledger.process_rows() if self.holder is None else self.ledger.rows(self.module)

    def fire(self) -> list[int]:
        """The numbers of the hooks that fired."""
        self.log.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of legacy backward hooks
            self.module(torch.ones(1, 2, requires_grad=True)).sum().backward()
        self.optimizer.step()
        self.module.load_state_dict(self.module.state_dict())
        self.optimizer.zero_grad()
        return list(self.log)

    def state(self) -> dict[str, Any]:
        found = fingerprint(self.module)
        tensors = {key: value[3] for key, value in found.items() if key.startswith("tensor")}  # their hooks
        return {key: value for key, value in found.items() if key.startswith(("module", "hooks"))} | tensors


@contextlib.contextmanager
def bench_of(kind: str) -> Iterator[Bench]:
    made = Bench(kind)
    full = torch_modules._global_is_full_backward_hook
    try:
        yield made
    finally:
        made.ledger.enable_all()
        for handle in made.handles:
            handle.remove()
        torch_modules._global_is_full_backward_hook = full


@pytest.fixture
def bench(kind: str) -> Iterator[Bench]:
    with bench_of(kind) as made:
        yield made


@pytest.mark.parametrize("kind", EVERY)
def test_every_kind_is_listed_and_switched(bench: Bench) -> None:
    handle = bench.register(1)
    assert bench.fire() == [1]
    before = bench.state()
    (row,) = bench.rows()
    assert (row.kind, row.id, row.of, row.ours, row.enabled) == (bench.kind, handle.id, bench.of, False, True)
    assert row.owner == __name__ and row.file == __file__ and row.name.endswith("<lambda>")
    bench.toggle(handle, False)
    (off,) = bench.rows()
    assert not off.enabled and (off.kind, off.id, off.name, off.file) == (row.kind, row.id, row.name, row.file)
    assert bench.fire() == [] and bench.ledger.count_foreign(bench.module) == 0
    bench.toggle(handle, True)
    assert bench.state() == before and [row.enabled for row in bench.rows()] == [True]
    assert bench.fire() == [1]
    handle.remove()
    assert bench.rows() == () and bench.fire() == []


@pytest.mark.parametrize("kind", EVERY)
def test_the_users_handle_still_removes(bench: Bench) -> None:
    handle = bench.register(1)
    bench.toggle(handle, False)
    bench.toggle(handle, True)
    handle.remove()
    assert bench.rows() == () and bench.fire() == []


@pytest.mark.parametrize("kind", EVERY)
def test_a_hook_that_was_there_alone_while_it_was_off(bench: Bench) -> None:
    """Others come and go in the dict that autograd and torch go on to hold."""
    handle = bench.register(1)
    bench.toggle(handle, False)
    second = bench.register(2)
    assert bench.fire() == [2]
    bench.toggle(handle, True)
    assert bench.fire() == [1, 2]
    second.remove()
    assert bench.fire() == [1]


@pytest.mark.parametrize("kind", EVERY)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=10))
def test_any_toggling_of_every_kind_ends_as_before(kind: str, steps: list[tuple[int, bool]]) -> None:
    with bench_of(kind) as bench:
        handles = [bench.register(number) for number in range(4)]
        before, off = bench.state(), set()
        for number, on in steps:
            bench.toggle(handles[number], on)
            (off.discard if on else off.add)(number)
            assert bench.fire() == [number for number in range(4) if number not in off]
            assert [(row.id, row.enabled) for row in bench.rows()] == [
                (handle.id, number not in off) for number, handle in enumerate(handles)
            ]
        bench.ledger.enable_all()
        assert bench.state() == before
        for handle in handles:
            handle.remove()
        assert bench.fire() == []


@pytest.mark.parametrize("kind", ["global forward", "forward"])
def test_flags_survive_being_off(bench: Bench) -> None:
    handle = bench.register(1, with_kwargs=True, always_call=True)
    before = bench.state()
    for on in (False, True):
        bench.toggle(handle, on)
        (row,) = bench.rows()
        assert row.flags == ("with_kwargs", "always_call") and row.enabled is on
    assert bench.state() == before
    bench.toggle(handle, False)
    assert not torch_modules._global_forward_hooks_with_kwargs and not bench.module._forward_hooks_always_called
    bench.toggle(handle, True)
    handle.remove()
    torch_modules._global_forward_hooks_with_kwargs.pop(handle.id, None)  # torch itself forgets to


@pytest.mark.parametrize("kind", ["forward_pre", "forward", "full_backward_pre", "full_backward"])
def test_a_prepended_hook_is_told_apart_on_or_off(bench: Bench) -> None:
    first, second = bench.register(1), bench.register(2)
    front = bench.register(3, prepend=True)

    def flags() -> dict[int, tuple[str, ...]]:
        return {row.id: row.flags for row in bench.rows()}

    expected = {front.id: ("prepend",), first.id: (), second.id: ()}
    assert flags() == expected
    bench.toggle(front, False)
    assert flags() == expected
    bench.toggle(first, False)
    assert flags() == expected
    bench.ledger.enable_all()
    assert bench.fire() == [3, 1, 2]


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


def test_a_tied_parameter_is_listed_at_its_first_owner_and_switched_at_any() -> None:
    model, log = Tied(), []
    handle = model.a.weight.register_hook(called(log, 1))
    book = Ledger(lambda module: {}, walk(model))
    (row,) = book.rows(model.a, path=("a",))
    assert (row.kind, row.of, row.path) == ("parameter", "weight", ("a",))
    assert book.rows(model.b) == () and book.count_foreign(model.b) == 0 and book.count_foreign(model.a) == 1
    assert [(row.path, row.of) for row in every_row(book, walk(model))] == [(("a",), "weight")]
    book.toggle(model.b, "parameter", handle.id, False, "weight")
    assert [row.enabled for row in book.rows(model.a)] == [False]
    model.b.weight = nn.Parameter(torch.ones(2, 2))  # no longer tied: its own hooks are its own
    model.b.weight.register_hook(called(log, 2))
    assert [row.of for row in book.rows(model.b)] == ["weight"]


def test_reading_a_hook_computes_no_parametrized_weight() -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    original = module.parametrizations.weight.original1
    handle = original.register_hook(lambda grad: None)
    calls: list[object] = []
    module.parametrizations.weight[0].register_forward_hook(lambda *args: calls.append(args))
    model = nn.Sequential(module)
    book = Ledger(lambda module: {}, walk(model))
    found = [(row.path, row.kind, row.of) for row in every_row(book, walk(model))]
    assert (("0", "parametrizations", "weight"), "parameter", "original1") in found
    book.toggle(module.parametrizations.weight, "parameter", handle.id, False, "original1")
    assert not original._backward_hooks and not calls


def test_a_hook_on_a_computed_tensor_is_locked() -> None:
    module = nn.ReLU()
    module.scale = torch.ones(2, requires_grad=True) * 2
    handle = module.scale.register_hook(lambda grad: None)
    (row,) = ledger().rows(module)
    assert (row.kind, row.of) == ("parameter", "scale") and "computed" in row.locked
    with pytest.raises(UsageError, match="cannot be switched"):
        ledger().toggle(module, "parameter", handle.id, False, "scale")
    assert handle.id in module.scale._backward_hooks


def test_a_tensor_subclass_is_not_told_that_it_is_looked_at() -> None:
    model, *_ = build("evil_buffer")
    tree = walk(model)
    assert every_row(Ledger(lambda module: {}, tree), tree) == []


def test_hooks_compiled_into_torchscript_are_locked() -> None:
    def double(self, input: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        return output * 2

    linear = nn.Linear(2, 2)
    double.__annotations__ = {"input": tuple[torch.Tensor], "output": torch.Tensor, "return": torch.Tensor}
    linear.register_forward_hook(double)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = walk(torch.jit.script(nn.Sequential(linear))).nodes[1].module
    (row,) = ledger().rows(scripted)
    assert "TorchScript" in row.locked
    with pytest.raises(UsageError):
        ledger().toggle(scripted, "forward", row.id, False)


def test_ours_are_told_on_tensors_too() -> None:
    module = nn.Linear(2, 2)
    handle = module.weight.register_hook(lambda grad: None)
    module.weight.register_hook(lambda grad: None)
    book = Ledger(lambda module: {handle.id: "clip(1)"})
    assert {row.id: row.name for row in book.rows(module) if row.ours} == {handle.id: "clip(1)"}
    assert book.count_foreign(module) == 1


def test_an_id_that_came_with_a_pickled_model_is_not_given_out_again() -> None:
    module = nn.ReLU()
    taken = RemovableHandle.next_id + 5
    module._forward_hooks[taken] = print  # as unpickling leaves it
    reserve_ids(walk(module))
    assert module.register_forward_hook(lambda *args: None).id > taken


def test_a_pass_that_hooks_parameters_and_the_process_is_taken_back() -> None:
    class Hooks(nn.Linear):
        def forward(self, x):
            self.weight.register_hook(lambda grad: None)
            self.bias.register_post_accumulate_grad_hook(lambda tensor: None)
            torch_modules.register_module_forward_hook(lambda *args: None)
            torch_modules.register_module_full_backward_hook(lambda *args: None)
            return super().forward(x)

    kept = torch_modules.register_module_forward_pre_hook(lambda *args: None)
    model = Hooks(2, 2)
    mine = model.weight.register_hook(lambda grad: None)
    before = fingerprint(model)
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(1, 2),), {}, "hooks")
    summary = session.run()
    assert "weight: backward hooks" in summary.restored and "global forward hooks" in summary.restored
    assert list(model.weight._backward_hooks) == [mine.id] and not torch_modules._global_forward_hooks
    session.close()
    assert fingerprint(model) == before and kept.id in torch_modules._global_forward_pre_hooks
    kept.remove()


def test_a_pass_that_drops_a_parameters_hooks_gives_them_back() -> None:
    class Drops(nn.Linear):
        def forward(self, x):
            self.weight._backward_hooks = None
            return super().forward(x)

    model, log = Drops(2, 2), []
    handle = model.weight.register_hook(called(log, 1))
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(1, 2),), {}, "drops")
    assert "weight: backward hooks" in session.run().restored
    session.close()
    nn.functional.linear(torch.ones(1, 2), model.weight).sum().backward()
    assert log == [1]
    handle.remove()
    assert not model.weight._backward_hooks


def test_switching_twice_changes_nothing() -> None:
    module, handles = with_hooks(3, [])
    before, book = snapshot(module), ledger()
    book.toggle(module, "forward", handles[0].id, True)
    assert snapshot(module) == before
    book.toggle(module, "forward", handles[0].id, False)
    book.toggle(module, "forward", handles[0].id, False)
    book.enable_all()
    assert snapshot(module) == before


def test_a_hook_that_came_or_went_meanwhile() -> None:
    log: list[int] = []
    module, handles = with_hooks(3, log)  # fires 2, 0, 1
    book = ledger()
    book.toggle(module, "forward", handles[0].id, False)
    handles[2].remove()
    module.register_forward_hook(called(log, 9))
    book.toggle(module, "forward", handles[0].id, True)
    module(torch.ones(1))
    assert log == [0, 1, 9]


@pytest.mark.parametrize(("kind", "hook_id"), [("forward", 12345), ("nonsense", 1), ("backward", 1), (LEGACY, 1)])
def test_what_is_not_there_is_refused(kind: str, hook_id: int) -> None:
    with pytest.raises(UsageError):
        ledger().toggle(nn.ReLU(), kind, hook_id, False)


def test_flags_and_names() -> None:
    class Callable_:
        def __call__(self, module, args, kwargs):
            pass

        def method(self, module, args):
            pass

    def plain(scale, module, args, output):
        pass

    module = nn.ReLU()
    module.register_forward_pre_hook(Callable_(), with_kwargs=True)
    module.register_forward_pre_hook(Callable_().method)
    module.register_forward_hook(functools.partial(plain, 2), always_call=True)
    module.register_state_dict_pre_hook(lambda *a: None)
    rows = ledger().rows(module)
    assert [row.flags for row in rows] == [("with_kwargs",), (), ("always_call",), ()]
    assert rows[0].name == "Callable_" and rows[1].name.endswith("Callable_.method") and rows[2].name.endswith("plain")
    assert rows[2].line == plain.__code__.co_firstlineno


def test_a_hook_with_hostile_attributes_is_listed() -> None:
    class Hostile:
        __qualname__ = "\ud800[/]"
        __slots__ = ()

        def __call__(self, *args):
            pass

        def __getattr__(self, name):
            raise RuntimeError("no attributes")

    module = nn.ReLU()
    module.register_forward_hook(Hostile())
    module.register_forward_hook(torch.relu_)
    rows = ledger().rows(module)
    assert [row.name for row in rows] == ["\\ud800[/]", "_VariableFunctionsClass.relu_"]


def test_a_session_tells_ours_from_theirs_and_counts() -> None:
    model, args, kwargs = build("own_hooks")
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "own_hooks")
    session.run()
    rows = session.queries.hooks(("0",)).rows
    assert [row.kind for row in rows if row.ours] == ["forward_pre", "forward"]
    assert {row.fired for row in rows if row.ours} == {1}
    assert sum(not row.ours for row in rows) == 11
    assert session.subject.marks().foreign == {1: 11}
    session.close()


def test_a_disabled_hook_does_not_run_and_comes_back_at_the_end() -> None:
    model, args, kwargs = build("own_hooks")
    before = fingerprint(model)
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "own_hooks")
    plus_one = next(row for row in session.queries.hooks(("0",)).rows if row.name.endswith("post_kw"))

    def mean() -> float:
        session.run()
        return session.calls_of(("0",)).calls[0].output.statistics.mean

    with_hook = mean()
    session.set_hook(("0",), plus_one.kind, plus_one.id, False)
    assert [row.enabled for row in session.queries.hooks(("0",)).rows if row.id == plus_one.id] == [False]
    assert mean() == pytest.approx(with_hook - 1, abs=1e-6)
    session.close()
    assert fingerprint(model) == before


def test_ours_are_switched_with_observing() -> None:
    model, args, kwargs = build("mlp")
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "mlp")
    row = session.queries.hooks(("0",)).rows[0]
    session.set_hook(("0",), row.kind, row.id, True)  # on already
    assert session.queries.hooks(("0",)).observed
    session.set_hook(("0",), row.kind, row.id, False)
    assert not session.queries.hooks(("0",)).observed
    assert session.subject.marks().observed == bytes([1, 0, 1, 1])
    session.close()


class Cam(nn.Module):
    """Hooks its own activations, as Grad-CAM does."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.head = nn.Linear(3, 1)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.body(x)
        if hidden.requires_grad:
            hidden.register_hook(self.seen.append)
        return self.head(hidden)


def test_hooks_on_the_tensors_of_a_backward_pass_are_listed_and_shown() -> None:
    session = Session(lambda event: None)
    session.adopt(Cam(), (torch.ones(1, 2),), {}, "toy")
    answer(session, AddHook(1, "body", "scale(2, on='grad')"))
    session.run()
    assert not any(row.kind == OUTPUT_KIND for row in session.queries.all_hooks(0, 100).rows)
    session.run(Run(1, backward=True))
    (row,) = [row for row in session.queries.all_hooks(0, 100).rows if row.kind == OUTPUT_KIND]
    assert row.path == ("body", "1") and row.fired == 1 and row.locked and "tensor 0" in row.of
    assert "append" in row.name
    assert session.queries.hook_source(("body", "1"), OUTPUT_KIND, row.id).notes  # of a C function there is no source
    with pytest.raises(UsageError, match="went with"):
        session.queries.hook_source(("head",), OUTPUT_KIND, row.id)
    session.close()


def test_the_source_of_a_hook_of_ours_is_what_a_person_wrote() -> None:
    session = Session(lambda event: None)
    session.adopt(Cam(), (torch.ones(1, 2),), {}, "toy")
    code = "def hook(module, args, kwargs, output):\n    return output * 2\n"
    answer(session, AddHook(1, "head", HookSpec("python", code=code)))
    answer(session, AddHook(1, "head", "scale(2)"))
    own, kind = (row for row in session.queries.hooks(("head",)).rows if row.name in ("python()", "scale(2)"))
    assert session.queries.hook_source(("head",), own.kind, own.id).text == code
    assert "def scale(factor" in session.queries.hook_source(("head",), kind.kind, kind.id).text
    session.close()
