"""`inspector.breakpoint` where nobody sits at a terminal: each place reports once, and nothing blocks."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import inspector
from inspector.api import breakpoint as module
from tests.fingerprint import fingerprint


class Net(nn.Module):
    def __init__(self, when: Any = True) -> None:
        super().__init__()
        self.inner, self.when = nn.Linear(3, 3), when

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.inner(x)
        inspector.breakpoint(when=self.when)
        return hidden  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _nowhere_was_stopped() -> Iterator[None]:
    module._passed_over.clear()
    yield
    module._passed_over.clear()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_a_forward_that_runs_is_reported_with_its_variables(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(Net(), nn.ReLU())
    x = torch.ones(2, 3)
    expected, before, random = model(x), fingerprint(model), torch.get_rng_state()
    module._passed_over.clear()
    capsys.readouterr()
    assert model(x).equal(expected) and fingerprint(model) == before and torch.get_rng_state().equal(random)
    text = said(capsys)
    assert "forward, in 0\n" in text and "inspector.breakpoint(when=self.when)" in text
    assert "hidden" in text and "2×3" in text


def test_a_place_reports_once_and_warns_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    model = Net()
    with pytest.warns(RuntimeWarning, match=r"test_breakpoint.py:\d+ does not stop: there is no terminal"):
        model(torch.ones(2, 3))
    assert "hidden" in said(capsys)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(torch.ones(2, 3))
    assert said(capsys) == ""


@pytest.mark.parametrize(
    ("when", "stops"),
    [
        (False, False), (1, True), (lambda: [], False), (lambda: torch.tensor(True), True),
        ("nan > 0", False), ("shape[0] == 2", True), ("max > 1e9", False), ("", True),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_when(when: Any, stops: bool, capsys: pytest.CaptureFixture[str]) -> None:
    Net(when)(torch.ones(2, 3))
    assert bool(said(capsys)) == stops


def test_what_a_condition_found_is_said() -> None:
    with pytest.warns(RuntimeWarning, match=r"\(hidden: nan 2\) does not stop"):
        hidden = torch.tensor([float("nan")] * 2)
        inspector.breakpoint(nn.Identity(), when="nan > 0")
    with pytest.warns(RuntimeWarning, match=r"\(input 1: numel 2\)"):
        inspector.breakpoint(nn.Identity(), torch.ones(1), hidden, when="numel == 2")


@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_a_condition_is_on_the_inputs_where_some_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    bad = torch.tensor([float("nan")])
    inspector.breakpoint(nn.Identity(), torch.ones(2), when="nan > 0")
    inspector.breakpoint(nn.Identity(), torch.ones(2, device="meta"), when="mean > 0")
    assert said(capsys) == ""
    inspector.breakpoint(nn.Identity(), kwargs={"input": [bad]}, when="nan > 0")
    assert "1 NaN" in said(capsys)


@pytest.mark.filterwarnings("ignore")
def test_compiled_code_stops_too(capsys: pytest.CaptureFixture[str]) -> None:
    model, x = Net(), torch.ones(2, 3)
    compiled = torch.compile(model, backend="eager")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert compiled(x).equal(model.inner(x)) and compiled(x).equal(model.inner(x))
    line = inspect.getsourcelines(Net.forward)[1] + 2
    text = said(capsys)
    assert f"test_breakpoint.py:{line} in " in text and "2×3" in text
    assert not [each for each in warned if "raph break" in str(each.message)]  # the compiler met nothing of ours


@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_what_a_person_is_told_to_write() -> None:
    with pytest.raises(inspector.UsageError, match="when='nonsense'"):
        inspector.breakpoint(nn.Identity(), when="nonsense")
    with pytest.raises(inspector.UsageError, match="takes a torch"):
        inspector.breakpoint(torch.ones(2))  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_without_a_forward_the_largest_model_in_a_variable_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = nn.ReLU(), nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    inspector.breakpoint()
    text = said(capsys)
    assert "(root) (Sequential)" in text and small is not large


def test_another_rank_only_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    with pytest.warns(RuntimeWarning, match="this is rank 3"):
        inspector.breakpoint(nn.Identity())
    assert "RuntimeWarning" not in said(capsys)


class Stopping(Dataset[Tensor]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Tensor:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            inspector.breakpoint(nn.Identity())
        return torch.tensor(sum("DataLoader worker" in str(each.message) for each in caught))


def test_a_worker_of_a_data_loader_only_says_so() -> None:
    batches = list(DataLoader(Stopping(), batch_size=None, num_workers=1))
    assert [batch.item() for batch in batches] == [1, 0]
