"""The lightest look at a pass: at every entry and exit of a module, one mark in a list.

A call that is made again in a backward pass is no other one, and is not seen. The two hooks are of the process and not
of the modules, so that a layer with a fused path takes it, as it does where nobody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import Event, get_ident
from types import TracebackType

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from ..hooks.graphs import in_backward
from ..modules.tree import ModuleTree
from ..recording.recorder import Cancelled
from ..torch_hooks.eager import untraced
from ..torch_hooks.ours import OurHandle, OurHook, register
from .clocks import Clock
from .spans import Mark, Span, spans_of

_next_node: Callable[[], int] = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]

See = Callable[[object], None]
"""Is told every output before its exit is marked."""
RawMark = tuple[int, bool, int, object, int]
"""The parts of a `Mark`, which takes longer to make."""


class Watch:
    """Looks from `with` to its end. Threads that were there before are not the model's.

    Args:
        tree: The modules; calls of others are not seen.
        clock: Is read at each mark.
        stop: Once it is set, the next module to be entered raises `Cancelled`.
        see: See there.
    """

    def __init__(self, tree: ModuleTree, clock: Clock, stop: Event, see: See | None = None) -> None:
        self._tree = tree
        self._clock = clock
        self._stop = stop
        self._see = see
        self._marks: list[RawMark] = []
        self._handles: list[OurHandle] = []
        self._strangers: set[int | None] = set()
        self._thread = 0

    def __enter__(self) -> Watch:
        self._thread = get_ident()
        self._strangers = {thread.ident for thread in threading.enumerate()} - {self._thread}
        index, now, marks = self._tree.index_of_object, self._clock.now, self._marks
        leaving = _Leaving(index, now, marks, self._see)
        self._handles = [
            register(register_module_forward_pre_hook, _Entering(index, now, marks, self._stop)),
            register(register_module_forward_hook, leaving, always_call=True),
        ]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for handle in self._handles:
            handle.remove()

    def spans(self) -> list[Span]:
        """The calls that were seen."""
        marks = [mark for mark in map(self._read, self._marks) if mark.thread not in self._strangers]
        return spans_of(marks, self._clock.read([mark.at for mark in marks])) if marks else []

    def _read(self, raw: RawMark) -> Mark:
        """Each thread counts the nodes of the graph that it makes: those of another one are others."""
        mark = Mark._make(raw)
        return mark if mark.thread == self._thread else mark._replace(node=-1)


class _Entering(OurHook):
    """Before a call."""

    def __init__(self, index: dict[int, int], now: Callable[[], object], marks: list[RawMark], stop: Event) -> None:
        super().__init__()
        self._get, self._now, self._mark, self._stopped = index.get, now, marks.append, stop.is_set

    @untraced
    def __call__(self, module: nn.Module, args: object) -> None:
        if self._stopped():
            raise Cancelled
        index = self._get(id(module))
        if index is not None and not in_backward():
            self._mark((index, True, get_ident(), self._now(), _next_node()))


class _Leaving(OurHook):
    """After a call, also after one that raised."""

    def __init__(self, index: dict[int, int], now: Callable[[], object], marks: list[RawMark], see: See | None) -> None:
        super().__init__()
        self._get, self._now, self._mark, self._see = index.get, now, marks.append, see

    @untraced
    def __call__(self, module: nn.Module, args: object, output: object) -> None:
        index = self._get(id(module))
        if index is None or in_backward():
            return
        if self._see is not None:
            self._see(output)
        self._mark((index, False, get_ident(), self._now(), _next_node()))
