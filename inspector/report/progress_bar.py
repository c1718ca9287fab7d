"""A bar of Rich's on standard error, which says what is waited for and leaves no trace."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SOON = 0.5
"""Seconds after which it comes: what takes less is not waited for."""


class Wait(NamedTuple):
    """What is waited for and how far it is; `share` is None where nobody knows."""

    what: str
    counted: str = ""
    share: float | None = None


def is_seen() -> bool:
    """Whether somebody looks at standard error, in a terminal that draws."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def make_bar(takes_prints: bool = False) -> Bar:
    """The bar, which begins with `start`.

    Args:
        takes_prints: What this process prints meanwhile goes above it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    bar = Bar(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(16),
        TextColumn("{task.fields[count]}", markup=False, table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        TextColumn("ctrl+c ends it", style="dim", table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=takes_prints,
        redirect_stderr=takes_prints,
    )
    bar.add_task("", total=None, count="")
    return bar


def fill_bar(bar: Bar, wait: Wait) -> None:
    """Say what it is at."""
    total = None if wait.share is None else 1.0
    bar.update(bar.task_ids[0], description=wait.what, completed=wait.share or 0.0, total=total, count=wait.counted)


def wait_of_places(done: int, places: int) -> Wait:
    """How far a sweep is."""
    return Wait("sweep", f"{done:,} of {places:,} places", done / max(places, 1))
