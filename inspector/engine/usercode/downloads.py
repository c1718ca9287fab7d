"""How much of what is downloaded is there: of what draws a bar of tqdm's, as torch, torchvision, timm, transformers and
the client of the Hugging Face Hub do, also where the bar itself is switched off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from ...records import Work
from .telling import Tell, now_and_then


@contextlib.contextmanager
def telling_of_downloads(tell: Tell) -> Iterator[None]:
    """While it lasts, tell how many bytes of all downloads have come."""
    bars: Any = vars(torch.hub)["tqdm"]  # torch has one of its own where tqdm is not installed
    begin, update = vars(bars)["__init__"], vars(bars)["update"]
    counter = _Counter(tell)
    bars.__init__, bars.update = counter.watching(bars.__init__), counter.counting(bars.update)
    try:
        yield
    finally:
        bars.__init__, bars.update = begin, update


class _Counter:
    def __init__(self, tell: Tell) -> None:
        self._tell = now_and_then(tell)
        self._bars: dict[int, Any] = {}  # that count bytes, by id
        self._done: dict[int, int] = {}

    def watching(self, begin: Callable[..., None]) -> Callable[..., None]:
        def watched(bar: Any, *args: Any, **kwargs: Any) -> None:
            begin(bar, *args, **kwargs)
            if kwargs.get("unit") == "B":
                self._bars[id(bar)] = bar
                self._done[id(bar)] = int(kwargs.get("initial") or 0)

        return watched

    def counting(self, update: Callable[..., Any]) -> Callable[..., Any]:
        def counted(bar: Any, n: float | None = 1) -> Any:
            if id(bar) in self._bars:
                self._done[id(bar)] += int(n or 0)
                self._tell(self._say())
            return update(bar, n)

        return counted

    def _say(self) -> Work:
        done = sum(self._done.values())
        total = sum(int(getattr(bar, "total", 0) or 0) for bar in self._bars.values())
        return Work("downloading", max(done, 0), total if total >= done else 0, "bytes")
