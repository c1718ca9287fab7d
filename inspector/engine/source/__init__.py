"""A module -> the source that really runs, verified against the running code or labelled where it is not."""

from __future__ import annotations

import functools
from types import CodeType, FunctionType, MethodType
from typing import Any, Literal

from torch import nn

from ...records import Path, Source, SourcePart
from .classes import explain_unwritten, forward_line, nearest
from .generated import original, read_generated
from .pieces import written_name
from .places import location
from .record import Draft
from .running import Running, call_notes, callable_of, forward_of, init_of, type_name, variables
from .site import site_source
from .versions import load, place, sourceless

__all__ = ["Part", "location", "site_source", "source_of", "source_of_callable", "source_of_code"]

Part = Literal["class", "forward", "init"]


def source_of(module: nn.Module, part: Part, path: Path) -> Source:
    """One part of the source of `module`, for the panel. Never raises.

    Args:
        module: The module looked at.
        part: "class", "forward" or "init".
        path: Where it hangs in the model; only handed through.
    """
    draft = Draft(path, part, f"{type_name(type(module))}.{part}")
    try:
        _fill(draft, module)
    # The module's class, its metaclass and its wrappers are other people's code.
    except Exception as error:
        draft.text = ""
        draft.notes.append(f"the source could not be looked up: {type(error).__name__}")
    return draft.record()


def source_of_callable(value: Any, name: str, title: str, part: SourcePart, path: Path) -> Source:
    """The source of the function that a call of `value` ends in. Never raises.

    Args:
        value: Anything that can be called.
        name: What the notes call it: "the hook".
        title: Over the source.
        part: Only handed through.
        path: Likewise.
    """
    draft = Draft(path, part, title)
    try:
        _fill_running(draft, callable_of(value, name))
    # Other people's code, as above.
    except Exception as error:
        draft.text = ""
        draft.notes.append(f"the source could not be looked up: {type(error).__name__}")
    return draft.record()


def source_of_code(code: CodeType, namespace: dict[str, Any], path: Path) -> Source:
    """The source of a function that ran as `code`, with those globals. Never raises."""
    draft = Draft(path, "helper", written_name(code))
    try:
        _fill_code(draft, code, namespace)
    # A loader of theirs may be asked for the text.
    except Exception as error:
        draft.notes.append(f"the source could not be looked up: {type(error).__name__}")
    return draft.record()


def _fill(draft: Draft, module: nn.Module) -> None:
    inner = original(module)
    if inner is not None:
        draft.note(f"compiled by torch.compile: this is the {type_name(type(inner))} it was made from")
        module = inner
    if _fill_generated(draft, module):
        return
    if draft.part == "class":
        _fill_class(draft, module)
    elif draft.part == "forward":
        _fill_function(draft, "forward", forward_of(module))
    else:
        _fill_function(draft, "__init__", init_of(module))


def _fill_generated(draft: Draft, module: nn.Module) -> bool:
    found = read_generated(module)
    if found is None or (_is_replaced(module) and draft.part != "class"):
        return False
    draft.title = found.title
    if draft.part == "init":
        draft.title = found.title.rpartition(".")[0] + ".__init__"
        draft.note("this module was generated, not made by an __init__ that somebody wrote")
        return True
    draft.text = found.text.lstrip("\n")
    draft.note(found.note)
    return True


def _is_replaced(module: nn.Module) -> bool:
    """Whether somebody put a function of their own in the place of the forward, on the instance."""
    return isinstance(variables(module).get("forward"), (FunctionType, MethodType, functools.partial))


def _fill_class(draft: Draft, module: nn.Module) -> None:
    cls = type(module)
    draft.title = type_name(cls)
    found = nearest(cls)
    if found is None:
        draft.note(explain_unwritten(cls))
        return
    base, written = found
    if base is not cls:
        draft.title = type_name(base)
        draft.note(f"{type_name(cls)} is a generated class; showing its base {type_name(base)}")
    running = forward_of(module)
    focus, note = forward_line(written, running.function)
    replaced = "forward" in variables(module)
    draft.take(written.file, written.piece, focus if running.function or not replaced else 0)
    draft.note(written.note)
    draft.note("forward is replaced on this instance: see the forward that runs" if replaced else note)
    for note in call_notes(cls):
        draft.note(note)


def _fill_function(draft: Draft, name: str, running: Running) -> None:
    draft.title = f"{type_name(running.owner)}.{name}"
    _fill_running(draft, running)


def _fill_running(draft: Draft, running: Running) -> None:
    for note in running.notes:
        draft.note(note)
    if running.function is None:
        draft.text = running.code.lstrip("\n")
        draft.note(running.why)
    else:
        _fill_written(draft, running.function)


def _fill_written(draft: Draft, function: FunctionType) -> None:
    _fill_code(draft, function.__code__, function.__globals__, function.__qualname__)


def _fill_code(draft: Draft, code: CodeType, namespace: dict[str, Any], qualname: str = "") -> None:
    found = place(code, namespace, qualname)
    if found is None:
        draft.note(_absent(code, namespace))
        return
    file, match = found
    draft.take(file, match.piece, file.def_line(match.piece))
    draft.note(match.note)


def _absent(code: CodeType, namespace: dict[str, Any]) -> str:
    name, file_name = written_name(code), code.co_filename
    compiled = sourceless(namespace)
    if compiled:
        return f"{name} was {compiled}"
    file = load(file_name, namespace)
    if file is None or not file.current:
        return f"{name} was made from text that was not kept ({file_name})"
    why = file.problem or f"{name} is no longer in it"
    return f"{file.path} changed on disk since it was imported: {why}"
