"""Floating-point operations, counted by torch's own counter and told apart by our own stack of modules.

The counter knows modules by name, and loses its way where one is shared, compiled or calls itself: it is asked for its
total at every entry and exit instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ...text import encodable


class _NoModules:
    """In place of the counter's own idea of where the pass is; it would also put hooks on tensors."""

    parents = ("Global",)

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


class FlopClock:
    """Counts from `counting` to its end; `uncounted` are the operations that the counter has no formula for."""

    def __init__(self) -> None:
        self._counter = FlopCounterMode(display=False)
        self._counter.mod_tracker = _NoModules()  # type: ignore[assignment]
        self._executed = _Executed()

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        with self._executed, self._counter:
            yield

    def now(self) -> int:
        return self._counter.get_total_flops()

    def read(self, marks: Sequence[int]) -> Sequence[int]:
        return marks

    @property
    def uncounted(self) -> list[str]:
        known = self._counter.flop_registry
        return sorted(encodable(str(packet), 80) for packet in self._executed.packets if packet not in known)


class _Executed(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Behind the counter: what is left when that has taken apart what it can. Views compute nothing."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.packets: set[Any] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "_overloadpacket", func)
        if packet not in self.packets and not _is_view(func):
            self.packets.add(packet)
        return func(*args, **(kwargs or {}))


def _is_view(func: Any) -> bool:
    schema = getattr(func, "_schema", None)
    returns = schema.returns if schema is not None else ()
    return any(each.alias_info is not None and not each.alias_info.is_write for each in returns)
