"""What is unusual about a module, one badge for each thing, with what it means to a person who looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from .base import Row

BadgeName = Literal[
    "tied", "lazy", "meta", "sharded", "device", "quantized", "parametrized", "compiled", "scripted", "traced",
    "fused path", "own __call__", "no forward", "inlined",
]  # fmt: skip


class Badge(Row, frozen=True, gc=False):
    """One unusual thing about a module."""

    name: BadgeName
    detail: str = ""  # of "device": which, "cuda:0, cuda:1"


BADGES: dict[BadgeName, str] = {
    "tied": "shares a parameter with another module",
    "lazy": "has no shapes yet: the first pass gives them, and is asked for; they are taken back after it",
    "meta": "on the meta device: shapes without values",
    "sharded": "only a part of its parameters is in this process; values are of that part",
    "device": "where its own tensors are, in a model on several devices",
    "quantized": "computes with quantized weights; their values are shown dequantized",
    "parametrized": "a parameter is computed from others whenever it is read",
    "compiled": "compiled by torch.compile; run eagerly here, where compiled code would ignore hooks",
    "scripted": "TorchScript: torch refuses hooks on it",
    "traced": "a TorchScript trace: no hook fires inside it",
    "fused path": "in evaluation without gradients a fused kernel runs in place of its modules, unless they have "
    "hooks: observing changes what runs",
    "own __call__": "its class overrides __call__, and hooks fire only where that calls torch's",
    "no forward": "has no forward of its own: it holds other modules, or is used through its other methods",
    "inlined": "a graph above it took its code in and never calls it: no hook on it fires",
}
"""What each means, in a sentence."""


def badge_word(badge: Badge) -> str:
    """`tied`, `on cuda:1`."""
    return f"on {badge.detail}" if badge.name == "device" else badge.name


def has_badge(badges: Iterable[Badge], *names: BadgeName) -> bool:
    """Whether any of these is among them."""
    return any(badge.name in names for badge in badges)


NOT_CALLED, NO_HOOK_CALL, NO_FORWARD, UNSEEN = "not called", "no hook call", "no forward", "unseen"


def explain_uncalled(badges: tuple[Badge, ...], ran: bool) -> str:
    """What to say of a module that was observed without a call being seen: from its badges, and from whether it is
    known to have run all the same (its forward did, or a module below it was called)."""
    if has_badge(badges, "no forward"):
        return NO_FORWARD
    if has_badge(badges, "scripted", "traced"):
        return UNSEEN
    return NO_HOOK_CALL if ran or has_badge(badges, "own __call__") else NOT_CALLED
