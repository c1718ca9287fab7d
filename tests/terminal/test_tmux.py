"""In tmux: left behind by its terminal, and taken up again by another one of another size."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .harness import ROOT, Terminal, find_below, is_running, plain_environment
from .test_signals import MODEL

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="needs tmux")

SLOW = MODEL.replace("time.sleep(1000)", "while os.path.exists('slow'): time.sleep(0.05)")

CLOSED = [("kill-server",), ("respawn-pane", "-k", "sleep 1000")]


class Tmux:
    """A server of this test's own, with the app in its one window."""

    def __init__(self, folder: Path) -> None:
        assert TMUX is not None
        self.folder = folder
        self._sockets = tempfile.TemporaryDirectory(prefix="tmux-", dir="/tmp")  # a long path is none for a socket
        self._command = [TMUX, "-S", f"{self._sockets.name}/s", "-f", "/dev/null"]
        self._environment = {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
        (folder / "slow.py").write_text(SLOW)
        app = f"{sys.executable} -m inspector slow.py:build; echo code $?; exec sleep 1000"
        self.ask("new-session", "-d", "-x", "100", "-y", "30", app)
        self.ask("set", "-g", "status", "off")
        self.below = lambda: find_below(int(self.ask("display", "-p", "#{pid}")))

    def ask(self, *words: str) -> str:
        environment = plain_environment(self._environment)
        done = subprocess.run(
            [*self._command, *words], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=30
        )
        return done.stdout

    @contextmanager
    def attached(self, columns: int, lines: int) -> Iterator[Terminal]:
        """A terminal of this size that shows the window; detached at the end, as by ctrl+b d."""
        command = [*self._command, "attach"]
        with Terminal(command, columns=columns, lines=lines, environment=self._environment) as terminal:
            yield terminal
            self.ask("detach-client")
            assert terminal.wait_for_end() == 0

    def close(self) -> None:
        self.ask("kill-server")
        self._sockets.cleanup()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path)
    with tmux.attached(100, 30) as terminal:
        terminal.wait_for_text("pass 1")
    yield tmux
    tmux.close()


def wait_for_footer(terminal: Terminal, words: str = "q Quit") -> None:
    """In the last line of this window, whatever size it was painted for before."""
    terminal.wait_for(lambda: words in terminal.screen.display[-1], f"{words!r} in the last line")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(100, 30), (81, 25), (160, 50)], ids=str)
def test_it_is_painted_for_the_terminal_that_takes_it_up(size: tuple[int, int], tmux: Tmux) -> None:
    with tmux.attached(*size) as terminal:
        wait_for_footer(terminal)
        terminal.send("r")
        terminal.wait_for_text("pass 2")
        terminal.send("q")
        terminal.wait_for_text("code 0")


@pytest.mark.slow
def test_a_window_that_is_too_small_meanwhile(tmux: Tmux) -> None:
    with tmux.attached(10, 3) as terminal:
        terminal.wait_for(lambda: terminal.text.strip(), "anything")
    with tmux.attached(100, 30) as terminal:
        wait_for_footer(terminal)
        terminal.wait_for_text("Modules")


@pytest.mark.slow
def test_a_pass_goes_on_without_a_terminal(tmux: Tmux) -> None:
    with tmux.attached(100, 30) as terminal:
        (tmux.folder / "slow").touch()
        terminal.send("r")
        terminal.wait_for((tmux.folder / "began").exists, "the pass")
    with tmux.attached(90, 26) as terminal:
        wait_for_footer(terminal)
        assert "pass 2" not in terminal.text
    (tmux.folder / "slow").unlink()
    with tmux.attached(120, 40) as terminal:
        terminal.wait_for_text("pass 2")
        wait_for_footer(terminal)


def test_a_prompt_stays_open(tmux: Tmux) -> None:
    with tmux.attached(100, 30) as terminal:
        terminal.send("f")
        terminal.wait_for_text("filter")
        terminal.send("class:Li")
        wait_for_footer(terminal, "class:Li")
    with tmux.attached(130, 36) as terminal:
        wait_for_footer(terminal, "class:Li")
        terminal.send("near\r")
        terminal.wait_for_text("1 of 3 match")


@pytest.mark.slow
def test_the_palette_stays_open(tmux: Tmux) -> None:
    with tmux.attached(100, 30) as terminal:
        terminal.send(":")
        terminal.wait_for_text("Commands, themes and modules ─")
    with tmux.attached(60, 20) as terminal:
        terminal.wait_for_text("enter Do")
        terminal.send("zzz")
        terminal.wait_for_text("zzz")


@pytest.mark.parametrize(
    "words",
    [("kill-session",), *(pytest.param(each, marks=pytest.mark.slow) for each in CLOSED)],
    ids=str,
)
def test_nothing_is_left_of_a_window_that_is_closed(words: tuple[str, ...], tmux: Tmux) -> None:
    below = [process for process in tmux.below() if b"python" in Path(f"/proc/{process}/cmdline").read_bytes()]
    assert len(below) >= 3  # launcher, app, engine
    tmux.ask(*words)
    with Terminal([sys.executable, "-c", "input()"]) as terminal:
        terminal.wait_for(lambda: not any(map(is_running, below)), "the end of all", 20)
