"""Hooks on values that hold several tensors, and hooks that record, patch and print, are written short and exact."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import HookSpec, Run, Target, Undo

from .results import result_of

NET = """
import dataclasses
from collections import OrderedDict, deque, namedtuple
from types import SimpleNamespace
import torch
from torch import nn

Two = namedtuple("Two", "first second")


@dataclasses.dataclass(frozen=True)
class Held:
    value: torch.Tensor
    ids: torch.Tensor


class Cache:
    def __init__(self, keys):
        self.keys, self.layers = keys, [SimpleNamespace(kept=keys + 1)]


class Split(nn.Module):
    def forward(self, x, *, scale, cache):
        cache.seen = getattr(cache, "seen", 0) + 1
        both = x * scale["by"]
        return OrderedDict(
            two=Two(x, [both, both]), held=Held(x + 2, torch.arange(4)), queue=deque([x - 1]), cache=Cache(x * 3),
            top=torch.topk(x, 2),
        )


class Join(nn.Module):
    def forward(self, parts, more):
        held, cache = parts["held"], parts["cache"]
        total = parts["two"].first + parts["two"].second[0] * parts["two"].second[1] + held.value + parts["queue"][0]
        total = total + cache.keys + cache.layers[0].kept + parts["top"].values.sum()
        return total[:, held.ids], more


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.split, self.join, self.unused = nn.Linear(4, 4), Split(), Join(), nn.Linear(4, 4)

    def forward(self, x, again=True):
        cache = SimpleNamespace(extra=x)
        found = self.split(self.layer(x), scale={"by": x.mean()}, cache=cache)
        output, _ = self.join(found, (x, None))
        output = output * cache.seen
        return self(output, again=False) if again else (output / 100).sin()
"""
TRIPLES = "def hook(module, gradient):\n    return gradient * 3\n"
Hooks = list[tuple[str, "str | HookSpec"]]
FORWARD: list[Hooks] = [
    [("split", "scale(0.5)"), ("join", "noise(0.1, seed=3, on='input')")],
    [("split", "noise(0.3, seed=1, where='[\"two\"]', step=1)"), ("join", "add(1, where='[0][:, -1]', call=1)")],
    [("split", "scale(2, where='[\"two\"].second[1][..., 1:3]')"), ("split", "add(1, where='[\"two\"][-2]')")],
    [("split", "zero(where='[\"held\"].value', when='max > 0')"), ("split", "scale(3, where='[\"cache\"].layers[0]')")],
    [("split", "scale(2, where='[\"held\"].ids[:1]')"), ("split", "zero(where='[\"top\"].values')")],
    [("split", "scale(2, on='input', where='[\"scale\"][\"by\"]')"), ("split", "add(1, on='input', where='[0][0]')")],
    [("join", "scale(2, on='input', where='[0][\"queue\"]', every=2)"), ("unused", "noise(1)")],
    [("split", "record('kept', where='[\"two\"]')"), ("layer", "record('kept', on='input', call=1)")],
    [("split", "record('kept', where='[\"held\"].ids[1:]')"),
     ("join", "record('kept', step='last', when='max < 9e9')")],
    [("layer", "print()"), ("join", "print(on='input')")],
    [("layer", "scale(2)"), ("split", "patch('clean')")],
    [("layer", "patch('FILE', where='[:, 1]', call=0)"), ("join", "patch('FILE', at='layer', where='[0]')")],
]  # fmt: skip
BACKWARD: list[Hooks] = [
    [("split", "scale(2, on='grad')"), ("join", "record('kept', on='grad')")],
    [("split", "zero(on='grad', where='[\"two\"][0][:, 1]')"), ("join", "scale(1.5, on='grad', where='[0]', call=0)")],
    [("join", HookSpec("python", on="grad", code=TRIPLES)), ("layer", "scale(3, on='parameters', at='after', call=1)")],
]  # fmt: skip
BATCHES = 2
DRIVER = """
import contextlib, io, runpy, sys
sys.modules["inspector"] = None  # as where this package is not installed
import torch
for script in sys.argv[1:]:
    space = runpy.run_path(script)
    models, build = [], space["build"]
    space["run"].__globals__["build"] = lambda: models.append(build()) or models[0]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        output = space["run"]()
    if output.requires_grad:
        output.mean().backward()
    gradients = {name: each.grad for name, each in models[0].named_parameters() if each.grad is not None}
    kept = space.get("RECORDED", {}).get("kept", {})
    found = [output.detach(), gradients, kept, said.getvalue(), space["describe"](output)]
    torch.save(found, script + ".result")
"""


def open_net(folder: Path, backward: bool) -> tuple[Session, list[str]]:
    (folder / "net_of_parts.py").write_text(NET)
    said: list[str] = []
    session = Session(lambda event: said.append(getattr(event, "text", "")))
    session.open(Target(f"{folder / 'net_of_parts.py'}:Net", inputs=("2x4",)))
    session.add_hook("layer,split", "record('clean')")
    session.run(Run(session.generation, batches=1 if backward else BATCHES))
    if not (folder / "clean.safetensors").exists():
        session.save(str(folder / "clean.safetensors"))
    answer(session, Undo(1))
    return session, said


def run_elsewhere(folder: Path, scripts: list[Path]) -> list[list[Any]]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", DRIVER, *map(str, scripts)]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return [torch.load(f"{script}.result", weights_only=True) for script in scripts]


def test_scripts_reach_what_the_session_reached_in_nested_values(tmp_path: Path) -> None:
    expected, scripts = [], []
    for number, hooks in enumerate([*FORWARD, *BACKWARD]):
        backward = hooks in BACKWARD
        session, said = open_net(tmp_path, backward)
        for where, hook in hooks:
            session.add_hook(
                where, hook.replace("FILE", f"{tmp_path}/clean.safetensors") if isinstance(hook, str) else hook
            )
        said.clear()
        output, gradients = result_of(
            session, Run(session.generation, batches=1 if backward else BATCHES, backward=backward)
        )
        kept = dict(session.subject.change_log.hook_state.recordings.get("kept", {}))
        expected.append((output, gradients, kept, [line for line in said if " call " in line]))
        scripts.append(tmp_path / f"script_{number}.py")
        session.save(str(scripts[-1]))
        session.close()
    for script, got, wanted in zip(scripts, run_elsewhere(tmp_path.parent, scripts), expected, strict=True):
        assert torch.equal(got[0], wanted[0]), script.read_text()
        for one, other in zip(got[1:3], wanted[1:3], strict=True):
            assert sorted(one) == sorted(other), script.read_text()
            assert all(torch.equal(one[name], other[name]) for name in other), script.read_text()
        assert got[3].splitlines() == wanted[3], script.read_text()
        bits = zlib.crc32(wanted[0].numpy().tobytes())
        assert re.fullmatch(rf"2×4 torch.float32  mean \S+  std \S+  crc32 {bits:08x}", got[4])
    assert len({tuple(each[0].flatten().tolist()) for each in expected}) > 8
    lengths = [len(script.read_text().splitlines()) for script in scripts]
    assert max(lengths) < 350 and sorted(lengths)[len(lengths) // 2] < 250, lengths
    assert find_spec("ruff") is None or find_faults(scripts) == ""  # where only the tests are installed


def find_faults(scripts: list[Path]) -> str:
    """What a linter says of them; a path may be long."""
    command = [sys.executable, "-m", "ruff", "check", "-q", "--isolated", "--select=F,E,W,I", "--ignore=E501"]
    return subprocess.run([*command, *map(str, scripts)], capture_output=True, text=True).stdout
