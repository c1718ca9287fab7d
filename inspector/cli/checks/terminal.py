"""The terminal: whether there is one, how large, its colours and characters, tmux, the clipboard, the editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

from ...text import encodable
from ...tui.ascii_locale import is_ascii_locale
from .check import Check

_GROUP = "terminal"
_LEAST = 40, 12
_GOOD = 80, 24
_SLOW = 100
"""Milliseconds that tmux waits behind escape, from which on that is felt."""


def check_terminal(environment: Mapping[str, str] = os.environ) -> Iterator[Check]:
    """All of it, as this process has it."""
    yield _check_streams(environment)
    yield _check_size()
    yield _check_colours(environment)
    yield _check_locale(environment)
    yield _check_editor(environment)
    if "TMUX" in environment:
        yield from _check_tmux()
    else:
        yield _check_clipboard(environment)


def _check_streams(environment: Mapping[str, str]) -> Check:
    term = encodable(environment.get("TERM", ""), 60)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Check(
            _GROUP, "terminal", "none: reports are printed in place of the app", "note", "start it at a terminal"
        )
    if term in ("", "dumb"):
        todo = "export TERM=xterm-256color, if that is what it is"
        return Check(_GROUP, "terminal", f"TERM={term}: reports are printed in place of the app", "note", todo)
    return Check(_GROUP, "terminal", f"TERM={term}")


def _check_size() -> Check:
    columns, lines = shutil.get_terminal_size()
    said = f"{columns}x{lines}"
    if columns < _LEAST[0] or lines < _LEAST[1]:
        return Check(_GROUP, "size", said, "bad", f"{_LEAST[0]}x{_LEAST[1]} is needed, {_GOOD[0]}x{_GOOD[1]} is good")
    if columns < _GOOD[0] or lines < _GOOD[1]:
        return Check(_GROUP, "size", said, "note", f"it is made for {_GOOD[0]}x{_GOOD[1]} and more")
    return Check(_GROUP, "size", said)


def _check_colours(environment: Mapping[str, str]) -> Check:
    if environment.get("NO_COLOR"):
        return Check(_GROUP, "colours", "none: NO_COLOR is set", "ok", "unset NO_COLOR to have them")
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Check(_GROUP, "colours", "16 million")
    todo = "export COLORTERM=truecolor, where the terminal has them all"
    if "256" in environment.get("TERM", ""):
        return Check(_GROUP, "colours", "256", "note", todo)
    return Check(_GROUP, "colours", "16", "note", todo)


def _check_locale(environment: Mapping[str, str]) -> Check:
    name = next((each for each in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(each)), "LANG")
    said = f"{name}={environment.get(name, '')}"
    if is_ascii_locale(environment):
        todo = f"export {name}=C.UTF-8 for lines and arrows; until then it draws in ASCII"
        return Check(_GROUP, "locale", encodable(said, 60), "note", todo)
    return Check(_GROUP, "locale", encodable(said, 60))


def _check_editor(environment: Mapping[str, str]) -> Check:
    named = environment.get("VISUAL") or environment.get("EDITOR") or ""
    try:
        program = (shlex.split(named) or ["vi"])[0]
    except ValueError:
        return Check(_GROUP, "editor", "$EDITOR is no command", "bad", "export EDITOR=vi")
    said = encodable(named, 80) if named else "vi: neither VISUAL nor EDITOR is set"
    if shutil.which(program) is None:
        return Check(
            _GROUP, "editor", f"{said}, which is not found", "note", "export EDITOR=nano, or one that you have"
        )
    return Check(_GROUP, "editor", said)


def _check_clipboard(environment: Mapping[str, str]) -> Check:
    far = " over ssh" if "SSH_CONNECTION" in environment else ""
    said = f"OSC 52{far}: the terminal has to allow it; what is too long goes to a file"
    return Check(_GROUP, "clipboard", said)


def _check_tmux() -> Iterator[Check]:
    clipboard = _ask_tmux("set-clipboard")
    if clipboard in ("on", "external"):
        yield Check(_GROUP, "clipboard", f"tmux, which hands it on (set-clipboard {clipboard})")
    else:
        todo = "tmux set -s set-clipboard on, and in ~/.tmux.conf"
        yield Check(_GROUP, "clipboard", "tmux keeps what is copied to itself", "note", todo)
    delay = _ask_tmux("escape-time")
    if delay.isdecimal() and int(delay) >= _SLOW:
        yield Check(
            _GROUP, "escape", f"tmux waits {delay} ms behind it", "note", "tmux set -s escape-time 10; q closes, too"
        )


def _ask_tmux(option: str) -> str:
    command = ["tmux", "show", "-sv", option]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
