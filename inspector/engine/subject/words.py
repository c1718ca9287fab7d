"""What a pass is called, and how a list of what it did is cut short."""

from __future__ import annotations

from ..passes.training import PassSettings


def name_pass(settings: PassSettings) -> str:
    """`the forward and backward pass of 3 batches`."""
    words = "the forward and backward pass" if settings.backward else "the forward pass"
    words = f"generating {settings.generate} tokens" if settings.generate else words
    return words if settings.batches == 1 else f"{words} of {settings.batches} batches"


def list_some(words: tuple[str, ...], shown: int = 4) -> str:
    """The first few, and how many there are more."""
    more = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more
