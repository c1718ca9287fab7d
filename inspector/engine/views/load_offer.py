"""How a file can be loaded: as it is, or with its keys renamed, whole or in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ...records import LoadOffer
from ...text import encodable
from ..loading.files.find_renames import find_renames
from ..loading.renames import describe_renames, rename_state, write_rename
from .rehearsal import Rehearsal

SHOWN = 5
"""Keys that are named."""


def find_offer(
    first: Rehearsal, model: nn.Module, state: Mapping[str, Any], own: Mapping[str, Any]
) -> LoadOffer | None:
    """The best way to load `state`; None where loading would fail, or fill nothing.

    A renaming is offered where the load was rehearsed with it: if all fits then, or more than without it and at least
    half of the model.

    Args:
        first: The load of `state` as it is, rehearsed.
        model: What it is rehearsed on.
        state: What is to be loaded.
        own: What the model saves itself.
    """
    if first.fails:
        return None
    as_it_is = _offer(first)
    if not as_it_is.staying and not as_it_is.unused:
        return as_it_is
    found = find_renames(state, first.wanted)
    doubts = tuple(encodable(doubt, 300) for doubt in found.doubts)
    if found.renames and 2 * found.fits >= len(first.wanted):
        again = Rehearsal([])
        again.load(model, rename_state(state, found.renames), own)
        renames = tuple(map(write_rename, found.renames))
        renamed = _offer(again, renames, describe_renames(found.renames), doubts)
        if not again.fails and renamed.loads > as_it_is.loads:
            return renamed
    return _offer(first, doubts=doubts) if as_it_is.loads else None


def _offer(
    rehearsal: Rehearsal, renames: tuple[str, ...] = (), words: str = "", doubts: tuple[str, ...] = ()
) -> LoadOffer:
    staying = [*rehearsal.mismatched, *rehearsal.missing]
    return LoadOffer(
        tuple(encodable(rename, 300) for rename in renames),
        encodable(words, 300),
        len(rehearsal.found) - len(rehearsal.mismatched),
        len(staying),
        len(rehearsal.unexpected),
        _first(staying),
        _first(rehearsal.unexpected),
        doubts,
    )


def _first(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(encodable(key, 120) for key in keys[:SHOWN])
