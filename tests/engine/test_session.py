"""One model under inspection, without a channel: what each request finds."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import nn

from inspector.engine.inputs.guess import TRIES
from inspector.engine.recording.call_values import OVER_BUDGET
from inspector.engine.session import Session
from inspector.engine.subject import announcing, model_info
from inspector.engine.subject import runner as runner_module
from inspector.engine.values.kernels import cpu_statistics
from inspector.errors import InspectorError, UsageError
from inspector.records import (
    AnyEvent,
    Brief,
    CallRows,
    Calls,
    HookMarks,
    ModuleRows,
    Note,
    Opened,
    PassEnded,
    PassSummary,
    Progress,
    Run,
    Target,
    TensorValue,
    Work,
)
from tests.models import build


class Opening:
    """A session on a toy, and what it told."""

    def __init__(self, name: str) -> None:
        model, args, kwargs = build(name)
        self.told: list[AnyEvent] = []
        self.session = Session(self.told.append)
        self.opened: Opened = self.session.adopt(model, args, kwargs, name)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]


def mean(calls: Calls, index: int = 0) -> float:
    output = calls.calls[index].output
    assert isinstance(output, TensorValue) and output.statistics is not None
    return output.statistics.mean


def test_what_is_said_of_a_model() -> None:
    info = Opening("tied_weights").opened.info
    assert (info.class_name, info.modules, info.rows, info.parameters, info.trainable) == ("Tied", 3, 3, 40, 40)
    assert (info.nbytes, info.buffers, info.device, info.kind) == (160, 0, "cpu", "your model")
    assert (info.input, info.input_origin) == ("2 int64", "given")
    assert Opening("two_names").opened.info.rows == 4 and Opening("two_names").opened.info.modules == 3


def test_very_many_modules_are_shown_before_they_are_copied_and_hooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "MANY", 2)
    looked: list[object] = []
    told: list[AnyEvent] = []
    looking = threading.Thread(target=lambda: looked.append(session.check(1)), daemon=True)

    def hear(event: AnyEvent) -> None:
        told.append(event)
        if isinstance(event, ModuleRows):  # somebody looks at once, from another thread
            looking.start()

    session = Session(hear)
    model, args, kwargs = build("mlp")
    opened = session.adopt(model, args, kwargs, "mlp")
    session.announce()
    looking.join(10)
    first, rows = told[0], told[1]
    assert isinstance(first, Opened) and first.guessing and isinstance(rows, ModuleRows) and len(rows.rows) == 4
    assert not opened.guessing and replace(opened.info, input="", input_origin="") == first.info
    names = [type(event).__name__ for event in told]
    assert names.count("ModuleRows") == names.count("HookMarks") == names.count("Changes") == 1
    assert names.index("Changes") < names.index("HookMarks") and looked == [None]


def test_a_hook_that_is_typed_wrong_is_told_before_any_module_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "MANY", 2)
    told: list[AnyEvent] = []
    with pytest.raises(UsageError):
        Session(told.append).open(Target("resnet18", hooks=("nowhere:scale(2)",)))
    assert not [event for event in told if isinstance(event, Opened | ModuleRows)]


def test_every_module_is_observed_at_first() -> None:
    opening = Opening("mlp")
    opening.session.announce()
    assert [row.key for row in opening.of(ModuleRows)[0].rows] == ["", "0", "1", "2"]
    assert opening.of(HookMarks) == [HookMarks(1, b"\x01\x01\x01\x01")]


def test_a_pass_tells_its_rows_and_its_end() -> None:
    opening = Opening("shared_relu")
    summary = opening.session.run()
    rows = [row for event in opening.of(CallRows) for row in event.rows]
    assert (summary.number, summary.calls, summary.hooks, summary.problem) == (1, 5, 4, None)
    two_by_four = Brief((2, 4))
    assert [(row.module, row.call, row.brief) for row in rows] == [
        (1, 0, two_by_four), (2, 0, two_by_four), (3, 0, two_by_four), (2, 1, two_by_four), (0, 0, two_by_four),
    ]  # fmt: skip
    assert isinstance(summary.output, TensorValue) and summary.output.statistics is not None


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.engine.recording.progress._EVERY", -1)
    opening = Opening("shared_relu")
    opening.session.run()
    opening.session.run()
    told = opening.of(Progress)
    assert [(event.calls, event.expected) for event in told] == [(n, 4) for n in range(1, 6)] + [
        (n, 5) for n in range(1, 6)
    ]


def test_a_pass_is_the_same_for_the_same_seed() -> None:
    session = Opening("dropout_train").session
    means = []
    for seed in (1, 2, 1):
        session.run(Run(session.generation, seed=seed))
        means.append(mean(session.calls_of(())))
    assert means[0] == means[2] != means[1]


def test_what_changed_since_the_pass_before() -> None:
    session = Opening("dropout_train").session
    session.run(Run(session.generation, seed=1))
    first = session.calls_of(())
    session.run(Run(session.generation, seed=2))
    second = session.calls_of(())
    assert first.calls[0].previous is None
    assert second.calls[0].previous == first.calls[0].output


def test_values_come_with_a_pass_in_the_background() -> None:
    opening = Opening("shared_relu")
    session = opening.session
    session.run()
    shapes = session.calls_of(("relu",))
    full = session.calls_of(("relu",), values=True)
    assert opening.of(Calls) == [shapes] and session.runner.last.number == 1
    for before, after in zip(shapes.calls, full.calls, strict=True):
        assert after.row == before.row
        assert isinstance(after.output, TensorValue) and after.output.histogram is not None
        assert isinstance(before.output, TensorValue) and before.output.histogram is None
        assert after.output.statistics == before.output.statistics
    opening.told.clear()
    assert session.calls_of(("relu",), values=True) == full and not opening.told  # not fetched twice
    session.run()  # from now on they come with the pass
    assert session.calls_of(("relu",)).calls[0].output.histogram is not None


def test_a_slow_pass_is_repeated_only_when_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "BACKGROUND_MS", 0)
    session = Opening("mlp").session
    session.run()
    assert session.calls_of(("0",), values=True).calls[0].output.histogram is None
    assert session.calls_of(("0",), values=True, force=True).calls[0].output.histogram is not None


def test_a_background_pass_alone_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.slow = nn.ReLU(), nn.ReLU(), False

        def forward(self, x):
            if self.slow:
                inside.set()
                assert go_on.wait(20)
            return self.second(self.first(x))

    def cancel() -> None:
        assert inside.wait(20)
        stop()
        go_on.set()

    model = Model()
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(2),), {}, "m")
    stop = session.cancel_background
    stop()  # nothing runs
    session.run()
    model.slow = True
    thread = threading.Thread(target=cancel)
    thread.start()
    calls = session.calls_of(("second",), values=True)
    thread.join()
    assert calls.calls[0].output.histogram is None
    inside.clear(), go_on.clear()
    thread = threading.Thread(target=cancel)
    thread.start()
    assert session.run().problem is None  # a pass somebody asked for is not
    thread.join()
    monkeypatch.setattr(runner_module, "BACKGROUND_MS", 0)
    stop = session.cancel  # as for every pass
    inside.clear(), go_on.clear()
    thread = threading.Thread(target=cancel)
    thread.start()
    assert session.calls_of(("first",), values=True, force=True).missing == "slow"
    thread.join()


def test_the_trace_in_pages() -> None:
    session = Opening("shared_relu").session
    session.run()
    whole = session.queries.trace(0, 100)
    pages = session.queries.trace(0, 2), session.queries.trace(2, 2), session.queries.trace(4, 2)
    assert [call for page in pages for call in page.calls] == list(whole.calls) and whole.total == 5
    assert session.queries.trace(99, 5).calls == ()


def test_a_module_whose_hook_is_off_is_really_without_it() -> None:
    opening = Opening("mlp")
    session = opening.session
    marks = session.observe((("1",),), False, False)
    assert marks.observed == b"\x01\x01\x00\x01"
    assert not session.subject.tree.nodes[2].module._forward_hooks
    assert session.run().calls == 3
    assert session.calls_of(("1",)).calls == ()
    assert session.observe(((),), True, False).observed == bytes(4)
    assert session.run().calls == 0
    assert session.observe(((),), True, True).observed == b"\x01\x01\x01\x01"


def test_an_alias_toggles_the_object_it_stands_for() -> None:
    session = Opening("two_names").session
    assert session.observe((("2",),), False, False).observed[1] == 0
    session.run()
    assert session.calls_of(("2",)).calls == ()


def test_a_failing_pass_keeps_what_was_captured_and_says_where() -> None:
    session = Opening("raises_midway").session
    summary = session.run()
    problem = summary.problem
    assert problem is not None and problem.path == ("bad", "0") and problem.kind == "RuntimeError"
    assert summary.output is None and not summary.cancelled and summary.calls == 4
    assert any("return self.c(self.bad(self.a(x)))" in line.text for line in problem.traceback)
    assert not any("inspector/engine" in line.text for line in problem.traceback)
    assert session.calls_of(("bad", "0")).calls[0].row.status == "raised"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raises_evil", "UnprintableError: (its message cannot be read: RuntimeError)"),
        ("raises_system_exit", "the model called sys.exit(3)"),
        ("raises_keyboard_interrupt", "KeyboardInterrupt"),
        ("raises_recursion", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_any_error_is_a_result(name: str, words: str) -> None:
    summary = Opening(name).session.run()
    assert summary.problem is not None and summary.problem.what == words
    assert summary.problem.path == () and len(summary.problem.traceback) < 200


def test_the_generator_of_a_stale_request_is_refused() -> None:
    session = Opening("mlp").session
    session.check(session.generation)
    with pytest.raises(InspectorError, match="opened anew"):
        session.check(session.generation - 1)


def test_what_is_not_there_is_a_usage_error() -> None:
    session = Opening("mlp").session
    for ask in (session.calls_of, session.queries.hooks, session.queries.attributes):
        with pytest.raises(UsageError, match="no module"):
            ask(("no", "such"))
    with pytest.raises(UsageError):
        session.queries.parameters(("no",), 10)
    with pytest.raises(UsageError):
        session.observe((("no",),), False, True)
    session.subject.sample = None
    with pytest.raises(UsageError, match="no sample input"):
        session.run()


def test_past_the_limit_a_pass_records_shapes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_info, "SHAPES_ONLY_PAST", 2)
    opening = Opening("mlp")
    assert opening.opened.info.shapes_only
    opening.session.run()
    output = opening.session.calls_of(("0",)).calls[0].output
    assert isinstance(output, TensorValue) and output.shape == (3, 8) and output.statistics is None


def test_past_the_limit_gradients_are_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_info, "SHAPES_ONLY_PAST", 2)
    session = Opening("mlp").session
    session.run(Run(session.generation, backward=True))
    (first,) = session.calls_of(("0",)).calls
    assert isinstance(first.output, TensorValue) and first.output.statistics is None
    model, (x,), _ = build("mlp")
    output = model[0](x)
    (gradient,) = torch.autograd.grad(model[1:](output).mean(), output)
    assert first.row.gradient_norm == pytest.approx(gradient.norm().item(), rel=1e-5)


def test_parameters_of_a_module_and_below() -> None:
    session = Opening("tied_weights").session
    found = session.queries.parameters((), 10)
    assert [(row.name, row.tied) for row in found.rows] == [
        ("emb.weight", ("out.weight",)),
        ("out.weight", ("emb.weight",)),
    ]
    assert len(session.queries.parameters((), 1).rows) == 1 and session.queries.parameters((), 1).total == 2


def test_the_sample_is_not_overwritten_between_passes() -> None:
    session = Opening("inplace_input").session
    seen = []
    for _ in range(2):
        session.run()
        seen.append(session.calls_of(()).calls[0].inputs)
    assert seen[0] == seen[1]


def test_calls_that_were_captured_are_shown_without_a_pass() -> None:
    opening = Opening("mlp")
    opening.session.run()
    told: list[AnyEvent] = []
    shown = Session(told.append)
    shown.show(opening.session.subject.tree.root, opening.session.runner.last.calls)
    shown.announce()
    assert isinstance(told[-1], PassEnded) and told[-1].summary.calls == 4
    assert shown.calls_of(("0",)).calls[0].output is not None


def test_opening_anew_starts_a_generation_and_lets_the_old_model_go() -> None:
    model, args, kwargs = build("mlp")
    gone = weakref.ref(model)
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "first")
    session.run()
    session.close()
    second = build("shared_relu")
    assert session.adopt(*second, "second").generation == 2
    del model, args
    gc.collect()
    assert gone() is None


def test_a_target_that_cannot_be_opened_leaves_the_session_as_it_is() -> None:
    session = Opening("mlp").session
    with pytest.raises(UsageError):
        session.open(Target("no_such_model_at_all"))
    assert session.generation == 1 and session.run().calls == 4


def test_random_states_are_the_users_own() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    session = Opening("dropout_train").session
    torch.manual_seed(5)
    session.run(Run(session.generation, seed=99))
    session.close()
    assert torch.equal(torch.rand(3), expected)


def test_what_a_pass_changed_is_said_once() -> None:
    opening = Opening("kv_cache")
    for _ in range(2):
        opening.session.run()
    (note,) = opening.of(Note)
    assert note.level == "info" and "put back" in note.text and "cache" in note.text


def test_what_cannot_be_put_back_is_a_warning() -> None:
    opening = Opening("advances_iterator")
    opening.session.run()
    (note,) = opening.of(Note)
    assert note.level == "warning" and "it (an iterator that advanced)" in note.text


def test_the_modules_are_on_their_way_before_inputs_are_tried() -> None:
    emitted: list[Any] = []
    before_it_ran: list[int] = []
    model = nn.Linear(3, 2)
    model.register_forward_pre_hook(lambda module, args: before_it_ran.append(count_rows(emitted)))
    session = Session(emitted.append)
    session.adopt(model, (), {}, "net")
    session.close()
    assert before_it_ran and set(before_it_ran) == {1}


def count_rows(events: list[Any]) -> int:
    return sum(len(event.rows) for event in events if isinstance(event, ModuleRows))


def test_a_guess_that_never_comes_to_another_module_says_its_tries_and_can_be_cancelled() -> None:
    class Refuses(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("the shape does not match")

    def hear(event: Any) -> None:
        emitted.append(event)
        if isinstance(event, Work) and event.done == 3:
            session.cancel()

    emitted: list[Any] = []
    session = Session(hear)
    opened = session.adopt(Refuses(4, 4), (), {}, "refuses")
    tries = [event for event in emitted if isinstance(event, Work)]
    assert [work.done for work in tries] == [1, 2, 3] and {work.total for work in tries} == {TRIES}
    assert opened.form and opened.problem is not None and "the shape does not match" in opened.problem.what
    session.close()


def test_a_guess_can_be_cancelled() -> None:
    tries = queue.SimpleQueue[int]()  # a class attribute would be put back

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            tries.put(1)
            session.cancel()
            for step in self.steps:
                x = step(x)
            return x

    session = Session(lambda event: None)
    opened = session.adopt(Slow(), (), {}, "slow")
    assert tries.qsize() == 1 and session.subject.sample is None and opened.form
    assert opened.problem is not None and "cancelled" in opened.problem.what
    session.close()


def test_weights_are_copied_when_nobody_waits_and_before_a_pass_at_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_statistics, "prepare", lambda turn, tell: None)
    opening = Opening("mlp")
    backup = opening.session.subject.backup
    assert opening.session.go_ahead()
    opening.session.run()
    assert not backup.copy_next() and not opening.session.go_ahead()
    opening.session.close()
    assert not opening.session.go_ahead()


def test_an_edit_before_any_pass_is_undone_in_what_shares_its_memory_too() -> None:
    model = nn.Linear(3, 3)
    model.register_buffer("row", model.weight.detach()[0])
    before = model.weight.detach().clone()
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(1, 3),), {}, "row")
    session.edit_parameters("", "zero()")
    assert not model.weight.any()
    session.change(lambda log: log.undo())
    session.close()
    assert torch.equal(model.weight, before)


class Slow(nn.Module):
    """A tensor that takes a while to reduce, and hardly any to make."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Identity() for _ in range(20)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.bfloat16())  # halves are reduced each time they are seen


def run_within(budget: float) -> tuple[PassSummary, Session]:
    session = Session(lambda event: None)
    session.adopt(Slow(), (torch.ones(500_000),), {}, "slow")
    session.subject.target = replace(session.subject.target, budget=budget)
    return session.run(), session


def test_a_pass_keeps_to_the_budget_that_was_asked_for_last() -> None:
    """Of a model of the caller as well, which was no target with one."""
    session = Session(lambda event: None)
    session.terms = Target("", budget=0.25)
    session.adopt(nn.Linear(2, 2), (torch.ones(1, 2),), {}, "net")
    asked = (None, 0.1, None, 0.0, None)
    assert [session.run(Run(1, budget=budget)).budget for budget in asked] == [0.25, 0.1, 0.1, 0.0, 0.0]
    session.close()


def test_a_budget_leaves_out_statistics_and_says_of_how_many() -> None:
    free, session = run_within(0.0)
    session.close()
    assert free.left_out == 0 and free.overhead is not None and free.overhead > 1
    for _ in range(3):  # one pass beside others that keep the processor says little of its time
        kept, session = run_within(0.5)
        assert kept.left_out > 10 and kept.overhead is not None
        if kept.overhead < free.overhead:
            break
        session.close()
    assert kept.overhead < free.overhead
    described = [call for index in range(20) for call in session.calls_of(("layers", str(index))).calls]
    outputs = [call.output for call in described if isinstance(call.output, TensorValue)]
    assert len(outputs) == 20 and {output.shape for output in outputs} == {(500_000,)}
    assert {output.why for output in outputs if output.statistics is None} == {OVER_BUDGET}
    session.close()
