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
from dataclasses import replace

from ..gradients import LIMITS, Limits
from ..records import Choices, EstimateMemory, Problem, Target
from ..report.calls import render_calls
from ..report.costs import render_costs
from ..report.footer import render_footer
from ..report.json_failure import render_failure
from ..report.json_report import render_json
from ..report.memory import render_memory
from ..report.model import Report
from ..report.problem import render_problem
from ..report.tree import render_tree
from ..text import visible
from .output import say
from .reading import Reading, Wanted, read

COST_PASSES = 5
"""Passes that are timed where nobody said how many."""


def print_report(
    target: Target,
    form: str,
    out: Callable[[str], object],
    strict: bool = False,
    limits: Limits = LIMITS,
    costs: int = 0,
    estimate: EstimateMemory | None = None,
) -> int:
    """Load, run and report. Returns the exit code.

    Args:
        target: What to open.
        form: "tree", "calls", "costs", "json", or "estimate" for that alone.
        out: Writes the report.
        strict: A hook that never fired is a problem.
        limits: Of what is said of gradients.
        costs: Passes to time for what modules cost; 0 for the usual number in the form that needs them.
        estimate: Sizes of the batch to estimate the memory for, below the report.
    """
    try:
        reading = _read(target, form, strict, costs or COST_PASSES * (form == "costs"), estimate)
        if reading.report is not None:
            reading = replace(reading, report=replace(reading.report, limits=limits, paths=[]))
        _write(target, reading, form, out)
    except KeyboardInterrupt:  # while writing to somebody who does not read
        return 128 + signal.SIGINT
    return reading.exit_code


def _read(target: Target, form: str, strict: bool, costs: int, estimate: EstimateMemory | None) -> Reading:
    wanted = Wanted(form == "json", form == "calls", costs, estimate, run=form != "estimate")
    try:
        return asyncio.run(read(target, wanted=wanted, strict=strict))
    except KeyboardInterrupt:  # before there was an engine to interrupt
        return Reading(problem=Problem("interrupted", kind="Interrupted", exit_code=128 + signal.SIGINT))


def _write(target: Target, reading: Reading, form: str, out: Callable[[str], object]) -> None:
    """The report and what was wrong, each to its stream; as JSON what was wrong is a document where no report is."""
    try:
        if reading.report is not None:
            out(_render(reading.report, form))
        elif form == "json":
            out(_render_failure(target, reading))
    finally:
        say(_render_problems(reading, form))


def _render_problems(reading: Reading, form: str) -> str:
    choices = _render_choices(reading.choices) if reading.choices is not None else ""
    problem = (reading.problem,) if reading.problem is not None else ()
    faults = reading.faults if form == "json" else ()  # the other forms say it themselves
    return choices + "".join(map(render_problem, (*problem, *faults)))


def _render_failure(target: Target, reading: Reading) -> str:
    if reading.choices is not None:
        several = Problem(f"{reading.choices.title}: name one of them", kind="Choices", exit_code=2)
        return render_failure(target.target, several, reading.choices.items) + "\n"
    assert reading.problem is not None  # else there is a report
    return render_failure(target.target, reading.problem) + "\n"


def _render(report: Report, form: str) -> str:
    if form == "json":
        return render_json(report) + "\n"
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 120
    memory = render_memory(report.memory, width) if report.memory is not None else ""
    if form == "estimate":
        return (memory + render_footer(report)).lstrip("\n")
    render = {"calls": render_calls, "costs": render_costs}.get(form, render_tree)
    return render(report, width) + ("\n" + memory if memory else "")


def _render_choices(choices: Choices) -> str:
    lines = [f"inspector: {visible(choices.title)}; name one of them:"]
    lines += [f"  inspector {visible(c.name)}    {visible(c.kind)} {visible(c.detail)}" for c in choices.items]
    return "\n".join(lines) + "\n"
