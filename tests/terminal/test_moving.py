"""From module to module by real keys, and the split by a real mouse."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import torch
class Block(torch.nn.Sequential):
    def forward(self, x):
{lines}
        return super().forward(x)
def build():
    return torch.nn.Sequential(*(Block(torch.nn.Linear(4, 4), torch.nn.ReLU()) for _ in range(3)))
"""


def test_what_opens_below_the_source_does_not_hide_its_line(tmp_path: Path) -> None:
    model = tmp_path / "net.py"
    model.write_text(MODEL.format(lines="\n".join(f"        x = x + {number}" for number in range(60))))
    command = [sys.executable, "-m", "inspector", f"{model}:build", "-i", "2x4", "-s", "1"]
    with Terminal(command, columns=120, lines=36, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1 ")
        terminal.send("\t" + "j" * 20)
        terminal.wait_for_text("line 24 ")
        terminal.wait_for(lambda: any(" 24 " in line and "x = x + 19 " in line for line in terminal.text.splitlines()))


def test_modules_are_gone_to_and_the_source_stays(tmp_path: Path) -> None:
    model = tmp_path / "net.py"
    model.write_text(MODEL.format(lines="\n".join(f"        x = x + {number}" for number in range(60))))
    command = [sys.executable, "-m", "inspector", f"{model}:build", "-i", "2x4"]
    with Terminal(command, columns=120, lines=36, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:

        def wait_for_place(name: str) -> None:
            terminal.wait_for(
                lambda: any(f"▌{name}" in line.replace(" ", "") for line in rows()), f"the cursor on {name}"
            )

        def rows() -> list[str]:
            return terminal.text.splitlines()

        terminal.wait_for_text("pass 1 ")
        terminal.send("\x072.1\r")
        wait_for_place("│1ReLU")
        terminal.send("Mz\x07" + "1\r")
        wait_for_place("▾1Block")
        terminal.send("\x0f")
        wait_for_place("z│1ReLU")
        terminal.send("\x1bo")
        wait_for_place("▾1Block")
        terminal.wait_for_text("x = x + 1 ")
        terminal.send("\t" + "\x05" * 20)
        terminal.wait_for(lambda: "x = x + 18 " in rows()[5], "a place further down")
        terminal.send("+")
        terminal.wait_for(lambda: "Modules" not in terminal.text, "a zoomed panel")
        terminal.resize(200, 90)
        terminal.wait_for_text("x = x + 59 ")
        terminal.resize(120, 36)
        terminal.send("_")
        terminal.wait_for_text("Modules")
        terminal.wait_for(lambda: "x = x + 18 " in rows()[5], "the place as before")
        split = terminal.wait_for(lambda: rows()[1].count("╮") == 2 and rows()[1].index("╮"), "both panes")
        terminal.send(f"\x1b[<0;{split + 1};9M\x1b[<32;{split + 5};9M\x1b[<32;{split + 9};9M\x1b[<0;{split + 9};9m")
        terminal.wait_for(lambda: rows()[1].find("╮") == split + 8, "the split further right")
        terminal.send("'z")
        wait_for_place("z│1ReLU")
        terminal.send(":2.0\r")
        wait_for_place("│0Linear")
        for keys, shown in (("", "Modules"), (":", "Commands, themes and modules")):
            terminal.send(keys)
            terminal.wait_for_text(shown)
            terminal.screen.erase_in_display(2)  # as by what another program writes
            terminal.send("\x0c")
            terminal.wait_for_text(shown)
