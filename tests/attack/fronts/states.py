"""Random models out of nasty ones, in every way in which a person looks at a model."""

from __future__ import annotations

import gc
from functools import partial
from random import Random
from typing import Any

import torch
from torch import nn

from ..case import Broken, Case, Front
from ..nasty import INPUTS, MEANWHILE, Trick
from ..odd_nasty import NASTY
from ..ways import BLOCKS, GUARDED, check_block, check_guarded

_ALONE = {"LeavesProgram", "RaisesHalfway", "WritesLater"}
"""What comes after these would not be run, or at any time."""

_PARTS = [name for name in NASTY if name not in INPUTS and name not in _ALONE]


class Holder:
    """An object of nobody's kind."""

    def __init__(self, held: nn.Module) -> None:
        self.held = held


class Mixed(Trick):
    """Several tricks, each kept somewhere else, of which each pass does some."""

    def __init__(self, parts: list[nn.Module], places: list[str], chosen: list[list[int]]) -> None:
        super().__init__()
        self.shelf: dict[str, Any] = {"list": [], "tuple": ()}
        self.chosen = chosen
        self.finders = [self._keep(place, part) for place, part in zip(places, parts, strict=True)]

    def prepare(self) -> None:
        self.count = [0]

    def _keep(self, place: str, part: nn.Module) -> Any:
        """Put it there; what finds it again."""
        name = f"part{len(self._modules)}x{len(self.__dict__)}"
        if place == "module":
            self.add_module(name, part)
            return lambda: self._modules[name]
        if place == "list":
            self.shelf["list"].append(part)
            return partial(self._find, "list", len(self.shelf["list"]) - 1)
        if place == "tuple":
            self.shelf["tuple"] = (*self.shelf["tuple"], part)
            return partial(self._find, "tuple", len(self.shelf["tuple"]) - 1)
        if place == "object":
            self.__dict__[name] = Holder(part)
            return lambda: self.__dict__[name].held
        return lambda: part

    def _find(self, shelf: str, at: int) -> nn.Module:
        found: nn.Module = self.shelf[shelf][at]
        return found

    def trick(self, x: Any) -> None:
        for number in self.chosen[self.count[0] % len(self.chosen)]:
            self.finders[number]().trick(x)
        self.count[0] += 1


_PLACES = ("module", "module", "list", "tuple", "object", "closure")


def _build(
    names: list[str], places: list[str], chosen: list[list[int]], seed: int
) -> tuple[nn.Module, tuple[Any, ...]]:
    torch.manual_seed(seed)
    return Mixed([NASTY[name]() for name in names], places, chosen), (torch.linspace(-1, 1, 12).reshape(3, 4),)


def _draw(random: Random) -> tuple[list[str], list[str], list[list[int]]]:
    names = random.sample(_PARTS, k=random.randint(1, 4))
    subsets = [random.sample(range(len(names)), k=random.randint(1, len(names))) for _ in range(2)]
    return names, random.choices(_PLACES, k=len(names)), subsets


def attack(case: Case) -> None:
    random = case.random
    torch.set_num_threads(1)
    drawn, seed = _draw(random), random.randrange(1000)
    way = random.choice([*GUARDED, *BLOCKS])
    case.note(f"{way}: {drawn}")
    if way in BLOCKS:
        problem = check_block(way, lambda: _build(*drawn, seed))
    else:
        problem = check_guarded(way, lambda: _build(*drawn, seed), MEANWHILE)
    if problem:
        raise Broken(f"{way} of {drawn[0]} in {drawn[1]}: {problem}")


FRONT = Front(attack, seconds=60, prepare=gc.freeze)
