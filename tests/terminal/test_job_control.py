"""Stopped, let go on and put in the background by a real shell: the terminal is the shell's meanwhile, and the app's
afterwards."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspector.tui.start import launcher

from .harness import Terminal, find_app, is_running
from .test_inspect import SCRIPT
from .test_processes import find_engine

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")
MODELS = Path(__file__).with_name("models.py")
PROMPT = "the shell> "

ON = (b"\x1b[?1049h", b"\x1b[?1000h", b"\x1b[?1006h", b"\x1b[?2004h", b"\x1b[?1004h", b"\x1b[?25l")
OFF = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b[?2004l", b"\x1b[?1004l", b"\x1b[?25h", b"\x1b[<u")


class Shell(Terminal):
    """A real shell with job control."""

    def __init__(self, folder: Path) -> None:
        assert BASH is not None
        environment = {"PS1": PROMPT, "XDG_STATE_HOME": str(folder), "TERM": "xterm-256color", "HISTFILE": ""}
        super().__init__([BASH, "--norc", "--noediting", "-i"], environment=environment, columns=100, lines=30)
        self.seen = 0

    def type(self, command: str) -> None:
        """A line for the shell, on an empty screen."""
        self.seen = len(self.written)
        self.screen.reset()
        self.send(command + "\n")

    @property
    def news(self) -> bytes:
        """What was written since the last `type` or `press`."""
        return self.written[self.seen :]

    def press(self, key: str) -> None:
        self.seen = len(self.written)
        self.send(key)

    def wait_for_prompt(self) -> None:
        self.wait_for(lambda: self.news.rstrip(b" ").endswith(PROMPT.strip().encode()), "the prompt of the shell", 30)

    def ask(self, command: str) -> str:
        """What a command prints."""
        self.type(command)
        self.wait_for_prompt()
        return self.news.decode().replace("\r", "").partition("\n")[2].rpartition("\n")[0]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path) as shell:
        shell.wait_for(lambda: PROMPT.strip() in shell.text, "the first prompt")
        yield shell
        for process in shell.children():
            if is_running(process):
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def opened(shell: Shell) -> Shell:
    """The app after its first pass, as a job of the shell."""
    return open_app(shell, f"{sys.executable} -m inspector {MODELS}:tiny")


def open_app(shell: Shell, command: str) -> Shell:
    shell.type(command)
    shell.wait_for_text("pass 1")
    shell.wait_for_text("q Quit")
    return shell


def assert_shells(shell: Shell, stopped: bool = True) -> None:
    """The terminal is the shell's: as it was before, cooked, with an echo, a cursor and nothing of the app's."""
    left = shell.news.rindex(b"\x1b[?1049l")
    for sequence in OFF:
        assert sequence in shell.news, sequence
    for sequence in ON:
        assert sequence not in shell.news[left:], sequence
    flags = shell.attributes[3]
    assert flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG
    assert ("Stopped" in shell.ask("jobs")) == stopped
    assert shell.ask("echo $((6 * 7))") == "42"


def assert_apps(shell: Shell, pass_number: int) -> None:
    """The app has the terminal, has painted all of it, and hears keys."""
    shell.wait_for_text("q Quit")
    shell.wait_for_text("Modules")
    shell.wait_for(lambda: not shell.attributes[3] & (termios.ECHO | termios.ICANON), "raw mode")
    for sequence in ON:
        assert sequence in shell.news, sequence
    shell.press("r")
    shell.wait_for_text(f"pass {pass_number}")


def to_app(shell: Shell, number: int) -> None:
    os.kill(find_app(shell), number)


def to_job(shell: Shell, number: int) -> None:
    os.killpg(os.getpgid(find_app(shell)), number)


def to_launcher(shell: Shell, number: int) -> None:
    os.kill(os.getpgid(find_app(shell)), number)


STOPS: dict[str, Callable[[Shell], object]] = {
    "ctrl+z": lambda shell: shell.press("\x1a"),
    "SIGTSTP to the app": lambda shell: to_app(shell, signal.SIGTSTP),
    "SIGTSTP to the launcher": lambda shell: to_launcher(shell, signal.SIGTSTP),
    "SIGTSTP to the job": lambda shell: to_job(shell, signal.SIGTSTP),
    "SIGSTOP to the app": lambda shell: to_app(shell, signal.SIGSTOP),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_gives_the_terminal_to_the_shell_and_fg_takes_it_again(stop: str, opened: Shell) -> None:
    for number in (2, 3):
        opened.press("")
        STOPS[stop](opened)
        opened.wait_for_prompt()
        assert_shells(opened)
        opened.type("fg")
        assert_apps(opened, number)
    opened.press("q")
    opened.wait_for_prompt()
    assert_shells(opened, stopped=False)
    assert opened.ask("jobs") == ""


def test_a_job_that_nobody_could_ask_to_leave_is_painted_anew(opened: Shell) -> None:
    """SIGSTOP to all of it: the shell alone is there to put the terminal right, and does what it does."""
    to_job(opened, signal.SIGSTOP)
    opened.wait_for(lambda: b"Stopped" in opened.news, "the word of the shell")
    assert opened.attributes[3] & termios.ICANON
    opened.type("fg")
    assert_apps(opened, 2)


@pytest.mark.parametrize("then", [None, signal.SIGCONT, signal.SIGKILL])
def test_who_waits_for_the_app_knows_whether_it_is_still_stopped(then: signal.Signals | None) -> None:
    """The shell lets the launcher of a job go on, and the app a moment later: that is no new stop."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as app:
        app.send_signal(signal.SIGSTOP)
        assert launcher._wait(app) is None
        if then is not None:
            app.send_signal(then)
        assert launcher._goes_on(app) == (then is not None)
        app.kill()
        app.send_signal(signal.SIGCONT)
        assert launcher._wait(app) == -signal.SIGKILL


def test_it_stops_again_in_the_background(opened: Shell) -> None:
    opened.press("\x1a")
    opened.wait_for_prompt()
    opened.type("bg")
    opened.wait_for(lambda: is_stopped(find_app(opened)), "another stop")
    opened.type("")
    opened.wait_for(lambda: "Stopped" in opened.ask("jobs"), "the word of the shell", 20)
    assert b"\x1b[?1049h" not in opened.news
    opened.type("fg")
    assert_apps(opened, 2)


def test_the_engine_rests_as_long(opened: Shell) -> None:
    engine = find_engine(opened)
    opened.press("\x1a")
    opened.wait_for_prompt()
    opened.wait_for(lambda: is_stopped(engine), "the stop of the engine")
    opened.type("fg")
    opened.wait_for(lambda: not is_stopped(engine), "its going on")
    assert_apps(opened, 2)


def test_a_window_that_was_resized_meanwhile_is_filled(opened: Shell) -> None:
    opened.press("\x1a")
    opened.wait_for_prompt()
    opened.resize(120, 40)
    opened.type("fg")
    opened.wait_for(lambda: "q Quit" in opened.screen.display[39], "the footer in the last line")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_job_can_be_ended(number: int, opened: Shell) -> None:
    below = opened.children()
    opened.press("\x1a")
    opened.wait_for_prompt()
    opened.ask(f"kill -{number} %1")
    opened.wait_for(lambda: not any(map(is_running, below)), "the end of all", 10)
    assert " icanon" in opened.ask("stty -a | grep -o ' icanon'")


def test_a_shell_that_leaves_ends_a_stopped_job(opened: Shell) -> None:
    below = opened.children()
    opened.press("\x1a")
    opened.wait_for_prompt()
    opened.ask("exit")  # it says that there are stopped jobs
    opened.send("exit\n")
    opened.wait_for_end()
    opened.wait_for(lambda: not any(map(is_running, below)), "the end of all", 10)


def test_a_script_that_called_inspect_stops_with_the_app(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    open_app(shell, f"{sys.executable} {script}")
    host = os.getpgid(find_app(shell))
    shell.press("\x1a")
    shell.wait_for_prompt()
    assert is_stopped(host) and is_stopped(find_app(shell))
    assert_shells(shell)
    shell.type("fg")
    assert_apps(shell, 2)
    shell.press("q")
    shell.wait_for_prompt()
    assert b"after the app: 2 passes, model unchanged" in shell.news
    assert shell.attributes[3] & termios.ICANON


def test_a_report_that_is_stopped_during_its_pass_comes_out_right(shell: Shell, tmp_path: Path) -> None:
    model = tmp_path / "slow.py"
    model.write_text(
        "import time, torch, pathlib\nclass Slow(torch.nn.Module):\n    def forward(self, x):\n"
        f"        pathlib.Path({str(tmp_path / 'began')!r}).touch()\n        time.sleep(2)\n        return x + 1\n"
        "def build():\n    return torch.nn.Sequential(torch.nn.Linear(4, 3), Slow()), (torch.ones(2, 4),)\n"
    )
    shell.type(f"{sys.executable} -m inspector {model}:build --print tree")
    shell.wait_for(lambda: (tmp_path / "began").exists(), "the pass")
    engine = find_engine(shell)
    shell.press("\x1a")
    shell.wait_for_prompt()
    assert "Stopped" in shell.ask("jobs")
    shell.wait_for(lambda: is_stopped(engine), "the stop of the engine")
    shell.type("fg; echo code $?")
    shell.wait_for(lambda: b"code 0" in shell.news, "the end")
    assert re.search("Slow +.*2×3", shell.news.decode())


def test_where_no_shell_waits_it_does_not_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inspector", f"{MODELS}:tiny"]
    with Terminal(command, columns=100, lines=30, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("\x1a")
        terminal.wait_for_text("there is no shell to go back to")
        for number, process in ((signal.SIGTSTP, terminal.process.pid), (signal.SIGTSTP, find_app(terminal))):
            os.kill(process, number)
            time.sleep(0.3)
        terminal.send("r")
        terminal.wait_for_text("pass 2")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert terminal.attributes == terminal.before


def is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"
