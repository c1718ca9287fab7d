"""Steps: the calls of the root, counted from 0, and the hooks that act in some of them."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.hooks.step_choice import parse_step
from inspector.engine.hooks.steps import StepCounter
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AddHook, Run
from tests.fingerprint import fingerprint


class Twice(nn.Module):
    """Calls `act` twice in each of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.act(x), self.act(x * 10)])


def outputs(hook: str, steps: int = 6) -> list[list[float]]:
    """What each call of the model gives, with the hook on `act`."""
    model = Twice()
    with inspector.hooks(model, {"act": hook}) as on:
        found = [model(torch.tensor(1.0)).tolist() for _ in range(steps)]
    assert not on.faults
    return found


@pytest.mark.parametrize(
    ("option", "steps"),
    [("step=3", {3}), ("step='2:5'", {2, 3, 4}), ("step='4:'", {4, 5}), ("step=':2'", {0, 1}), ("every=2", {0, 2, 4}),
     ("step='1:5', every=2", {2, 4}), ("step='0:9'", set(range(6)))],
)  # fmt: skip
def test_a_hook_acts_in_its_steps(option: str, steps: set[int]) -> None:
    assert outputs(f"zero({option})") == [[0, 0] if step in steps else [1, 10] for step in range(6)]
    assert outputs(f"zero({option}, call=1)") == [[1, 0] if step in steps else [1, 10] for step in range(6)]


@pytest.mark.parametrize("wrong", ["'first'", "-1", "'5:5'", "'5:2'", "1.5", "True", "'٣:'"])
def test_what_is_no_step_is_refused_with_what_to_write(wrong: str) -> None:
    with pytest.raises(UsageError, match="step") as caught:
        inspector.hooks(Twice(), {"act": f"zero(step={wrong})"})
    assert caught.value.problem.hint


def test_the_last_step_is_for_those_that_look() -> None:
    with pytest.raises(UsageError, match="for observe and record"):
        inspector.hooks(Twice(), {"act": "zero(step='last')"})
    assert parse_step("last").last and parse_step("2:").holds(10**9)


def test_recordings_keep_every_step_asked_for() -> None:
    model, inputs = Twice(), torch.arange(1.0, 5.0)
    with inspector.hooks(model, {"act": [inspector.record("all"), inspector.record("some", step="1:3", call=1)]}) as on:
        for x in inputs:
            model(x)
    names = [f"act{call}{step}:output" for step in ("", "@1", "@2", "@3") for call in ("", "#1")]
    assert list(on.recorded["all"]) == names
    assert [tensor.item() for tensor in on.recorded["all"].values()] == [1, 10, 2, 20, 3, 30, 4, 40]
    assert {key: tensor.item() for key, tensor in on.recorded["some"].items()} == {
        "act#1@1:output": 20, "act#1@2:output": 30,
    }  # fmt: skip


def test_of_the_last_step_only_that_is_kept() -> None:
    model = Twice()
    with inspector.hooks(model, {"act": [inspector.record(step="last"), inspector.observe(step="last")]}) as on:
        for x in torch.arange(1.0, 4.0):
            model(x)
    assert {key: tensor.item() for key, tensor in on.recorded["clean"].items()} == {
        "act@2:output": 3, "act#1@2:output": 30,
    }  # fmt: skip
    assert [call.output.statistics.mean for call in on.calls] == [3, 30]  # type: ignore[union-attr]


def test_another_pass_leaves_nothing_of_the_recordings_of_one_with_more_steps() -> None:
    session = Session(lambda event: None)
    session.adopt(Twice(), (torch.tensor(1.0),), {}, "toy")
    answer(session, AddHook(1, "act", "record('r')"))
    session.run(Run(1, batches=3))
    recordings = session.subject.change_log.hook_state.recordings["r"]
    assert len(recordings) == 6 and "act#1@2:output" in recordings
    session.run()
    assert list(recordings) == ["act:output", "act#1:output"]
    session.close()


def test_a_call_of_the_root_within_itself_is_no_step() -> None:
    class Recursive(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.Identity()

        def forward(self, x: Tensor, deep: int = 2) -> Tensor:
            return self.act(self(x, deep - 1) if deep else x)

    model = Recursive()
    with inspector.hooks(model, {"act": [inspector.record(), inspector.scale(2, step=1, call=2)]}) as on:
        assert [model(torch.tensor(1.0)).item() for _ in range(3)] == [1, 2, 1]
    assert list(on.recorded["clean"])[:4] == ["act:output", "act#1:output", "act#2:output", "act@1:output"]


def test_a_call_outside_of_the_root_belongs_to_the_last_step_that_began() -> None:
    model = Twice()
    with inspector.hooks(model, {"act": inspector.record()}) as on:
        model.act(torch.tensor(7.0))
        model(torch.tensor(1.0))
        model(torch.tensor(1.0))
        model.act(torch.tensor(8.0))
    kept = {key: tensor.item() for key, tensor in on.recorded["clean"].items()}
    assert kept["act:output"] == 7 and kept["act#2:output"] == 10 and kept["act#2@1:output"] == 8 and len(kept) == 6


def test_a_step_that_raised_is_one() -> None:
    model = Twice()
    with inspector.hooks(model, {"act": "zero(step=1)"}):
        for error in (ValueError, KeyboardInterrupt):
            handle = model.act.register_forward_hook(lambda *args, error=error: (_ for _ in ()).throw(error))
            with pytest.raises(error):
                model(torch.tensor(1.0))
            handle.remove()
        assert model(torch.tensor(1.0)).tolist() == [1, 10]


def test_threads_that_call_the_root_at_once_are_in_steps_of_their_own() -> None:
    counter, model, seen, both = StepCounter(), Twice(), {}, threading.Barrier(2)

    def hook(module: nn.Module, args: object) -> None:
        both.wait(10)
        seen.setdefault(threading.get_ident(), []).append(counter.number)

    handles = [counter.register(model), model.act.register_forward_pre_hook(hook)]
    threads = [threading.Thread(target=model, args=(torch.tensor(1.0),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen.values()) == [[0, 0], [1, 1]] and counter.count == 2 and counter.number == 1
    for handle in handles:
        handle.remove()


def test_nothing_stays_on_the_root_and_copies_count_nothing() -> None:
    model = Twice()
    before = fingerprint(model)
    with inspector.hooks(model, {"act": "zero(step=1)"}):
        copy.deepcopy(model)(torch.tensor(1.0))
        pickle.loads(pickle.dumps(model))(torch.tensor(1.0))
        assert [model(torch.tensor(1.0)).tolist() for _ in range(2)] == [[1, 10], [0, 0]]
    assert fingerprint(model) == before


@pytest.mark.parametrize(
    ("hook", "why"),
    [("zero(step=7)", "step=7, counted from 0, and step 2 was the last that it was called in"),
     ("zero(step='1:', every=3)", "step='1:', every=3, counted from 0, and no call of it was such a one"),
     ("zero(step=1, call=2)", "call=2, counted from 0, and it was called 2 times at most in a step")],
)  # fmt: skip
def test_why_a_hook_of_a_step_never_fired(hook: str, why: str) -> None:
    model = Twice()
    with pytest.warns(inspector.HookWarning, match="never fired"), inspector.hooks(model, {"act": hook}) as on:
        for _ in range(3):
            model(torch.tensor(1.0))
    assert on.outcomes[0].unfired == why
