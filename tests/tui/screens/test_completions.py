"""What tab makes of an input specification, a loss and an optimizer that were begun."""

from __future__ import annotations

import inspect
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from textual.app import App
from textual.widgets import Input

from inspector.client.pass_plan import Plan
from inspector.engine.hooks.conditions import BASELINE, NAMES, SIZES
from inspector.engine.inputs.specs import parse_spec
from inspector.torch_names import FILES, complete_torch, list_functions
from inspector.tui.screens.completions import (
    DTYPES,
    MEASURES,
    OPTIMIZERS,
    SHAPES,
    complete_condition,
    complete_file,
    complete_function,
    complete_loss,
    complete_specs,
)
from inspector.tui.screens.fields import Field
from inspector.tui.screens.forms.batches import BatchesDialog
from inspector.tui.screens.forms.seed import Draw, SeedDialog
from inspector.tui.screens.hooks.code_box import CodeBox


@pytest.mark.parametrize(
    ("begun", "names"),
    [
        ("@ba", ("@batch.pt",)),
        ("1x4 x=@data/", ("1x4 x=@data/deep.pt",)),
        ("ids=1x4:int", tuple(f"ids=1x4:int{bits}" for bits in (16, 32, 64, 8))),
        ("(1x3x3", ("(1x3x32x32",)),
        ("ma", ("make.py:",)),
        ("make.py:", ()),
        ("", ()),
        ("flag=tr", ()),
    ],
)
def test_the_last_word_goes_on(
    begun: str, names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("batch.pt", "make.py", "data/deep.pt"):
        (tmp_path / name).touch()
    assert complete_specs(begun) == names


def test_what_is_offered_there_is() -> None:
    known = {name for name, found in vars(torch.optim).items() if inspect.isclass(found)}
    assert {word.partition("(")[0] for word in OPTIMIZERS} <= known
    for spec in (*SHAPES, *(f"2:{dtype}" for dtype in DTYPES)):
        parse_spec(spec)
    assert complete_function("cr", "mean", "cross_entropy") == ("cross_entropy",)
    assert {name.strip("([") for name in MEASURES} == {*NAMES, *SIZES, BASELINE, "abs"}
    assert complete_condition("abs(mean - b") == ("abs(mean - baseline ",) and complete_condition("sh") == ("shape[",)
    assert complete_condition("nan > 0 and m") == tuple(f"nan > 0 and {name} " for name in ("max", "mean", "min"))


def test_functions_of_torch_are_those_that_it_has() -> None:
    for module in FILES:
        names = list_functions(module)
        assert len(names) > 20 and all(callable(attrgetter(name)(import_module(module))) for name in names), module
    assert {"relu", "conv2d", "softmax", "max_pool2d", "logsigmoid"} <= set(list_functions("torch.nn.functional"))
    assert complete_torch("torch.nn.f") == ("torch.nn.functional.",) and complete_torch("F.rel") == (
        "F.relu",
        "F.relu6",
    )
    assert complete_loss("torch.nn.functional.mse") == ("torch.nn.functional:mse_loss",)
    assert complete_loss("torch.linalg:") and not complete_loss("torch.nn.functional:mse_loss")


async def test_tab_completes_or_leads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch.pt").touch()
    async with App().run_test(size=(80, 24)) as pilot:
        seed = SeedDialog(Draw(0, None, False), "")
        await pilot.app.push_screen(seed)
        await pilot.press("down", "1", "x", "3", "tab")
        box, names = seed.query_one("#specs", Input), seed.query_one("#names")
        assert box.value == "1x3x" and str(names.render()) == "1x3x224x224  1x3x32x32"
        await pilot.press("2", "tab", "space", "at", "tab")
        assert box.value == "1x3x224x224 @batch.pt" and box.has_focus and not str(names.render())
        await pilot.press("tab")
        assert not box.has_focus
        batches = BatchesDialog(Plan())
        await pilot.app.push_screen(batches)
        await pilot.press("down", "down", "S", "tab")
        assert batches.query_one("#optimizer", Input).value == "SGD(lr="


async def test_a_file_in_the_form_of_a_hook_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one.pt", "other.pt"):
        (tmp_path / name).touch()
    async with App().run_test(size=(80, 24)) as pilot:
        field = Field("file", "", "to read", "file, needed", complete=complete_file)
        await pilot.app.mount(field)
        field.box.focus()
        await pilot.press("o", "tab")
        assert field.value == "o" and str(field.query_one(".meaning").render()) == "one.pt  other.pt"
        await pilot.press("n", "tab")
        assert field.value == "one.pt" and str(field.query_one(".meaning").render()) == "to read"


async def test_tab_goes_on_with_a_function_in_code_and_indents_elsewhere() -> None:
    async with App().run_test(size=(80, 24)) as pilot:
        box = CodeBox("", lambda code, line: None)
        await pilot.app.mount(box)
        box.focus()
        await pilot.press("i", "tab", "F", ".", "r", "e", "l", "tab")
        assert box.text == "    F.relu" and box.border_subtitle == "relu  relu6"
        await pilot.press("6", "(", "tab")
        assert box.text == "    F.relu6(    " and "relu" not in str(box.border_subtitle)
