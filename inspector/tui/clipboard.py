"""Copying: through the terminal, through tmux where there is one, and to a file where the text is too long for both."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..files import replace_private
from .saved_state import find_state_directory

TERMINAL_LIMIT = 74_000
"""Bytes that terminals accept in one OSC 52 sequence (xterm's limit, before base64)."""


def beyond_terminal(text: str, folder: Path | None = None) -> str:
    """Copy `text` by the ways that the terminal itself has no part in; which ones worked, in words."""
    used = []
    if os.environ.get("TMUX") and _to_tmux(text):
        used.append("tmux")
    if len(text.encode("utf-8", "replace")) > TERMINAL_LIMIT:
        used.append(_to_file(text, folder if folder is not None else find_state_directory()))
    return ", ".join(used)


def _to_tmux(text: str) -> bool:
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode("utf-8", "replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=2,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _to_file(text: str, folder: Path) -> str:
    file = folder / "copied.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(file, text.encode("utf-8", "replace"))
    except OSError as error:
        return f"no file: {error.strerror}"
    return str(file)
