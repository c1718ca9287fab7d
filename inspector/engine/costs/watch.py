"""The lightest look at a pass: at every entry and exit of a module, one mark in a list.

The two hooks are of the process and not of the modules, so that a layer with a fused path takes it, as it does where
nobody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import Event, get_ident
from types import TracebackType

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from ..modules.tree import ModuleTree
from ..recording.recorder import Cancelled
from ..torch_hooks.eager import untraced
from ..torch_hooks.ours import OurHandle, OurHook, register
from .clocks import Clock
from .spans import Mark, Span, spans_of

See = Callable[[object], None]
"""Is told every output before its exit is marked."""
RawMark = tuple[int, bool, int, object]
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

    def __enter__(self) -> Watch:
        self._strangers = {thread.ident for thread in threading.enumerate()} - {get_ident()}
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
        marks = [mark for mark in map(Mark._make, self._marks) if mark.thread not in self._strangers]
        return spans_of(marks, self._clock.read([mark.at for mark in marks])) if marks else []


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
        if index is not None:
            self._mark((index, True, get_ident(), self._now()))


class _Leaving(OurHook):
    """After a call, also after one that raised."""

    def __init__(self, index: dict[int, int], now: Callable[[], object], marks: list[RawMark], see: See | None) -> None:
        super().__init__()
        self._get, self._now, self._mark, self._see = index.get, now, marks.append, see

    @untraced
    def __call__(self, module: nn.Module, args: object, output: object) -> None:
        index = self._get(id(module))
        if index is None:
            return
        if self._see is not None:
            self._see(output)
        self._mark((index, False, get_ident(), self._now()))
