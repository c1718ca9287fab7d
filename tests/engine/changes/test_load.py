"""State dicts loaded into an open model: as torch loads them, undone bit for bit, said again by recipe and script."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.errors import InspectorError, UsageError
from inspector.records import (
    EditParameters,
    LoadOffer,
    LoadRecipe,
    LoadStateDict,
    StateDictReport,
    Target,
    TryStateDict,
    Undo,
)
from tests.fingerprint import fingerprint

NET = """
import torch
from torch import nn
def build():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2)).eval()
class Own(nn.Linear):
    def get_extra_state(self): return 1
    def set_extra_state(self, state): self.state = state
def own(): return nn.Sequential(Own(2, 2))
def lazy(): return nn.Sequential(nn.LazyLinear(2))
"""

State = dict[str, Tensor]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    yield (made := opened())
    made.close()


def opened(target: str = "net.py:build", **options: Any) -> Session:
    session = Session(lambda event: None)
    session.open(Target(target, inputs=("2x3x8x8",), run=False, **options))
    return session


def model_of(session: Session) -> nn.Module:
    return session.subject.tree.root


def other() -> State:
    torch.manual_seed(9)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    net[1].running_mean.fill_(5)
    return dict(net.state_dict())


def held(model: nn.Module) -> State:
    return {key: value.clone() for key, value in model.state_dict().items()}


def same(one: State, two: State) -> bool:
    return list(one) == list(two) and all(torch.equal(one[key], two[key]) for key in one)


def offer_of(session: Session, file: str) -> LoadOffer | None:
    report = answer(session, TryStateDict(1, file))
    assert isinstance(report, StateDictReport)
    return report.offer


def load(session: Session, file: str, offer: LoadOffer, partial: bool = False) -> None:
    answer(session, LoadStateDict(1, file, offer.renames, partial))


RENAMED = {
    "": ((), ""),
    "module.": (("module.=>",), "without module."),
    "_orig_mod.": (("_orig_mod.=>",), "without _orig_mod."),
    "net.model.": (("net.model.=>",), "without net.model."),
}


@pytest.mark.parametrize("prefix", RENAMED)
def test_what_is_offered_is_loaded_as_by_hand_and_undone_bit_for_bit(session: Session, prefix: str) -> None:
    renames, words = RENAMED[prefix]
    torch.save({f"{prefix}{key}": value for key, value in other().items()}, "net.pt")
    model = model_of(session)
    before, print_before = held(model), fingerprint(model)
    offer = offer_of(session, "net.pt")
    assert offer == LoadOffer(renames, words, loads=9) and fingerprint(model) == print_before
    load(session, "net.pt", offer)
    assert same(held(model), other())
    changes = session.subject.changes()
    assert [change.label for change in changes.changes] == [f"load net.pt {words}".strip()] and changes.edited
    answer(session, Undo(1))
    assert same(held(model), before) and fingerprint(model) == print_before
    answer(session, Undo(1, redo=True))
    assert same(held(model), other())


def test_a_pass_runs_with_what_was_loaded_and_leaves_it(session: Session) -> None:
    torch.save(other(), "net.pt")
    answer(session, LoadStateDict(1, "net.pt"))
    outputs: list[Tensor] = []
    model_of(session).register_forward_hook(lambda module, args, output: outputs.append(output))
    summary = session.run()
    sample = session.subject.sample
    assert sample is not None and summary.problem is None and same(held(model_of(session)), other())
    by_hand = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2)).eval()
    by_hand.load_state_dict(other())
    assert torch.equal(outputs[-1], by_hand(*sample.copy().args))
    assert summary.delta is not None and summary.delta.rel_l2 > 0, "the baseline is the model as it was opened"


def test_what_fits_in_part_says_what_stays(session: Session) -> None:
    state = {f"module.{key}": value for key, value in other().items() if key != "0.bias"}
    state["module.3.weight"], state["loss.weight"] = torch.ones(5, 144), torch.ones(1)
    torch.save(state, "net.pt")
    model = model_of(session)
    before = held(model)
    offer = offer_of(session, "net.pt")
    assert offer is not None and (offer.loads, offer.staying, offer.unused) == (7, 2, 1)
    assert (offer.stay, offer.left, offer.renames) == (("3.weight", "0.bias"), ("loss.weight",), ("module.=>",))
    with pytest.raises(InspectorError, match="could not take the weights"):
        load(session, "net.pt", offer)
    assert same(held(model), before), "torch writes before it refuses: that is put back"
    load(session, "net.pt", offer, partial=True)
    stay = ("0.bias", "3.weight")
    assert same(held(model), {key: before[key] if key in stay else value for key, value in other().items()})
    answer(session, Undo(1))
    assert same(held(model), before)


def test_nothing_is_offered_where_nothing_fits(session: Session) -> None:
    torch.save({"a.weight": torch.ones(7, 7)}, "net.pt")
    assert offer_of(session, "net.pt") is None
    report = answer(session, TryStateDict(1, ""))
    assert isinstance(report, StateDictReport) and report.offer is None, "the model's own is in it already"


def test_two_that_would_do_are_a_doubt(tmp_path: Path, session: Session) -> None:
    (tmp_path / "two.py").write_text(
        "from torch import nn\ndef build(): return nn.ModuleDict({'a': nn.Linear(2, 2), 'b': nn.Linear(2, 2), "
        "'c': nn.Linear(2, 3)})\n"
    )
    twins = opened("two.py:build")
    state = {f"c.{key}": value for key, value in nn.Linear(2, 3).state_dict().items()}
    torch.save({**state, "fc.weight": torch.ones(2, 2)}, "net.pt")
    offer = offer_of(twins, "net.pt")
    assert offer is not None and offer.renames == () and offer.doubts == ("fc.weight may be a.weight or b.weight",)


def test_hooks_of_the_model_have_their_part_in_it(session: Session) -> None:
    def widen(module: nn.Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        state["0.weight"] = state.pop("kernel")

    state = other()
    state["kernel"] = state.pop("0.weight")
    torch.save({f"module.{key}": value for key, value in state.items()}, "net.pt")
    model = model_of(session)
    model.register_load_state_dict_pre_hook(widen)
    offer = offer_of(session, "net.pt")
    assert offer is None or offer.loads < 9
    torch.save(state, "plain.pt")
    offer = offer_of(session, "plain.pt")
    assert offer == LoadOffer(loads=9)
    load(session, "plain.pt", offer)
    assert same(held(model), other())


def test_what_cannot_be_undone_is_not_loaded(session: Session) -> None:
    torch.save({**nn.Linear(2, 2).state_dict(prefix="0."), "0._extra_state": 2}, "own.pt")
    own = opened("net.py:own")
    before = fingerprint(model_of(own))
    with pytest.raises(UsageError, match="changes more than parameters and buffers") as caught:
        answer(own, LoadStateDict(1, "own.pt"))
    assert "-w FILE" in caught.value.problem.hint and fingerprint(model_of(own)) == before
    lazy = opened("net.py:lazy")
    with pytest.raises(UsageError, match="no shapes yet"):
        answer(lazy, LoadStateDict(1, "own.pt"))
    meta = opened(device="meta")
    torch.save(other(), "net.pt")
    with pytest.raises(UsageError, match="holds no values"):
        answer(meta, LoadStateDict(1, "net.pt"))


def test_what_is_there_already_is_no_change(session: Session) -> None:
    torch.save(model_of(session).state_dict(), "net.pt")
    with pytest.raises(UsageError, match="what the model has already"):
        answer(session, LoadStateDict(1, "net.pt"))
    assert not session.subject.changes().changes


def changed(session: Session, tmp_path: Path) -> State:
    """An edit, a load in part with other names, and an edit of what was loaded."""
    state = {f"module.{key}": value for key, value in other().items()}
    state["module.3.weight"] = torch.ones(5, 144)
    torch.save({"epoch": 2, "state_dict": state}, tmp_path / "net.ckpt")
    answer(session, EditParameters(1, "3", "scale(3)"))
    answer(session, LoadStateDict(1, str(tmp_path / "net.ckpt"), ("module.=>",), partial=True))
    answer(session, EditParameters(1, "0", "scale(2)"))
    return held(model_of(session))


def test_a_recipe_loads_it_again_in_its_turn(session: Session, tmp_path: Path) -> None:
    expected = changed(session, tmp_path)
    session.save("kept.toml")
    assert 'rename = ["module.=>"]' in Path("kept.toml").read_text()
    again = opened(recipe="kept.toml")
    assert same(held(model_of(again)), expected) and len(again.subject.changes().changes) == 3
    for _ in range(3):
        answer(again, Undo(1))
    assert same(held(model_of(again)), held(model_of(opened())))


@pytest.mark.parametrize("row", ['rename = "a=>b"', "partial = 1", "do = 'zero()'", "rename = ['a']", "rename = [1]"])
def test_a_recipe_that_is_wrong_is_said(session: Session, row: str) -> None:
    torch.save(other(), "net.pt")
    Path("wrong.toml").write_text(f"schema = 1\n[[edit]]\nload = 'net.pt'\n{row}\n")
    with pytest.raises(UsageError, match=r"edit 1|renames no keys"):
        answer(session, LoadRecipe(1, "wrong.toml"))


def test_a_recipe_whose_load_fails_takes_back_what_came_before(session: Session) -> None:
    before = held(model_of(session))
    torch.save({"0.weight": torch.ones(1)}, "net.pt")
    Path("bad.toml").write_text(
        "schema = 1\n[[edit]]\nmodule = '3'\ndo = 'scale(2)'\n[[edit]]\nload = 'net.pt'\n[[edit]]\nload = 'gone.pt'\n"
    )
    with pytest.raises(InspectorError):
        answer(session, LoadRecipe(1, "bad.toml"))
    assert same(held(model_of(session)), before)


SCRIPTS = {
    "loaded.py": (
        "import sys, torch, runpy; sys.modules['inspector'] = None\n"
        "space = runpy.run_path('loaded.py'); model = space['build'](); space.get('edit_parameters', print)(model)\n"
        "torch.save(model.state_dict(), 'script.pt')"
    )
}


def run_script() -> State:
    ran = subprocess.run([sys.executable, "-c", SCRIPTS["loaded.py"]], capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return dict(torch.load("script.pt", weights_only=True))


def test_a_script_does_the_same(session: Session, tmp_path: Path) -> None:
    expected = changed(session, tmp_path)
    session.save("loaded.py")
    assert same(run_script(), expected)


@pytest.mark.parametrize("form", ["ckpt", "safetensors", "shards"])
def test_a_script_loads_the_weights_of_its_target_with_their_renamings(session: Session, form: str) -> None:
    import json

    from safetensors.torch import save_file

    state = {f"module.{key}": value.contiguous() for key, value in other().items()}
    file = {"ckpt": "net.ckpt", "safetensors": "net.safetensors", "shards": "net.safetensors.index.json"}[form]
    if form == "ckpt":
        torch.save({"model": state}, file)
    elif form == "safetensors":
        save_file(state, file)
    else:
        for number, (key, value) in enumerate(state.items()):
            save_file({key: value}, f"{number}.safetensors")
        Path(file).write_text(json.dumps({"weight_map": {key: f"{n}.safetensors" for n, key in enumerate(state)}}))
    with_weights = opened(weights=file, renames=("module.=>",))
    assert same(held(model_of(with_weights)), other())
    with_weights.save("loaded.py")
    assert same(run_script(), other())
