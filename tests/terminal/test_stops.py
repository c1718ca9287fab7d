"""Stops with real keys in a pseudo-terminal: a pass stands still, goes on, is ended, and is left at once."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

FILE = """\
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x))
"""
HOST = """
import torch, inspector
model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
before = [parameter.clone() for parameter in model.parameters()]
inspector.inspect(model, torch.ones(2, 4), select="1")
same = all(map(torch.equal, before, model.parameters()))
print("the program goes on", "unchanged" if same else "CHANGED", len(model[1]._forward_hooks))
"""


def test_it_stops_goes_on_and_is_ended(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    command = [sys.executable, "-m", "inspector", f"{tmp_path / 'net.py'}:Net", "-i", "2x4"]
    with Terminal(command, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("j!")
        terminal.wait_for_text("■ stop")
        terminal.send("r")
        terminal.wait_for_text("stopped before body")
        terminal.wait_for_text("input 2×4")
        terminal.send("M")
        terminal.wait_for_text("stopped before head")
        terminal.send("c")
        terminal.wait_for_text("pass 2")
        terminal.send("*")
        terminal.wait_for_text("1 hit")
        terminal.send("q")
        terminal.send("r")
        terminal.wait_for_text("stopped before body")
        terminal.send("\x03")
        terminal.wait_for_text("cancelled")
        terminal.send("r")
        terminal.wait_for_text("stopped before body")
        terminal.send("q")
        assert terminal.wait_for_end() == 1  # the last pass that ended was cancelled


def test_a_line_is_stopped_at_stepped_from_and_looked_into(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    command = [sys.executable, "-m", "inspector", f"{tmp_path / 'net.py'}:Net", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal(command, columns=120, lines=36, environment=environment) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.wait_for_text("def forward")
        terminal.send("\t!")
        terminal.wait_for_text("passes stop at line")
        terminal.send("r")
        terminal.wait_for_text("stopped net.py:10 in (root)")
        terminal.wait_for_text("stands still in ")
        terminal.send(";")
        terminal.wait_for_text("Python net.py:10")
        terminal.send("x.sum() * 0 + 7\r")
        terminal.wait_for_text("> x.sum() * 0 + 7")
        terminal.send("self.bo\t")
        terminal.wait_for_text("self.body")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "> x.sum()" not in terminal.text, "the line gone")
        terminal.send("s")
        terminal.wait_for_text("stopped before body")
        terminal.send("c")
        terminal.wait_for_text("pass 2")


def test_a_program_goes_on_whose_app_is_left_while_its_pass_stands_still(tmp_path: Path) -> None:
    script = tmp_path / "host.py"
    script.write_text(HOST)
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal([sys.executable, str(script)], columns=100, lines=30, environment=environment) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("!")
        terminal.wait_for_text("■ stop")
        terminal.send("r")
        terminal.wait_for_text("stopped before 1")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert "the program goes on unchanged 0" in terminal.written.decode(errors="replace")
