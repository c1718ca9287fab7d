"""The frames that an error went through which came out of a model, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from msgspec.structs import replace

from ...app_keys import app_key
from ...postmortem.frames import is_ours
from ...records import CodeLine, Path, Problem
from ...text import encodable
from ..frames.raised import Raised, find_raised
from ..frames.stack import CodeStack, OpenCall
from ..modules.tree import ModuleTree
from ..recording.call import Call
from ..recording.recorder import Cancelled
from ..source.running import forward_of
from .diagnosis import diagnose
from .out_of_memory import is_out_of_memory

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


def stack_of_pass(
    error: BaseException, problem: Problem, tree: ModuleTree, calls: Sequence[OpenCall]
) -> CodeStack | None:
    """The frames of an error that came out of a pass of ours, and of which `problem` is told: from the model on, none
    of ours around it, in these calls. None where there are none, and where memory ran out: they keep what has it."""
    if is_out_of_memory(error) or isinstance(error, Cancelled):
        return None
    raised = find_raised(error)
    frames = list(dropwhile(lambda each: is_ours(each.file), raised.frames))
    made = raised.find_node()[1] if raised.in_backward else None
    return CodeStack(frames, tree, problem, made=made, calls=calls) if frames else None


def list_open(failed: Call | None, calls: Sequence[Call]) -> list[OpenCall]:
    """The calls that were under way when the innermost of them failed, the outermost first.

    Args:
        failed: The innermost; None where none was.
        calls: All of the pass, in the order of their ends.
    """
    if failed is None:
        return []
    around: dict[int, Call] = {}  # by their starts, those that ended after it
    for call in reversed(calls):
        around[call.start] = call
        if call.start == failed.start:
            break
    found: list[OpenCall] = []
    inner: Call | None = failed
    while inner is not None:
        found.append(OpenCall(*inner.place))
        inner = around.get(inner.caller)
    return found[::-1]


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
