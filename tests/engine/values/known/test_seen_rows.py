"""Lists of containers that are looked at together are told as if each was looked at for the first time."""

from __future__ import annotations

import contextlib
import gc
import random
import weakref
from typing import Any

import pytest
import torch

from inspector.engine.values import recognition
from inspector.engine.values.known import identities, looks, seen_rows
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
            summarizer.describe(cache), summarizer.describe(cache)
        try:
            ALL[change](cache)
        except (LookupError, AttributeError, RuntimeError, TypeError):  # one before left nothing that it could change
            cache = Cache()
        assert summarizer.describe(cache) == Summarizer(statistics_too).describe(cache), change
        assert summarizer.describe(cache) == Summarizer(statistics_too).describe(cache), change


def test_all_but_what_changed_is_the_same_record() -> None:
    summarizer, cache = Summarizer(False), Cache()
    first = summarizer.describe(cache)
    assert summarizer.describe(cache) is first and summarizer.describe(cache) is first
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
    for _ in range(3):
        assert [summarizer.describe(caches[:many]) for many in range(1, 6)] == fresh


@pytest.mark.parametrize("statistics_too", [True, False])
def test_layers_that_are_filled_one_after_another_are_each_described_once(statistics_too: bool) -> None:
    """As in the first pass of a model with a key-value cache: each gets its tensors and one name more."""
    summarizer, cache = Summarizer(statistics_too), Cache()
    cache.made_of = Layer  # type: ignore[attr-defined]  # a class, as such a cache has one
    for layer in cache.layers:
        layer.keys = layer.values = None  # type: ignore[assignment]  # what it has by then
    before = layers_of(summarizer.describe(cache))
    for number, layer in enumerate(cache.layers):
        layer.keys, layer.values, layer.device = torch.ones(2, 3), torch.ones(2, 3), torch.device("cpu")  # type: ignore[attr-defined]
        found = summarizer.describe(cache)
        assert found == Summarizer(statistics_too).describe(cache) and summarizer.describe(cache) is found
        now = layers_of(found)
        assert [at for at in range(len(now)) if now[at] is not before[at]] == [number]
        before = now


def test_objects_of_several_classes_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    summarizer, cache = Summarizer(False), Cache()
    cache.layers[3] = Other(3)
    first = summarizer.describe(cache)
    monkeypatch.setattr("inspector.engine.values.summarize.Walk", None)  # nothing is walked through
    assert summarizer.describe(cache) is first


@pytest.mark.parametrize("statistics_too", [True, False])
def test_a_nested_tensor_in_the_place_of_one_that_is_gone(statistics_too: bool) -> None:
    """It may have the same `id`, and to ask it how it looks would end the process."""
    for _ in range(30):
        summarizer, cache = Summarizer(statistics_too), Cache()
        summarizer.describe(cache), summarizer.describe(cache)
        gone = id(cache.layers[0].keys)
        parts = [torch.ones(2), torch.ones(3)]
        cache.layers[0].keys = None  # type: ignore[assignment]
        cache.layers[0].keys = torch.nested.nested_tensor(parts)
        same = id(cache.layers[0].keys) == gone
        assert summarizer.describe(cache) == Summarizer(statistics_too).describe(cache)
        if same:
            return


def count_parts(value: Value) -> int:
    return len(list(parts(value)))


def test_deep_inside_it_is_cut_as_ever() -> None:
    for depth in range(MAX_DEPTH - 4, MAX_DEPTH + 2):
        summarizer, cache = Summarizer(False), Cache()
        value: Any = cache
        for _ in range(depth):
            value = [value]
        fresh = Summarizer(False).describe(value)
        for _ in range(3):
            summarizer.describe(cache)  # which is no reason to go deeper
        assert summarizer.describe(value) == summarizer.describe(value) == fresh


def test_one_look_is_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = Summarizer.describe

    def describe(summarizer: Summarizer, value: object) -> Value:
        if isinstance(value, torch.Tensor):
            looked.append(1)
        return real(summarizer, value)

    monkeypatch.setattr(Summarizer, "describe", describe)
    summarizer, cache = Summarizer(False), Cache()
    summarizer.describe(cache), summarizer.describe(cache), looked.clear()
    summarizer.describe(cache)
    assert not looked and summarizer.left_out == 6 * len(cache.layers)
    cache.layers[3].keys = torch.ones(7)
    summarizer.describe(cache)
    assert len(looked) == 2  # those of one object


def pairs(make: type[list[Any]] | type[tuple[Any, ...]]) -> list[Any]:
    return [make((torch.full((2, 3), float(number)), torch.randn(2, 3), number)) for number in range(12)]


ROWS: dict[str, Any] = {
    "tuples": lambda: pairs(tuple),
    "lists": lambda: pairs(list),
    "dicts": lambda: [dict(zip("abc", each, strict=True)) for each in pairs(tuple)],
    "objects": lambda: Cache(12).layers,
    "keys that are no text": lambda: [dict(enumerate(each)) for each in pairs(tuple)],
    "empty": lambda: [{} for _ in range(12)],
    "some without tensors": lambda: [*Cache(10).layers, *[vars_without_tensors() for _ in range(3)]],
    "tensors": lambda: [torch.randn(3) for _ in range(12)],
}


def vars_without_tensors() -> Layer:
    layer = Layer(0)
    layer.keys = layer.values = None  # type: ignore[assignment]  # as in a cache that nobody wrote to yet
    return layer


def tensors_of(rows: list[Any]) -> list[torch.Tensor]:
    held = [
        vars(row) if isinstance(row, Layer) else dict(enumerate(row)) if not isinstance(row, dict) else row
        for row in rows
        if not isinstance(row, torch.Tensor)
    ]
    found = [part for each in held for part in each.values() if isinstance(part, torch.Tensor)]
    return found + [row for row in rows if isinstance(row, torch.Tensor)]


WRITES: list[Any] = [
    lambda tensor: tensor.add_(1),
    lambda tensor: tensor.resize_(5),
    lambda tensor: tensor.set_(torch.ones(4)),
    lambda tensor: tensor.requires_grad_(),
    lambda tensor: setattr(tensor, "data", torch.ones(2, 2, dtype=torch.float64)),
    lambda tensor: tensor.unsqueeze_(0),
]


@pytest.fixture(params=["as torch and Python are", "any other way"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of those that there are to ask for looks and for ids."""
    if request.param == "any other way":
        monkeypatch.setattr(looks, "_make", looks._compare)
        for module in (seen_rows, recognition):
            monkeypatch.setattr(module, "ids_of", identities._write_ids)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("statistics_too", [True, False])
@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_any_kind_are_told_as_from_nothing(kind: str, statistics_too: bool, seed: int) -> None:
    draw, rows, summarizer = random.Random(seed), ROWS[kind](), Summarizer(statistics_too)
    value = draw.choice([rows, {"inside": rows}, (rows, rows)])
    for _ in range(30):
        for _ in range(2):
            assert summarizer.describe(value) == Summarizer(statistics_too).describe(value)
        tensors = tensors_of(rows)
        for tensor in draw.sample(tensors, min(len(tensors), draw.choice([0, 1, 1, 2, 9]))):
            with contextlib.suppress(RuntimeError):  # it wants gradients by now, or has memory that is not resized
                draw.choice(WRITES)(tensor)
        if draw.random() < 0.3:
            rows[draw.randrange(len(rows))] = draw.choice([ROWS[kind]()[0], ROWS[draw.choice(sorted(ROWS))]()[0]])
        if draw.random() < 0.2:
            draw.choice([rows.reverse, lambda: rows.append(rows[0]), rows.pop])()


def test_both_ways_to_ask_for_ids_give_the_same() -> None:
    for held in ((), (None,), (1, "two", [3]), tuple(range(1_000))):
        assert identities.ids_of(held) == identities._write_ids(held)


def test_torchs_own_way_to_ask_for_looks_is_in_use() -> None:
    assert looks._make is looks._guard
    odd = [torch.ones(2).to_sparse(), torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])]
    assert [looks.make_check([tensor]) for tensor in odd] == [None, None]  # which would end the process


def test_a_check_keeps_no_tensor() -> None:
    tensor = torch.ones(3)
    alive, check = weakref.ref(tensor), looks.make_check([tensor])
    assert check is not None and check(torch.ones(3)) and not check(torch.ones(4))
    del tensor
    assert alive() is None


def test_nothing_of_rows_is_kept_alive() -> None:
    summarizer, cache = Summarizer(), Cache()
    for _ in range(3):
        summarizer.describe(cache)
    alive = [weakref.ref(cache), weakref.ref(cache.layers[0]), weakref.ref(cache.layers[0].keys)]
    del cache
    gc.collect()
    assert [ref() for ref in alive] == [None] * 3
