"""Files that are opened because somebody named them."""

from __future__ import annotations

import difflib
from pathlib import Path

from ...errors import UsageError
from ...text import encodable


def check_readable(name: str) -> Path:
    """The path, or `UsageError` where there is no such file."""
    path = Path(name).expanduser()
    if path.is_dir():
        raise UsageError(encodable(f"{name} is a directory, not a file", 500), hint=_list_files(path))
    if not path.is_file():
        raise UsageError(encodable(f"there is no file {name}", 500), hint=_nearest(path))
    return path


def _list_files(path: Path) -> str:
    try:
        names = sorted(str(entry) for entry in path.iterdir() if entry.is_file())
    except OSError:
        return ""
    return encodable(f"name one in it: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}", 500) if names else ""


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return encodable(f"there is no directory {path.parent}", 300)
    close = difflib.get_close_matches(path.name, names, 1)
    return encodable(f"did you mean {path.with_name(close[0])}?", 300) if close else ""
