"""Lists of objects that are looked at together are told as if each was looked at for the first time."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from inspector.engine.values.summarize import Summarizer
from inspector.engine.values.walk import MAX_DEPTH, MAX_PARTS
from inspector.records import Value
from tests.engine.values.test_recognition import CHANGES, Cache, Layer, layers_of
from tests.engine.values.test_summarize import parts


class Other(Layer):
    """Alike, and of another class."""


def drop_attribute(cache: Cache) -> None:
    del cache.layers[2].seen


MORE: dict[str, Any] = {
    "other class": lambda cache: cache.layers.insert(0, Other(1)),
    "class of one": lambda cache: setattr(cache.layers[0], "__class__", Other),
    "many at once": lambda cache: [layer.keys.add_(1) for layer in cache.layers],
    "many anew": lambda cache: setattr(cache, "layers", [Layer(number) for number in range(12)]),
    "last": lambda cache: setattr(cache.layers[-1], "values", torch.zeros(2, 2)),
    "no tensor": lambda cache: setattr(cache.layers[2], "keys", None),
    "parameter": lambda cache: setattr(cache.layers[2], "keys", torch.nn.Parameter(torch.ones(2))),
    "container": lambda cache: setattr(cache.layers[2], "keys", [torch.ones(2)]),
    "itself": lambda cache: setattr(cache.layers[2], "keys", cache.layers),
    "attribute gone": drop_attribute,
    "nested": lambda cache: setattr(
        cache.layers[3], "keys", torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    ),
    "meta": lambda cache: setattr(cache.layers[4], "keys", torch.ones(3, device="meta")),
}
ALL = {**CHANGES, **MORE}
del ALL["freed"]  # what is written to after that is nobody's memory


@pytest.mark.parametrize("statistics_too", [True, False])
@pytest.mark.parametrize("seed", range(30))
def test_one_change_after_another_is_seen(seed: int, statistics_too: bool) -> None:
    draw, cache = random.Random(seed), Cache()
    summarizer = Summarizer(statistics_too)
    for _ in range(25):
        change = draw.choice(sorted(ALL))
        if draw.random() < 0.3:  # most changes leave no two objects that are alike
            cache = Cache()
            summarizer.describe(cache)
        try:
            ALL[change](cache)
        except (LookupError, AttributeError, RuntimeError, TypeError):  # one before left nothing that it could change
            cache = Cache()
        assert summarizer.describe(cache) == Summarizer(statistics_too).describe(cache), change
        assert summarizer.describe(cache) == Summarizer(statistics_too).describe(cache), change


def test_all_but_what_changed_is_the_same_record() -> None:
    summarizer, cache = Summarizer(False), Cache()
    first = summarizer.describe(cache)
    assert summarizer.describe(cache) is first
    cache.layers[3].keys = torch.ones(7)
    second = summarizer.describe(cache)
    assert summarizer.describe(cache) is second
    old, new = layers_of(first), layers_of(second)
    assert [number for number in range(len(old)) if old[number] is not new[number]] == [3]


@pytest.mark.parametrize("statistics_too", [True, False])
def test_a_list_in_nested_tensors_is_told_again(statistics_too: bool) -> None:
    cache, summarizer = Cache(), Summarizer(statistics_too)
    for layer in cache.layers:
        layer.keys = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    assert summarizer.describe(cache) == summarizer.describe(cache) == Summarizer(statistics_too).describe(cache)


def test_the_budget_is_that_of_the_first_time() -> None:
    """Objects in lists that find no more room are cut where they were."""
    summarizer, caches = Summarizer(False), [Cache(90) for _ in range(5)]
    fresh = [Summarizer(False).describe(caches[:many]) for many in range(1, 6)]
    assert max(map(count_parts, fresh)) > MAX_PARTS
    for _ in range(2):
        assert [summarizer.describe(caches[:many]) for many in range(1, 6)] == fresh


def count_parts(value: Value) -> int:
    return len(list(parts(value)))


def test_deep_inside_it_is_cut_as_ever() -> None:
    for depth in range(MAX_DEPTH - 4, MAX_DEPTH + 2):
        summarizer, cache = Summarizer(False), Cache()
        value: Any = cache
        for _ in range(depth):
            value = [value]
        fresh = Summarizer(False).describe(value)
        summarizer.describe(cache)  # which is no reason to go deeper
        assert summarizer.describe(value) == summarizer.describe(value) == fresh


def test_one_look_is_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = Summarizer._plain_shape
    monkeypatch.setattr(Summarizer, "_plain_shape", lambda *of: (looked.append(1), real(*of))[1])
    summarizer, cache = Summarizer(False), Cache()
    summarizer.describe(cache), looked.clear()
    summarizer.describe(cache)
    assert not looked and summarizer.left_out == 4 * len(cache.layers)
    cache.layers[3].keys = torch.ones(7)
    summarizer.describe(cache)
    assert len(looked) == 2  # those of one object
