"""Every nasty model in every way: as before, or what is not is said."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from .nasty import MEANWHILE, inputs_of
from .odd_nasty import NASTY
from .ways import GUARDED, check_block, check_guarded, in_child


@pytest.fixture(scope="module", autouse=True)
def cheap_forks() -> Iterator[None]:
    """What is there already is not looked at, and so not copied, by the collector of each fork."""
    gc.freeze()
    yield
    gc.unfreeze()


def build(name: str) -> tuple[nn.Module, tuple[Any, ...]]:
    torch.manual_seed(0)
    return NASTY[name](), inputs_of(name)


def check_all(name: str) -> dict[str, str]:
    found = {way: check_guarded(way, lambda: build(name), MEANWHILE) for way in GUARDED}
    return {way: problem for way, problem in found.items() if problem}


def test_there_are_enough() -> None:
    assert len(NASTY) >= 30


@pytest.mark.parametrize("name", NASTY)
def test_it_is_as_before_or_that_is_said(name: str) -> None:
    assert in_child(lambda: check_all(name)) == {}


@pytest.mark.parametrize("name", NASTY)
def test_blocks_leave_nothing_of_ours(name: str) -> None:
    assert not check_block("nested blocks", lambda: build(name))
