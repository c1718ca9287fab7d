"""When the garbage collector works: rarely where a large model is, and as it was elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from inspector.engine.values import collector
from inspector.engine.values.collector import MANY, collecting_rarely, own_process, suit_collector


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(collector, "_own_process", [])
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_works_rarely_while_a_model_is_made_and_then_as_before() -> None:
    before = gc.get_threshold()
    with collecting_rarely():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before


def test_what_a_model_sets_it_to_stays() -> None:
    with collecting_rarely():
        gc.set_threshold(123, 4, 5)
    assert gc.get_threshold() == (123, 4, 5)


def test_in_a_process_of_our_own_it_suits_the_model() -> None:
    before = gc.get_threshold()
    own_process()
    suit_collector(MANY + 1)
    assert gc.get_threshold() > before
    suit_collector(MANY)
    assert gc.get_threshold() == before


def test_in_the_process_of_somebody_else_it_stays_as_it_is() -> None:
    before = gc.get_threshold()
    suit_collector(MANY + 1)
    assert gc.get_threshold() == before
