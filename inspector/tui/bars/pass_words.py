"""What the title says of the running pass and of the last one."""

from __future__ import annotations

from ...records import HookCounts, PassSummary, Progress, Work
from ...report.waits import count_work
from ...text import visible
from ...value_text import say_share
from .. import format
from ..tree.heat import short
from .parts import Part, drop_parts

LONG = 0.5
"""Seconds from which on it is said how to stop what is waited for."""

WORK_BAR = 8


def describe_running(progress: Progress, width: int, ascii: bool) -> str:
    """How far a pass is, or a row of several, with a bar `width` cells long between its ends."""
    done, expected = progress.calls, max(progress.expected, 1)
    if progress.batches > 1:
        share = (progress.batch - 1 + min(done / expected, 1.0)) / progress.batches
        return f"{progress.unit} {progress.batch}/{progress.batches} {bar(share, width, ascii)}"
    if done > expected:  # more calls than modules: before the first pass nobody knows how many
        return f"{done} calls "
    return f"{done}/{expected} {bar(done / expected, width, ascii)}"


def describe_work(work: Work, seconds: float, stop: str, width: int, ascii: bool) -> str:
    """What is waited for, how far it is and how to stop it, in about `width` cells."""
    how_far = Part(2, count_work(work))
    known = Part(3, bar(work.done / work.total, WORK_BAR, ascii) if work.total else "")
    timed = [Part(4, f"{seconds:.1f} s"), Part(0, stop)] if seconds >= LONG else []
    parts = [part for part in (Part(1, work.what), how_far, known, *timed) if part.text]
    return "  ".join(part.text for part in drop_parts(parts, width, "  "))


def bar(share: float, width: int, ascii: bool = False) -> str:
    """A progress bar of `width` cells between its ends."""
    full = round(min(max(share, 0.0), 1.0) * width)
    if ascii:
        return f"[{'#' * full}{'.' * (width - full)}]"
    return f"▕{'█' * full}{' ' * (width - full)}▏"


def describe_last(summary: PassSummary, after: str, width: int, dot: str) -> str:
    """How the last pass went, in about `width` cells; `after` is said at its end."""
    named = f"{summary.batches} batches" if summary.batches > 1 else f"pass {summary.number}"
    named = f"{named} · {summary.steps} steps" if summary.steps not in (1, summary.batches) else named
    if summary.problem is not None:
        kind = visible(summary.problem.kind or "failed")
        return dot.join((named, format.cut(kind, 24), after))
    took = "cancelled" if summary.cancelled else format.ms(summary.ms)
    parts = [Part(0, named), Part(3, took), *_looking(summary), *_outcome(summary), Part(4, after)]
    return dot.join(part.text for part in drop_parts(parts, width, dot))


def _looking(summary: PassSummary) -> list[Part]:
    """What hooks of ours cost: against a pass without them, where there was one that was quicker, else as they timed
    themselves."""
    against, own = summary.against_bare, summary.overhead
    if against is not None and against >= 0 and not summary.cancelled:
        return [Part(5, f"+{say_share(against)} on bare")]
    return [Part(5, f"observing +{say_share(own)}")] if own is not None else []


def _outcome(summary: PassSummary) -> list[Part]:
    """What became of hooks, how far the model's output is from the baseline, and the loss."""
    found = _hook_parts(summary.hook_counts)
    if summary.delta is not None:
        found.append(Part(1, f"Δ {short(summary.delta.rel_l2)}"))
    if summary.loss is not None:
        found.append(Part(2, f"loss {format.number(summary.loss)}"))
    return found


def _hook_parts(counts: HookCounts) -> list[Part]:
    """`1 hook failed`, `2 never fired`, `1 changed nothing`: as many as there are, the first with its noun."""
    kinds = (
        (0, counts.failed, "failed"),
        (0, counts.never_fired, "never fired"),
        (1, counts.changed_nothing, "changed nothing"),
    )
    parts: list[Part] = []
    for rank, count, words in kinds:
        noun = "" if parts else " hook" if count == 1 else " hooks"
        if count:
            parts.append(Part(rank, f"{count}{noun} {words}"))
    return parts
