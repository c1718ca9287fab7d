"""Keys of the app, for those who have no app: the engine in its hints, and the command line in its help."""

from __future__ import annotations

from collections.abc import Mapping

_shown = {
    "seed": "s",
    "run": "r",
    "try-state-dict": "D",
    "write": "w",
    "reload": "F5",
    "undo": "u",
    "redo": "ctrl+r",
    "add-hook": "a",
    "edit-parameters": "E",
}
"""By the ids of commands, as they are where nobody configured others."""


def app_key(id: str) -> str:
    """The key of a command, as it is printed on a keyboard."""
    return _shown[id]


def app_keys() -> tuple[tuple[str, str], ...]:
    """All that may be said, for another process to say them too."""
    return tuple(_shown.items())


def change_app_keys(shown: Mapping[str, str]) -> None:
    """Say these from now on."""
    _shown.update((id, key) for id, key in shown.items() if id in _shown)
