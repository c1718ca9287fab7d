"""`inspector.inspect` in somebody's own script, on a real pseudo-terminal."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from .harness import Terminal, add_hook, command_of, find_app, is_running

SCRIPT = """
import torch, inspector
model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
handle = model[0].register_forward_hook(lambda module, args, output: print("my hook fired"))
before = {name: (id(t), t._version, t.clone()) for name, t in model.state_dict(keep_vars=True).items()}
print("before the app")
s = inspector.inspect(model, torch.ones(2, 4), select="1")
after = model.state_dict(keep_vars=True)
same = all(id(after[n]) == i and after[n]._version == v and after[n].equal(t) for n, (i, v, t) in before.items())
print("after the app:", s.summary.number, "passes, model", "unchanged" if same else "CHANGED")
print("hooks", len(model[0]._forward_hooks), len(model[1]._forward_hooks), len(model._forward_hooks))
print("trace", [call.path for call in s.trace], "hooks", s.hooks, "edits", s.edits)
if s.hooks:
    with inspector.hooks(model, s.hooks):
        print("again", torch.equal(model(torch.ones(2, 4)), torch.zeros(2, 3)))
handle.remove()
print("left", len(model[0]._forward_hooks))
"""


def start(tmp_path: Path) -> Terminal:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    return Terminal([sys.executable, str(script)], columns=100, lines=30, environment={"XDG_STATE_HOME": str(tmp_path)})


def test_the_app_opens_on_a_live_model_and_hands_everything_back(tmp_path: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("8")
        terminal.wait_for_text("my hook fired")
        terminal.send("r")
        terminal.wait_for_text("pass 2")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert b"before the app" in terminal.written
        handed_back = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert "after the app: 2 passes, model unchanged" in handed_back
        assert "hooks 1 0 0" in handed_back and "left 0" in handed_back
        assert "my hook fired" not in handed_back
        assert terminal.attributes == terminal.before


def test_an_app_that_is_killed_leaves_the_script_running(tmp_path: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        app = find_app(terminal)
        os.kill(app, signal.SIGKILL)
        assert terminal.wait_for_end() == 0
        assert "after the app: 1 passes, model unchanged" in terminal.text
        assert not is_running(app)
        assert terminal.attributes == terminal.before


def test_what_was_done_in_the_app_is_told_to_the_script(tmp_path: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        add_hook(terminal, "zero()", "1 altering")
        terminal.send("q")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        text = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert "trace ['0', '1', ''] hooks {'1': [zero()]} edits {}" in text
        assert "again True" in text


STARTS = """
import subprocess, torch, inspector
class Starts(torch.nn.Module):
    def forward(self, x):
        subprocess.Popen(["sleep", "20"])
        return x
before = subprocess.Popen(["sleep", "20"])
inspector.inspect(torch.nn.Sequential(Starts()), torch.ones(2, 4), readonly=True)
print("before:", before.pid, "still runs" if before.poll() is None else "was ended")
"""


def test_what_passes_started_is_the_scripts_own_and_is_said(tmp_path: Path) -> None:
    script = tmp_path / "starts.py"
    script.write_text(STARTS)
    command = [sys.executable, str(script)]
    with Terminal(command, columns=100, lines=30, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        assert "read-only" in terminal.screen.display[0]
        terminal.send("X")
        terminal.wait_for_text("read-only, by --readonly")
        found = [process for process in terminal.children() if command_of(process).startswith(b"sleep")]
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        text = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert f"still running: {found[1]} sleep\r\n" in text
        assert f"before: {found[0]} still runs" in text
        for process in found:
            os.kill(process, signal.SIGKILL)
