"""What to type where a file cannot be imported by its path, and could not be run by it either."""

from __future__ import annotations

import ast
from pathlib import Path

from ...files import is_directory, is_file, read_file
from ...files.purposes import SOURCE
from ...text import encodable

_LEVELS = 8
"""Directories above the file that are looked at."""


def import_hint(error: ImportError, path: Path) -> str:
    """The command that imports the file as a part of its package; "" where the error has another cause."""
    if isinstance(error, ModuleNotFoundError):
        top = (error.name or "").partition(".")[0]
        root = _root_with(top, path) if top else None
        why = f"{top} lies in {root}" if root is not None else ""
    elif "relative import" in str(error):
        root = _root_for_relative(path)
        why = "relative imports need a package"
    else:
        return ""
    dotted = _join_dotted(path, root) if root is not None else ""
    if not dotted:
        return ""
    return encodable(f"running the file fails as well: {why}. From {root}: inspector {dotted}:NAME", 500)


def _root_with(top: str, path: Path) -> Path | None:
    """The nearest directory above the file's own that holds a module or package of this name."""
    for folder in path.parent.parents[:_LEVELS]:
        if is_file(folder / f"{top}.py") or is_directory(folder / top):
            return folder
    return None


def _root_for_relative(path: Path) -> Path | None:
    """The directory from which the furthest of the file's relative imports stays inside a package."""
    levels = [node.level for node in ast.walk(ast.parse(read_file(path, SOURCE))) if isinstance(node, ast.ImportFrom)]
    level = max(levels, default=0)
    return path.parents[level] if 0 < level < len(path.parents) - 1 else None


def _join_dotted(path: Path, root: Path) -> str:
    parts = [*path.parent.relative_to(root).parts, path.stem]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""
