"""What is said of a module: each badge where it is true and nowhere else, and what ran without a hook call."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, get_args

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from inspector.engine.modules.badges import badges, devices_of, has_forward, may_fuse
from inspector.engine.modules.rows import badges_of, module_rows
from inspector.engine.modules.tree import walk
from inspector.engine.passes import unhooked
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import CallRow, Note, PassSummary, Run, Target, TensorValue
from inspector.records.badges import BADGES, Badge, BadgeName, badge_word, explain_uncalled, has_badge
from inspector.report.model import Report
from inspector.report.tree import render_tree
from inspector.tui import format as fmt
from tests.models import build


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines that are shared stall for seconds, and a profiler of another test would hear in place of the look."""
    monkeypatch.setattr(unhooked, "LONGEST", 60)
    sys.setprofile(None)


def list_rows(session: Session) -> list[CallRow]:
    """The calls of its last pass, as they are told."""
    return [row for told in session.runner.last.list_calls(1) for row in told.rows]


class Opened:
    """A session on a model, and what was told."""

    def __init__(self, model: nn.Module, *args: Any, grad: bool = False, **run: Any) -> None:
        self.told: list[Any] = []
        self.session = Session(self.told.append)
        with torch.set_grad_enabled(grad):
            self.session.adopt(model, args, {}, "toy")
        self.ended: PassSummary = self.session.run(Run(self.session.generation, **run))

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *exc: object) -> None:
        self.session.close()

    def said_of(self) -> dict[str, str]:
        """What stands in place of an output, of every module without a call."""
        tree = self.session.subject.tree
        called = {call.index for call in self.session.runner.last.calls}
        above = {i for index in called for i in self._above(index)} | set(self.ended.direct)
        return {
            ".".join(tree.paths[row.index]): explain_uncalled(row.badges, row.index in above)
            for row in module_rows(tree)
            if row.index not in called
        }

    def _above(self, index: int) -> Iterator[int]:
        parent = self.session.subject.tree.nodes[index].parent
        while parent >= 0:
            yield parent
            parent = self.session.subject.tree.nodes[parent].parent

    def tree_text(self) -> list[str]:
        calls: Sequence[CallRow] = list_rows(self.session)
        assert self.session.subject.info is not None
        report = Report(self.session.subject.info, module_rows(self.session.subject.tree), calls, summary=self.ended)
        return [" ".join(line.split()) for line in render_tree(report, 160).splitlines()]


X = torch.ones(2, 4)


def test_every_badge_has_a_sign_a_word_and_a_meaning() -> None:
    assert set(BADGES) == set(get_args(BadgeName))
    for name in BADGES:
        badge = Badge(name, "cuda:1" if name == "device" else "")
        mark = fmt.badge_mark(badge)
        assert mark in fmt.MARKS and mark is not fmt.OTHER
        assert mark.word == badge_word(badge) and mark.meaning == BADGES[name]


class CallsForward(nn.Module):
    """One child as it should be, one past its `__call__`, one with its weight only, one not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.direct, self.borrowed, self.idle = (nn.Linear(4, 4) for _ in range(4))
        self.inner = nn.Sequential(nn.Linear(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.direct.forward(self.called(x)) + self.borrowed.weight[0]
        for layer in self.inner:
            x = layer(x)
        return x


def test_what_ran_without_a_hook_call_is_told_from_what_did_not_run() -> None:
    with Opened(CallsForward(), X) as opened:
        if opened.ended.not_restored:  # as by what another test left running: no look follows such a pass
            opened.ended = opened.session.run(Run(opened.session.generation))
        assert opened.said_of() == {
            "direct": "no hook call", "borrowed": "not called", "idle": "not called", "inner": "no hook call",
        }, opened.ended  # fmt: skip
        text = opened.tree_text()
        assert any(line.startswith("direct Linear 20 no hook call") for line in text)
        assert any(line.startswith("idle Linear 20 not called") for line in text)


class SlowAtFirst(CallsForward):
    """As a model that compiles in its first pass, and keeps the result where no pass takes it back."""

    def __init__(self, kept: Path) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.kept.exists():
            time.sleep(1.1)
            self.kept.touch()
        return super().forward(x)


def test_a_slow_first_pass_is_looked_at_all_the_same(tmp_path: Path) -> None:
    with Opened(SlowAtFirst(tmp_path / "kept"), X) as opened:
        assert opened.said_of()["direct"] == "no hook call"


def test_a_look_that_takes_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unhooked, "LONGEST", -1)
    with Opened(CallsForward(), X) as opened:
        assert opened.said_of()["direct"] == "not called"
        ended = opened.ended
        assert (ended.problem, ended.unobserved, ended.not_restored) == (None, None, ()), ended


class InThread(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: self.lin.forward(x)).result()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("bypass", {"child": "no hook call"}),
        ("other_method", {"enc": "no forward"}),
        ("never_called", {"aux_head": "not called"}),
        ("mha", {"out_proj": "not called"}),
        ("custom_call", {"0": "no hook call"}),
        ("shared_relu", {}),
    ],
)
def test_of_each_toy(model: str, said: dict[str, str]) -> None:
    made, args, kwargs = build(model)
    session = Session(lambda event: None)
    session.adopt(made, args, kwargs, model)
    session.close()
    with Opened(made, *args) as opened:
        assert opened.said_of() == said


def test_a_forward_on_another_thread_is_seen_too() -> None:
    with Opened(InThread(), X) as opened:
        assert opened.said_of() == {"lin": "no hook call"}


def test_a_forward_of_a_base_class_is_no_reason_for_another_pass() -> None:
    passes: SimpleQueue[int] = SimpleQueue()  # what a list holds is put back after a pass

    class Derived(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            passes.put(1)
            return super().forward(x)

    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.idle = Derived(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.a(x)

    with Opened(Holds(), X) as opened:
        assert opened.said_of() == {"idle": "not called"} and passes.qsize() == 1


def test_without_a_forward_there_is_nothing_to_run() -> None:
    session = Session(lambda event: None)
    session.adopt(nn.ModuleList([nn.ReLU()] * 3), (), {}, "toy")
    assert (
        session.subject.info is not None
        and not session.subject.info.runnable
        and session.subject.info.notes[-1].startswith("ModuleList has")
    )
    with pytest.raises(UsageError, match="no forward"):
        session.run()
    session.close()
    assert has_forward(nn.ReLU()) and has_forward(build("lambda_forward")[0]) and has_forward(build("scripted")[0])


class Checkpoints(nn.Module):
    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.reentrant = reentrant
        self.before = nn.Linear(4, 4)
        self.block = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))

    def forward(self, x: torch.Tensor) -> Any:
        return checkpoint(self.block, self.before(x), use_reentrant=self.reentrant)


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_checkpointing_recomputes_is_marked(reentrant: bool) -> None:
    with Opened(Checkpoints(reentrant), X, backward=True) as opened:
        calls = list_rows(opened.session)
        assert opened.ended.problem is None and {call.status for call in calls} == {"ok"}
        again = [(call.module, call.call) for call in calls if call.recomputed]
        assert again == [(3, 1), (4, 1), (5, 1), (2, 1)]
        text = opened.tree_text()
        assert any("block Sequential 40" in line and line.endswith("×2, recomputed") for line in text)
        assert not any("before" in line and "recomputed" in line for line in text)


def test_a_forward_pass_recomputes_nothing() -> None:
    with Opened(Checkpoints(False), X) as opened:
        assert not any(call.recomputed for call in list_rows(opened.session))


class FailsWhenRecomputed(Checkpoints):
    def __init__(self) -> None:
        super().__init__(False)
        self.block.append(FailsSecond())


class FailsSecond(nn.Module):
    times = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.times += 1
        if self.times > 1:
            raise ValueError("the second time")
        return x * x


def test_an_error_while_recomputing_is_an_error() -> None:
    with Opened(FailsWhenRecomputed(), X, backward=True) as opened:
        assert opened.ended.problem is not None and "the second time" in opened.ended.problem.what
        assert opened.ended.problem.path == ("block", "3")
        raised = [call for call in list_rows(opened.session) if call.status == "raised"]
        assert [(call.module, call.recomputed) for call in raised] == [(6, True), (2, True)]


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyConv1d(2, 3))


def test_a_pass_over_lazy_modules_has_to_be_allowed() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU())
    session = Session(lambda event: None)
    session.adopt(model, (X,), {}, "toy")
    assert session.subject.info.lazy == 1
    with pytest.raises(UsageError, match="would materialize a lazy module"):
        session.run()
    assert type(model[0]) is nn.LazyLinear
    for request in (Run(session.generation, materialize=True), Run(session.generation)):
        ended = session.run(request)
        assert ended.problem is None and ended.calls == 3
        assert type(model[0]) is nn.LazyLinear, "it is lazy again after each"
    session.close()


def test_no_input_is_guessed_for_lazy_modules() -> None:
    told: list[Any] = []
    session = Session(told.append)
    opened = session.adopt(lazy(), (), {}, "toy")
    assert opened.info.lazy == 2 and opened.form and opened.problem is None and session.subject.sample is None
    assert not [event for event in told if isinstance(event, Note)], "nothing was tried"
    session.close()


def test_a_target_may_allow_it() -> None:
    session = Session(lambda event: None)
    session.adopt(nn.Sequential(nn.LazyLinear(4)), (X,), {}, "toy")
    session.subject.target = Target("toy", materialize=True)
    assert session.run().problem is None
    session.close()


def layer(**changed: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        **{"d_model": 8, "nhead": 2, "dim_feedforward": 8, "batch_first": True, **changed}
    )


class OwnForward(nn.TransformerEncoderLayer):
    def forward(self, src: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return src


def test_a_fused_path_is_one_that_torch_would_take() -> None:
    assert may_fuse(layer().eval()) and may_fuse(layer(activation="gelu").eval())
    assert not may_fuse(layer().train())
    assert not may_fuse(layer(batch_first=False).eval()) and not may_fuse(layer(activation=torch.tanh).eval())
    assert not may_fuse(layer(nhead=1).eval()) and not may_fuse(layer(bias=False).eval())
    assert not may_fuse(OwnForward(8, 2, batch_first=True).eval())
    replaced = layer().eval()
    replaced.norm1 = nn.Identity()  # type: ignore[assignment]
    assert not may_fuse(replaced)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert may_fuse(nn.TransformerEncoder(layer(), 2).eval())
        assert not may_fuse(nn.TransformerEncoder(layer(nhead=1), 2).eval())


def encoder() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.TransformerEncoder(layer(), 3).eval()


def test_observing_a_fused_path_says_what_it_changes() -> None:
    model = encoder()
    own = model.layers[0].linear1.register_forward_hook(lambda *args: None)  # type: ignore[union-attr]
    own.remove()
    with Opened(model, torch.ones(2, 3, 8)) as opened:
        assert (opened.ended.calls, opened.ended.unobserved) == (28, 4)
        assert "fused path: 4 calls where nothing is observed" in opened.tree_text()
        said = [event.text for event in opened.told if isinstance(event, Note)]
        assert said == ["fused path: 4 calls where nothing is observed, 28 in this pass"]
        ids = [row.id for row in opened.session.queries.hooks(()).rows]
        assert opened.session.run().unobserved == 4, "and again, without another pass"
        assert [row.id for row in opened.session.queries.hooks(()).rows] == ids
    with Opened(model, torch.ones(2, 3, 8), grad=True) as opened:
        assert (opened.ended.calls, opened.ended.unobserved) == (28, None), "gradients leave it too"


def test_devices_are_named_where_there_are_several() -> None:
    own = [torch.ones(1), torch.ones(1, device="meta")]
    assert devices_of(own) == {"cpu"}
    assert [*map(badge_word, badges(nn.ReLU(), own, several=True))] == ["meta", "on cpu"]
    assert list(badges(nn.ReLU(), own)) == [Badge("meta")]
    mixed = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta"))
    assert [row.badges for row in module_rows(walk(mixed))] == [(), (), (Badge("meta"),)]


@pytest.fixture
def one_process() -> Iterator[None]:
    import torch.distributed as dist

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_sharded_models(one_process: None) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

    mesh = init_device_mesh("cpu", (1,))
    plan = {"0": ColwiseParallel(), "2": RowwiseParallel()}
    tensor_parallel = parallelize_module(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), mesh, plan)
    fsdp = fully_shard(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), mesh=mesh)
    # FSDP asks a stream for events, which torch before 2.7 has on accelerators alone
    models = (tensor_parallel, fsdp) if hasattr(torch.cpu.Stream, "record_event") else (tensor_parallel,)
    for model in models:
        with Opened(model, X, backward=True) as opened:
            assert opened.ended.problem is None and opened.ended.calls == 4
            tree = opened.session.subject.tree
            found = {".".join(path): row.badges for path, row in zip(tree.paths, module_rows(tree), strict=True)}
            assert found["0"] == found["2"] == (Badge("sharded"),) and found["1"] == ()
            weight = opened.session.queries.parameters((), 10).rows[0].value
            assert isinstance(weight, TensorValue) and (weight.type, weight.shape, weight.nbytes) == (
                "DTensor",
                (8, 4),
                128,
            )
            assert weight.statistics is not None and weight.statistics.of == "values in the shard that is here"
            assert opened.session.subject.info.notes[-1].startswith("sharded: ")


def test_parametrized_in_either_way() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = torch.nn.utils.weight_norm(nn.Linear(2, 2))
    new = torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    assert badges_of(old) == badges_of(new) == (Badge("parametrized"),)


def test_quantized_by_class_or_by_tensor() -> None:
    holder = nn.Module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        holder.register_buffer("weight", torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8))
    holder.forward = lambda x: x  # type: ignore[method-assign, assignment]
    assert badges_of(holder) == (Badge("quantized"),)
    assert has_badge(badges_of(build("quantized_dynamic")[0][0]), "quantized")


def test_compiled_models_run_eagerly_and_say_so() -> None:
    for name in ("compiled", "compiled_inplace"):
        model, args, _ = build(name)
        with Opened(model, *args) as opened:
            assert opened.ended.problem is None
            assert (
                "compiled modules run eagerly here: compiled code would ignore hooks"
                in opened.session.subject.info.notes
            )


def test_what_a_badge_means_is_told_with_the_attributes() -> None:
    with Opened(build("tied_weights")[0], torch.tensor([1])) as opened:
        flags = opened.session.queries.attributes(("emb",)).flags
        assert flags.items[flags.keys.index("tied")].value == BADGES["tied"]  # type: ignore[union-attr]
