"""How far something is that is waited for, in words and as a share."""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Progress, Work


def count_work(work: Work) -> str:
    """`try 3 of 25`, `312 modules`, `1.2 of 4.6 GB`; "" where nothing is counted."""
    if work.unit == "tries":
        return f"try {work.done} of {work.total}"
    if work.unit == "bytes":
        return f"{size(work.done)} of {size(work.total)}" if work.total else size(work.done)
    of = f" of {work.total:,}" if work.total else ""
    if work.unit == "passes":
        return f"pass {work.done + 1:,}{of}"
    unit = work.unit.removesuffix("s") if (work.total or work.done) == 1 else work.unit
    return f"{work.done:,}{of} {unit}" if unit else ""


def count_pass(progress: Progress) -> str:
    """`4 of 10 batches`, `31 of 68 calls`; before the first pass nobody knows of how many calls."""
    if progress.batches > 1:
        return f"{progress.unit} {progress.batch:,} of {progress.batches:,}"
    of = f" of {progress.expected:,}" if progress.calls <= progress.expected else ""
    return f"{progress.calls:,}{of} calls"


def share_of_pass(progress: Progress) -> float | None:
    """How much of it is done, None where nobody knows."""
    done = progress.calls / progress.expected if progress.expected else 0.0
    if progress.batches > 1:
        return (progress.batch - 1 + min(done, 1.0)) / progress.batches
    return done if progress.expected and done <= 1 else None


def size(nbytes: int) -> str:
    """`1.2 GB`, `312 MB`."""
    return shorten(nbytes, ("B", "kB", "MB", "GB", "TB"))


def shorten(amount: int, units: Sequence[str]) -> str:
    """`1.2 G` with the unit that keeps it below a thousand, if there is one."""
    number, unit = float(amount), 0
    while number >= 999.5 and unit < len(units) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.1f} {units[unit]}" if unit and number < 99.95 else f"{number:.0f} {units[unit]}".rstrip()
