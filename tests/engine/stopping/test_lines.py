"""Lines that a pass stops at, steps from there, and what can be changed there."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import nn

from inspector.errors import UsageError
from inspector.records import Evaluate, GetLocals, GetStack, Stop, TensorValue
from tests.fingerprint import fingerprint

from .nets import FILE, Checkpointed, Lined, line_of
from .test_stopping import Person, line, mean_of


@pytest.fixture
def person() -> Person:
    torch.manual_seed(0)
    return Person(Lined().eval(), torch.ones(2, 4))


def at(text: str, **options: Any) -> Stop:
    options.setdefault("everywhere", True)
    return Stop(1, "line", ("blocks", "0"), file=FILE, line=line_of(text), **options)


def go(how: Any) -> Any:
    return lambda person: person.standstill.go_on(how)


def places(person: Person) -> list[tuple[str, str]]:
    return [(each.text or each.on, ".".join(each.path)) for each in person.paused]


def test_a_line_is_stopped_at_each_time_that_it_runs(person: Person) -> None:
    plain = mean_of(person.run())
    before = sys.gettrace(), sys.getprofile()
    person.set(at("x = self.inner(x)"))
    assert mean_of(person.run()) == plain
    assert places(person) == [("x = self.inner(x)", "blocks.0")] * 3 + [("x = self.inner(x)", "blocks.1")] * 3
    assert {each.line for each in person.paused} == {line_of("x = self.inner(x)")}
    assert [value.name for value in person.paused[0].values] == ["self", "x", "_"] and person.hits == [6]
    assert (sys.gettrace(), sys.getprofile()) == before


def test_a_line_is_stopped_at_in_its_own_module_alone(person: Person) -> None:
    person.set(at("x = self.inner(x)", everywhere=False))
    person.run()
    assert places(person) == [("x = self.inner(x)", "blocks.0")] * 3 and person.hits == [3]
    person.paused.clear()
    person.set(replace(at("half = value / 2", everywhere=False), path=("blocks", "1")))
    person.run()
    assert places(person) == [("half = value / 2", "blocks.1")], "in a function that it calls, too"
    person.paused.clear()
    person.set(replace(at("x = self.inner(x)", call=2, everywhere=False), path=("blocks", "1")))
    person.run()
    assert [value.value.value for value in person.paused[0].values if value.name == "_"] == [2], "its own times count"


def test_a_line_of_torchs_is_stopped_at_in_one_module_alone(person: Person) -> None:
    first = nn.Linear.forward.__code__.co_firstlineno
    stop = Stop(1, "line", ("blocks", "1", "inner"), file=inspect.getfile(nn.Linear), line=first + 1)
    person.set(stop)
    person.run()
    assert {each.path for each in person.paused} == {("blocks", "1", "inner")} and person.hits == [3]
    person.set(replace(stop, everywhere=True))
    person.run()
    assert person.hits == [6]


def test_a_method_that_is_called_past_the_module_is_its_own() -> None:
    class Asks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Checkpointed(False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner.part(x)

    person = Person(Asks(), torch.ones(2, 4))
    person.set(Stop(1, "line", ("inner",), file=FILE, line=line_of("return y.relu()")))
    person.run()
    assert person.hits == [1]


def test_the_time_of_a_loop_and_an_expression(person: Person) -> None:
    person.set(at("x = self.inner(x)", call=4))
    person.run()
    assert places(person) == [("x = self.inner(x)", "blocks.1")]
    person.paused.clear()
    person.set(at("x = self.inner(x)", when="_ == 2 and x.shape[0] == 2"), at("y = halve(x)", when="nonsense"))
    person.run()
    assert len(person.paused) == 2 and person.paused[0].why == "_ == 2 and x.shape[0] == 2"
    assert "NameError" in person.stopper.list_stops().rows[1].fault


def test_steps_go_into_over_and_out(person: Person) -> None:
    person.set(at("y = halve(x)", call=0))
    person.run(*map(go, ("into", "over", "over", "out")))
    assert places(person)[:5] == [
        ("y = halve(x)", "blocks.0"),
        ("half = value / 2", "blocks.0"),
        ("return half", "blocks.0"),
        ("return y", "blocks.0"),
        ("return out + 1", ""),
    ]


def test_over_a_call_stays_in_the_function(person: Person) -> None:
    person.set(at("y = halve(x)", call=0))
    person.run(*map(go, ("over", "continue")))
    assert places(person) == [("y = halve(x)", "blocks.0"), ("return y", "blocks.0")]
    person.paused.clear()
    person.set(Stop(1, "before", ("blocks", "0", "inner"), call=0))
    person.run(*map(go, ("over", "over", "out", "continue")))
    assert places(person)[:3] == [
        ("before", "blocks.0.inner"),
        ("for _ in range(3):", "blocks.0"),
        ("x = self.inner(x)", "blocks.0"),
    ]
    assert places(person)[3] == ("return out + 1", "")


def test_into_a_module_of_torch_stops_before_it(person: Person) -> None:
    person.set(at("x = self.inner(x)", call=0))
    person.run(*map(go, ("into", "over", "continue")))
    assert places(person) == [
        ("x = self.inner(x)", "blocks.0"),
        ("before", "blocks.0.inner"),
        ("for _ in range(3):", "blocks.0"),
    ]


def test_the_stack_and_its_variables_are_there_meanwhile(person: Person) -> None:
    found: list[Any] = []

    def look(person: Person) -> None:
        stack = person.session.queries.answer(GetStack(1))
        found.extend((stack, person.session.queries.answer(GetLocals(1, stack.frames[stack.start].number))))
        person.standstill.go_on("continue")

    person.set(at("y = halve(x)", call=0))
    person.run(look)
    stack, held = found
    assert [row.function for row in stack.frames if row.origin == "yours"] == ["Lined.forward", "Block.forward"]
    assert stack.frames[stack.start].text == "y = halve(x)" and stack.frames[stack.start].path == ("blocks", "0")
    values = {row.name: row.value for row in held.rows}
    assert isinstance(values["x"], TensorValue) and values["x"].shape == (2, 4)
    assert not person.session.queries.answer(GetStack(1)).frames


def test_a_line_of_torch_is_where_it_stands_still(person: Person) -> None:
    found: list[Any] = []

    def look(person: Person) -> None:
        found.append(person.session.queries.answer(GetStack(1)))
        person.standstill.go_on("continue")

    first = inspect.getsourcelines(torch.nn.Linear.forward)[1]
    person.set(Stop(1, "line", ("blocks",), call=0, file=inspect.getfile(nn.Linear), line=first + 1, everywhere=True))
    person.run(look)
    start = found[0].frames[found[0].start]
    assert (start.function, start.line, start.path) == (
        "Linear.forward",
        person.paused[0].line,
        ("blocks", "0", "inner"),
    )


def test_what_is_changed_there(person: Person) -> None:
    model = person.session.subject.tree.root
    with torch.no_grad():
        x = torch.ones(2, 4)
        for number in range(2):
            for _ in range(3):
                x = model.blocks[number].inner(x)
            x = (x * 10 if number == 0 else x) / 2
    wanted = (x + 1).double().mean().item()
    person.set(at("y = halve(x)", call=0))
    assert mean_of(person.run(line("x.mul_(10)"))) == pytest.approx(wanted)
    summary = person.run(line("x = x * 10"))
    if sys.version_info >= (3, 13):
        assert mean_of(summary) == pytest.approx(wanted)
    else:
        problem = person.found[-1].problem
        assert problem is not None and "cannot bind anew" in problem.what and "3.13" in problem.hint
    person.run(line("z = [x for _ in range(2)]"))
    assert person.found[-1].problem is None


def test_a_line_of_another_frame_sees_its_variables(person: Person) -> None:
    found: list[Any] = []

    def act(person: Person) -> None:
        stack = person.session.queries.answer(GetStack(1))
        outer = next(row.number for row in stack.frames if row.function == "Lined.forward")
        person.standstill.hand_over(
            lambda: found.append(person.standstill.evaluate(Evaluate(1, "self.__class__.__name__", outer)))
        )
        person.standstill.go_on("continue")

    person.set(at("y = halve(x)", call=0))
    person.run(act)
    assert found[0].value.value == "Lined"


def test_an_aborted_line_leaves_everything_as_it_was(person: Person) -> None:
    model = person.session.subject.tree.root
    before = fingerprint(model)
    person.set(at("y = halve(x)"))
    assert person.run(line("self.inner.weight.data.zero_()", "abort")).cancelled
    assert fingerprint(model) == before


def test_a_logpoint_and_a_line_that_nothing_runs(person: Person) -> None:
    person.set(at("y = halve(x)", log="x.shape[1]"))
    person.run()
    assert not person.paused and person.hits == [2]
    with pytest.raises(UsageError, match="nothing runs at line 100000"):
        person.set(Stop(1, "line", (), file=FILE, line=100_000))
    with pytest.raises(UsageError, match="nothing runs"):
        person.set(Stop(1, "line", (), file="/no/such.py", line=3))


def test_of_scripted_modules_it_is_said_that_they_run_no_lines() -> None:
    scripted = Person(torch.jit.script(nn.Sequential(nn.Linear(4, 4))), torch.ones(2, 4))
    with pytest.raises(UsageError) as refused:
        scripted.set(Stop(1, "line", (), file=FILE, line=line_of("half = value / 2")))
    assert "scripted modules run no line" in str(refused.value.problem.hint)


@pytest.mark.parametrize("reentrant", [True, False])
def test_lines_that_checkpointing_runs_again_are_marked(reentrant: bool) -> None:
    person = Person(nn.Sequential(nn.Linear(4, 4), Checkpointed(reentrant)), torch.ones(2, 4))
    person.set(Stop(1, "line", (), file=FILE, line=line_of("return y.relu()"), everywhere=True))
    person.run(backward=True)
    assert [(each.path, each.recomputed) for each in person.paused] == [(("1",), False), (("1",), True)]


def test_without_lines_of_its_own_steps_are_modules() -> None:
    person = Person(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.ReLU()), torch.ones(1, 4))
    person.set(Stop(1, "before", ("0",)))
    person.run(*map(go, ("over", "into", "continue")))
    assert [each.path for each in person.paused] == [("0",), ("1",), ("2",)]
