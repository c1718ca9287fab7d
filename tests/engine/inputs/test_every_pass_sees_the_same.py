"""Whatever a model is called with, every pass sees the same, and the caller's own is as it was; or it is said."""

from __future__ import annotations

import copy
import functools
import io
import itertools
import random
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy
import pytest
import torch
from torch import nn

import inspector
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.session import Session
from inspector.engine.values.copying import deep_copy
from inspector.records import PassSummary


class Grows(nn.Module):
    """Changes its input by `act`, and shows what it had seen."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        object.__setattr__(self, "act", act)

    def forward(self, held: Any) -> torch.Tensor:
        seen = torch.tensor([float(self.act(held))])
        return self.linear.bias.detach() * 0 + seen


@dataclass
class Frozen:
    items: list[int] = field(default_factory=list)


class Slots:
    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[int] = []


class ByReduce:
    """Its state is where no walk over attributes comes."""

    def __init__(self, items: list[int] | None = None) -> None:
        self.items = items or []

    def __reduce__(self) -> Any:
        return ByReduce, (list(self.items),)


class ByItself:
    def __init__(self, layers: list[torch.Tensor]) -> None:
        self.layers, self.count = layers, len(layers)

    def __deepcopy__(self, memo: dict[int, Any]) -> ByItself:
        return ByItself(copy.deepcopy(self.layers, memo))


class Tagged(torch.Tensor):
    pass


class Method:
    def __init__(self) -> None:
        self.items: list[int] = []

    def add(self) -> int:
        self.items.append(1)
        return len(self.items)


def grow(items: Any) -> int:
    items.append(1)
    return len(items)


def tagged() -> torch.Tensor:
    tensor = torch.zeros(1).as_subclass(Tagged)
    tensor.seen = []
    return tensor


def with_tag() -> torch.Tensor:
    tensor = torch.zeros(1)
    tensor.seen = []
    return tensor


def batch_norm(held: nn.Module) -> float:
    held(torch.randn(4, 2))
    return float(held.num_batches_tracked)


KINDS: dict[str, tuple[Any, Any]] = {
    "list in a tuple": (([],), lambda held: grow(held[0])),
    "deque": (deque(maxlen=9), grow),
    "set": (set(), lambda held: held.add(len(held)) or len(held)),
    "counter": (Counter(), lambda held: held.update(a=1) or held["a"]),
    "ordered": (OrderedDict(a=[]), lambda held: grow(held["a"])),
    "read only": (MappingProxyType({"a": []}), lambda held: grow(held["a"])),
    "deep": (functools.reduce(lambda inner, _: [inner], range(3_000), [[]]), lambda held: grow(held)),
    "dataclass": (Frozen(), lambda held: grow(held.items)),
    "slots": (Slots(), lambda held: grow(held.items)),
    "namespace": (SimpleNamespace(n=0), lambda held: setattr(held, "n", held.n + 1) or held.n),
    "reduce": (ByReduce(), lambda held: grow(held.items)),
    "deepcopy": (ByItself([torch.zeros(1)]), lambda held: held.layers[0].add_(1).item() + held.count),
    "array": (numpy.zeros(3), lambda held: held.__iadd__(1)[0]),
    "array of objects": (numpy.array([[], None], dtype=object), lambda held: grow(held[0])),
    "bytes": (bytearray(), grow),
    "random": (random.Random(0), lambda held: held.random()),
    "numpy generator": (numpy.random.default_rng(0), lambda held: held.random()),
    "numpy state": (numpy.random.RandomState(0), lambda held: held.rand()),
    "torch generator": (torch.Generator().manual_seed(0), lambda held: torch.rand(1, generator=held)),
    "list iterator": (iter([1, 2, 3]), next),
    "bytes in a file": (io.BytesIO(b"abc"), lambda held: held.read(1)[0]),
    "text in a file": (io.StringIO("123"), lambda held: int(held.read(1))),
    "module": (nn.BatchNorm1d(2), batch_norm),
    "partial": (functools.partial(grow, []), lambda held: held()),
    "method": (Method().add, lambda held: held()),
    "parameter": (nn.Parameter(torch.zeros(1)), lambda held: held.data.add_(1)),
    "parameter of its class": (nn.Parameter(torch.zeros(1)), lambda held: isinstance(held, nn.Parameter)),
    "tensor": (torch.zeros(1), lambda held: held.add_(1)),
    "with a graph": (torch.zeros(1, requires_grad=True) * 2, lambda held: held.detach().add_(1)),
    "with a graph, in an object": (ByItself([torch.ones(1, requires_grad=True) * 2]),
                                   lambda held: held.layers[0].detach().add_(1)),
    "expanded": (torch.zeros(1).expand(3), lambda held: held.data[:1].add_(1)),
    "subclass": (tagged(), lambda held: grow(held.seen)),
    "attribute of a tensor": (with_tag(), lambda held: grow(held.seen)),
    "conjugated": (torch.zeros(1, dtype=torch.cfloat).conj(), lambda held: held.add_(1).real),
    "sparse": (torch.eye(2).to_sparse(), lambda held: held.mul_(2).to_dense().sum()),
}  # fmt: skip


class Journal:
    """What is written down where nothing is put back: in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, value: float) -> float:
        with self.path.open("a") as file:
            file.write(f"{value}\n")
        return value

    def read(self) -> list[float]:
        return [float(line) for line in self.path.read_text().split()]


@pytest.mark.parametrize("name", KINDS)
def test_every_pass_sees_the_same(name: str, tmp_path: Path) -> None:
    held, act = KINDS[name]
    journal = Journal(tmp_path / "seen")
    model = Grows(lambda held: journal.write(float(act(held))))
    session = Session(lambda event: None)
    opened = session.adopt(model, (held,), {}, "grows")
    notes = [note for note in opened.info.notes if "not all copied" in note]
    for _ in range(2):
        summary = session.run()
        assert summary.problem is None, summary.problem
        assert summary.not_restored == ()
    session.close()
    inspector.summary(model, held)
    seen = journal.read()
    assert len(set(seen)) == 1 and len(seen) == 3 and notes == []
    assert float(act(held)) == seen[0]  # the caller's own is as it was before all of them


def run_twice(model: nn.Module, *args: Any, **kwargs: Any) -> tuple[list[str], list[PassSummary]]:
    session = Session(lambda event: None)
    opened = session.adopt(model, args, kwargs, "grows")
    summaries = [session.run(), session.run()]
    session.close()
    return [note for note in opened.info.notes if "not all copied" in note], summaries


def test_a_generator_is_said_and_that_it_was_read_on() -> None:
    notes, (first, second) = run_twice(Grows(next), (n for n in itertools.count()))
    (note,) = notes
    assert "input 1: a generator cannot be copied" in note and "reads on" in note
    assert first.not_restored == second.not_restored == ("input 1: a generator that could not be copied",)


def test_an_open_file_is_said_and_that_it_was_read_on(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_text("123")
    with path.open() as file:
        notes, (first, _) = run_twice(Grows(lambda held: int(held.read(1))), held=file)
    assert "input held: a TextIOWrapper cannot be copied" in notes[0]
    assert first.not_restored == ("input held: a TextIOWrapper that could not be copied",)


class Liar:
    def __init__(self, how: str) -> None:
        self.how, self.items = how, [0]

    def __deepcopy__(self, memo: Any) -> Any:
        if self.how == "raises":
            raise RuntimeError("no copies")
        if self.how == "none":
            return None
        return self if self.how == "itself" else copy.copy(self)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raises", "RuntimeError: no copies"),
        ("none", "its copy is a NoneType"),
        ("itself", "its copy is itself"),
        ("shallow", "its copy has the same list"),
    ],
)
def test_a_copy_that_is_none_is_said_and_what_becomes_of_it(how: str, said: str) -> None:
    liar = Liar(how)
    notes, (first, _) = run_twice(Grows(lambda held: grow(held.items)), liar)
    (note,) = notes
    assert said in note
    assert first.not_restored == ("input 1: a Liar that could not be copied",)


def test_what_is_shared_stays_shared() -> None:
    x, parts = torch.arange(6.0), [1]
    rows = x.view(2, 3)
    sample = sample_from_values((x, rows, x[1:3], parts, ByReduce()), {"again": parts, "held": ByItself([x])}).copy()
    copied, view, middle, listed, _ = sample.args
    copied.add_(1)
    assert torch.equal(view, rows + 1) and torch.equal(middle, x[1:3] + 1)
    assert listed is sample.kwargs["again"] and listed is not parts
    assert sample.kwargs["held"].layers[0] is copied
    assert torch.equal(x, torch.arange(6.0)) and copied.data_ptr() == view.data_ptr() != x.data_ptr()


def test_far_pieces_of_one_storage_are_copied_alone() -> None:
    data = torch.zeros(1_000_000)
    copied = sample_from_values((data[:2], data[-2:]), {}).copy().args
    assert all(piece.untyped_storage().nbytes() == 8 for piece in copied)


def test_views_of_other_dtypes_stay_views() -> None:
    x = torch.zeros(4)
    sample = sample_from_values((x, x.view(torch.int32), x[1:]), {}).copy()
    sample.args[0].fill_(1)
    assert (sample.args[1] == torch.tensor(1.0).view(torch.int32)).all() and (sample.args[2] == 1).all()


def test_what_is_the_models_own_is_not_copied() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    given = (model[0].weight, [model[1].running_mean], model[0], functools.partial(model[0].forward))
    sample = sample_from_values(given, {"whole": model}).of(model).copy()
    weight, (mean,), inner, partial = sample.args
    assert weight is model[0].weight and mean is model[1].running_mean and inner is model[0]
    assert partial.func.__self__ is model[0] and sample.kwargs["whole"] is model and sample.shared == ()


def test_past_the_budget_nothing_is_copied_and_writes_are_said() -> None:
    large, small = torch.zeros(1_000), torch.zeros(10)
    copied, refusals = deep_copy([large, small, numpy.zeros(1_000)], {}, budget=100)
    assert copied[0] is large and copied[1] is not small
    assert [each.why for each in refusals] == ["0.0 GiB are too much to copy"] * 2


def test_the_target_of_a_loss_is_copied_too() -> None:
    sample = sample_from_values((torch.zeros(1),), {})
    target = [torch.zeros(1)]
    copied = type(sample)(sample.args, {}, "given", "", target=target).copy()
    assert copied.target[0] is not target[0]


def test_the_code_of_an_input_changes_no_setting() -> None:
    class Draws:
        def __deepcopy__(self, memo: Any) -> Draws:
            torch.manual_seed(7)
            torch.set_default_dtype(torch.float64)
            made = Draws()
            made.x = 1
            return made

    model, state = Grows(lambda held: 1), torch.get_rng_state()
    inspector.summary(model, Draws())
    assert torch.equal(torch.get_rng_state(), state) and torch.get_default_dtype() is torch.float32


@pytest.mark.parametrize("grown", [([torch.zeros(1)],), {"held": [torch.zeros(1)]}])
def test_a_sweep_runs_on_copies(grown: Any, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "seen")
    model = Grows(lambda held: journal.write(grow(held)))
    inspector.sweep(model, grown, over="linear", hook=inspector.zero(), metric=lambda out: out.sum())
    assert set(journal.read()) == {2}
