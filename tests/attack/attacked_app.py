"""The real app on a pseudo-terminal, and what has to hold for it whatever is typed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from pathlib import Path

from tests.terminal.escapes import around, foreign
from tests.terminal.harness import Terminal
from tests.terminal.smoke import MODES

from .case import Broken, Case, Size

_MODELS = Path(__file__).with_name("models.py")
_LEAVE = b"\x1b[?1049l"
_COPIED = re.compile(rb"\x1b\]52;c;[A-Za-z0-9+/]*=*\x07")
"""What was marked with the mouse goes to the clipboard."""
_BUG = re.compile(r"the (inspector|app) itself failed|Traceback \(most recent call last\)")
_ASKED_FOR = (0, 1, 2)
"""Exit codes of one that was quit: how the last pass went."""
_BY_THE_TERMINAL = (-signal.SIGINT, -signal.SIGQUIT, 128 + signal.SIGINT, 128 + signal.SIGQUIT)
"""Those of one that has given the terminal back, which makes signals of some keys again, before its process ended."""
_ENVIRONMENT = {"EDITOR": "true", "PYTHONFAULTHANDLER": "1"}
"""An editor of the machine's would have to be left first, by keys of its own; what hangs is to say where."""
_START = 40.0  # seconds until the first frame, on a busy machine
_PATIENCE = 25.0  # seconds in which it does something with what is typed


class AttackedApp:
    """Use as a context manager. `leave` at the end looks at everything; until then `check` looks at what is cheap."""

    def __init__(self, case: Case, target: str, size: Size) -> None:
        self._case = case
        self._target = target
        self._may_end = False
        command = [sys.executable, "-m", "inspector", f"{_MODELS}:{target}"]
        folder = case.folder / "work"
        # What the terminal echoes when the app is gone could not be told from what leaked.
        self.terminal = Terminal(
            command, columns=size[0], lines=size[1], folder=folder, environment=_ENVIRONMENT, echo=False
        )

    def __enter__(self) -> AttackedApp:
        self.terminal.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        (self._case.folder / "output").write_text(self.terminal.text, "utf-8", "backslashreplace")
        self.terminal.__exit__(*exception)

    @property
    def ended(self) -> bool:
        return self.terminal.process.poll() is not None

    def start(self) -> None:
        """Wait for the first frame."""
        terminal = self.terminal
        terminal.wait_for(lambda: b"\x1b[?2004h" in terminal.written or self.ended, "a first frame", _START)

    def send(self, keys: bytes) -> None:
        """Type, as far as the app reads. `q`, ctrl+c and their like may end it from here on."""
        self._may_end = self._may_end or any(key in keys for key in (b"q", b"\x03", b"\x11", b"113", b"99", b"\x1b["))
        for begin in range(0, len(keys), 512):
            if self.ended:
                return
            try:
                self.terminal.send(keys[begin : begin + 512], _PATIENCE)
            except TimeoutError as error:
                self._ask_where_it_is()
                raise Broken("it does not read what is typed") from error
            self.terminal.read(0)

    def resize(self, size: Size) -> None:
        if not self.ended:
            self.terminal.resize(*size)
            self._signal(signal.SIGWINCH)

    def resume(self) -> None:
        """As `fg` does, after a ctrl+z."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in (self.terminal.process.pid, *self.terminal.children()[:1]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def check(self, seconds: float = 0.1) -> None:
        """Read what it paints for a moment, and look at it."""
        deadline = time.monotonic() + seconds
        while self.terminal.read(0.02) and time.monotonic() < deadline:
            pass
        found = _BUG.search(self.terminal.text)
        if found and found[0].startswith("the inspector"):
            raise Broken(f"on the screen of {self._target}: {self._line_of(found[0])}")
        if self.ended:
            self._check_end()

    def _line_of(self, words: str) -> str:
        return next(line.strip() for line in self.terminal.screen.display if words in line)

    def leave(self) -> None:
        """Quit as a person does: escape and `q`, and again where it asks, until it is gone. Then look at all that it
        left."""
        written, deadline = 0, 0.0
        while not self.ended:
            if len(self.terminal.written) > written:  # it is busy with what was typed before
                written, deadline = len(self.terminal.written), time.monotonic() + _PATIENCE
            if time.monotonic() > deadline:
                self._ask_where_it_is()
                raise Broken(f"q does not end it, and it has written nothing for {_PATIENCE:.0f} s")
            self._may_end = True
            for key in (b"\x1b", b"q", b"q"):
                with contextlib.suppress(OSError):
                    self.terminal.send(key)
                self.check(0.2)
                time.sleep(0.1)
        self._check_end()

    def _ask_where_it_is(self) -> None:
        begin = len(self.terminal.written)
        self._signal(signal.SIGABRT)
        while self.terminal.read(1.0):
            pass
        self._note(self.terminal.written[begin:])

    def _note(self, what: bytes) -> None:
        """Beneath the deeds of the case."""
        with self._case.deeds.open("ab") as deeds:
            deeds.write(what + b"\n")

    def _check_end(self) -> None:
        code = self.terminal.wait_for_end(_PATIENCE)
        written = self.terminal.written
        last = written[written.rfind(_LEAVE) :].decode("utf-8", "replace")
        handed_back = _LEAVE in written
        allowed = (*_ASKED_FOR, *_BY_THE_TERMINAL) if handed_back else _ASKED_FOR
        if code not in allowed or not self._may_end or _BUG.search(last):
            raise Broken(f"it ended with exit code {code} on {self._target}: {_last_words(last)}")
        self._check_terminal()
        self._check_files()

    def _check_terminal(self) -> None:
        written = self.terminal.written
        for name, (on, off) in MODES.items():
            if written.rfind(off) < written.rfind(on):
                raise Broken(f"{name} was not put back")
        if self.terminal.attributes != self.terminal.before:
            raise Broken("the settings of the terminal are not as before")
        if leaked := [each for each in foreign(written) if not _COPIED.fullmatch(each)]:
            self._note(repr(around(written, leaked[0])).encode())
            raise Broken(f"sequences that are not the app's reached the terminal: {leaked[:3]}")

    def _check_files(self) -> None:
        for file in (self._case.folder / "state").rglob("*"):
            if file.is_file() and b"Traceback" in file.read_bytes():
                raise Broken(f"a traceback in {file.name}")


def _last_words(written: str) -> str:
    """The line that says what was raised, or the last one that is more than the frame of a traceback."""
    lines = [line.strip(" \r│") for line in re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", written).splitlines()]
    raised = [line for line in lines if re.match(r"\w+(Error|Exception|Interrupt)\b", line)]
    return (
        raised[-1][:200]
        if raised
        else next((line for line in reversed(lines) if re.search(r"\w", line)), "no words")[:200]
    )
