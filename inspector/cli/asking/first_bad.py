"""Asks an engine for the first bad value, and prints the answer."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable

from ...records import FindFirstBad, FirstBadValue, Problem, Target
from ...report.first_bad import first_bad_to_json, render_first_bad
from ...report.json_failure import SCHEMA, render_failure
from ...report.problem import render_problem
from ..output import say
from ..progress import Progress
from .question import Question

FOUND = 3
"""The exit code where something bad was found."""


def print_first_bad(target: Target, request: FindFirstBad, form: str, out: Callable[[str], object]) -> int:
    """Load, run once and print. Returns the exit code.

    Args:
        target: What to open.
        request: What to look for.
        form: "text" or "json".
        out: Writes what goes to standard output.
    """
    try:
        question = Question(target, request, Progress(), "the search")
        answer, problem = asyncio.run(question.ask())
        found = answer if isinstance(answer, FirstBadValue) else None
        _print(target, request, found, problem, form, out)
    except KeyboardInterrupt:  # before there was an engine, or while writing to somebody who does not read
        return 128 + signal.SIGINT
    if problem is not None:
        return problem.exit_code
    return FOUND if found is not None and found.found else 0


def _print(
    target: Target,
    request: FindFirstBad,
    found: FirstBadValue | None,
    problem: Problem | None,
    form: str,
    out: Callable[[str], object],
) -> None:
    try:
        if form == "json":
            out(_render_json(target, found, problem) + "\n")
        elif found is not None:
            width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 120
            out(render_first_bad(found, width, request.condition))
    finally:
        say(render_problem(problem) if problem is not None else "")


def _render_json(target: Target, found: FirstBadValue | None, problem: Problem | None) -> str:
    if found is None:
        return render_failure(target.target, problem or Problem("nothing is known"))
    document = {"schema": SCHEMA, "target": target.target, **first_bad_to_json(found)}
    return json.dumps(document, ensure_ascii=True, allow_nan=False)
