"""The variables of a frame, read without running any code of theirs."""

from __future__ import annotations

import inspect
from itertools import islice
from types import CodeType, FrameType, FunctionType, ModuleType

from ...records import LocalRow, Locals, Role
from ...text import encodable
from ..modules.tree import ModuleTree
from ..values.objects import is_a, name_of_type
from ..values.summarize import Summarizer

MOST = 100
"""Variables of one frame that are told of."""
_NAME = 200
_SHELVED = (ModuleType, FunctionType, type)
"""What files are full of and nobody looks for."""


def describe_variables(number: int, frame: FrameType, tree: ModuleTree) -> Locals:
    """The variables of `frame` as they are now, tensors with their statistics. Never raises, keeps none.

    Args:
        number: Of the frame, only handed through.
        frame: One that runs, or one that is over.
        tree: The model, whose modules are named by their places.
    """
    held = read_variables(frame)
    if held is None:
        return Locals(number, note=f"they are kept in a {name_of_type(frame.f_locals)}, which is not asked for them")
    roles = _roles(frame.f_code)
    is_file = frame.f_code.co_name == "<module>"
    names = [name for name in held if type(name) is str and not (is_file and name.startswith("__"))]
    if is_file:
        names.sort(key=lambda name: is_a(held[name], _SHELVED))
    rest: Role = "global" if is_file else "variable"
    describe = Summarizer().describe_now
    rows = tuple(
        LocalRow(encodable(name, _NAME), roles.get(name, rest), describe(held[name]), _place(held[name], tree))
        for name in islice(names, MOST)
    )
    return Locals(number, rows, len(names), "" if names else "no variables")


def read_variables(frame: FrameType) -> dict[str, object] | None:
    """By name. None where they are in a mapping of somebody's own: `exec` and metaclasses take any."""
    held = frame.f_locals
    if frame.f_code.co_flags & inspect.CO_OPTIMIZED or type(held) is dict:
        return dict(held)
    return None


def read_first_argument(frame: FrameType) -> object:
    """What a method calls `self`; None where there is none, or no longer one."""
    code = frame.f_code
    if not code.co_argcount or not code.co_flags & inspect.CO_OPTIMIZED:
        return None
    return frame.f_locals.get(code.co_varnames[0])


def _roles(code: CodeType) -> dict[str, Role]:
    flags = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    taken = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + flags]
    roles: dict[str, Role] = dict.fromkeys(code.co_freevars, "outer")
    return {**roles, **dict.fromkeys(taken, "argument")}


def _place(value: object, tree: ModuleTree) -> tuple[str, ...] | None:
    index = tree.index_of_object.get(id(value))
    return tree.paths[index] if index is not None else None
