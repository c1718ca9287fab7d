"""Whatever a model holds and reaches is after a pass what it was before, or it is said that it is not.

What things are is found out by plain Python (`things`), not by the walk that is tested.
"""

from __future__ import annotations

import ctypes
import functools
import random
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.passes.guarded import Outcome
from inspector.engine.restore.backup import TensorBackup
from tests.engine.restore.things import THINGS, Data, Pair, Slotted, Thing


def run(model: nn.Module) -> Outcome[Any]:
    tree = walk(model)
    outcome = forward(tree, TensorBackup(tree), (), {}, seed=0)
    assert outcome.error is None, outcome.error
    return outcome


def nest(value: Any) -> Any:
    for _ in range(7):
        value = ([value], {"a": value})
    return value


def in_slots(value: Any) -> Slotted:
    made = Slotted()
    made.filled = value
    return made


def in_module(value: Any) -> list[nn.Module]:
    """That is nowhere registered."""
    made = nn.Identity()
    made.inside = value
    return [made]


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "held": lambda value: value,
    "in a tuple": lambda value: (1, (value,)),
    "seven deep": nest,
    "in a named tuple": lambda value: Pair(None, value),
    "in a dataclass": lambda value: Data(seen=value),
    "in slots": in_slots,
    "in an unregistered module": in_module,
    "in a partial": lambda value: functools.partial(print, end=value),
    "in a closure": lambda value: lambda: value,
    "in a mapping": lambda value: types.MappingProxyType(OrderedDict(a={1: value})),
}


class Holder(nn.Module):
    """Its forward changes some of the things that it was given, and reaches them by another way than the walk."""

    def __init__(self, things: list[tuple[str, Thing, Any, str]], changed: set[str]) -> None:
        super().__init__()
        for name, _, value, wrapped in things:
            setattr(self, name, WRAPPED[wrapped](value))
        self.changes = tuple((THINGS.index(thing), id(value)) for name, thing, value, _ in things if name in changed)

    def forward(self) -> int:
        for index, address in self.changes:
            THINGS[index].change(ctypes.cast(address, ctypes.py_object).value)
        return 1


class Root(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self) -> Any:
        return self.inner()


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_what_a_pass_changes_is_put_back_or_said(thing: Thing, wrapped: str) -> None:
    value = thing.make()
    before = thing.look(value)
    model = Holder([("it", thing, value, wrapped)], {"it"})
    outcome = run(model)
    if thing.said:
        assert [words for words in outcome.not_restored if words.startswith("(root): it") and thing.said in words]
    else:
        assert thing.look(value) == before
        assert outcome.not_restored == () and outcome.restored


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.name)
def test_what_a_pass_leaves_is_not_spoken_of(thing: Thing) -> None:
    outcome = run(Holder([("it", thing, thing.make(), "held")], set()))
    assert (outcome.restored, outcome.not_restored) == ((), ())


@pytest.mark.parametrize("seed", range(40))
def test_random_models_are_as_before_or_it_is_said(seed: int) -> None:
    draw = random.Random(seed)
    things = [
        (f"thing_{chr(97 + index)}", thing, thing.make(), draw.choice(list(WRAPPED)))
        for index, thing in enumerate(draw.choices(THINGS, k=draw.randrange(1, 12)))
    ]
    changed = {name for name, *_ in things if draw.random() < 0.5}
    before = {name: thing.look(value) for name, thing, value, _ in things}
    outcome = run(Root(Holder(things, changed)))
    for name, thing, value, _ in things:
        said = any(words.startswith(f"inner: {name}") for words in outcome.not_restored)
        assert said == (bool(thing.said) and name in changed)
        assert said or thing.said or thing.look(value) == before[name]
    for name in {name for name, *_ in things} - changed:
        assert not [words for words in (*outcome.restored, *outcome.not_restored) if f"{name} " in f"{words} "]


SOURCE = """
import helper
import torch
from torch import nn

COUNT = 0
LOG = []
TABLE = torch.zeros(3)
late = None

def act(x):
    return x

def note(item):
    LOG.append(item)
    helper.CALLS.append(item)
    helper.TOTAL += 1

class Net(nn.Module):
    total = 0
    seen = []
    table = torch.zeros(2)

    def forward(self, x=1, cache=[]):
        global COUNT, NEW, late, act
        COUNT += 1
        NEW = 1
        import json
        late = json
        TABLE.add_(1)
        act = str
        note(1)
        cache.append(1)
        type(self).total += 1
        type(self).later = 1
        type(self).table.add_(1)
        self.seen.append(1)
        type(self).step = lambda self: 2
        return x

    def step(self):
        return 1
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    (tmp_path / "own_model.py").write_text(SOURCE)
    (tmp_path / "helper.py").write_text("CALLS = []\nTOTAL = 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("own_model", "helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import own_model

    return own_model


def test_classes_and_globals_of_the_models_own_files_are_put_back(own: types.ModuleType) -> None:
    act, step = own.act, own.Net.step
    outcome = run(own.Net())
    assert (own.COUNT, own.LOG, own.helper.CALLS, own.helper.TOTAL, own.act) == (0, [], [], 0, act)
    assert not hasattr(own, "NEW") and own.TABLE.tolist() == [0, 0, 0]
    assert own.late is sys.modules["json"]  # an import stays
    assert (own.Net.total, own.Net.seen, own.Net.table.tolist(), own.Net.step) == (0, [], [0, 0], step)
    assert not hasattr(own.Net, "later") and own.Net.forward.__defaults__ == (1, [])
    assert outcome.not_restored == ()
    assert set(outcome.restored) >= {
        "own_model.py: COUNT", "own_model.py: LOG", "own_model.py: NEW", "helper.py: TOTAL", "class Net: total",
        "class Net: seen", "class Net: later", "class Net.table: values", "own_model.py.TABLE: values",
    }  # fmt: skip


def test_a_cache_that_filled_is_said() -> None:
    class Caches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = functools.lru_cache(abs)

        def forward(self) -> int:
            return self.table(-1)

    assert run(Caches()).not_restored == ("(root): table (a cache that remembers more or other calls)",)


def test_more_than_is_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.engine.restore.reach.MOST", 10)
    model = nn.Identity()
    model.held = [[] for _ in range(20)]
    assert TensorBackup(walk(model)).is_cut
    assert not TensorBackup(walk(nn.Sequential(*(nn.Linear(1, 1) for _ in range(20))))).is_cut


def test_the_tensors_of_unregistered_modules_are_named() -> None:
    class Routes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = [nn.BatchNorm1d(2)]
            vars(self)["hidden"] = nn.Linear(2, 2)

        def forward(self) -> int:
            with torch.no_grad():
                self.hidden.weight.add_(1)
            self.experts[0](torch.ones(3, 2))
            return 1

    assert set(run(Routes()).restored) == {
        "hidden.weight: values",
        *(f"experts[…].{name}: values" for name in ("running_mean", "running_var", "num_batches_tracked")),
    }
