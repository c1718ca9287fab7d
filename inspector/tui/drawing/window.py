"""Which elements of the tensors of a call are looked at, and how that is moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ...records import TensorValue, Value, Window
from ..keys import key_of
from .compare import children
from .values import Space, shown_size


class Step(NamedTuple):
    """Slices, and rows and columns in as many as are shown; negative ones go back."""

    planes: int
    rows: int
    columns: int


def movable(values: Iterable[Value | None]) -> Iterator[TensorValue]:
    """The tensors in these values of which any part can be shown."""
    for value in values:
        if isinstance(value, TensorValue) and value.preview is not None and value.preview.movable:
            yield value
        yield from movable(children(value))


def move(window: Window, shown: Sequence[TensorValue], step: Step, space: Space) -> Window:
    """The window after a step, as far as the largest of these tensors reaches."""
    rows, columns = _drawn(shown, space)
    return replace(
        window,
        plane=_within(window.plane + step.planes, max(map(_planes, shown)) - 1),
        row=_within(window.row + step.rows * rows, max(_size(value, -2) for value in shown) - rows),
        column=_within(window.column + step.columns * columns, max(_size(value, -1) for value in shown) - columns),
    )


def how_to_move(shown: Sequence[TensorValue], window: Window, by_arrows: str) -> str:
    """The keys, as far as there is anywhere to go."""
    keys = f"{key_of('slice-next')} {key_of('slice-previous')}"
    slices = f"{keys} other slice" if has_slices(shown) else ""
    return " · ".join(filter(None, (slices, by_arrows if is_cut(shown, window) else "")))


def has_slices(shown: Sequence[TensorValue]) -> bool:
    """There is another slice to go to."""
    return any(_planes(value) > 1 for value in shown)


def is_cut(shown: Sequence[TensorValue], window: Window) -> bool:
    """There may be more rows or columns than are drawn."""
    return any(_size(value, -1) > 1 and math.prod(value.shape[-2:]) > window.rows * 4 for value in shown)


def _drawn(shown: Sequence[TensorValue], space: Space) -> tuple[int, int]:
    """Rows and columns of the tensor that shows the most, at least one of each."""
    sizes = [shown_size(value.preview, space) for value in shown if value.preview is not None]
    return max(1, *(rows for rows, _ in sizes)), max(1, *(columns for _, columns in sizes))


def _within(place: int, last: int) -> int:
    return min(max(place, 0), max(last, 0))


def _planes(value: TensorValue) -> int:
    return math.prod(value.shape[:-2])


def _size(value: TensorValue, dim: int) -> int:
    """Of one of the last two dimensions; 1 where there is none."""
    return value.shape[dim] if len(value.shape) >= -dim else 1
