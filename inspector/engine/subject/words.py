"""What a pass is called, and how a list of what it did is cut short."""

from __future__ import annotations

from ..passes.training import Steps


def name_pass(steps: Steps) -> str:
    """`the forward and backward pass of 3 batches`."""
    words = "the forward and backward pass" if steps.backward else "the forward pass"
    return words if steps.batches == 1 else f"{words} of {steps.batches} batches"


def list_some(words: tuple[str, ...], shown: int = 4) -> str:
    """The first few, and how many there are more."""
    more = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more
