"""What lies outside the program: the person's editor and the clipboard."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from textual.app import SuspendNotSupported

from ...errors import UsageError
from .host import Host

LONG = 60
"""Characters above which it is said how many were copied, and not which."""


@dataclass(eq=False)
class Outside:
    """Says what was copied where, and why the editor could not be started."""

    host: Host

    def copy(self, text: str) -> None:
        """Copy by every way there is, and say by which."""
        from ..clipboard import beyond_terminal

        self.host.copy(text)
        also = beyond_terminal(text)
        what = f"{len(text):,} characters" if len(text) > LONG or "\n" in text else text
        self.host.tell(f"copied {what} (OSC 52{', ' if also else ''}{also})")

    def edit_file(self, file: str, line: int) -> None:
        """Leave the screen to the person's editor for a while."""
        from ..editor import editor_command

        try:
            command = editor_command(file, line, os.environ)
            with self.host.suspend():
                subprocess.run(command)
        except (OSError, ValueError, SuspendNotSupported) as error:
            self._say_no_editor(error)

    def edit_text(self, text: str, line: int) -> str | None:
        """What becomes of `text` in the person's editor; None where it cannot be started."""
        from ..editor import edit

        try:
            with self.host.suspend():
                return edit(text, line, os.environ)
        except (OSError, ValueError, UsageError, SuspendNotSupported) as error:
            self._say_no_editor(error)
            return None

    def _say_no_editor(self, error: Exception) -> None:
        self.host.tell(f"the editor cannot be started: {error}")
