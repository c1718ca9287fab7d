"""A configuration by real keys: other keys, a theme, where the app starts, and how a target is opened."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from .harness import Terminal

NET = """\
from torch import nn

def build(width: int = 2):
    return nn.Sequential(nn.Linear(width, 3), nn.ReLU())
"""
CONFIG = """\
[keys]
run = "f6"
live = ["r", "é"]
write = ""
part = "z"
accept = "f9"
seed = "f7"
yes = "j"
[view]
theme = "mine"
tab = "Source"
split = 30
[targets."net.py:build"]
arguments = {width = 7}
input = "2x7"
[themes.mine]
primary = "#ff8800"
background = "#102030"
"""


def test_a_configuration_changes_keys_and_what_says_them(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "inspector").mkdir()
    file = tmp_path / "inspector" / "config.toml"
    file.write_text(CONFIG)
    environment = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "COLORTERM": "truecolor"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-m", "inspector", "net.py:build"]
    with Terminal(command, columns=120, lines=30, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.wait_for_text("F6 Run")
        terminal.wait_for_text("z next")
        assert "2×3" in terminal.text
        assert terminal.screen.buffer[0][5].bg == "102030"
        assert 30 < terminal.screen.display[1].index("╭", 2) < 40  # 30 % of 120
        terminal.send("r")
        terminal.wait_for_text("live  ")
        terminal.send("r\x1b[17~")
        terminal.wait_for(lambda: "pass 1" not in terminal.text and "live  " not in terminal.text, "a pass by F6")
        terminal.send("?\x06")
        terminal.wait_for(lambda: re.search(r"F6 +Run a forward pass", terminal.text), "F6 in the help")
        terminal.send("q\x18")
        terminal.wait_for_text("j Forget  n Leave it")
        terminal.send("n\x1b[18~")
        terminal.wait_for_text("F9 Run with it  tab Complete")
        terminal.wait_for_text("esc Leave it  F1 Help")
        terminal.send("\t\x152x9\x1b[20~")
        terminal.wait_for_text("in the app, F7 offers it")
        terminal.send("q")
        assert terminal.wait_for_end() == 1  # of a pass that failed
    file.write_text(CONFIG.replace("tab =", "tabb ="))
    with Terminal(command, environment=environment, folder=tmp_path) as terminal:
        assert terminal.wait_for_end() == 2
        assert (
            "inspector/config.toml, line 11" in terminal.text.replace("\n", "")
            and "did you mean view.tab?" in terminal.text
        )
