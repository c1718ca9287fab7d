"""No class of ours takes on everything: what is large is composed of small parts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import inspector

MOST_METHODS = 40
"""Of a class and of those of ours that it inherits from."""
NEEDS = {"inspector.engine.loading.files.exported_check": "torch.export.pt2_archive"}
"""What older versions of torch lack, and which module of ours is never imported there."""


def modules() -> list[str]:
    found = pkgutil.walk_packages(inspector.__path__, "inspector.")
    return [module.name for module in found if not module.name.endswith("__main__")]


def methods(kind: type) -> set[str]:
    """The functions and properties that our own classes give a class."""
    ours = [each for each in kind.__mro__ if each.__module__.startswith("inspector")]
    return {name for each in ours for name, value in vars(each).items() if is_method(value)}


def is_method(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod))


def classes(module: str) -> Iterator[type]:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and value.__module__ == module:
            yield value


@pytest.mark.parametrize("module", modules())
def test_no_class_has_too_many_methods(module: str) -> None:
    if module in NEEDS:
        pytest.importorskip(NEEDS[module])
    large = {kind.__name__: len(methods(kind)) for kind in classes(module) if len(methods(kind)) > MOST_METHODS}
    assert not large


def test_nothing_is_left_to_whoever_mixes_it_in() -> None:
    """What a subclass has to give is an abstract method, which the type checker asks for."""
    folder = Path(inspector.__file__).parent
    stubs = [file for file in folder.rglob("*.py") if "raise NotImplementedError" in file.read_text()]
    assert not stubs
