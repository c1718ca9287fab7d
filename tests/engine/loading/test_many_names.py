"""Files with very many names."""

from __future__ import annotations

import cProfile
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from inspector.engine.loading.files import flatten
from inspector.engine.modules.rows import module_rows
from inspector.engine.modules.weight_tree import Entry
from inspector.engine.session import Session
from inspector.engine.stored import bloat
from inspector.engine.stored.mapped import MappedFile
from inspector.engine.stored.saved import look
from inspector.engine.views import state_dict
from inspector.records import KeyRow, Target, TensorValue


def _open(path: Path) -> Session:
    session = Session(lambda event: None)
    session.open(Target(str(path)))
    return session


def _save(folder: Path, names: int) -> Path:
    path = folder / f"{names}.safetensors"
    safetensors.torch.save_file({f"layers.{n}.weight": torch.ones(2) for n in range(names)}, path)
    return path


def _pickle(folder: Path, names: int) -> Path:
    path = folder / f"{names}.pt"
    torch.save({f"layers.{n}.weight": torch.ones(2) for n in range(names)}, path)
    return path


def _count_calls(path: Path) -> int:
    profile = cProfile.Profile()
    profile.runcall(_open, path)
    return sum(entry.callcount for entry in profile.getstats())


def test_a_name_costs_few_calls(tmp_path: Path) -> None:
    """It was 1,100 for such a name, with two entries, and 210 later; 300,000 of them took minutes."""
    few, many = (_save(tmp_path, names) for names in (200, 1_200))
    _open(few)  # what is done once
    assert (_count_calls(many) - _count_calls(few)) / 1_000 < 150


def test_a_name_in_a_pickle_costs_few_calls(tmp_path: Path) -> None:
    """It was 1,300; 300,000 of them took 38 seconds."""
    few, many = (_pickle(tmp_path, names) for names in (200, 1_200))
    _open(few)
    assert (_count_calls(many) - _count_calls(few)) / 1_000 < 220


@pytest.mark.parametrize("save", [_save, _pickle])
def test_tensors_and_entries_are_made_when_they_are_looked_at(
    save: Callable[[Path, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = save(tmp_path, 50), list[str]()
    monkeypatch.setattr(MappedFile, "tensor", _noting(MappedFile.tensor, "tensor", made))
    monkeypatch.setattr(Entry, "__init__", _noting(Entry.__init__, "entry", made))
    session = _open(path)
    session.announce()
    assert made == ["entry"]  # the root
    (row,) = session.queries.parameters(("layers", "49", "weight"), 10).rows
    assert isinstance(row.value, TensorValue) and row.value.statistics is not None
    assert row.value.statistics.mean == 1 and made.count("tensor") == 1
    assert session.queries.parameters((), 10).total == 50 and made.count("tensor") <= 11


@pytest.mark.parametrize("save", [_save, _pickle])
def test_names_that_are_not_taken_apart_are_said(
    save: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their row stood beside the others' as if there were no other way to show it, and above were counts of a part."""
    monkeypatch.setattr(flatten, "MAX_ENTRIES", 5)
    subject = _open(save(tmp_path, 4)).subject
    assert [row.key for row in subject.rows if row.parent == 0] == ["layers", "layers.2.weight", "layers.3.weight"]
    assert "the last 2 names are not taken apart at their dots: too many parts" in subject.info.notes


def test_a_comparison_makes_what_is_shown_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each of 600,000 names was made, of which 2,000 are shown."""
    mine, other = _save(tmp_path, 300), _pickle(tmp_path, 40)
    made: list[str] = []
    monkeypatch.setattr(state_dict, "MAX_ROWS", 20)
    monkeypatch.setattr(state_dict, "KeyRow", _noting(KeyRow, "row", made))
    report = _open(mine).queries.state_dict(str(other))
    assert report.counts == {"mismatched": 0, "missing": 260, "unexpected": 0, "fits": 40} and report.total == 300
    assert len(report.rows) == 20 and len(made) == 20
    assert [sum(row.state == state for row in report.rows) for state in ("missing", "fits")] == [15, 5]


def _noting(function: Callable[..., Any], name: str, notes: list[str]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        notes.append(name)
        return function(*args, **kwargs)

    return noting


def test_the_collector_is_on_again(tmp_path: Path) -> None:
    _open(_save(tmp_path, 3))
    assert gc.isenabled()


def test_rows_are_those_of_any_module_tree(tmp_path: Path) -> None:
    tied = torch.ones(4)
    state = {
        "a.b": tied, "a": torch.ones(3), "c.d.e": tied, "c.f": torch.empty(5, device="meta"), "g": torch.ones(0),
        "h.parametrizations.weight.original0": torch.ones(2), "i": torch.nn.Parameter(torch.ones(6)),
    }  # fmt: skip
    torch.save(state, tmp_path / "net.pt")
    tree = (subject := _open(tmp_path / "net.pt").subject).tree
    general = module_rows(tree)
    assert len(general) == len(subject.rows) == subject.info.rows
    for expected, row in zip(general, subject.rows, strict=True):
        found = (row.index, row.parent, row.key, row.parameters, row.own_parameters, row.nbytes, row.alias_of)
        assert found == (
            expected.index, expected.parent, expected.key, expected.parameters, expected.own_parameters,
            expected.nbytes, expected.alias_of,
        )  # fmt: skip
        assert row.badges == tuple(badge for badge in expected.badges if badge.name != "no forward")
    assert {badge.name for row in subject.rows for badge in row.badges} >= {"tied", "meta", "parametrized"}
    assert subject.info.trainable == 6 and subject.info.tensors == 7


def test_tensors_in_one_storage_are_not_bloated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take fewer bytes for each operation of the pickle than any others."""
    whole = torch.zeros(3_000)
    torch.save({f"w{n}": whole[n : n + 1] for n in range(3_000)}, tmp_path / "net.pt")
    monkeypatch.setattr(bloat, "FREE_OPERATIONS", 1_000)
    assert not look(tmp_path / "net.pt").bloated
