"""`--print`: the same engine process as behind the app, asked from here without a screen.

The model runs in the child. A pass that kills its process, and one that is interrupted, is reported like any other that
failed, with what was captured until then.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable

from ..records import Choices, Target
from ..report.calls import render_calls
from ..report.json_report import render_json
from ..report.model import Report
from ..report.problem import render_problem
from ..report.tree import render_tree
from ..text import visible
from .reading import Reading, read


def print_report(target: Target, form: str, out: Callable[[str], object]) -> int:
    """Load, run and report. Returns the exit code.

    Args:
        target: What to open.
        form: "tree", "calls" or "json".
        out: Writes the report.
    """
    try:
        reading = asyncio.run(read(target, in_full=form == "json"))
        _write(reading, form, out)
    except KeyboardInterrupt:  # before there was an engine, or while writing to somebody who does not read
        return 128 + signal.SIGINT
    return reading.exit_code


def _write(reading: Reading, form: str, out: Callable[[str], object]) -> None:
    if reading.choices is not None:
        sys.stderr.write(_render_choices(reading.choices))
    if reading.report is not None:
        out(_render(reading.report, form))
    if reading.problem is not None:
        sys.stderr.write(render_problem(reading.problem))


def _render(report: Report, form: str) -> str:
    if form == "json":
        return render_json(report) + "\n"
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 120
    return render_calls(report, width) if form == "calls" else render_tree(report, width)


def _render_choices(choices: Choices) -> str:
    lines = [f"inspector: {visible(choices.title)}; name one of them:"]
    lines += [f"  inspector {visible(c.name)}    {visible(c.kind)} {visible(c.detail)}" for c in choices.items]
    return "\n".join(lines) + "\n"
