"""A problem as plain text."""

from __future__ import annotations

from ..records import Problem
from ..shown_path import shown_path, shown_place
from ..text import lines, visible


def render_problem(problem: Problem) -> str:
    """What was wrong, where and what to try, the user's own traceback first."""
    said = [visible(shown_place(line.text) if line.place else line.text) for line in problem.traceback]
    said.append(f"inspector: {_block(problem.what)}")
    if problem.why:
        said.append(f"  why: {_block(problem.why)}")
    if problem.where:
        said.append(f"  where: {_block(shown_path(problem.where))}")
    if problem.path is not None:
        said.append(f"  module: {visible('.'.join(problem.path)) or '(root)'}")
    if problem.hint:
        said.append(f"  try: {_block(problem.hint)}")
    return "\n".join(said) + "\n"


def _block(text: str) -> str:
    """Text of several lines, harmless, each below the first a little further in."""
    return "\n    ".join(lines(text))
