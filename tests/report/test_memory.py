"""What a step holds in memory, in reports and on the command line."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from msgspec.structs import replace as with_fields
from torch import nn

from inspector.cli.main import main
from inspector.records import MemoryEstimate, MemoryPeak, MemoryRow, Problem
from inspector.report.json_report import render_json
from inspector.report.memory import render_memory
from tests.documents import read_document
from tests.reports import make_report
from tests.warm import run

LINEAR = ("torch.nn:Linear", "in_features=100", "out_features=50", "bias=false", "-i", "1x100")


def peak(total: int, phase: str = "forward", path: tuple[str, ...] | None = ("a", "b")) -> MemoryPeak:
    return MemoryPeak("cpu", total, {"parameters": 1_000, "activations": total - 1_000}, phase, path, total < 3_000)


def estimate(*sizes: int) -> MemoryEstimate:
    rows = tuple(MemoryRow(size, f"{size}×4 float32", (peak(1_000 + 100 * size),)) for size in sizes)
    return MemoryEstimate(1, rows, "forward", free={"cpu": 3_000}, largest=20)


def test_the_table_has_a_column_for_each_size_and_says_when_most_is_held() -> None:
    lines = render_memory(estimate(1, 8, 32)).splitlines()
    assert lines[0] == "memory of a step at its peak (forward; estimated, nothing was run)"
    assert lines[1].split() == ["batch", "1", "batch", "8", "batch", "32"]
    table = {line.split()[0]: line.split()[1:] for line in lines[2:6]}
    assert table["peak"] == ["1.1", "kB", "1.8", "kB", "4.2", "kB"] and table["fits"] == ["yes", "yes", "no"]
    assert "gradients" not in table and table["activations"] == ["100", "B", "800", "B", "3.2", "kB"]
    assert lines[6] == "batch 1, 8, 32: most is held in the forward pass of a.b"
    assert lines[7] == "free: 3.0 kB on cpu; the largest batch that fits is 20"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_many_sizes_go_into_tables_below_each_other(width: int) -> None:
    text = render_memory(estimate(*range(1, 20)), width)
    assert (
        all(f"batch {size}" in text for size in range(1, 20)) and "…" not in text.split("most")[0].split("batch 1,")[0]
    )
    assert max(map(len, text.split("batch 1,")[0].splitlines()[1:])) <= width


def test_what_failed_stands_beside_what_did_not_and_nothing_is_markup() -> None:
    rows = (
        MemoryRow(1, "x", problem=Problem("no \x1b[31m memory", "net.py:8", kind="RuntimeError")),
        MemoryRow(2, "x", (peak(2_000, "backward", ()), with_fields(peak(1_500), device="cuda:0", allocated=1_600))),
        MemoryRow(3, "x", (peak(2_000, "optimizer", None),)),
    )
    found = MemoryEstimate(1, rows, "forward", True, False, {}, 0, ("[b]note\x07",))
    text = render_memory(found)
    assert "\x1b" not in text and "\x07" not in text and "[b]note" in text
    assert "on cuda:0" in text and "allocator" in text and "measured" in text and "cancelled" in text
    assert "; at net.py:8" in text
    assert "in the backward pass of (root)" in text and "in the optimizer's step" in text


def test_in_json_it_is_a_section_that_the_schema_knows() -> None:
    report = replace(make_report(nn.Linear(4, 4), (torch.ones(1, 4),)), memory=estimate(1, 8), paths=[])
    found = read_document(render_json(report))["estimate"]
    assert [row["batch"] for row in found["batches"]] == [1, 8] and found["largest"] == 20
    first = found["batches"][0]["peaks"][0]
    assert first["bytes"] == 1_100 and first["sizes"]["gradients"] == 0 and first["path"] == "a.b"
    assert "estimate" not in read_document(render_json(replace(report, memory=None, paths=[])))


def test_on_the_command_line() -> None:
    ran = run(*LINEAR, "--estimate", "1,8")
    assert ran.returncode == 0 and "batch 8" in ran.stdout and "20.0 kB" in ran.stdout
    assert "no pass" not in ran.stdout and "calls in" not in ran.stdout
    both = run(*LINEAR, "--estimate", "2", "--print", "tree")
    assert "calls in" in both.stdout and "memory of a step" in both.stdout
    options = ("--backward", "--optimizer", "Adam(lr=0.1)", "--print", "json")
    ran = run(*LINEAR, "--estimate", "2", *options)
    (row,) = read_document(ran.stdout)["estimate"]["batches"]
    assert row["peaks"][0]["sizes"]["optimizer"] == 2 * 100 * 50 * 4 + 4
    assert row["input"] == "2×100 float32"


def test_a_model_that_needs_values_says_so_and_is_measured() -> None:
    looks = ("tests/engine/subject/test_estimates.py:Looks", "-i", "1x4", "--estimate", "4")
    refused = run(*looks)
    assert refused.returncode == 1 and "looks at values" in refused.stderr and "--measure" in refused.stderr
    assert "batch 4" in refused.stderr and "test_estimates.py" in refused.stderr
    measured = run(*looks, "--measure")
    assert measured.returncode == 0 and "measured" in measured.stdout and "80 B" in measured.stdout


@pytest.mark.parametrize(
    "typed",
    [
        ["--estimate", "0"],
        ["--estimate", "1,x"],
        ["--estimate", ""],
        ["--measure"],
        ["--estimate", "1", "--optimizer", "Adam()"],
        ["--estimate", "1", "--generate", "3"],
        ["--estimate", "1", "--hook", "fc:zero()"],
    ],
)
def test_what_cannot_be_meant_is_refused(typed: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["resnet18", *typed])
    assert left.value.code == 2
