"""The kind `python`."""

from __future__ import annotations

from ..kind import kind


@kind("Python", on=("output", "input", "parameters", "grad", "state_dict", "load_state_dict"), acts="python")
def python() -> None:
    """Run a function of your own."""
