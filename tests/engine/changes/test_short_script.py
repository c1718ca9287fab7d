"""Hooks on plain tensors are written as anybody would write them: a short script, with the numbers of the session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from inspector.engine.changes.prune import prune
from inspector.engine.session import Session
from inspector.records import Run, Target

from .results import output_of

NET = """
import torch
from width_of_net import WIDTH
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(3))
    def forward(self, x):
        return self.third(self.second(self.first(x)).relu())
"""
OWN = "schema = 1\n[[hook]]\nmodule = 'third'\ndo = 'python()'\ncode = '''\n{}'''\n"
HOOK = "def hook(module, args, kwargs, output):\n    return torch.tanh(output)\n"
DRIVER = """
import runpy, sys
sys.modules["inspector"] = None  # as where this package is not installed
import torch
for script in sys.argv[1:]:
    space = runpy.run_path(script)
    models, build = [], space["build"]
    space["run"].__globals__["build"] = lambda: models.append(build()) or models[0]
    output = space["run"]()
    found = [output.detach()]
    if output.requires_grad:
        output.mean().backward()
        found += [parameter.grad for _, parameter in sorted(models[0].named_parameters())]
    torch.save(found, script + ".result")
"""


def open_net(folder: Path, weights: str = "", name: str = "net_of_script") -> Session:
    (folder / f"{name}.py").write_text(NET)
    (folder / "width_of_net.py").write_text("WIDTH = 4\n")
    session = Session(lambda event: None)
    session.open(Target(f"{name}.py:Net", inputs=("2x4",), weights=weights))
    session.run()
    return session


def run_elsewhere(folder: Path, *scripts: Path) -> list[list[torch.Tensor]]:
    """The output of each script, and where it has a graph the gradients of the parameters of its mean."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", DRIVER, *map(str, scripts)]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return [torch.load(f"{script}.result", weights_only=True) for script in scripts]


def test_short_scripts_compute_what_the_session_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    expected = []
    two = open_net(tmp_path, name='""" \\N x')
    two.add_hook("first", "scale(2)")
    two.add_hook("second", "add(0.5, on='input')")
    expected.append(output_of(two))
    two.save("two.py")
    assert len(Path("two.py").read_text().splitlines()) < 100

    torch.save(two.subject.tree.root.state_dict(), "weights.pt")
    more = open_net(tmp_path, weights="weights.pt")
    more.add_hook("first,second", "noise(0.3, seed=4)")
    more.add_hook("second", "zero(when='max > 100')")
    more.add_hook("first", "scale(-2, where='[:, -1]', when='max > -100')")
    more.add_hook("second", "add(1, where='[0][..., 1:3]')")
    more.edit_parameters("third", "scale(3)")
    more.load_recipe("", OWN.format(HOOK))
    expected.append(output_of(more))
    more.save("more.py")

    found: list[torch.Tensor] = []
    handle = more.subject.tree.root.register_forward_hook(lambda module, args, output: found.append(output.clone()))
    more.run(Run(more.generation, batches=3))
    handle.remove()
    more.save("batches.py")
    expected.append(found[-1])
    for name in ("more.py", "batches.py"):
        assert len(Path(name).read_text().splitlines()) < 300

    got = run_elsewhere(tmp_path.parent, *(tmp_path / name for name in ("two.py", "more.py", "batches.py")))
    assert all(torch.equal(one, other) for (one,), other in zip(got, expected, strict=True))
    assert not torch.equal(expected[1], expected[2])
    more.run(Run(more.generation, batches=2, backward=True, optimizer="SGD(lr=0.1)"))
    more.save("trained.py")
    assert "The backward passes and the steps of SGD(lr=0.1) are left out." in Path("trained.py").read_text()


def test_what_nothing_uses_is_left_out() -> None:
    used = ["import os, sys", "", "A = 1", '"""of b"""', "", "", "def a(x: B = A):", "    return c()"]
    unused = ["import re", "B = 2", '"""of B"""', "", "", "def b():", "    return re"]
    last = ["", "", "def c():", '    """It.', "", "    Args:", "        x: y", '    """', "    return sys", ""]
    short = ["", "", "def c():", '    """It."""', "    return sys", ""]
    text = "\n".join([*used[:2], unused[0], *used[2:], *unused[1:], *last])
    assert prune(text, {"a"}) == "\n".join([*used, *short])
