"""What the title says of the running pass and of the last one."""

from __future__ import annotations

from rich.cells import cell_len

from ...records import PassSummary, Progress
from ...text import visible
from .. import format
from ..tree.heat import short

Piece = tuple[int, str]
"""A rank and words: the highest rank is left out first where there is no room; 0 always stays."""


def under_way(progress: Progress, width: int, ascii: bool) -> str:
    """How far a pass is, or a row of several, with a bar `width` cells long between its ends."""
    done, expected = progress.calls, max(progress.expected, 1)
    if progress.batches > 1:
        share = (progress.batch - 1 + min(done / expected, 1.0)) / progress.batches
        return f"batch {progress.batch}/{progress.batches} {bar(share, width, ascii)}"
    if done > expected:  # more calls than modules: before the first pass nobody knows how many
        return f"{done} calls "
    return f"{done}/{expected} {bar(done / expected, width, ascii)}"


def bar(share: float, width: int, ascii: bool = False) -> str:
    """A progress bar of `width` cells between its ends."""
    full = round(min(max(share, 0.0), 1.0) * width)
    if ascii:
        return f"[{'#' * full}{'.' * (width - full)}]"
    return f"▕{'█' * full}{' ' * (width - full)}▏"


def last_pass(summary: PassSummary, after: str, width: int, dot: str) -> str:
    """How the last pass went, in about `width` cells; `after` is said at its end."""
    named = f"{summary.batches} batches" if summary.batches > 1 else f"pass {summary.number}"
    if summary.problem is not None:
        kind = visible(summary.problem.kind or "failed")
        return dot.join((named, format.cut(kind, 24), after))
    took = "cancelled" if summary.cancelled else format.ms(summary.ms)
    return _fitting([(0, named), (3, took), *_outcome(summary), (4, after)], width, dot)


def _outcome(summary: PassSummary) -> list[Piece]:
    """How many hooks failed, how far the model's output is from the baseline, and the loss."""
    found: list[Piece] = []
    if summary.faults:
        found.append((0, f"{len(summary.faults)} hook{'s' * (len(summary.faults) != 1)} failed"))
    if summary.delta is not None:
        found.append((1, f"Δ {short(summary.delta.rel_l2)}"))
    if summary.loss is not None:
        found.append((2, f"loss {format.number(summary.loss)}"))
    return found


def _fitting(pieces: list[Piece], width: int, dot: str) -> str:
    kept = list(pieces)
    while len(kept) > 1 and cell_len(dot.join(words for _, words in kept)) > width:
        kept.remove(max(kept))
    return dot.join(words for _, words in kept)
