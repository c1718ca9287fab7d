"""`inspector.breakpoint` in the middle of somebody's forward, on a real pseudo-terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal, find_app, is_running

SCRIPT = """
import sys, torch, inspector
from torch import nn
STOPS = "stops" in sys.argv
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head, self.drop = nn.Linear(4, 8), nn.Linear(8, 2), nn.Dropout()
    def forward(self, x):
        hidden = self.drop(self.stem(x))
        if STOPS: inspector.breakpoint(when="numel == 24")
        return self.head(hidden)
torch.manual_seed(0)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for size in (2, 3, 4):
    optimizer.zero_grad()
    model(torch.randn(size, 4)).sum().backward()
    optimizer.step()
print("trained", sum(p.double().sum().item() for p in model.parameters()), len(model.stem._forward_hooks))
"""


def run(tmp_path: Path, *arguments: str) -> Terminal:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    return Terminal([sys.executable, str(script), *arguments], columns=120, lines=36, environment=environment)


def test_the_forward_goes_on_as_if_nobody_had_looked(tmp_path: Path) -> None:
    with run(tmp_path, "stops") as terminal:
        terminal.wait_for_text("stands still")
        terminal.wait_for_text("hidden  3×8")
        terminal.send("r")
        terminal.wait_for_text("pass 1")
        terminal.send("8")
        terminal.wait_for_text("passed over")
        terminal.send("q")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        looked_at = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert terminal.attributes == terminal.before
    with run(tmp_path) as terminal:
        assert terminal.wait_for_end() == 0
        (trained,) = [line for line in terminal.written.decode().splitlines() if line.startswith("trained")]
        assert trained.rstrip() in looked_at and trained.rstrip().endswith(" 0")


DEBUGGED = """
import torch, inspector
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(4, 8)
    def forward(self, x):
        return self.stem(x)
    def reads(self, x):
        return self.stem(x) + len(input())
model = Net()
inspector.inspect(model, torch.ones(2, 4), select="stem")
print("then", model(torch.ones(2, 4)).shape)
Net.forward = Net.reads
inspector.inspect(model, torch.ones(2, 4), select="stem")
print("read", input())
"""


def test_a_debugger_and_a_program_that_read_the_terminal_wait_until_the_app_is_gone(tmp_path: Path) -> None:
    script = tmp_path / "debugged.py"
    script.write_text(DEBUGGED)
    command = [sys.executable, "-m", "pdb", "-c", "b 9", "-c", "c", str(script)]
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal(command, columns=120, lines=36, environment=environment) as terminal:
        terminal.wait_for_text("pass 1")  # and not at the breakpoint, where nobody could go on
        terminal.send("q")
        terminal.wait_for_text("(Pdb)")
        terminal.send("cl 1\rc\r")
        terminal.wait_for_text("EOFError")
        app = find_app(terminal)
        terminal.send("q")
        terminal.wait_for(lambda: not is_running(app), "the app gone")
        terminal.send("typed\r")
        terminal.wait_for_text("read typed")


STEPPED = """
import sys, torch, inspector
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(4, 8), nn.Linear(8, 2)
    def forward(self, x):
        hidden = self.stem(x)
        inspector.breakpoint()
        hidden = halve(hidden)
        return self.head(hidden)
def halve(value):
    half = value / 2
    return half
torch.manual_seed(0)
model = Net()
output = model(torch.ones(3, 4))
total = output.sum()
same = abs(total - model.head.bias.sum() * 3).item() < 1e-5
print("at the end", same, len(model.stem._forward_hooks), sys.gettrace())
"""


def step(tmp_path: Path) -> Terminal:
    script = tmp_path / "step.py"
    script.write_text(STEPPED)
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    return Terminal([sys.executable, str(script)], columns=80, lines=24, environment=environment)


def test_a_program_is_stepped_through_and_changed_from_its_breakpoint(tmp_path: Path) -> None:
    with step(tmp_path) as terminal:
        terminal.wait_for_text("your program stopped step.py:10")
        terminal.send(";")
        terminal.wait_for_text("Python in Net.forward")
        terminal.send("hidden.zero_().sum() + 7\r")
        terminal.wait_for_text("> hidden.zero_()")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "> hidden" not in terminal.text, "the line gone")
        terminal.send("o")
        terminal.wait_for_text("your program stopped step.py:11")
        terminal.send("s")
        terminal.wait_for_text("your program stopped step.py:14")
        terminal.send("O")
        terminal.wait_for_text("your program stopped step.py:12")
        terminal.send("M")
        terminal.wait_for_text("your program stopped before head")
        terminal.send("O")
        terminal.wait_for_text("your program stopped step.py:19")
        terminal.send("c")
        assert terminal.wait_for_end() == 0
        left = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert "at the end True 0 None" in left


def test_a_program_is_ended_at_its_breakpoint(tmp_path: Path) -> None:
    with step(tmp_path) as terminal:
        terminal.wait_for_text("your program stopped step.py:10")
        terminal.send("\x03")
        terminal.wait_for_text("again to end your program")
        terminal.send("\x03")
        assert terminal.wait_for_end() != 0
        left = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert "KeyboardInterrupt" in left and "at the end" not in left


ASKING = """
import torch, inspector
from torch import nn
model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
inspector.breakpoint(model)
print("printed")
name = input("who? ")
seen = name * 2
print("at the end", seen)
"""


def outside(terminal: Terminal) -> bytes:
    """What the program wrote since the app has left the terminal to it; nothing while it is the app's."""
    after = terminal.written.rpartition(b"\x1b[?1049l")[2]
    return b"" if b"\x1b[?1049h" in after else after


def test_a_step_keeps_the_app_with_what_was_run_and_typed_and_the_program_has_the_terminal(tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(ASKING)
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal([sys.executable, str(script)], columns=80, lines=24, environment=environment) as terminal:
        terminal.wait_for_text("your program stopped ask.py:5")
        app = find_app(terminal)
        terminal.send(";6 * 7\r")
        terminal.wait_for_text("> 6 * 7")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "> 6 * 7" not in terminal.text, "the line gone")
        terminal.send("oo")  # the second one comes before it stands still again
        terminal.wait_for_text("your program stopped ask.py:7")
        assert find_app(terminal) == app, "it is the same one"
        terminal.send("o")
        terminal.wait_for(lambda: b"who?" in outside(terminal), "the question")
        assert terminal.attributes == terminal.before
        terminal.send("me\r")
        terminal.wait_for_text("your program stopped ask.py:8")
        terminal.send(";\x1b[A")
        terminal.wait_for(lambda: "6 * 7" in terminal.text, "the line that was run before the steps")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "6 * 7" not in terminal.text, "the line gone")
        terminal.send("c")
        assert terminal.wait_for_end() == 0
        assert b"at the end meme" in outside(terminal)
        assert terminal.attributes == terminal.before and not is_running(app)
