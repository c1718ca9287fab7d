"""The library without the app: record what passes through a model's modules, or summarize one pass as text."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from torch import nn

from ..engine.modules.tree import ModuleTree, Node, walk
from ..engine.recording.call import Call
from ..engine.recording.observers import Observers
from ..engine.recording.recorder import Recorder
from ..engine.session import Session
from ..errors import InspectorError
from ..records import AnyEvent, CallRow, CallRows, CallStatus, MappingValue, ModuleRow, ModuleRows, Run, Value
from ..report.report import Report, problem_text, tree_text

KEEP_BYTES = 1 << 30
"""Outputs kept as they are (`keep=True`) up to this many bytes."""


@dataclass(frozen=True)
class CapturedCall:
    """One call of one module, as it was at that moment. `output` is None when the call did not return; `value` is a
    copy of the output itself where `keep=True` asked for one."""

    path: str
    class_name: str
    call: int
    start: int
    end: int
    depth: int
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    output: Value | None
    ms: float
    status: CallStatus
    value: Any = None


class Capture:
    """What passed through the matching modules while the `with` block ran, in completion order."""

    def __init__(self, model: nn.Module, pattern: str, statistics: bool, keep: bool) -> None:
        self._tree = walk(model)
        self._observers = Observers(self._tree)
        self._recorder = Recorder(self._tree, statistics=statistics, keep=KEEP_BYTES if keep else 0)
        self._nodes = [node for node in self._tree.objects() if _matches(self._tree, node, pattern)]
        if not self._nodes:
            raise ValueError(f"no module of {type(model).__name__} matches {pattern!r}")

    def __enter__(self) -> Capture:
        for node in self._nodes:
            self._observers.add(node)
        self._observers.recorder = self._recorder
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observers.recorder = None
        self._observers.remove_all()
        self._recorder.finish(error)

    @property
    def calls(self) -> list[CapturedCall]:
        """In completion order, a child before its parent: the order in which forward hooks fire."""
        self._recorder.settle()
        return [captured(self._tree, call) for call in self._recorder.calls]

    def __getitem__(self, key: str | tuple[str, int]) -> CapturedCall:
        """The first call of the module at this dotted path, or with `(path, n)` its call n, counted from 0."""
        path, number = key if isinstance(key, tuple) else (key, 0)
        paths = {".".join(self._tree.paths[call.index]): call for call in self._recorder.calls}
        for call in self._recorder.calls:
            if call.number == number and ".".join(self._tree.paths[call.index]) == path:
                self._recorder.settle()
                return captured(self._tree, call)
        near = difflib.get_close_matches(path, [p for p in paths if p != path], 3)
        raise KeyError(f"no call {number} of {path!r} was captured" + (f"; near: {', '.join(near)}" if near else ""))

    def __len__(self) -> int:
        return len(self._recorder.calls)

    def view(self) -> None:
        """Open the app on what was captured; without a terminal, print it."""
        from .inspect import view

        view(self._tree.root, self._recorder.calls)


def captured(tree: ModuleTree, call: Call) -> CapturedCall:
    """One call as the library gives it."""
    return CapturedCall(
        ".".join(tree.paths[call.index]),
        type(tree.nodes[call.index].module).__name__,
        call.number,
        call.start,
        call.end,
        call.depth,
        call.inputs,
        call.kwargs,
        call.output,
        call.ms,
        call.status,
        call.kept,
    )


def capture(model: nn.Module, pattern: str = "*", *, statistics: bool = True, keep: bool = False) -> Capture:
    """Record every call of the matching modules while a `with` block runs.

    Only observes: the forward runs as it would, on the caller's thread, and nothing is put back.

    Args:
        model: Any module.
        pattern: A glob over dotted paths (`"layer4.*"`), or `"class:Conv2d"`. The root's path is empty.
        statistics: Statistics of every tensor, or shapes only (much cheaper).
        keep: Also keep copies of the outputs themselves, up to `KEEP_BYTES`.

    Raises:
        ValueError: No module matches.
    """
    return Capture(model, pattern, statistics, keep)


def _matches(tree: ModuleTree, node: Node, pattern: str) -> bool:
    if pattern.startswith("class:"):
        return fnmatch.fnmatchcase(type(node.module).__name__, pattern.removeprefix("class:"))
    return fnmatch.fnmatchcase(".".join(tree.paths[node.index]), pattern)


def summary(model: nn.Module, *args: Any, kwargs: Mapping[str, Any] | None = None, width: int = 100) -> str:
    """The module tree of one pass as plain text: classes, parameters, output shapes, calls.

    The pass runs on copies of the inputs, and the model is as before afterwards. Without arguments a sample input is
    guessed.

    Raises:
        InspectorError: The pass failed; its message has the traceback.
    """
    rows: list[ModuleRow] = []
    calls: list[CallRow] = []

    def keep(event: AnyEvent) -> None:
        if isinstance(event, ModuleRows):
            rows.extend(event.rows)
        elif isinstance(event, CallRows):
            calls.extend(event.rows)

    session = Session(keep)
    try:
        opened = session.adopt(model, args, dict(kwargs or {}), type(model).__name__)
        session.announce()
        if opened.form:
            raise InspectorError("the sample input is unknown", hint="pass it: inspector.summary(model, x)")
        # asked for in so many words, and the guard makes lazy modules lazy again
        ended = session.run(Run(session.generation, materialize=True)) if opened.info.runnable else None
        if ended is not None and ended.problem is not None:
            raise InspectorError(problem_text(ended.problem))
        return tree_text(Report(opened.info, rows, calls, summary=ended), width)
    finally:
        session.close()
