"""What went wrong, in JSON: beside a report, or in place of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..records import Choice, Problem

SCHEMA = 1
USAGE = 2
"""The exit code of what was typed wrongly."""


def render_failure(target: str | None, problem: Problem, choices: Sequence[Choice] = ()) -> str:
    """The document where there is no model to report on. One line of ASCII.

    Args:
        target: As typed; None where that is not known.
        problem: What was wrong.
        choices: What the target could have meant.
    """
    document: dict[str, Any] = {"schema": SCHEMA, "target": target, "error": error_to_json(problem)}
    if choices:
        document["choices"] = [{"name": each.name, "kind": each.kind, "detail": each.detail} for each in choices]
    return json.dumps(document, ensure_ascii=True, allow_nan=False)


def error_to_json(problem: Problem) -> dict[str, Any]:
    """What was wrong, where, why and what to try."""
    return {
        "type": problem.kind or ("UsageError" if problem.exit_code == USAGE else "Error"),
        "message": problem.what.removeprefix(f"{problem.kind}: "),
        "path": ".".join(problem.path) if problem.path is not None else None,
        "traceback": [line.text for line in problem.traceback],
        "where": problem.where or None,
        "why": problem.why or None,
        "hint": problem.hint or None,
    }
