"""What a person added since a model was opened, beside what they typed with the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ...errors import UsageError
from ...records import Recipe, Target
from ...text import encodable
from ..hooks.kinds import record
from ..hooks.kinds.record import ALL
from ..hooks.spec import parse_hook, split_place
from .log import ChangeLog
from .recipe import Entry, add_entries, collect, read, render

MOST_CHARACTERS = 1 << 18
"""Of a recipe that goes along with every change."""
MOST_LINES = 1_000


def add_typed(change_log: ChangeLog, target: Target) -> tuple[Entry, ...]:
    """Put on what was typed with the target. Raises `InspectorError`."""
    for text in target.hooks:
        where, hook = split_place(text)
        change_log.add(where, parse_hook(hook))
    if target.recipe:
        add_entries(change_log, read(target.recipe))
    for where in target.record:  # behind the others: they see what the network sees
        change_log.add(where, record(Path(target.save).stem, megabytes=ALL))
    return tuple(collect(change_log))


def describe_added(change_log: ChangeLog, typed: Sequence[Entry], target: str) -> Recipe:
    """As a recipe, to be kept and offered when the target is opened again."""
    return _describe(tuple(_leave_out(_collect(change_log), typed)), target)


@lru_cache(maxsize=2)
def _describe(entries: tuple[Entry, ...], target: str) -> Recipe:
    """Once for all changes that leave them as they are, such as where is looked."""
    text = render(list(entries), target) if entries else ""
    hooks, edits = (tuple(_line(each) for each in entries if each.edit == edit) for edit in (False, True))
    kept = encodable(text, MOST_CHARACTERS) if len(text) <= MOST_CHARACTERS else ""
    return Recipe(kept, hooks[:MOST_LINES], edits[:MOST_LINES])


def _collect(change_log: ChangeLog) -> list[Entry]:
    try:
        return collect(change_log)
    except UsageError:  # a function of the program that called `inspect`: no text says it
        return []


def _leave_out(entries: list[Entry], typed: Sequence[Entry]) -> list[Entry]:
    """One of each that was typed; they are there again where the target is typed again."""
    left = [replace(entry, off=()) for entry in typed]
    found = []
    for entry in entries:
        bare = replace(entry, off=())
        if bare in left:
            left.remove(bare)
        else:
            found.append(entry)
    return found


def _line(entry: Entry) -> str:
    if entry.load is not None:
        return encodable(str(entry.load), 200)
    return encodable(f"{entry.module or '(root)'}: {entry.do}", 200)
