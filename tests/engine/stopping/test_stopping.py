"""Passes that stand still: where, for how long, and what is put in the place of values, against plain PyTorch."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine.frames.code_frame import frames_around
from inspector.engine.session import Session
from inspector.engine.stopping.program import HeldProgram
from inspector.errors import UsageError
from inspector.records import (
    AnyEvent,
    CompleteLine,
    Evaluate,
    Note,
    PassSummary,
    Paused,
    Resumed,
    Run,
    ScalarValue,
    Stack,
    Stop,
    Stops,
    TensorValue,
)
from inspector.report.hints import hint_at_first_bad
from tests.fingerprint import fingerprint


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.last = nn.Linear(4, 2)
        self.fails = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.act(self.act(self.first(x)))
        if self.fails:
            hidden = self.last(hidden[:, :2])
        return self.last(hidden)


class Person:
    """Answers every pause, on a thread beside the one that runs the model."""

    def __init__(self, model: nn.Module, *args: Any) -> None:
        self.events: list[AnyEvent] = []
        self.paused: list[Paused] = []
        self.session = Session(self._take)
        self.session.adopt(model, args, {}, "net")
        self.stopper = self.session.runner.stopper
        self.standstill = self.stopper.standstill
        self.answers: Iterator[Callable[[Person], object]] = iter(())
        self.found: list[Any] = []

    def _take(self, event: AnyEvent) -> None:
        self.events.append(event)
        if isinstance(event, Paused):
            self.paused.append(event)
            act = next(self.answers, lambda person: person.standstill.go_on("continue"))
            threading.Thread(target=act, args=(self,)).start()

    def set(self, *stops: Stop) -> Stops:
        return self.stopper.set(stops)

    def run(self, *answers: Callable[[Person], object], **options: Any) -> PassSummary:
        self.answers = iter(answers)
        return self.session.run(Run(1, **options))

    @property
    def hits(self) -> list[int]:
        return [row.hits for row in self.stopper.list_stops().rows]


def line(text: str, then: str = "continue") -> Callable[[Person], object]:
    """Run this line, then go on."""

    def act(person: Person) -> None:
        done = threading.Event()

        def work() -> None:
            person.found.append(person.standstill.evaluate(Evaluate(1, text)))
            done.set()

        assert person.standstill.hand_over(work)
        assert done.wait(20)
        person.standstill.abort() if then == "abort" else person.standstill.go_on(then)  # type: ignore[arg-type]

    return act


def abort(person: Person) -> None:
    person.session.cancel()


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.arange(8.0).reshape(2, 4) - 3


def mean_of(summary: PassSummary) -> float | None:
    assert isinstance(summary.output, TensorValue) and summary.output.statistics is not None
    return summary.output.statistics.mean


def test_a_pass_stops_before_and_after_a_module_and_gives_what_it_gave_without(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    plain = mean_of(person.run())
    person.set(Stop(1, "before", ("first",)), Stop(2, "after", ("first",)), Stop(3, "after", ("act",), enabled=False))
    assert mean_of(person.run()) == plain
    assert [(each.on, each.path, each.call, each.stop, each.number) for each in person.paused] == [
        ("before", ("first",), 0, 1, 1),
        ("after", ("first",), 0, 2, 2),
    ]
    assert [value.name for value in person.paused[1].values] == ["output", "args", "kwargs"]
    assert person.hits == [1, 1, 0] and sum(isinstance(event, Resumed) for event in person.events) == 2


def test_the_nth_call_a_step_and_a_condition(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "before", ("act",), call=1))
    person.run()
    assert [each.call for each in person.paused] == [1]
    person.set(Stop(1, "before", ("first",), step="1:3"))
    person.run(batches=4)
    assert [each.step for each in person.paused[1:]] == [1, 2]
    person.paused.clear()
    wanted = Stop(1, "after", ("act",), when="zeros > 0 and abs(min) < 1 and shape[1] == 4")
    person.set(
        wanted, Stop(2, "after", ("act",), when="shape[1] != 4"), Stop(3, "after", ("act",), when="shape[5] > 0")
    )
    person.run()
    zeros = int((net.act(net.first(x)) == 0).sum())
    assert zeros and [each.why for each in person.paused] == [f"zeros {zeros}, min 0, shape (2, 4)"] * 2
    assert person.hits == [2, 0, 0]


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        (Stop(1, path=("no",)), "no module"),
        (Stop(1, when="nan"), "no comparison"),
        (Stop(1, when="__import__('os') > 0"), "no comparison"),
        (Stop(1, when="nam > 0"), "cannot be compared"),
        (Stop(1, step="last"), "not known before"),
        (Stop(1, "exception", when="nan > 0"), "nothing to compare|no values"),
        (Stop(1, log="x ="), "no expression"),
        (Stop(1, timeout=-1.0), "timeout"),
    ],
)
def test_what_cannot_be_understood_is_refused_and_nothing_done(
    net: Net, x: torch.Tensor, stop: Stop, words: str
) -> None:
    person = Person(net, x)
    person.set(Stop(7))
    with pytest.raises(UsageError, match=words):
        person.set(stop)
    assert [row.stop.id for row in person.stopper.list_stops().rows] == [7]


def test_it_stops_where_something_is_raised_once_and_the_error_is_the_models(net: Net, x: torch.Tensor) -> None:
    net.fails = True
    person = Person(net, x)
    person.set(Stop(1, "exception", ()))
    summary = person.run(line("error"), line("input"))
    assert [each.path for each in person.paused] == [("last",)] and "mat1 and mat2" in person.paused[0].why
    assert summary.problem is not None and "mat1 and mat2" in summary.problem.what
    assert summary.problem.path == ("last",)


def test_what_is_put_in_the_place_of_a_value_is_what_the_model_goes_on_with(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    with torch.no_grad():
        wanted = net.last(net.act(net.act(net.first(x) * 2 + 1)))
        other = net.last(net.act(net.act(net.first(x - 5))))
    person.set(Stop(1, "after", ("first",)), Stop(2, "before", ("first",), enabled=False))
    assert mean_of(person.run(line("output = output * 2 + 1"))) == pytest.approx(wanted.double().mean().item())
    assert person.found[0].changed == ("output",) and person.found[0].problem is None
    calls = {call.index: call for call in person.session.runner.last.calls}
    recorded = calls[1].output
    assert isinstance(recorded, TensorValue) and recorded.statistics is not None
    assert recorded.statistics.max == pytest.approx((net.first(x) * 2 + 1).max().item())  # observers see it
    assert calls[1].altered
    assert not person.session.runner.last.repeatable
    person.set(Stop(2, "before", ("first",)))
    assert mean_of(person.run(line("input = input - 5"))) == pytest.approx(other.double().mean().item())
    assert mean_of(person.run(line("args = (args[0] - 5,)"))) == pytest.approx(other.double().mean().item())


def test_a_gradient_is_stopped_at_and_changed(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "gradient", ("first",)))
    plain = net.first(x)
    net.last(net.act(net.act(plain))).mean().backward()
    grad = net.first.bias.grad
    assert grad is not None
    wanted = (grad * 3).double().norm().item()
    net.zero_grad(set_to_none=True)
    summary = person.run(line("grad = grad * 3"), backward=True)
    assert summary.problem is None and [each.on for each in person.paused] == ["gradient"]
    found = person.session.runner.last.gradients["first.bias"]
    assert found.statistics is not None and found.statistics.std is not None and found.statistics.mean is not None
    norm = (4 * (found.statistics.std**2 + found.statistics.mean**2)) ** 0.5
    assert norm == pytest.approx(wanted)
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("stop", [Stop(1, "gradient", ("first",)), Stop(1, "before"), Stop(1, "after")])
def test_what_calls_the_model_for_us_is_no_stack(net: Net, x: torch.Tensor, stop: Stop) -> None:
    person = Person(net, x)
    person.set(stop)
    person.run(backward=True)
    at = person.events.index(person.paused[0])
    assert [event.frames for event in person.events[at:] if isinstance(event, Stack)] == [(), ()]


@pytest.mark.parametrize("on", ["before", "after", "gradient", "exception"])
def test_an_aborted_pass_leaves_everything_as_it_was(net: Net, x: torch.Tensor, on: Any) -> None:
    net.fails = on == "exception"
    person = Person(net, x)
    person.set(Stop(1, on, ("first",) if on != "exception" else ()))
    before = fingerprint(net)
    summary = person.run(
        lambda person: line("module.weight.data.zero_()" if on == "after" else "torch.rand(3)", "abort")(person),
        backward=True,
    )
    assert summary.cancelled and summary.problem is not None and "cancelled" in summary.problem.what
    assert fingerprint(net) == before
    assert not person.stopper.standstill.hand_over(lambda: None)


def test_a_line_may_do_anything_and_the_pass_goes_on(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    plain = mean_of(person.run())
    person.set(Stop(1, "before", ("first",)), Stop(2, "before", ("act",)), Stop(3, "before", ("last",)))
    lines = ["raise SystemExit(3)", "module(input).sum()", "1 / 0", "y = [input for _ in range(2)]"]
    summary = person.run(*map(line, lines))
    assert mean_of(summary) == plain and summary.calls == 5
    problems = [found.problem for found in person.found]
    assert [problem.kind if problem else "" for problem in problems] == ["SystemExit", "", "ZeroDivisionError", ""]
    assert isinstance(person.found[1].value, TensorValue)
    assert "input, args, kwargs" in problems[2].hint  # what there is instead


def test_a_line_that_is_no_python_says_so_once(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "before", ("act",)))
    person.run(line("; 1"))
    problem = person.found[0].problem
    assert problem is not None and "SyntaxError" in problem.what
    assert "During handling" not in str(problem.traceback)


def test_a_module_that_takes_no_hooks_says_why_nothing_stops_there() -> None:
    person = Person(torch.jit.script(nn.Sequential(nn.Linear(4, 4))), torch.ones(1, 4))
    person.set(Stop(1, "before", ("0",)))
    person.run()
    assert person.hits == [0] and not person.paused
    assert "takes no hooks" in person.stopper.list_stops().rows[0].fault


def test_a_logpoint_writes_and_does_not_stop(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "after", ("act",), log="output.shape[1]"), Stop(2, "after", ("act",), log="nonsense"))
    person.run()
    notes = [event.text for event in person.events if isinstance(event, Note)]
    assert not person.paused and person.hits == [2, 2]
    assert "act after, call 0: output.shape[1] = 4" in notes and "act after, call 1: output.shape[1] = 4" in notes
    assert "NameError" in person.stopper.list_stops().rows[1].fault


def test_it_goes_on_by_itself_after_a_timeout_and_to_the_next_module(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "before", (), timeout=0.05))
    assert person.run(lambda person: None).problem is None
    assert [event.why for event in person.events if isinstance(event, Resumed)] == [
        "nobody asked for anything for 0.05 s"
    ]
    person.paused.clear()
    person.set(Stop(1, "before", ()))
    person.run(*[lambda person: person.standstill.go_on("module")] * 3)
    assert [each.path for each in person.paused] == [(), ("first",), ("act",), ("act",)]
    assert [each.stop for each in person.paused] == [1, 0, 0, 0]


def test_the_time_of_a_pause_is_nobodys(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.run()
    person.set(Stop(1, "before", ("first",), timeout=0.5), Stop(2, "after", ("last",), timeout=0.5))
    summary = person.run(*[lambda person: None] * 2)
    assert summary.ms < 900 and all(call.ms < 450 for call in person.session.runner.last.calls)


def test_names_are_completed_without_running_anything(net: Net, x: torch.Tensor) -> None:
    class Trap(Net):
        @property
        def folder(self) -> int:
            raise SystemExit

    person = Person(Trap().eval(), x)
    person.set(Stop(1, "before", ()))
    found: list[tuple[str, ...]] = []

    def act(person: Person) -> None:
        texts = ("inp", "module.fi", "x = module.first.wei", "module.folder.", "torch.lins", "nobody.x", "", "1 +")
        found.extend(person.standstill.complete(CompleteLine(1, text)).lines for text in texts)
        person.standstill.go_on("continue")

    person.run(act)
    assert found[0] == ("input",) and found[1] == ("module.first",) and found[2] == ("x = module.first.weight",)
    assert found[3] == () and found[4] == ("torch.linspace",)
    assert found[5:] == [(), (), ()]


def test_nothing_stands_still_outside_of_a_pass(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    for ask in (
        lambda: person.standstill.go_on("continue"),
        lambda: person.standstill.evaluate(Evaluate(1, "1")),
        lambda: person.standstill.complete(CompleteLine(1, "a")),
    ):
        with pytest.raises(UsageError, match="no pass stands still"):
            ask()


def test_stops_are_changed_while_a_pass_stands_still(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "before", ("first",)))

    def act(person: Person) -> None:
        person.set(Stop(1, "before", ("first",)), Stop(2, "after", ("last",)))
        person.standstill.go_on("continue")

    person.run(act)
    assert [each.path for each in person.paused] == [("first",), ("last",)] and person.hits == [1, 1]


def test_our_own_hooks_are_gone_after_it(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    before = [(list(m._forward_hooks), list(m._forward_pre_hooks)) for m in net.modules()]
    person.set(Stop(1, "before", ("first",)))
    person.run()
    assert [(list(m._forward_hooks), list(m._forward_pre_hooks)) for m in net.modules()] == before


def test_a_condition_on_the_baseline(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.run()
    stops = [Stop(1, "after", ("act",), call=0, when="abs(mean - baseline) > 1e-6")]
    person.set(*stops, Stop(2, "after", ("first",), when="mean != baseline"))
    person.run()
    assert not person.paused and person.hits == [0, 0]  # it is its own baseline
    person.session.add_hook("act", "scale(2, call=0)")
    person.run()
    with torch.no_grad():
        then = net.act(net.first(x)).mean().item()
    assert [each.path for each in person.paused] == [("act",)] and person.hits == [1, 0]
    assert person.paused[0].why == f"mean {then * 2:.4g}, baseline mean {then:.4g}"
    for wrong in (Stop(1, "before", (), when="mean > baseline"), Stop(1, "after", (), when="1 > baseline")):
        with pytest.raises(UsageError, match="baseline"):
            person.set(wrong)


def test_a_thread_that_stands_still_stops_nowhere_else(net: Net, x: torch.Tensor) -> None:
    """Describing a value may call anything: a pause within a pause would leave nobody to end the outer one."""
    person = Person(net, x)
    person.set(Stop(1, "before", ("first",)), Stop(2, "before", ("last",)))
    found: list[Any] = []

    def act(person: Person) -> None:
        done = threading.Event()

        def work() -> None:
            found.append(net.last(torch.ones(1, 4)).shape)
            done.set()

        person.standstill.hand_over(work)
        assert done.wait(20)
        person.standstill.go_on("continue")

    person.run(act)
    assert found == [(1, 2)] and [each.path for each in person.paused] == [("first",), ("last",)]


def calls_in(stack: Stack) -> list[tuple[str, int, int]]:
    """What the frames of forwards, and of those alone, are said to be part of."""
    rows = [row for row in stack.frames if row.function.endswith("forward") and row.path is not None]
    return [(".".join(row.path or ()), row.call, row.step) for row in rows]


def test_frames_are_of_the_call_that_is_under_way() -> None:
    person = Person(Net(), torch.ones(2, 4))
    person.set(Stop(1, "after", ("act",), call=1))
    person.run()
    (stack, _) = [event for event in person.events if isinstance(event, Stack)]
    assert calls_in(stack)[0] == ("", 0, 0)
    assert {(row.call, row.step) for row in stack.frames if row.path == ("act",)} == {(1, 0)}


class Repeats(nn.Module):
    """Raises in the third call of its part."""

    def __init__(self) -> None:
        super().__init__()
        self.part, self.calls = Part(), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = self.part(x)
        return x


class Part(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.sum() == 8 * 2:
            self.inner(x[:, :3])
        return x + 1


def test_frames_of_an_error_are_of_the_call_that_raised() -> None:
    session = Session(lambda event: None)
    session.adopt(Repeats(), (torch.zeros(2, 4),), {}, "net")
    assert session.run().problem is not None and session.subject.stack is not None
    calls = calls_in(session.subject.stack.describe())
    assert calls[:2] == [("", 0, 0), ("part", 2, 0)]
    session.close()


def test_of_an_error_in_a_later_step_the_frames_name_it() -> None:
    class Model(Repeats):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(torch.zeros_like(x) if self.calls == 2 else x * 0 + 100)

    session = Session(lambda event: None)
    session.adopt(Model(), (torch.zeros(2, 4),), {}, "net")
    assert session.run(Run(1, batches=3)).problem is not None and session.subject.stack is not None
    assert calls_in(session.subject.stack.describe())[1:3] == [("", 0, 1), ("part", 2, 1)]
    session.close()


def test_steps_in_a_backward_pass_go_from_gradient_to_gradient(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    plain = person.run(backward=True).loss
    person.set(Stop(1, "gradient", ("last",)))
    go = [lambda person, how=how: person.standstill.go_on(how) for how in ("over", "module", "into", "continue")]
    assert person.run(*go, backward=True).loss == plain
    assert [(each.on, each.path, each.call, each.stop) for each in person.paused][:4] == [
        ("gradient", ("last",), 0, 1),
        ("gradient", (), 0, 0),
        ("gradient", ("act",), 1, 0),
        ("gradient", ("act",), 0, 0),
    ]
    assert len(person.paused) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("output.shape", "(2, 4)"),
        ("output.sum() * 0 + 0.5", "0.5"),
        ("output * 0", "2×4  mean 0  std 0  min 0  max 0"),
        ("output * float('nan')", "2×4  NaN 8"),
        ("'word'", "word"),
        ("None", "None"),
        ("[output, output]", "2×4 +1"),
    ],
)
def test_a_stop_that_only_writes_says_what_the_value_is(net: Net, x: torch.Tensor, text: str, said: str) -> None:
    person = Person(net, x)
    person.set(Stop(1, "after", ("first",), log=text))
    person.run()
    (note,) = [event.text for event in person.events if isinstance(event, Note) and "first after" in event.text]
    assert note == f"first after, call 0: {text} = {said}"


def test_lines_run_where_a_program_stands_still_and_in_frames_of_an_error(net: Net, x: torch.Tensor) -> None:
    held = HeldProgram.at_line(frames_around(sys._getframe()))
    person = Person(net, x)
    with pytest.raises(UsageError, match="no pass stands still"):
        person.standstill.evaluate(Evaluate(1, "x"))
    person.standstill.program = held
    person.session.subject.stack = held.stack(person.session.subject.tree)
    columns = ScalarValue("int", 4)
    assert person.standstill.evaluate(Evaluate(1, "x.shape[1]")).value == columns
    net.fails = True
    assert person.run().problem is not None
    frames = person.session.subject.stack.describe().frames
    number = next(row.number for row in frames if row.text.startswith("hidden = self.last"))
    person.standstill.evaluate(Evaluate(1, "twice = torch.cat([x, x])", number))
    found = person.standstill.evaluate(Evaluate(1, "twice.shape[0]", number)).value
    assert found == columns, "a name that a line made is there for the next"
    assert person.standstill.evaluate(Evaluate(1, "net.fails")).value == ScalarValue("bool", True)
    person.standstill.go_on("over")
    assert person.standstill.order == "over"


NAN = "float('nan')"


@pytest.mark.parametrize(
    ("stop", "text", "said"),
    [
        (
            Stop(1, "before", ("last",)),
            f"input = input * {NAN}",
            "in its input; a person put input in at the stop",
        ),
        (
            Stop(1, "before", ("last",)),
            f"input.fill_({NAN})",
            "in its input; a person put input in at the stop before last",
        ),
        (Stop(1, "after", ("act",), call=1), f"output = output * {NAN}", "act, call 1: a person put output in at the"),
        (Stop(1, "after", ("act",)), "input = output.mean()", "nothing"),
    ],
)
def test_what_a_person_put_in_is_said_to_be_that(net: Net, x: torch.Tensor, stop: Stop, text: str, said: str) -> None:
    person = Person(net, x)
    person.set(stop)
    found = first_bad_of(person, person.run(line(text)))
    assert found.startswith("nothing") if said == "nothing" else said in found
    person.set()
    assert first_bad_of(person, person.run()) == "nothing", "the next pass knows nothing of it"


def test_what_a_person_put_into_a_variable_is_said_to_be_that(net: Net, x: torch.Tensor) -> None:
    person = Person(net, x)
    person.set(Stop(1, "line", (), file=__file__, line=Net.forward.__code__.co_firstlineno + 4))
    found = first_bad_of(person, person.run(line(f"hidden[0] = {NAN}")))
    assert "last, call 0: in its input; a person put hidden in at the stop test_stopping.py:" in found


def first_bad_of(person: Person, summary: PassSummary) -> str:
    tree, rows = person.session.subject.tree, [call.row() for call in person.session.runner.last.calls]
    found = hint_at_first_bad(rows, [".".join(path) for path in tree.paths], put_in=summary.put_in)
    return next((hint.text for hint in found), "nothing")
