"""`python -m tests.terminal.smoke COMMAND ...`: a session as a person has it, typed into a real pseudo-terminal.

Starts the command (`inspector resnet18`), waits for the tree and a first pass, moves, toggles a hook, runs, looks at
every panel, opens and closes the help and quits. Fails, with the screen, where something does not show or where the
terminal or a process is not as before.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence

from .harness import Terminal, is_running

COLUMNS, LINES = 120, 36
PANELS = ("Source", "Out", "Param", "Hooks", "Attr", "Hist", "Grad", "Log")
CURSOR = "▌"
OBSERVED, UNOBSERVED = "●", "○"
_PASS = re.compile(r"pass (\d+)\D+[\d.]+ m?s")

MODES = {
    "the alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "the cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "the mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse movement": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "focus reports": (b"\x1b[?1004h", b"\x1b[?1004l"),
}
"""What an app switches on, and what puts it back."""


class Smoke:
    """One session on one terminal. Each step says what it did, and raises `AssertionError` where nothing came of it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.processes: set[int] = set()

    def run(self) -> None:
        self.start()
        self.move()
        self.toggle()
        self.run_pass()
        self.panels()
        self.help()
        self.quit()
        self.restored()

    def start(self) -> None:
        self.wait(lambda: "Modules" in self.terminal.text, "the app's first frame")
        self.wait(lambda: self.cursor_line() is not None, "the cursor in the tree")
        self.wait(lambda: self.passes() > 0, "a finished pass")
        self.processes = {self.terminal.process.pid, *self.terminal.children()}
        self.did(f"the tree and a finished pass are there; {len(self.processes)} processes")

    def move(self) -> None:
        before = self.cursor_line()
        self.type("j", lambda: self.cursor_line() not in (None, before), "the cursor moved down")

    def toggle(self) -> None:
        # a container toggles all below it, so whichever sign it has, the other one comes
        before = self.cursor_text()
        sign, other = (OBSERVED, UNOBSERVED) if OBSERVED in before else (UNOBSERVED, OBSERVED)
        self.type(" ", lambda: other in self.cursor_text(), f"the hook went from {sign} to {other}")
        self.type(" ", lambda: sign in self.cursor_text(), f"and back to {sign}")

    def run_pass(self) -> None:
        before = self.passes()
        self.type("r", lambda: self.passes() > before, "another pass ran")

    def panels(self) -> None:
        for number, title in enumerate(PANELS, 1):
            self.type(str(number), lambda title=title: self.showing() == title, f"panel {number} is {title}")  # type: ignore[misc]
        self.type("1", lambda: self.showing() == PANELS[0], "back to the first")

    def help(self) -> None:
        self.type("?", lambda: "─ Help ─" in self.terminal.text, "help is open")
        self.type("q", lambda: "─ Help ─" not in self.terminal.text, "help is closed")

    def quit(self) -> None:
        self.terminal.send("q")
        code = self.terminal.wait_for_end()
        assert code == 0, f"the exit code is {code}"
        self.did("q: it ended with exit code 0")

    def restored(self) -> None:
        written = self.terminal.written
        for name, (on, off) in MODES.items():
            assert written.rfind(off) >= written.rfind(on), f"{name} was not put back"
        assert self.terminal.attributes == self.terminal.before, "the settings of the terminal are not as before"
        left = sorted(process for process in self.processes if is_running(process))
        assert not left, f"processes are left: {left}"
        self.did("the terminal is as before and no process is left")

    def type(self, key: str, holds: Callable[[], bool], what: str) -> None:
        self.terminal.send(key)
        self.wait(holds, f"{key!r}: {what}")
        self.did(f"{'space' if key == ' ' else key}: {what}")

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Until it holds, or the command has ended without it."""
        over = self.terminal.process.poll
        self.terminal.wait_for(lambda: holds() or over() is not None, what)
        assert holds(), f"the command ended with exit code {self.terminal.wait_for_end()} before {what}"

    def did(self, what: str) -> None:
        print(f"smoke: {what}")

    def cursor_line(self) -> int | None:
        return next((n for n, line in enumerate(self.terminal.screen.display) if CURSOR in line[:3]), None)

    def cursor_text(self) -> str:
        """What the tree shows in the line of the cursor."""
        line = self.cursor_line()
        return "" if line is None else self.terminal.screen.display[line].split("│", 2)[1]

    def passes(self) -> int:
        """The number of the last finished pass, 0 while there is none."""
        found = _PASS.search(self.terminal.screen.display[0])
        return int(found[1]) if found else 0

    def showing(self) -> str:
        """The tab that stands out from the others."""
        line = 1
        text = self.terminal.screen.display[line]
        for number, title in enumerate(PANELS, 1):
            at = text.casefold().find(f"{number} {title}".casefold())
            if at >= 0 and self.terminal.screen.buffer[line][at].bold:
                return title
        return ""


def main(command: Sequence[str]) -> int:
    if not command:
        print("usage: python -m tests.terminal.smoke COMMAND ...", file=sys.stderr)
        return 2
    program = shutil.which(command[0])
    if program is None:
        print(f"smoke: there is no command {command[0]}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as state:
        kept = {"XDG_STATE_HOME": state}
        with Terminal([program, *command[1:]], columns=COLUMNS, lines=LINES, environment=kept) as terminal:
            try:
                Smoke(terminal).run()
            except AssertionError as error:
                print(f"smoke: failed: {error}\n{terminal.text}", file=sys.stderr)
                return 1
    print("smoke: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
