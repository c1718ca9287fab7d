"""The kind `observe`."""

from __future__ import annotations

from ..kind import kind


@kind("Look", on=("both", "output", "input", "grad"), acts="observe", takes_last=True)
def observe() -> None:
    """Show what goes in and comes out, and after a backward pass the gradient."""
