"""The terminal that the other tests use behaves as one does that somebody sits at."""

import sys

from .harness import Terminal

_WRITES_FIRST = """
import sys, tty
tty.setraw(0)
print("ready", flush=True)
sys.stdin.buffer.read(1)
print("x" * 300_000, flush=True)
print("read", len(sys.stdin.buffer.read(200_000)), flush=True)
"""
_STOPPED_AMID_OUTPUT = """
import sys
sys.stdin.readline()
print("x" * 9_000, "all", flush=True)
sys.stdin.readline()
"""


def test_typing_does_not_wait_for_a_program_that_waits_to_be_read() -> None:
    with Terminal([sys.executable, "-c", _WRITES_FIRST]) as terminal:
        terminal.wait_for_text("ready")
        terminal.send(b"k" * 200_001, timeout=20)
        terminal.wait_for(lambda: b"read 200000" in terminal.written)


def test_what_is_not_read_yet_outlives_a_signal() -> None:
    with Terminal([sys.executable, "-c", _STOPPED_AMID_OUTPUT], echo=False) as terminal:
        terminal.send("\n")
        terminal.send("\x1a")  # nobody has a shell to go back to: it is not stopped
        terminal.wait_for(lambda: b"all" in terminal.written, timeout=20)
