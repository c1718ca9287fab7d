"""Scripts of hooks with a moment, a part of a tensor, or gradients: as the session computes them, or a hook by hand.

Each prints as well, which needs to be counted in a script; those that need less are in `test_limited_script`.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import AddHook, HookSpec, Run, Target, Undo

from .results import output_of

MODEL = """
import torch
from torch import nn


class Pair(nn.Module):
    def forward(self, x):
        return {"h": (x, torch.tanh(x))}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.pair, self.last = nn.Linear(4, 4), Pair(), nn.Linear(4, 2)

    def forward(self, x):
        with torch.no_grad():
            x = self.layer(self.layer(x))
        found = self.pair(x)["h"]
        return self.last(found[0] * found[1])
"""
DRIVER = """
import runpy, sys
from pathlib import Path

sys.modules["inspector"] = None  # as where this package is not installed
import torch

for script in sorted(Path.cwd().glob("script_*.py")):
    space = runpy.run_path(str(script))
    build, built = space["build"], []
    space["run"].__globals__["build"] = lambda: built.append(build()) or built[-1]
    output = space["run"]()
    if output.requires_grad:
        output.square().sum().backward()
    found = {"output": output.detach(), "kept": space.get("RECORDED", {}),
             "gradients": [parameter.grad for parameter in built[-1].last.parameters()]}
    torch.save(found, script.with_suffix(".result"))
"""
DOUBLE = "def hook(module):\n    module.weight.mul_(2)\n"
HOOKS: dict[str, tuple[str, str | HookSpec]] = {
    "before": ("layer", "scale(2, on='parameters')"),
    "after": ("layer", "scale(2, on='parameters', at='after')"),
    "noise_before": ("layer", "noise(0.3, seed=2, on='parameters', where='weight')"),
    "own": ("layer", HookSpec("python", on="parameters", code=DOUBLE)),
    "own_before": ("layer", HookSpec("python", on="parameters", at="before", code=DOUBLE)),
    "part": ("pair", "scale(3, where='[\"h\"][1][:, 1:3]')"),
    "part_of_input": ("pair", "zero(on='input', where='[0][..., -1]')"),
    "recorded_part": ("pair", "record('kept', where='[\"h\"][1][0]')"),
    "patched_part": ("pair", "patch('clean', where='[\"h\"][1][0]')"),
    "last_call": ("layer", "prune(0.5, on='parameters', call=1)"),
}


def opened(folder: Path, grad: bool) -> Session:
    (folder / "net.py").write_text(MODEL)
    session = Session(lambda event: None)
    session.open(Target(f"{folder / 'net.py'}:Net", inputs=("3x4",), grad=grad))
    return session


def run_scripts(folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
    )
    assert ran.returncode == 0, ran.stderr


def test_moments_and_parts_are_computed_by_a_script_as_by_the_session(tmp_path: Path) -> None:
    session = opened(tmp_path, grad=False)
    plain = output_of(session)
    answer(session, AddHook(1, "pair", "record('clean')"))
    output_of(session)
    answer(session, Undo(1))
    expected = {}
    for name, (where, hook) in HOOKS.items():
        if name == "patched_part":
            answer(session, AddHook(1, "layer", "scale(3)"))
        answer(session, AddHook(1, where, hook))
        answer(session, AddHook(1, "pair", "print()"))
        expected[name] = output_of(session)
        assert torch.equal(expected[name], plain) == (name == "recorded_part"), name
        session.save(str(tmp_path / f"script_{name}.py"))
        while any(not change.undone for change in session.subject.changes().changes):
            answer(session, Undo(1))
    kept = session.subject.change_log.hook_state.recordings["kept"]
    session.close()
    run_scripts(tmp_path)
    for name, output in expected.items():
        assert torch.equal(torch.load(tmp_path / f"script_{name}.result")["output"], output), name
    again = torch.load(tmp_path / "script_recorded_part.result")["kept"]["kept"]
    assert list(again) == list(kept) == ["pair:output.1[0]"] and all(map(torch.equal, again.values(), kept.values()))


def on_gradient(change: Callable[[Tensor], Tensor]) -> Callable[..., None]:
    return lambda module, args, output: output.register_hook(change) and None


def in_part(gradient: Tensor) -> Tensor:
    copied = gradient.clone()
    copied[:, 1] = 0
    return copied


GRADIENTS: dict[str, tuple[str | HookSpec, Callable[..., Any]]] = {
    "scaled": ("scale(2, on='grad')", on_gradient(lambda gradient: gradient * 2)),
    "clipped": ("clip(0.1, on='grad')", on_gradient(lambda g: g * (0.1 / torch.linalg.vector_norm(g)).clamp(max=1))),
    "part": ("zero(on='grad', where='[:, 1]')", on_gradient(in_part)),
    "own": (
        HookSpec("python", on="grad", code="def hook(module, gradient):\n    return gradient + 1\n"),
        on_gradient(lambda gradient: gradient + 1),
    ),
}  # fmt: skip


def test_hooks_on_gradients_do_in_a_script_what_is_done_by_hand(tmp_path: Path) -> None:
    session = opened(tmp_path, grad=True)
    root, expected = session.subject.tree.root, {}
    assert session.subject.sample is not None
    args = session.subject.sample.args
    for name, (hook, by_hand) in GRADIENTS.items():
        answer(session, AddHook(1, "last", hook))
        answer(session, AddHook(1, "pair", "print()"))
        assert not session.run(Run(1, backward=True)).faults
        session.save(str(tmp_path / f"script_{name}.py"))
        answer(session, Undo(1))
        answer(session, Undo(1))
        plain = copy.deepcopy(root)
        last: nn.Module = plain.get_submodule("last")
        last._forward_hooks.clear()
        last.register_forward_hook(by_hand)
        plain(*args).square().sum().backward()
        expected[name] = [parameter.grad for parameter in last.parameters()]
    session.close()
    run_scripts(tmp_path)
    for name, gradients in expected.items():
        found = torch.load(tmp_path / f"script_{name}.result")["gradients"]
        assert all(map(torch.equal, found, gradients)), name


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_recipe_keeps_the_moment_and_the_part(tmp_path: Path, at: str) -> None:
    session = opened(tmp_path, grad=False)
    for where, hook in (
        ("layer", f"scale(2, on='parameters', at={at!r})"),
        ("pair", "zero(where='[\"h\"][0][:, 1:]')"),
    ):
        answer(session, AddHook(1, where, hook))
    expected = output_of(session)
    before = [str(member.attached.hook) for member in session.subject.change_log.added]
    session.save(str(tmp_path / "hooks.toml"))
    session.close()
    again = opened(tmp_path, grad=False)
    again.load_recipe(str(tmp_path / "hooks.toml"))
    assert [str(member.attached.hook) for member in again.subject.change_log.added] == before
    assert torch.equal(output_of(again), expected)
    again.close()
