"""The person's editor, at a line."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

_GOTO = frozenset({"code", "code-insiders", "codium", "cursor", "windsurf"})
_COLON = frozenset({"subl", "zed", "hx", "helix"})


def editor_command(file: str, line: int, environment: Mapping[str, str]) -> list[str]:
    """The command that opens `file` at `line` in $VISUAL or $EDITOR. Raises ValueError where that cannot be read as a
    command."""
    command = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "vi")
    if not command:
        raise ValueError("$EDITOR is empty")
    file = os.path.abspath(file)  # never taken for an option
    name = os.path.basename(command[0])
    if name in _GOTO:
        return [*command, "--goto", f"{file}:{line}"]
    if name in _COLON:
        return [*command, f"{file}:{line}"]
    return [*command, f"+{line}", file]
