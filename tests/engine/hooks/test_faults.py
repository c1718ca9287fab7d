"""A built-in hook that cannot do its work: a fault wherever one looks, and the pass goes on as if it were off."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import AddHook, Run
from tests.documents import read_document
from tests.warm import run as run_command

ROOT = Path(__file__).parents[3]

X = torch.arange(8.0).reshape(2, 4)
FAILING = {
    "patch('never recorded')": "nothing was recorded as 'never recorded'",
    "record('r', megabytes=0)": "would take more than 0 MB",
    "mean(9)": "Dimension out of range",
    "zero(where='[3]')": "there is no [3] in a tuple of 2",
    "scale(2, where='.logits')": "there is no .logits in a tuple of 2",
    "observe(on='output', where='[3]')": "there is no [3] in a tuple of 2",
}


class Two(nn.Module):
    """Two outputs, the second of another shape."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x + 1, x.sum(1)


def two() -> nn.Module:
    return nn.Sequential(Two())


def file_of(tmp_path: Path, *shape: int) -> str:
    torch.save(torch.ones(shape), tmp_path / "t.pt")
    return str(tmp_path / "t.pt")


@pytest.mark.parametrize(("hook", "said"), FAILING.items())
def test_a_hook_of_the_library_that_fails_is_a_fault(hook: str, said: str) -> None:
    model = two()
    with pytest.warns(inspector.HookWarning, match="failed"), inspector.hooks(model, {"0": hook}) as on:
        output = model(X)
    assert len(on.faults) == 1 and said in str(on.faults[0]) and set(on.fired.values()) <= {0}
    assert all(map(torch.equal, output, model(X)))


@pytest.mark.parametrize(("hook", "said"), FAILING.items())
def test_a_hook_of_a_session_that_fails_is_a_fault(hook: str, said: str) -> None:
    session = Session(lambda event: None)
    session.adopt(two(), (X,), {}, "two")
    answer(session, AddHook(1, "0", hook))
    for _ in range(2):  # the second pass compares
        summary = session.run()
    assert summary.problem is None and [fault.path for fault in summary.faults] == [("0",)]
    assert said in summary.faults[0].what and (summary.delta is None or summary.delta.rel_l2 == 0)
    rows = [row for row in session.queries.hooks(("0",)).rows if row.fault]
    assert len(rows) == (2 if "observe" in hook else 1)  # observing takes two of torch's hooks
    assert all(said in row.fault and row.ours and ("observe" in hook or row.fired == 0) for row in rows)
    session.close()


def test_what_was_made_of_the_tensors_before_is_left_out() -> None:
    model = two()
    wanted = {"0": inspector.mean(1)}  # the second output has no dimension 1
    with pytest.warns(inspector.HookWarning, match="failed"), inspector.hooks(model, wanted) as on:
        output = model(X)
    assert torch.equal(output[0], X + 1) and list(on.fired.values()) == [0] and len(on.faults) == 1


def test_parameters_are_all_changed_or_none() -> None:
    model = nn.Linear(4, 3)
    before = model.weight.clone()
    wanted = {"": "assign(5, '0, 0', on='parameters')"}  # the bias has one dimension
    with pytest.warns(inspector.HookWarning, match="failed"), inspector.hooks(model, wanted) as on:
        model(X)
    assert torch.equal(model.weight, before) and len(on.faults) == 1 and list(on.fired.values()) == [0]


def test_a_pass_that_succeeds_has_no_fault() -> None:
    session = Session(lambda event: None)
    session.adopt(two(), (X,), {}, "two")
    answer(session, AddHook(1, "0", "zero(where='[1]')"))
    assert not session.run().faults
    (row,) = (row for row in session.queries.hooks(("0",)).rows if row.name.startswith("zero"))
    assert row.fired == 1 and not row.fault
    session.close()


@pytest.mark.parametrize("shape", [(1, 4), (4,), (3, 4), ()])
def test_what_is_put_in_has_the_shape_of_what_it_replaces(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = nn.Sequential(nn.Identity())
    wanted = {"0": f"replace({file_of(tmp_path, *shape)!r})"}
    with pytest.warns(inspector.HookWarning, match="failed"), inspector.hooks(model, wanted) as on:
        assert torch.equal(model(X), X)
    sizes = "×".join(map(str, shape)) or "scalar"
    assert f"is {sizes}, and what it replaces 2×4" in str(on.faults[0])


def test_a_recording_of_another_shape_is_a_fault() -> None:
    model = nn.Sequential(nn.Identity())
    session = Session(lambda event: None)
    session.adopt(model, (X[:1],), {}, "one")
    answer(session, AddHook(1, "0", "record('clean')"))
    session.run()
    session.set_input(("2x4",))
    answer(session, AddHook(1, "0", "patch('clean')"))
    session.subject.change_log.toggle(session.subject.node(("0",)), "forward", _id_of(session, "record"), False)
    summary = session.run()
    assert "the recording 'clean' is 1×4, and what it replaces 2×4" in summary.faults[0].what
    session.close()


def _id_of(session: Session, name: str) -> int:
    return next(row.id for row in session.queries.hooks(("0",)).rows if row.name.startswith(name))


def test_a_gradient_hook_that_fails_is_a_fault() -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 1))
    session = Session(lambda event: None)
    session.adopt(model, (X,), {}, "linear")
    answer(session, AddHook(1, "0", "scale(2, on='grad', where='[7][0]')"))
    assert "there is no [7]" in session.run(Run(1, backward=True)).faults[0].what
    session.close()


@pytest.mark.parametrize("form", ["tree", "calls", "json"])
def test_a_report_tells_it_and_the_exit_code_is_1(form: str) -> None:
    hook = "features.0:patch('never')"
    ran = run_command("squeezenet1_1", "-i", "1x3x64x64", "--print", form, "--hook", hook)
    assert ran.returncode == 1, ran.stderr
    said = "patch('never') on features.0 failed: LookupError: nothing was recorded as 'never'"
    if form != "json":
        assert f"hook failed: {said}" in ran.stdout
        return
    (fault,) = read_document(ran.stdout)["faults"]
    assert fault["type"] == "LookupError" and fault["path"] == "features.0" and said in fault["message"]
