"""What a sweep found, as text: widths, colours, names from outside, and numbers that are none."""

from __future__ import annotations

import io
import math
import subprocess
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console

from inspector.records import SweepHead, SweepRow
from inspector.report.sweeps.heat_map import HeatMap
from inspector.report.sweeps.result import SweepResult

NAN = math.nan


def result(rows: list[SweepRow], clean: tuple[float, ...] | None = (1.0,), complete: bool = True) -> SweepResult:
    return SweepResult(SweepHead(("m",), clean, (0.0,), 4, "patch", ("[:, *]",)), rows, complete)


def row(place: str, column: str, value: float, fault: str = "") -> SweepRow:
    return SweepRow(place, f"[:, {column}]", column, "m", value, value, value, fault)


def draw(heat: HeatMap, width: int, no_color: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system="truecolor", no_color=no_color)
    console.print(heat)
    return stream.getvalue()


def test_strong_numbers_have_colours_and_all_have_digits() -> None:
    heat = result([row("a", "0", 1.0), row("a", "1", -1.0), row("b", "0", 0.01), row("b", "1", NAN)]).heat_map()
    coloured, plain = draw(heat, 80), draw(heat, 80, no_color=True)
    assert "48;2;192;58;43" in coloured and "48;2;43;95;192" in coloured and "48;2" not in plain
    for text in (coloured, plain, str(heat)):
        assert all(number in text for number in (" 1.00", "-1.00", " 0.01", "nan"))
    assert "-0.00" not in str(result([row("a", "0", -0.001)]).heat_map())


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_columns_that_do_not_fit_go_into_a_block_of_their_own(width: int) -> None:
    rows = [row(f"model.layers.{n}.self_attn", str(token), token / 30) for n in (0, 1) for token in range(30)]
    lines = [line.plain for line in result(rows).heat_map().lines(width)]
    assert all(cell_len(line) <= width for line in lines)
    shown = " ".join(lines[1:]).split()
    assert all(shown.count(f"{token / 30:.2f}") >= 2 for token in range(30))


@pytest.mark.parametrize("clean", [(1.0,), None])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_numbers_are_whole_however_long_they_are(clean: tuple[float, ...] | None, width: int) -> None:
    """Cut at its left like a name, -12345.6 was ….23e+04: another number, and positive."""
    numbers = [-12345.6, 1e10, -1.5e-200, -0.0, math.inf, 0.5]
    rows = [row("model.layers.0", str(n), number) for n, number in enumerate(numbers)]
    lines = [line.plain for line in result(rows, clean).heat_map().lines(width)]
    shown = [cell for line in lines if "ayers" in line for cell in line.split()[1:]]
    assert [float(cell) for cell in shown] == pytest.approx(numbers, rel=1e-2, abs=1e-100 if clean else 0)
    assert "-0" not in shown and "-0.00" not in shown and all(cell_len(line) <= width for line in lines)


def test_what_is_not_there_stays_empty() -> None:
    heat = str(result([row("a", "0", 0.5), row("b", "1", 0.25)]).heat_map())
    assert heat.splitlines()[2].split() == ["a", "0.50"] and heat.splitlines()[3].split() == ["b", "0.25"]


def test_names_from_outside_do_nothing() -> None:
    evil = "\x1b]52;c;aGk=\x07[red]\u202e名"
    shown = result([row(evil, evil, 0.5, evil), row(evil, "1", 0.5)], complete=False)
    for text in (repr(shown), shown.table(), str(shown.heat_map()), draw(shown.heat_map(), 80)):
        assert "\x1b]" not in text and "\u202e" not in text and "[red]" in text
    assert "interrupted after 2 of 4 places" in repr(shown)


def test_runs_that_are_the_same_are_told() -> None:
    same = result([row("a", "0", NAN)], clean=(0.0,))
    assert "clean 0, corrupted 0; they are the same: nothing can be recovered" in repr(same)
    assert "m: 0 as it is" in repr(result([row("a", "0", 1.0)], clean=None))


def test_nothing_at_all_is_shown_too() -> None:
    assert "0 of 4 places" in repr(result([], complete=False)) and result([]).best() == []


def test_every_metric_has_its_map() -> None:
    rows = [SweepRow("a", f"[{n}]", str(n), name, 1.0, 1.0, 1.0, "") for n in (0, 1) for name in ("m", "other")]
    shown = repr(SweepResult(SweepHead(("m", "other"), (1.0, 1.0), (0.0, 0.0), 2, "patch", ("[*]",)), rows))
    assert "m, recovered" in shown and "other, recovered" in shown


def test_a_zero_has_no_sign() -> None:
    assert "-0" not in result([row("a", "", -0.0)]).table().split()


def test_to_print_draws_no_random_number() -> None:
    """rich draws one when it is first imported: a process of its own."""
    code = """
import random
from inspector.records import SweepHead, SweepRow
from inspector.report.sweeps.result import SweepResult
before = random.getstate()
rows = [SweepRow("a", f"[{n}]", str(n), "m", 1.0, 1.0, 1.0, "") for n in (0, 1)]
result = SweepResult(SweepHead(("m",), (1.0,), (0.0,), 2, "patch", ("[*]",)), rows)
getattr(result, "SHOWN")()
assert random.getstate() == before
"""
    for shown in ("__repr__", "show"):
        subprocess.run([sys.executable, "-c", code.replace("SHOWN", shown)], check=True, capture_output=True)
