"""Containers that somebody keeps on a module are put back, by identity and in order."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inspector.engine.modules.tree import walk
from inspector.engine.restore import reach
from inspector.engine.restore.kinds import kinds_of
from inspector.engine.restore.kinds.kind import Budget, Change, Kept
from inspector.engine.restore.reach import Reach
from tests.models import ModelOutput


def keep(value: Any, budget: Budget | None = None) -> Kept:
    return kinds_of(type(value))[0](value, budget or Budget())


class NoCopy(dict):
    def __init__(self, *, needed: int) -> None:
        super().__init__(needed=needed)

    copy = clear = update = items = keys = __iter__ = None  # type: ignore[assignment]


CONTAINERS = [
    [1, 2],
    {"a": 1, "b": 2},
    {1, 2},
    deque([1, 2], maxlen=2),
    OrderedDict(b=1, a=2),
    defaultdict(list, a=[1]),
    Counter("aab"),
    NoCopy(needed=1),
    ModelOutput(logits=1, hidden=2),
    list(range(100_000)),
    dict.fromkeys(range(100_000)),
]


def content_of(container: Any) -> Any:
    builtin = next(t for t in (OrderedDict, dict, list, set, deque) if isinstance(container, t))
    return list(builtin.items(container)) if issubclass(builtin, dict) else builtin.copy(container)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda c: f"{type(c).__name__} {dict.__len__(c)}"
                         if isinstance(c, dict) else f"{type(c).__name__} {len(c)}")  # fmt: skip
def test_a_container_is_put_back(container: Any) -> None:
    builtin = next(t for t in (OrderedDict, dict, list, set, deque) if isinstance(container, t))
    before = content_of(container)
    kept = keep(container)
    assert not list(kept.restore())
    builtin.clear(container)
    assert content_of(container) != before and list(kept.restore()) == [Change()]
    assert content_of(container) == before and not list(kept.restore())


def test_the_order_of_an_ordered_dict_is_put_back() -> None:
    container = OrderedDict(a=1, b=2)
    container.move_to_end("a")
    kept = keep(container)
    container.move_to_end("b")
    assert list(kept.restore()) and list(container) == ["b", "a"]


def test_a_set_that_is_only_in_another_order_is_as_before() -> None:
    container = set(range(1000))
    kept = keep(container)
    for number in range(1000, 5000):
        container.add(number)
    for number in range(1000, 5000):
        container.remove(number)
    assert not list(kept.restore())


def test_nobody_is_asked_whether_anything_is_equal() -> None:
    class NoEq:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no eq")

        __hash__ = object.__hash__

    container = {NoEq(): NoEq(), "t": torch.ones(3)}
    kept = keep(container)
    assert not list(kept.restore())
    container["t"] = torch.ones(3)
    assert list(kept.restore())


def test_what_is_too_large_to_copy_is_found() -> None:
    for container, change in (
        (list(range(5000)), lambda c: c.append(1)),
        (list(range(5000)), lambda c: c.__setitem__(0, 7)),
        (dict.fromkeys(range(5000)), lambda c: c.update(new=1)),
        (set(range(5000)), lambda c: c.add(-1)),
    ):
        kept = keep(container, Budget(items=100))
        assert not list(kept.restore())
        change(container)
        assert list(kept.restore()) == [Change("", "5,000 items, too many to be copied")]


def owners(value: Any) -> list[int]:
    model = nn.Identity()
    model.held = value
    return [id(kept.owner) for kept in Reach(walk(model)).kept]


@settings(max_examples=50, deadline=None)
@given(st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30))
def test_containers_are_found_once(value: Any) -> None:
    found = owners([value, value])
    assert len(found) == len(set(found))


def test_huge_and_looping_containers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    loop: list[Any] = []
    loop.extend([loop] * 5000)
    assert owners(loop).count(id(loop)) == 1
    monkeypatch.setattr(reach, "MOST", 100)
    model = nn.Identity()
    model.held = [[] for _ in range(200)]
    cut = Reach(walk(model))
    assert cut.is_cut and len(cut.kept) < 150
