"""Hooks in some steps and calls, on parameters, gradients and keys are written as short, and computed bit for bit."""

from __future__ import annotations

from pathlib import Path

import torch

from inspector.engine.session import Session
from inspector.records import HookSpec, Run, Target

from .results import result_of
from .test_short_script import run_elsewhere

NET = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (torch.nn.Linear(4, 4) for _ in range(3))
    def forward(self, x):
        return self.third(self.second(self.second(self.first(x)).relu()))
"""
BATCHES = 4
CALLED = "def hook(module, args, kwargs, output):\n    return F.relu(output)\n"
WRITES = "def hook(module):\n    module.bias.add_(1)\n"
TRIPLES = "def hook(module, gradient):\n    return gradient * 3\n"
FORWARD: list[list[tuple[str, str | HookSpec]]] = [
    [("first", "scale(2, step=1)"), ("second", "add(0.5, every=3, on='input')")],
    [("second", "noise(0.3, seed=4, call=1)"), ("third", "zero(step='1:', where='[:, 1]', when='max > -100')")],
    [("first", "zero(on='input', where='[0][:, :2]')"), ("first", "add(1, on='input', when='zeros > 0.4')")],
    [("first", "add(1, when='shape[5] > 0')"), ("third", "add(1, when='shape[-1] == 4 and abs(min - max) > 1e-6')")],
    [("", "add(1, step='2:5', on='input')"), ("third", "scale(3, step=':2')")],
    [("first", "scale(1.5, on='parameters')"), ("second", "noise(0.1, on='parameters', where='weight', step=1)")],
    [
        ("second", "scale(1.5, on='parameters', at='after', call=0)"),
        ("third", "add(1, on='parameters', when='max > 0')"),
    ],
    [("first", HookSpec("python", on="parameters", code=WRITES)), ("second", HookSpec("python", call=1, code=CALLED))],
    [
        (
            "third",
            HookSpec(
                "python", on="input", step=2, code="def hook(module, args, kwargs):\n    return (args[0] * 2,), {}\n"
            ),
        )
    ],
    [("first", "rename('weight', 'w')"), ("second", "filter('*.bias')"), ("third", "scale(2)")],
]
BACKWARD: list[list[tuple[str, str | HookSpec]]] = [
    [("first", "scale(2, on='grad')"), ("third", "clip(0.01, step=0)")],
    [("second", "scale(-1, on='grad', call=1, where='[:, 0]')"), ("third", "zero(on='parameters', at='after')")],
    [("second", HookSpec("python", on="grad", call=0, where="[0]", code=TRIPLES)),
     ("first", "add(1, on='grad', step=9)")],
]  # fmt: skip


def open_net(folder: Path, hooks: list[tuple[str, str | HookSpec]]) -> Session:
    session = Session(lambda event: None)
    session.open(Target(f"{folder / 'net_in_steps.py'}:Net", inputs=("2x4",)))
    session.run()
    for where, hook in hooks:
        session.add_hook(where, hook)
    return session


def test_scripts_compute_what_the_session_did_in_each_step(tmp_path: Path) -> None:
    (tmp_path / "net_in_steps.py").write_text(NET)
    expected, scripts = [], []
    for number, hooks in enumerate([*FORWARD, *BACKWARD]):
        session = open_net(tmp_path, hooks)
        backward = hooks in BACKWARD
        run = Run(session.generation, batches=1 if backward else BATCHES, backward=backward)
        output, gradients = result_of(session, run)
        expected.append([output, *(gradients[name] for name in sorted(gradients))])
        scripts.append(tmp_path / f"script_{number}.py")
        session.save(str(scripts[-1]))
        session.close()
    got = run_elsewhere(tmp_path.parent, *scripts)
    for script, one, other in zip(scripts, got, expected, strict=True):
        assert len(one) == len(other) and all(map(torch.equal, one, other)), script.read_text()
    lengths = sorted(len(script.read_text().splitlines()) for script in scripts)
    assert lengths[-1] < 200 and lengths[len(lengths) // 2] <= 140, lengths
