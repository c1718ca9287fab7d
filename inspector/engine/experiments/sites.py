"""Where a sweep goes: every module that was named, and every part of its output, or of its input.

A part is a path there, as hooks have it. A star in its last brackets stands for one index after another, and
`*/4` for that dimension in four parts of one size: `[:, *]` is every token, `[..., */4]` every one of four heads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ...errors import UsageError
from ...text import encodable
from ..modules.tree import Node
from ..torch_hooks.ours import OurHandle, OurHook, register
from ..values.parts import is_tensor
from ..values.value_path import parse_steps, part_at

MOST = 50_000
"""Places of one sweep."""

_LAST = re.compile(r"^(.*)\[([^\[\]]*\*[^\[\]]*)\]$", re.DOTALL)
_STAR = re.compile(r"^\*(?:\s*/\s*(\d+))?$")


Parts = list[tuple[str, str]]
"""Paths in an output, and the number of each among them."""


@dataclass(frozen=True)
class Site:
    """One place: `where` in the output of a module at `path`, "" for all of it; `column` is short for it."""

    node: Node
    path: str
    where: str
    column: str
    called: bool = True


class Star:
    """One `where` with a star.

    Raises:
        UsageError: It cannot be understood.
    """

    def __init__(self, where: str) -> None:
        found = _LAST.match(where.strip())
        self._entries = [entry.strip() for entry in found[2].split(",")] if found else []
        stars = [(number, star) for number, entry in enumerate(self._entries) if (star := _STAR.match(entry))]
        if found is None or len(stars) != 1 or where.count("*") != 1:
            raise self._refuse(where, "a star stands for one whole index in the last brackets")
        self.where = where
        self._before = found[1]
        self._at, star = stars[0]
        self._parts = int(star[1]) if star[1] else 0
        try:
            self._steps = parse_steps(found[1])
        except ValueError as error:
            raise self._refuse(where, str(error)) from None

    def expand_input(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parts | UsageError:
        """Every part of this input with its number; the first step leads to an argument, by its number or name."""
        if not self._steps:
            return self._refuse(self.where, 'an input begins with the argument: [0][:, *], or ["hidden"][:, *]')
        return self.expand(kwargs if isinstance(self._steps[0].key, str) else args)

    def expand(self, value: Any) -> Parts | UsageError:
        """Every part of this output with its number; an error where it has no such parts."""
        try:
            value = part_at(value, self._steps)
            size = self._size(value)
        except LookupError as error:
            return self._refuse(self.where, str(error))
        count = self._parts or size
        if not size or size % count:
            return self._refuse(self.where, f"{size} cannot be divided into {count} equal parts")
        return [(self._write(number, size // count), str(number)) for number in range(count)]

    def _size(self, value: Any) -> int:
        """Of the dimension at the star. Raises `LookupError`."""
        if not is_tensor(value):
            raise LookupError(f"a {type(value).__name__} is there; a star divides a tensor: write it as [0][:, *]")
        behind = "..." in self._entries[: self._at]
        dimension = self._at - len(self._entries) if behind else self._at
        if len(self._entries) - ("..." in self._entries) > value.dim():
            raise LookupError(f"the tensor there has {value.dim()} dimensions")
        return int(value.shape[dimension])

    def _write(self, number: int, width: int) -> str:
        index = f"{number * width}:{(number + 1) * width}" if self._parts else str(number)
        entries = [*self._entries[: self._at], index, *self._entries[self._at + 1 :]]
        return f"{self._before}[{', '.join(entries)}]"

    @staticmethod
    def _refuse(where: str, why: str) -> UsageError:
        return UsageError(encodable(f"where={where!r}: {why}", 300), hint="where is like [:, -1], [:, *] or [..., */4]")


class Sites:
    """The places of a sweep, known when the modules were called while they were watched.

    Args:
        nodes: Modules, with their paths.
        where: Parts of their outputs; none is all of each.
        on: "output", or "input" where they are parts of that.

    Raises:
        UsageError: A part cannot be understood.
    """

    def __init__(self, nodes: Sequence[tuple[Node, str]], where: Sequence[str], on: str) -> None:
        self._nodes = nodes
        self._input = on == "input"
        self._where: list[str | Star] = [Star(each) if "*" in each else each for each in where] or [""]
        self._seen: dict[int, dict[str, Parts | UsageError]] = {}

    def watch(self) -> list[OurHandle]:
        """Look at each module's first call; gives the handles that end it."""
        if self._input:
            return [
                register(node.module.register_forward_pre_hook, _Look(self._see_input, node), with_kwargs=True)
                for node, _ in self._nodes
            ]
        return [register(node.module.register_forward_hook, _Look(self._see_output, node)) for node, _ in self._nodes]

    def _see_output(self, node: Node, args: Any, output: Any) -> None:
        if node.index not in self._seen:
            self._seen[node.index] = {star.where: star.expand(output) for star in self._stars()}

    def _see_input(self, node: Node, args: Any, kwargs: dict[str, Any]) -> None:
        if node.index not in self._seen:
            self._seen[node.index] = {star.where: star.expand_input(args, kwargs) for star in self._stars()}

    def _stars(self) -> list[Star]:
        return [each for each in self._where if isinstance(each, Star)]

    def list_all(self) -> list[Site]:
        """Raises `UsageError` where a part is not there, or there are too many."""
        sites = [site for node, path in self._nodes for where in self._where for site in self._list(node, path, where)]
        if len(sites) > MOST:
            raise UsageError(f"{len(sites):,} places are more than {MOST:,}", hint="fewer modules, or larger parts")
        return sites

    def _list(self, node: Node, path: str, where: str | Star) -> Iterator[Site]:
        seen = self._seen.get(node.index)
        if isinstance(where, str) or seen is None:
            text = where if isinstance(where, str) else where.where
            yield Site(node, path, text, text, seen is not None)
            return
        parts = seen[where.where]
        if isinstance(parts, UsageError):
            raise UsageError(encodable(f"{path or '(root)'}: {parts.problem.what}", 400), hint=parts.problem.hint)
        for part, number in parts:
            yield Site(node, path, part, number if len(self._where) == 1 else part)


class _Look(OurHook):
    """Tells `see` of the calls of one module."""

    def __init__(self, see: Callable[..., None], node: Node) -> None:
        super().__init__()
        self._see = see
        self._node = node

    def __call__(self, module: nn.Module, *values: Any) -> None:
        if module is self._node.module:
            self._see(self._node, *values)
