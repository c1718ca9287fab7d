"""Hooks added, switched, edited and undone, over every toy model: afterwards nothing is left of it."""

from __future__ import annotations

import contextlib
import copy
import pickle
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from inspector.engine.answers import answer
from inspector.engine.hooks.kinds import BY_NAME, HOOK_KINDS
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import (
    AddHook,
    DisableAll,
    EditParameters,
    HookSpec,
    RemoveHook,
    ReplaceHook,
    Run,
    TakeBaseline,
    Target,
    Undo,
)
from inspector.tui.screens.hooks.code import template
from tests.fingerprint import fingerprint
from tests.models import build, names

ALTERING = (
    "scale(2)", "add(1.0)", "zero()", "noise(0.1, seed=1, on='input')", "clamp(-1, 1)", "dropout(0.5)",
    "round('bfloat16')", "mean()", "permute()", "prune(0.5, on='output')", "scale(0.5, on='parameters')",
    "scale(2, on='grad')", "scale(2, where='[0]')", "zero(when='nan > 0 or std > 1')", "print()",
    "record('r')", "patch('r')",
    HookSpec("python", code="def hook(module, args, kwargs, output):\n    raise RuntimeError('of a person')\n"),
)  # fmt: skip
HOSTILE = ("slow", "hostile", "kills", "endless")


def attempted(session: Session, request: AddHook | EditParameters) -> None:
    """A model may have nothing that takes it."""
    with contextlib.suppress(UsageError):
        answer(session, request)


def opened(model: nn.Module, args: tuple = (), kwargs: dict | None = None) -> Session:
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs or {}, "toy")
    return session


def undo_all(session: Session) -> None:
    while any(not change.undone for change in session.subject.changes().changes):
        answer(session, Undo(1))


@pytest.mark.parametrize("name", [name for name in names(without=HOSTILE) if name != "wide_100k"])
def test_nothing_is_left_after_undoing_everything(name: str) -> None:
    model, args, kwargs = build(name)
    session = opened(model, args, kwargs)
    before = fingerprint(model)
    for hook in ALTERING:
        attempted(session, AddHook(1, "*", hook))
    for edit in ("scale(2)", "zero(where='weight')"):
        attempted(session, EditParameters(1, "*", edit))
    undo_all(session)
    assert fingerprint(model) == before
    session.close()


@pytest.mark.slow
def test_nothing_is_left_on_a_hundred_thousand_modules() -> None:
    model, args, kwargs = build("wide_100k")
    session = opened(model, args, kwargs)
    session.observe(((),), subtree=True, on=False)
    before = fingerprint(model)
    for hook in ("scale(2)", "noise(0.1, on='input')"):
        answer(session, AddHook(1, "*", hook))
    answer(session, DisableAll(1))
    for _ in range(3):
        answer(session, Undo(1))
    assert fingerprint(model) == before
    session.close()


def test_every_kind_is_offered_with_what_it_takes() -> None:
    for kind in HOOK_KINDS:
        info = kind.info()
        assert info.title and all(argument.meaning and argument.type for argument in info.arguments), info.name
        assert kind.on == info.on and not info.title.endswith(".")


def mlp() -> tuple[nn.Sequential, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(2, 4)


def test_a_hook_that_raises_breaks_nothing_and_is_told() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    session.run()
    plain = session.calls_of(()).calls[0].output
    for on in ("output", "input", "parameters", "grad"):
        answer(session, AddHook(1, "0", HookSpec("python", on=on, code="def hook(*args):\n    return 1 / 0\n")))
    summary = session.run(Run(1))
    assert summary.problem is None and session.calls_of(()).calls[0].output == plain
    assert len(summary.faults) == 3 and all("line 2: ZeroDivisionError" in fault.what for fault in summary.faults)
    backward = session.run(Run(1, backward=True))
    assert backward.problem is None and len(backward.faults) == 4
    session.close()


@pytest.mark.parametrize(
    ("on", "code", "said"),
    [
        ("output", "def hook(m, a, k, o):\n    return False\n", "in the place of a tensor"),
        ("input", "def hook(m, a, k):\n    return a[0]\n", "replaced by (args, kwargs)"),
        ("parameters", "def hook(m):\n    return 1\n", "change things in place"),
    ],
)
def test_a_wrong_return_value_is_told(on: str, code: str, said: str) -> None:
    model, x = mlp()
    session = opened(model, (x,))
    answer(session, AddHook(1, "0", HookSpec("python", on=on, code=code)))
    summary = session.run()
    assert summary.problem is None and said in summary.faults[0].what
    session.close()


@pytest.mark.parametrize(
    ("code", "said", "line"),
    [("def hook(:\n", "line 1", 1), ("x = 1\n", "no function", 0), ("\n1/0\n", "line 2: Zero", 2)],
)
def test_wrong_code_is_refused_at_its_line(code: str, said: str, line: int) -> None:
    model, x = mlp()
    session = opened(model, (x,))
    with pytest.raises(UsageError, match=said):
        answer(session, AddHook(1, "0", HookSpec("python", code=code)))
    problem = session.queries.check_hook("0", HookSpec("python", code=code), edits=False).problem
    assert problem is not None and problem.line == line
    session.close()


@pytest.mark.parametrize("on", BY_NAME["python"].on)
def test_what_the_app_starts_a_hook_from_fits_what_it_is_put_on(on: str) -> None:
    model, x = mlp()
    session = opened(model, (x,))
    answer(session, AddHook(1, "0", HookSpec("python", on=on, code=template(on))))
    assert not session.run(Run(1, backward=True)).faults
    model.load_state_dict(model.state_dict())
    rows = session.queries.hooks(("0",)).rows
    assert rows and not any(row.fault for row in rows)
    assert next(row.fired for row in rows if row.name.startswith("python")) >= 1
    session.close()


def test_a_ripple_is_told_module_by_module_and_goes_with_the_hook() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    assert session.run().delta is None
    answer(session, AddHook(1, "1", "scale(3)"))
    summary = session.run()
    deltas = {call.index: call.delta for call in session.runner.last.calls}
    assert deltas[1].rel_l2 == 0 and deltas[2].rel_l2 == pytest.approx(2) and deltas[2].cosine == pytest.approx(1)
    assert summary.delta == deltas[0] and summary.ranking and summary.altering == 1
    row = next(row for row in session.queries.hooks(("1",)).rows if row.alters)
    assert (row.name, row.fired, row.enabled) == ("scale(3)", 1, True) and row.ms > 0
    session.set_hook(("1",), row.kind, row.id, False)
    assert session.run().delta is None
    session.set_hook(("1",), row.kind, row.id, True)
    assert session.run().delta == summary.delta
    answer(session, TakeBaseline(1))
    assert session.run().delta is None
    session.set_hook(("1",), row.kind, row.id, False)
    assert session.run().delta.rel_l2 > 0
    session.close()


def test_somebody_elses_hook_has_a_ripple_too() -> None:
    model, x = mlp()
    handle = model[0].register_forward_hook(lambda module, args, output: output + 1)
    session = opened(model, (x,))
    row = next(row for row in session.queries.hooks(("0",)).rows if not row.ours)
    session.run()
    session.set_hook(("0",), row.kind, row.id, False)
    assert session.run().delta.rel_l2 > 0
    answer(session, Undo(1))
    assert session.run().delta is None
    session.close()
    handle.remove()
    assert not model[0]._forward_hooks


def test_hooks_are_changed_and_removed_and_come_back_where_they_were() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    for factor in (2, 3):
        answer(session, AddHook(1, "0", f"scale({factor})"))
    first, second = (row for row in session.queries.hooks(("0",)).rows if row.alters)
    before = fingerprint(model)
    answer(session, RemoveHook(1, ("0",), first.kind, first.id))
    assert [row.name for row in session.queries.hooks(("0",)).rows if row.alters] == ["scale(3)"]
    answer(session, Undo(1))
    assert fingerprint(model) == before
    answer(session, ReplaceHook(1, ("0",), second.kind, second.id, "scale(5)"))
    assert [row.name for row in session.queries.hooks(("0",)).rows if row.alters] == ["scale(2)", "scale(5)"]
    answer(session, Undo(1))
    answer(session, Undo(1, redo=True))
    answer(session, Undo(1))
    assert [row.name for row in session.queries.hooks(("0",)).rows if row.alters] == ["scale(2)", "scale(3)"]
    with pytest.raises(UsageError, match="not added here"):
        answer(session, RemoveHook(1, ("0",), "forward", 10**9))
    session.close()


def test_all_of_ours_are_disabled_and_come_back() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    answer(session, AddHook(1, "*", "scale(2)"))
    before = session.run()
    answer(session, DisableAll(1))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert session.run().calls == 0
    answer(session, Undo(1))
    assert session.run().delta == before.delta
    session.close()


def test_conditions_calls_and_batches_limit_a_hook() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.Identity()

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.act(x), self.act(x * 10)

    session = opened(Twice(), (torch.ones(2),))
    for hook, changed in (("zero(call=1)", [1, 0]), ("zero(when='mean > 5')", [1, 0]), ("zero()", [0, 0])):
        answer(session, AddHook(1, "act", hook))
        session.run()
        means = [call.output.statistics.mean for call in session.calls_of(("act",)).calls]
        assert means == [changed[0], 10 * changed[1]], hook
        answer(session, Undo(1))
    answer(session, AddHook(1, "act", "zero(every=2, call=0)"))
    session.run(Run(1, batches=4))
    values = next(each.values for each in session.queries.history(("act",)).series if each.name == "output mean")
    assert values == (0, 1, 0, 1)
    session.close()


def test_training_steps_are_followed_and_taken_back() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    before = fingerprint(model)
    summary = session.run(Run(1, batches=5, backward=True, optimizer="SGD(lr=0.1)", loss="mean"))
    losses = next(each.values for each in session.queries.history(()).series if each.name == "loss")
    assert summary.problem is None and summary.batches == 5 and len(losses) == 5
    assert losses[-1] < losses[0] and summary.loss == losses[-1]
    names = [each.name for each in session.queries.history(("0",)).series]
    assert "weight mean" in names and "gradient rms" in names
    assert fingerprint(model) == before
    for wrong in (Run(1, batches=2, backward=True, optimizer="Sgd2(lr=1)"), Run(1, backward=True, loss="what")):
        with pytest.raises(UsageError):
            session.run(wrong)
    session.close()


def test_gradients_survive_in_place_operations() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    session = opened(model, (torch.randn(3, 4),))
    answer(session, AddHook(1, "0", "zero(on='grad')"))
    summary = session.run(Run(1, backward=True))
    sizes = {call.index: call.row().gradient for call in session.runner.last.calls}
    assert summary.problem is None and sizes[2] > 0 and sizes[0] > 0 and set(sizes) == {0, 1, 2, 3}
    assert sizes[1] == 0  # ours came first, and left nothing of the gradient for those behind it
    session.close()


def test_a_copy_and_a_pickle_of_the_model_have_hooks_that_do_nothing() -> None:
    model, x = mlp()
    plain = model(x)
    session = opened(model, (x,))
    answer(session, AddHook(1, "*", "scale(2)"))
    assert torch.equal(copy.deepcopy(model)(x), plain)
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), plain)
    session.close()


def test_an_observe_hook_shows_the_calls_and_the_part_it_was_limited_to() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 4, batch_first=True)
            self.relu = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out, _ = self.lstm(x)
            return self.relu(self.relu(out) * 100) + 1

    torch.manual_seed(0)
    session = opened(Twice(), (torch.randn(2, 3, 4),))

    def seen(where: str, hook: str, run: Run | None = None) -> list[Any]:
        answer(session, AddHook(1, where, hook))
        found = []
        for _ in range(2):  # a second pass counts anew
            assert session.run(run).problem is None
            found.append(list(session.queries.calls_of((where,)).calls))
        assert len(found[0]) == len(found[1])
        return found[0]

    assert [call.row.call for call in seen("relu", "observe(call=1)")] == [1]
    assert [call.row.call for call in seen("relu", "observe(when='max > 5')")] == [1]
    assert not seen("relu", "observe(on='output', when='nan > 0')")
    (call,) = seen("lstm", "observe(on='input')")
    assert call.output.type == "" and "not looked at" in call.output.text and call.inputs
    (call,) = seen("lstm", "observe(on='output', where='[1][0]')")
    assert call.output.shape == (1, 2, 4) and not call.inputs
    calls = seen("relu", "observe(on='grad')", Run(1, backward=True))
    assert len(calls) == 2 and calls[0].gradients and not calls[0].inputs
    names = [row.name for row in session.queries.hooks(("relu",)).rows]
    assert names == ["observe(on='grad')"] * 2
    undo_all(session)
    session.run()
    assert len(session.queries.calls_of(("relu",)).calls) == 2 and session.queries.calls_of(("lstm",)).calls[0].inputs
    session.close()


def test_top_classes_have_the_names_of_the_weights(tmp_path: Any) -> None:
    torch.save(torchvision.models.squeezenet1_1().state_dict(), tmp_path / "w.pt")
    session = Session(lambda event: None)
    session.open(Target("squeezenet1_1", weights=str(tmp_path / "w.pt"), inputs=("1x3x64x64",)))
    answer(session, AddHook(1, "features", "scale(2)"))
    ranking = session.run().ranking
    categories = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.meta["categories"]
    assert ranking and all(ranked.label == categories[ranked.index] for ranked in ranking)
    session.close()


@pytest.mark.parametrize("steps", [{"backward": True}, {"batches": 3, "backward": True, "optimizer": "SGD(lr=0.1)"}])
def test_a_backward_pass_and_batches_are_compared_with_the_same_unaltered(steps: dict[str, Any]) -> None:
    model, x = mlp()
    session = opened(model, (x,))
    answer(session, AddHook(1, "0", "scale(2)"))
    summary = session.run(Run(1, **steps))
    assert summary.problem is None and summary.delta is not None and summary.delta.rel_l2 > 0.1
    answer(session, DisableAll(1))
    answer(session, Undo(1))
    first = session.queries.calls_of(("0",)).calls[0].row.delta
    assert first is not None and (steps.get("batches") or first.rel_l2 == pytest.approx(1))
    session.close()


LOADER = """
import torch
from torch.utils.data import DataLoader, TensorDataset

images = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
labels = (images.sum(1) > 0).long()

def loader():
    return DataLoader(TensorDataset(images, labels), batch_size=8)

def loss(output, batch):
    seen, target = batch
    assert seen.shape == (8, 4) and target.dtype == torch.int64
    return torch.nn.functional.cross_entropy(output, target)
"""


def test_a_loader_brings_labels_that_a_loss_is_told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data_of_user.py").write_text(LOADER)
    monkeypatch.syspath_prepend(str(tmp_path))
    model, x = mlp()
    session = opened(model, (x,))
    losses = []
    for loss in ("cross_entropy", "data_of_user:loss"):
        run = Run(1, None, False, True, 4, loss, "SGD(lr=0.5)", "data_of_user:loader")
        summary = session.run(run)
        assert summary.problem is None, summary.problem
        (found,) = [series.values for series in session.queries.history(()).series if series.name == "loss"]
        losses.append(found)
        assert found[-1] < found[0]
    assert losses[0] == losses[1]
    summary = session.run(Run(1, None, False, True, 9, "cross_entropy", "none", "data_of_user:loader"))
    assert summary.problem is not None and "gave 4 batches of 9" in summary.problem.what
    session.close()


def test_cancelling_the_pass_to_compare_with_ends_the_one_that_was_asked_for() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    answer(session, AddHook(1, "0", "scale(2)"))
    calls = []
    handle = model[1].register_forward_hook(lambda *args: (calls.append(1), session.cancel()))
    summary = session.run()
    handle.remove()
    assert summary.cancelled and len(calls) == 1
    summary = session.run()
    assert not summary.cancelled and summary.delta is not None and summary.delta.rel_l2
    session.close()


def test_another_input_is_compared_with_a_baseline_of_its_own() -> None:
    model, x = mlp()
    session = opened(model, (x,))
    answer(session, AddHook(1, "", "scale(2)"))
    for seed in range(4):  # samples come and go, and may lie where another lay
        session.set_input((f"{seed + 2}x4",))
        summary = session.run()
        assert summary.delta is not None and summary.delta.rel_l2 == pytest.approx(1)
    session.close()


def test_the_list_of_all_hooks_is_made_once_for_all_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = mlp()
    session = opened(model, (x,))
    whole = session.queries.all_hooks(0, 100)
    first = session.queries.all_hooks(0, 3)
    monkeypatch.setattr(session.subject.ledger, "rows", None)
    rest = session.queries.all_hooks(3, 100)
    assert first.rows + rest.rows == whole.rows and first.total == rest.total == len(whole.rows)
    session.close()
