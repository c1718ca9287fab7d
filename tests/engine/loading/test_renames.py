"""State dicts under other names: what a renaming does, and which one is found. Truth is `load_state_dict` by hand."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from inspector.engine.loading import load
from inspector.engine.loading.files.find_renames import BUDGET, find_renames
from inspector.engine.loading.renames import describe_renames, parse_renames, rename_state
from inspector.engine.session import Session
from inspector.engine.values.renaming import rename_key, rename_keys
from inspector.errors import UsageError
from inspector.records import Target

State = dict[str, Tensor]


def resnet() -> State:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return torchvision.models.resnet18().state_dict()


STATE = resnet()


def prefixed(prefix: str, state: State = STATE) -> State:
    return {f"{prefix}{key}": value for key, value in state.items()}


def filled(model: nn.Module, state: State) -> State:
    """By hand."""
    model.load_state_dict(state)
    return {key: value.clone() for key, value in model.state_dict().items()}


def same(one: Any, other: Any) -> bool:
    return list(one) == list(other) and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ("rename", "key", "name"),
    [
        ("module.=>", "module.fc.weight", "fc.weight"),
        ("module=>", "module.fc.weight", "fc.weight"),
        ("module.=>", "module.module.fc.weight", "module.fc.weight"),
        ("module.=>", "modules.fc.weight", "modules.fc.weight"),
        ("module.=>", "fc.module.weight", "fc.module.weight"),
        ("=>net.", "fc.weight", "net.fc.weight"),
        ("=>net", "fc.weight", "net.fc.weight"),
        ("fc=>head", "fc.weight", "head.weight"),
        ("fc=>head", "fc2.weight", "fc2.weight"),
        ("fc=>head", "fc", "head"),
        ("a.b=>c", "a.b.weight", "c.weight"),
        (".gamma=>.weight", "norm.gamma", "norm.weight"),
        (".gamma=>.weight", "gamma.gamma", "gamma.weight"),
        ("._orig_mod=>", "layer1._orig_mod.0._orig_mod.weight", "layer1.0.weight"),
        (".a=>.b", "a.a.a.ab", "a.b.b.ab"),
    ],
)
def test_whole_names_are_replaced(rename: str, key: str, name: str) -> None:
    ((old, new),) = parse_renames([rename])
    assert rename_key(key, old, new) == name


@pytest.mark.parametrize("text", ["module.", "a=>a", "a=>a.", "=>", ".=>b", "a b=>c"])
def test_what_renames_no_keys_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="renames no keys") as caught:
        parse_renames([text])
    assert "OLD=>NEW" in caught.value.problem.hint


def test_renamings_are_one_after_the_other_and_never_lose_a_key() -> None:
    assert rename_keys(["module.fc.weight"], parse_renames(["module.=>", "fc=>head"])) == {
        "module.fc.weight": "head.weight"
    }
    with pytest.raises(UsageError, match=r"a\.weight and b\.weight would both be a\.weight"):
        rename_state({"a.weight": 1, "b.weight": 2}, parse_renames(["b=>a"]))


def test_what_the_file_says_of_its_modules_goes_along() -> None:
    state = nn.ModuleDict({"module": nn.Sequential(nn.BatchNorm1d(2))}).state_dict()
    renamed = rename_state(state, parse_renames(["module.=>"]))
    by_hand = nn.Sequential(nn.BatchNorm1d(2)).state_dict()
    assert list(renamed) == list(by_hand) and renamed._metadata == by_hand._metadata  # type: ignore[attr-defined]


MADE = {
    "as it is": (lambda: STATE, []),
    "DataParallel": (lambda: nn.DataParallel(torchvision.models.resnet18()).state_dict(), ["module.=>"]),
    "compiled": (lambda: torch.compile(torchvision.models.resnet18()).state_dict(), ["_orig_mod.=>"]),
    "Lightning": (lambda: prefixed("model."), ["model.=>"]),
    "deep": (lambda: prefixed("net.backbone."), ["net.backbone.=>"]),
    "both": (lambda: prefixed("module._orig_mod."), ["module._orig_mod.=>"]),
    "head": (lambda: {key.replace("fc.", "head."): value for key, value in STATE.items()}, ["head.=>fc."]),
    "two": (lambda: {f"module.{key.replace('fc.', 'head.')}": value for key, value in STATE.items()},
            ["module.=>", "head.=>fc."]),
    "inside": (lambda: {key.replace(".conv1.", ".first."): value for key, value in STATE.items()}, [".first=>.conv1"]),
    "gamma": (lambda: {key.replace("bn1.weight", "bn1.gamma"): value for key, value in STATE.items()},
              [".gamma=>.weight"]),
    "a compiled part": (lambda: {key.replace("layer1.", "layer1._orig_mod."): v for key, v in STATE.items()},
                        ["._orig_mod=>"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_the_renaming_that_fits_is_found(name: str) -> None:
    make, expected = MADE[name]
    state, own = make(), torchvision.models.resnet18().state_dict()
    found = find_renames(state, own)
    assert found.renames == parse_renames(expected) and found.fits == len(own) and not found.doubts
    renamed = rename_state(state, found.renames)
    assert list(renamed) == list(own)
    assert same(filled(torchvision.models.resnet18(), dict(renamed)), renamed)


def test_a_name_is_put_in_front() -> None:
    model = nn.ModuleDict({"backbone": torchvision.models.resnet18()})
    assert find_renames(STATE, model.state_dict()).renames == (("", "backbone."),)
    model = nn.ModuleDict({"backbone": torchvision.models.resnet18(), "head": nn.Linear(3, 4)})
    state = {**STATE, **prefixed("head.", nn.Linear(3, 4).state_dict())}
    found = find_renames(state, model.state_dict())
    assert list(rename_state(state, found.renames)) == list(model.state_dict())


def test_a_wrapper_of_a_model_that_has_the_same_name_inside() -> None:
    model = nn.ModuleDict({"module": nn.Linear(2, 3)})
    state = nn.DataParallel(model).state_dict()
    found = find_renames(state, model.state_dict())
    assert found.renames == (("module.", ""),) and list(rename_state(state, found.renames)) == list(model.state_dict())


def test_where_two_keys_would_do_nothing_is_guessed() -> None:
    own = nn.ModuleDict({"head": nn.Linear(2, 2), "other": nn.Linear(2, 2)}).state_dict()
    found = find_renames(prefixed("fc.", nn.Linear(2, 2).state_dict()), own)
    assert found.renames == () and found.fits == 0
    assert "fc.weight may be head.weight or other.weight" in found.doubts


def test_shapes_decide_and_not_names_alone() -> None:
    own = nn.ModuleDict({"head": nn.Linear(2, 2), "other": nn.Linear(2, 3)}).state_dict()
    state = {**prefixed("a.", nn.Linear(2, 3).state_dict()), **prefixed("b.", nn.Linear(2, 2).state_dict())}
    found = find_renames(state, own)
    assert sorted(found.renames) == [("a.", "other."), ("b.", "head.")] and found.fits == 4
    assert find_renames(prefixed("m.", nn.Linear(2, 4).state_dict()), nn.Linear(2, 5).state_dict()).fits == 0


NAMES = st.lists(st.sampled_from(["a", "b", "module", "weight", ""]), min_size=1, max_size=4).map(".".join)
SIDES = st.dictionaries(NAMES, st.integers(0, 3), max_size=12)


@settings(max_examples=200, deadline=None)
@given(SIDES, SIDES)
def test_whatever_the_keys_are_what_is_found_fits_as_it_says(theirs: dict[str, int], own: dict[str, int]) -> None:
    state, model = ({key: torch.empty(size) for key, size in side.items()} for side in (theirs, own))
    found = find_renames(state, model)
    renamed = rename_state(state, found.renames)
    assert found.fits == sum(key in model and renamed[key].shape == model[key].shape for key in renamed)


def test_the_search_is_bounded_in_a_large_state_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    """What costs is to look at a key: there are no more looks than the budget and one round allow."""
    names = [f"layers.{n}.{part}.weight" for n in range(4_000) for part in ("q", "k", "v", "o", "fc")]
    empty = torch.empty(4, device="meta")
    state, own = {name.replace("fc", "dense"): empty for name in names}, dict.fromkeys(names, empty)
    looked = 0
    real = rename_keys

    def count(keys: Any, renames: Any) -> dict[str, str]:
        nonlocal looked
        keys = list(keys)
        looked += len(keys)
        return real(keys, renames)

    monkeypatch.setattr("inspector.engine.loading.files.find_renames.rename_keys", count)
    found = find_renames(state, own)
    assert found.fits == 20_000 and looked <= BUDGET


NET = """
from torch import nn
def build(): return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    for tensor in (*net.parameters(), *net.buffers()):
        tensor.data.copy_(torch.rand(tensor.shape) * 9)
    return net


def save(name: str, state: State) -> None:
    if name == "net.safetensors":
        save_file(state, name)
    elif name == "legacy.pt":
        torch.save(state, name, _use_new_zipfile_serialization=False)
    elif name == "net.ckpt":
        torch.save({"epoch": 1, "state_dict": state, "optimizer": {"state": {}}}, name)
    elif name == "net.safetensors.index.json":
        files = {key: f"{number}.safetensors" for number, key in enumerate(state)}
        for key, file in files.items():
            save_file({key: state[key]}, file)
        Path(name).write_text(json.dumps({"weight_map": files}))
    else:
        torch.save(state, name)


FILES = ("net.pt", "legacy.pt", "net.ckpt", "net.safetensors", "net.safetensors.index.json")


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_loaded_with_its_keys_renamed(file: str, folder: Path) -> None:
    net = trained()
    save(file, prefixed("module.", net.state_dict()))
    loaded = load(Target("net.py:build", weights=file, renames=("module.=>",)))
    assert same(loaded.model.state_dict(), net.state_dict())  # type: ignore[union-attr]
    assert any("without module." in note for note in loaded.notes)


@pytest.mark.parametrize("file", FILES)
def test_a_loaded_model_can_be_written_to(file: str, folder: Path) -> None:
    """A file is read where it lies: a module that keeps what it is given must not keep a part of it."""
    (folder / "keeps.py").write_text(
        "from torch import nn\n"
        "class Keeps(nn.Linear):\n"
        "    def _load_from_state_dict(self, state, prefix, *rest):\n"
        "        self.weight = nn.Parameter(state[prefix + 'weight'])\n"
        "        self.bias = nn.Parameter(state[prefix + 'bias'])\n"
        "def build(): return nn.Sequential(Keeps(4, 3))\n"
    )
    save(file, prefixed("0.", nn.Linear(4, 3).state_dict()))
    loaded = load(Target("keeps.py:build", weights=file))
    assert loaded.model[0].weight.data.add_(1).isfinite().all()  # type: ignore[union-attr,index]


def test_the_error_names_the_command_that_fits(folder: Path) -> None:
    save("a b.pt", {f"module.{key}".replace("0.", "first."): value for key, value in trained().state_dict().items()})
    with pytest.raises(UsageError, match="does not fit") as caught:
        load(Target("net.py:build", weights="a b.pt"))
    hint = caught.value.problem.hint
    command = "inspector net.py:build -w 'a b.pt' --rename 'module.=>' --rename 'first.=>0.'"
    assert hint.endswith(f": {command}")
    renames = ("module.=>", "first.=>0.")
    assert load(Target("net.py:build", weights="a b.pt", renames=renames)).model is not None  # type: ignore[union-attr]


def test_a_renaming_that_renames_nothing_is_said(folder: Path) -> None:
    net = trained()
    save("net.pt", prefixed("module.", net.state_dict()))
    with pytest.raises(UsageError) as caught:
        load(Target("net.py:build", weights="net.pt", renames=("model.=>",)))
    assert "model.=> renames nothing: 'model' is how no key begins" in caught.value.problem.where
    assert caught.value.problem.hint.endswith("-w net.pt --rename 'module.=>'")
    save("plain.pt", dict(net.state_dict()))
    loaded = load(Target("net.py:build", weights="plain.pt", renames=("model.=>",)))
    assert any("renames nothing" in note for note in loaded.notes)


def test_what_fits_in_part_says_how_much(folder: Path) -> None:
    state = prefixed("model.", trained().state_dict())
    state["model.0.weight"] = torch.ones(5, 4)
    save("net.pt", state)
    with pytest.raises(UsageError) as caught:
        load(Target("net.py:build", weights="net.pt"))
    assert "6 of 7 keys fit without model.: D in the app" in caught.value.problem.hint


def test_renaming_needs_weights(folder: Path) -> None:
    with pytest.raises(UsageError, match="--rename"):
        load(Target("net.py:build", renames=("a=>b",)))
    with pytest.raises(UsageError, match="renames no keys"):
        load(Target("net.py:build", weights="gone.pt", renames=("a",)))


def test_the_command_that_the_error_names_works(folder: Path) -> None:
    save("net.pt", prefixed("module.", trained().state_dict()))

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        without_pass = [sys.executable, "-m", "inspector", *command, "--print", "tree", "--no-forward"]
        return subprocess.run(without_pass, capture_output=True, text=True, timeout=200)

    refused = run(["net.py:build", "-w", "net.pt"])
    assert refused.returncode == 2 and "does not fit" in refused.stderr
    command = shlex.split(refused.stderr[refused.stderr.index("inspector net.py") :])
    assert command[:2] == ["inspector", "net.py:build"]
    done = run(command[1:])
    assert done.returncode == 0 and "weights of net.pt without module." in done.stdout


@pytest.mark.parametrize("how", ["hook", "recipe"])
def test_a_hook_that_renames_acts_before_the_load(how: str, folder: Path) -> None:
    net = trained()
    save("net.pt", prefixed("module.", net.state_dict()))
    do = "rename('module.', '', on='load_state_dict')"
    (folder / "hooks.toml").write_text(f'schema = 1\n[[hook]]\nmodule = ""\ndo = "{do}"\n')
    given = {"hooks": (f":{do}",)} if how == "hook" else {"recipe": "hooks.toml"}
    session = Session(lambda event: None)
    session.open(Target("net.py:build", weights="net.pt", run=False, **given))  # type: ignore[arg-type]
    model = session.subject.tree.root
    assert same(model.state_dict(), net.state_dict())
    model.load_state_dict(prefixed("module.", STATE := OrderedDict(net.state_dict())))
    assert same(model.state_dict(), STATE), "and on what is loaded later, by torch itself"
    session.close()


def test_words() -> None:
    assert describe_renames(parse_renames(["module.=>", "=>net.", "fc=>head", "._orig_mod=>"])) == (
        "without module., with net. in front, fc as head, without ._orig_mod"
    )
    assert describe_renames(()) == ""


def test_a_directory_given_for_weights_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").touch()
    with pytest.raises(UsageError, match="is a directory, not a file") as raised:
        load(Target("tests/models.py:mlp", weights=str(tmp_path)))
    assert raised.value.problem.hint == f"name one in it: {tmp_path}/a.safetensors"
