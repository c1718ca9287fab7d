"""Recipes and scripts: what is written says the same as the session did."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from inspector.engine.answers import answer
from inspector.engine.loading.placement import write_placing
from inspector.engine.session import Session
from inspector.engine.usercode import telling
from inspector.errors import UsageError
from inspector.records import AddHook, EditParameters, HookSpec, LoadRecipe, Target, Undo, Work
from tests.fingerprint import fingerprint

OWN = "def hook(module, args, kwargs, output):\n    return output + output.mean()\n"
HOOKS = (
    ("layer1", "scale(2)"),
    ("class:Conv2d", "noise(0.05, seed=3, on='input')"),
    ("layer2.0.relu", "zero(call=1)"),
    ("layer3", "clamp(0, 6, when='max > 6')"),
    ("layer4.0", "round('float16')"),
    ("layer4", "dropout(0.3, seed=2)"),
    ("fc", "scale(0.5, on='parameters')"),
    ("avgpool", HookSpec("python", code=OWN)),
)


def opened(**options: object) -> Session:
    session = Session(lambda event: None)
    session.open(Target("resnet18", inputs=("2x3x64x64",), **options))  # type: ignore[arg-type]
    return session


def altered() -> Session:
    session = opened()
    for where, hook in HOOKS:
        answer(session, AddHook(1, where, hook))
    answer(session, EditParameters(1, "fc,conv1", "noise(0.01, seed=5)"))
    answer(session, EditParameters(1, "layer1.0.conv1", "prune(0.5)"))
    return session


def output_of(session: Session) -> torch.Tensor:
    """The model's own output of a pass, whole."""
    found: list[torch.Tensor] = []
    handle = session.subject.tree.root.register_forward_hook(lambda module, args, output: found.append(output.clone()))
    summary = session.run()
    handle.remove()
    assert summary.problem is None and not summary.faults
    return found[-1]


def script_of(session: Session, path: Path) -> ModuleType:
    """What the session writes, imported; it knows nothing of this package."""
    session.save(str(path))
    session.close()
    assert not re.search(r"^\s*(import|from) inspector", path.read_text(), re.MULTILINE)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_script_computes_what_the_session_computed_bit_for_bit(tmp_path: Path) -> None:
    session = altered()
    expected = output_of(session)
    assert torch.equal(script_of(session, tmp_path / "same.py").run(), expected)


@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_a_script_casts_as_the_session_did(dtype: str, tmp_path: Path) -> None:
    session = opened(dtype=dtype)
    answer(session, AddHook(1, "layer1", "scale(2)"))
    expected = output_of(session)
    assert str(expected.dtype) == f"torch.{dtype}"
    assert torch.equal(script_of(session, tmp_path / "cast.py").run(), expected)


def test_a_script_moves_as_the_session_did() -> None:
    on_one, on_two = nn.Linear(2, 2, device="meta"), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta"))
    assert write_placing(on_one, "") == ["model.to('meta')"]
    assert write_placing(on_two, "") == [], "its own code did that"
    assert write_placing(nn.Linear(2, 2), "") == []
    assert write_placing(nn.Linear(2, 2).bfloat16(), "bfloat16") == ["model.to(torch.bfloat16)"]


def test_a_script_patches_prints_and_renames_as_the_session_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = opened()
    answer(session, AddHook(1, "layer2.0.relu", "record('clean', call=1)"))
    clean = output_of(session)
    answer(session, Undo(1))
    for where, hook in (
        ("conv1", "scale(3)"),
        ("layer4", "add(0.5)"),
        ("layer2.0.relu", "patch('clean', call=1)"),
        ("fc", "print()"),
        ("layer1", "record('again')"),
        ("fc", "rename('weight', 'w', on='state_dict')"),
    ):
        answer(session, AddHook(1, where, hook))
    expected = output_of(session)
    assert not torch.equal(expected, clean)
    module = script_of(session, tmp_path / "patched.py")
    assert torch.equal(module.run(), expected)
    printed = capsys.readouterr().out
    assert "fc call 0: output 2×1000 float32" in printed and printed.rstrip().endswith(" …]")
    assert list(module.RECORDED["again"]) == ["layer1:output"]
    model = module.build()
    module.add_hooks(model)
    assert "fc.w" in model.state_dict() and "fc.weight" not in model.state_dict()


def test_a_recipe_read_again_does_the_same(tmp_path: Path) -> None:
    session = altered()
    row = next(row for row in session.queries.hooks(("layer3",)).rows if row.name.startswith("clamp"))
    session.set_hook(("layer3",), row.kind, row.id, False)
    expected = output_of(session)
    saved = session.save(str(tmp_path / "r.toml"))
    assert saved.what == "8 hooks and 2 edits"
    session.close()
    again = opened(recipe=str(tmp_path / "r.toml"))
    assert torch.equal(output_of(again), expected)
    assert [row.enabled for row in again.queries.hooks(("layer3",)).rows if row.name.startswith("clamp")] == [False]
    again.close()


def test_a_hook_that_observes_a_part_is_said_to_be_a_hook(tmp_path: Path) -> None:
    session = opened()
    answer(session, AddHook(1, "fc", "observe(call=0)"))
    assert session.save(str(tmp_path / "r.toml")).what == "1 hook"
    session.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema = 2", "no recipe"),
        ("schema = 1\n[[hooks]]\n", "unknown part"),
        ("schema = 1\n[[hook]]\nmodule = 'fc'\n", "module and do are needed"),
        ("schema = 1\n[[hook]]\nmodule = 'fc'\ndo = 3\n", "'do' does not belong"),
        ("schema = 1\n[[hook]]\nmodule = 'fc'\ndo = 'zero'\n[[hook]]\nmodule = 'nope'\ndo = 'zero'\n", "no module"),
        ("x = [", "cannot be read"),
    ],
)
def test_a_wrong_recipe_is_refused_with_nothing_done(tmp_path: Path, text: str, said: str) -> None:
    session = opened()
    before = fingerprint(session.subject.tree.root)
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        answer(session, LoadRecipe(1, str(tmp_path / "r.toml")))
    assert not any(not change.undone for change in session.subject.changes().changes)
    after = fingerprint(session.subject.tree.root)
    assert [key for key in before if key.startswith("tensor") and before[key] != after[key]] == []
    session.close()


def test_no_file_is_replaced(tmp_path: Path) -> None:
    session = opened()
    answer(session, AddHook(1, "fc", "zero"))
    (tmp_path / "kept.toml").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        session.save(str(tmp_path / "kept.toml"))
    with pytest.raises(UsageError, match="endings"):
        session.save(str(tmp_path / "kept.txt"))
    assert (tmp_path / "kept.toml").read_text() == "mine"
    session.close()


def test_recorded_tensors_are_patched_back(tmp_path: Path) -> None:
    session = opened()
    answer(session, AddHook(1, "layer2", "record('clean')"))
    clean = output_of(session)
    run, _ = next(kind for kind in session.kinds().kinds if kind.name == "patch").arguments
    assert run.known == ("clean",)
    saved = session.save(str(tmp_path / "clean.safetensors"))
    assert saved.what == "1 tensor of 'clean'"
    answer(session, AddHook(1, "conv1", "noise(1, on='input')"))
    assert not torch.equal(output_of(session), clean)
    answer(session, Undo(1))
    answer(session, AddHook(1, "conv1", "zero()"))
    answer(session, AddHook(1, "layer2", f"patch({str(tmp_path / 'clean.safetensors')!r})"))
    assert torch.equal(output_of(session), clean)
    session.close()


def test_what_is_written_says_how_far_it_is_and_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wide.py").write_text("import torch\nclass Wide(torch.nn.Identity): pass\n")
    monkeypatch.setattr(telling, "PAUSE", 0)
    heard: list[Work] = []
    session = Session(lambda event: heard.append(event) if isinstance(event, Work) else None)
    session.open(Target(f"{tmp_path / 'wide.py'}:Wide", inputs=("9x1000000",)))
    answer(session, AddHook(1, "(root)", "record('kept')"))
    output_of(session)
    for name in ("all.safetensors", "all.py"):
        heard.clear()
        session.save(str(tmp_path / name))
        packed = [work for work in heard if work.what == "packing"]
        assert bool(packed) == name.endswith(".py") and all(work.done <= work.total for work in packed)
        told = [work for work in heard if work not in packed]
        assert [(work.what, work.unit) for work in told] == [("writing", "bytes")] * len(told) and len(told) > 3
        assert told[0].done < told[-1].done == told[-1].total >= 36_000_000
    assert torch.equal(load_file(tmp_path / "all.safetensors")["(root):output"], output_of(session))
    files = sorted(file.name for file in tmp_path.iterdir())

    monkeypatch.setattr(session.writing, "_tell", lambda work: session.cancel())
    for name in ("half.safetensors", "half.py"):
        with pytest.raises(UsageError, match=r"stopped after [08] of 36 MB: nothing of the file is left"):
            session.save(str(tmp_path / name))
    assert sorted(file.name for file in tmp_path.iterdir()) == files
