"""What a step holds in memory at its peak, as a table and in the JSON report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..records import MemoryEstimate, MemoryPeak, MemoryRow
from ..shown_path import shown_path
from ..text import visible
from .json_failure import error_to_json
from .text_table import TextTable
from .waits import size

CATEGORIES = ("parameters", "buffers", "input", "gradients", "optimizer", "activations", "temporary")
NOTHING = "–"
_LABEL, _COLUMN = 12, 12
"""Cells of the names, and of a size of the batch with what is between two."""
_NAMED = 6
"""Sizes in one line."""
_FITS = {True: "yes", False: "no", None: "?"}


def render_memory(estimate: MemoryEstimate, width: int = 100) -> str:
    """A column for each size of the batch, and in words what runs when most is held."""
    how = "measured" if estimate.measured else "estimated, nothing was run"
    step = f"memory of a step at its peak ({visible(estimate.step)}; {how})\n"
    ran = [row for row in estimate.rows if row.peaks]
    devices = list(dict.fromkeys(peak.device for row in ran for peak in row.peaks))
    tables = "".join(_render_device(ran, device, len(devices) > 1, width) for device in devices)
    return step + tables + "".join(f"{line}\n" for line in _say(estimate))


def _render_device(rows: list[MemoryRow], device: str, several: bool, width: int) -> str:
    """As many tables below each other as the width asks for."""
    found = [(row.batch, peak) for row in rows for peak in row.peaks if peak.device == device]
    per_table = max((width - _LABEL) // _COLUMN, 1)
    heading = f"on {visible(device)}" if several else ""
    parts = [found[first : first + per_table] for first in range(0, len(found), per_table)]
    return "".join(_render_part(part, heading).render(width) for part in parts)


def _render_part(found: list[tuple[int, MemoryPeak]], heading: str) -> TextTable:
    table = TextTable((heading, "left"), *((f"batch {batch:,}", "right") for batch, _ in found))
    peaks = [peak for _, peak in found]
    for name in CATEGORIES:
        if any(peak.sizes.get(name) for peak in peaks):
            table.add_row(name, *(size(peak.sizes[name]) if peak.sizes.get(name) else NOTHING for peak in peaks))
    table.add_row("peak", *(size(peak.total) for peak in peaks))
    if any(peak.allocated is not None for peak in peaks):
        table.add_row("allocator", *(NOTHING if peak.allocated is None else size(peak.allocated) for peak in peaks))
    if any(peak.fits is not None for peak in peaks):
        table.add_row("fits", *(_FITS[peak.fits] for peak in peaks))
    return table


def _say(estimate: MemoryEstimate) -> Iterator[str]:
    said: dict[str, list[str]] = {}
    for row in estimate.rows:
        if row.problem is not None:
            words = visible(row.problem.what) + f"; at {visible(shown_path(row.problem.where))}" * bool(
                row.problem.where
            )
        else:
            words = f"most is held {_say_when(row.peaks[0])}" if row.peaks else "nothing is held"
        said.setdefault(words, []).append(f"{row.batch:,}")
    for words, sizes in said.items():
        yield f"batch {', '.join(sizes[:_NAMED])}{' …' * (len(sizes) > _NAMED)}: {words}"
    free = ", ".join(f"{size(free)} on {visible(device)}" for device, free in estimate.free.items())
    if free:
        yield f"free: {free}{_say_largest(estimate)}"
    yield from (visible(note) for note in estimate.notes)
    if not estimate.complete:
        yield "cancelled: the other sizes were not tried"


def _say_largest(estimate: MemoryEstimate) -> str:
    if estimate.largest is None:
        return ""
    return f"; the largest batch that fits is {estimate.largest:,}" if estimate.largest else "; no batch fits"


def _say_when(peak: MemoryPeak) -> str:
    if peak.phase in ("optimizer", "loss"):
        return "in the loss" if peak.phase == "loss" else "in the optimizer's step"
    place = "" if peak.path is None else visible(".".join(peak.path)) or "(root)"
    return f"in the {visible(peak.phase)} pass" + f" of {place}" * bool(place)


def memory_to_json(estimate: MemoryEstimate) -> dict[str, Any]:
    """Sizes are bytes; of every category, 0 where nothing was held."""
    return {
        "step": estimate.step,
        "measured": estimate.measured,
        "complete": estimate.complete,
        "free": dict(estimate.free),
        "largest": estimate.largest,
        "notes": list(estimate.notes),
        "batches": [
            {
                "batch": row.batch,
                "input": row.input,
                "peaks": [_peak_to_json(peak) for peak in row.peaks],
                "error": error_to_json(row.problem) if row.problem is not None else None,
            }
            for row in estimate.rows
        ],
    }


def _peak_to_json(peak: MemoryPeak) -> dict[str, Any]:
    return {
        "device": peak.device,
        "bytes": peak.total,
        "sizes": {name: peak.sizes.get(name, 0) for name in CATEGORIES},
        "phase": peak.phase,
        "path": ".".join(peak.path) if peak.path is not None else None,
        "fits": peak.fits,
        "allocated": peak.allocated,
    }
