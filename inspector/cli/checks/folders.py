"""The files that are ours: the configuration, and what is kept between sessions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...config.read import find_config_file, read_config
from ...errors import UsageError
from ...files import is_there
from ...text import encodable
from ...tui.saved_state import find_state_directory
from .check import Check

_GROUP = "files"


def check_folders() -> Iterator[Check]:
    """Where they are, and whether they can be read and written."""
    yield _check_config(find_config_file())
    yield _check_state(find_state_directory())


def _check_config(file: Path) -> Check:
    said = encodable(str(file), 300)
    if not is_there(file):
        return Check(
            _GROUP, "configuration", f"{said} is not there, and need not be", "ok", "inspector config --edit makes it"
        )
    try:
        read_config(str(file))
    except UsageError as error:
        problem = error.problem
        return Check(_GROUP, "configuration", f"{problem.where}: {problem.what}", "bad", problem.hint)
    return Check(_GROUP, "configuration", said)


def _check_state(folder: Path) -> Check:
    said = encodable(str(folder), 300)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        todo = f"nothing is kept between sessions; make {there} writable, or set XDG_STATE_HOME"
        return Check(_GROUP, "kept", f"{said} cannot be written", "note", encodable(todo, 300))
    kept = len(list(folder.glob("*.json")))
    return Check(_GROUP, "kept", f"{said}, {kept} files; inspector --reset forgets them")
