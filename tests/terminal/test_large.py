"""A model of very many modules by real keys: it is looked at while it is still hooked."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import ROOT, Terminal

MODEL = """
import os, time, torch

class Slow(torch.nn.Identity):
    def register_forward_pre_hook(self, *args, **kwargs):
        while not os.path.exists("go"):
            time.sleep(0.01)
        return super().register_forward_pre_hook(*args, **kwargs)

def build():
    blocks = [torch.nn.Sequential(*(torch.nn.Identity() for _ in range(30))) for _ in range(200)]
    return torch.nn.Sequential(Slow(), *blocks), (torch.ones(2),)
"""


def test_the_tree_is_there_before_the_hooks_are(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(MODEL)
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "inspector", "large.py:build"]
    with Terminal(command, columns=120, lines=30, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("putting hooks on  6,202 modules")
        terminal.wait_for_text("202 of 6202 shown")
        terminal.send("jjl")
        terminal.wait_for_text("▌▾ 1    Sequential")
        terminal.send("f199.29\r")
        terminal.wait_for_text("1 of 6202 match")
        assert "putting hooks on" in terminal.text
        (tmp_path / "go").touch()
        terminal.wait_for_text("pass 1 ")
        assert "1 of 6202 match" in terminal.text and "putting hooks on" not in terminal.text
        terminal.wait_for_text("6202 hooks")
        terminal.send("\x1b")
        terminal.wait_for_text("of 6202 shown")
        terminal.send("t")
        terminal.wait_for_text("6202 of 6202 calls")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
