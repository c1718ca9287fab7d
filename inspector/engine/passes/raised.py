"""What is told of an error that came out of a model somebody else ran."""

from __future__ import annotations

from msgspec.structs import replace

from ...app_keys import app_key
from ...records import CodeLine, Path, Problem
from ...text import encodable
from ..frames.raised import Raised
from ..frames.stack import CodeStack
from ..modules.tree import ModuleTree
from ..source.running import forward_of
from .diagnosis import diagnose

_ANOMALIES = "torch.autograd.set_detect_anomaly(True) keeps that"


def stack_of(raised: Raised, tree: ModuleTree) -> CodeStack:
    """Its frames, and what was wrong."""
    problem = diagnose(raised.error, None, tree, ())
    again = f"{app_key('run')} runs it again on what it was called with, and records every call"
    problem = replace(problem, hint=again if raised.called_with(tree.root)[0] else "")
    node, made = raised.find_node() if raised.in_backward else ("", None)
    if raised.in_backward and problem.path is None:
        problem = replace(problem, path=_find_owner(made, tree) if made is not None else None)
        problem = replace(problem, why=encodable(_explain_backward(node, made, problem), 1_500))
    return CodeStack(raised.frames, tree, problem, made=made)


def _explain_backward(node: str, made: CodeLine | None, problem: Problem) -> str:
    what = f"in the backward pass, in {node}" if node else "in the backward pass"
    if made is not None:
        return f"{what}, which {made.file}:{made.line} made"
    known = "which line of the forward made it" if node else "which operation of the forward it belongs to"
    told = [problem.why] if problem.why else []
    return "\n".join([f"{what}; {known} is not known: {_ANOMALIES}", *told])


def _find_owner(made: CodeLine, tree: ModuleTree) -> Path | None:
    """The one module whose forward has that line; None where there are several, or none."""
    found = []
    for node in tree.objects():
        function = forward_of(node.module).function
        code = function.__code__ if function is not None else None
        if code is not None and code.co_filename == made.file:
            lines = [line for _, _, line in code.co_lines() if line]
            if lines and min(lines) <= made.line <= max(lines):
                found.append(tree.paths[node.index])
    return found[0] if len(found) == 1 else None
