"""What is unusual about a module, one word for each thing, with what the word means to a person who looks."""

from __future__ import annotations

BADGES: dict[str, str] = {
    "tied": "shares a parameter with another module",
    "lazy": "has no shapes yet: the first pass gives them, and is asked for; they are taken back after it",
    "meta": "on the meta device: shapes without values",
    "sharded": "only a part of its parameters is in this process; values are of that part",
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
"""Also "on DEVICE", where a model is on several."""

ON = "on "
"""What the word of a device begins with."""


def meaning(word: str) -> str:
    """In a sentence; "" for a word that nobody knows."""
    return "where its own tensors are, in a model on several devices" if word.startswith(ON) else BADGES.get(word, "")


INLINED = "inlined"
NOT_CALLED, NO_HOOK_CALL, NO_FORWARD, UNSEEN = "not called", "no hook call", "no forward", "unseen"


def uncalled(words: tuple[str, ...], ran: bool) -> str:
    """What to say of a module that was observed without a call being seen: from its badges, and from whether it is
    known to have run all the same (its forward did, or a module below it was called)."""
    if NO_FORWARD in words:
        return NO_FORWARD
    if "scripted" in words or "traced" in words:
        return UNSEEN
    return NO_HOOK_CALL if ran or "own __call__" in words else NOT_CALLED
