"""What modules cost, in reports."""

from __future__ import annotations

from dataclasses import replace

import torch
from msgspec.structs import astuple as struct_values
from torch import nn

import inspector
from inspector.cli.main import main
from inspector.records import Cost, CostRow, Costs
from inspector.report.costs import find_hot_path, render_costs
from inspector.report.json_report import render_json
from inspector.report.model import Report
from tests.documents import read_document
from tests.reports import make_report
from tests.warm import run


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.alias = self.first
        self.unused = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks[1](self.blocks[0](self.first(x)))


def cost(ms: float, own: float, flops: int | None = 64) -> Cost:
    return Cost(ms, own, flops, flops, 32, 32)


def measured(flops: int | None = 64) -> Report:
    report = make_report(Net(), (torch.ones(2, 4),))
    names = report.paths
    rows = [("", 10.0, 1.0), ("first", 2.0, 2.0), ("blocks.0", 3.0, 3.0), ("blocks.1", 4.0, 4.0)]
    costs = Costs(
        1, tuple(CostRow(names.index(path), 1, cost(*each, flops)) for path, *each in rows), (), 10.0, 5, "host"
    )
    return replace(report, costs=costs if flops is not None else replace_problem(costs), paths=[])


def replace_problem(costs: Costs) -> Costs:
    return Costs(1, costs.rows, (), costs.ms, costs.passes, "host", (), "RuntimeError under torch's counter")


def test_the_table_has_what_takes_the_longest_itself_first() -> None:
    lines = render_costs(measured(), 200).splitlines()
    assert [line.split()[0] for line in lines[1:7]] == ["blocks.1", "blocks.0", "first", "(root)", "blocks", "unused"]
    assert "40.0%" in lines[1] and lines[1].split()[-2:] == ["32", "B"]
    (unused,) = (line for line in lines if line.startswith("unused"))
    assert "not called" in unused and "–" in unused
    assert "hot path: (root) > blocks > 1 (40.0%)" in lines
    assert any("median of 5 passes" in line for line in lines)


def test_the_hot_path_goes_through_containers_that_are_never_called() -> None:
    report = measured()
    assert report.costs is not None
    assert [report.paths[index] for index in find_hot_path(report.modules, report.costs)] == ["", "blocks", "blocks.1"]


def test_in_json_what_was_not_called_is_null_and_says_why() -> None:
    found = read_document(render_json(measured()))["costs"]
    rows = {row["path"]: row for row in found["modules"]}
    assert "alias" not in rows and rows["blocks.1"]["own_share"] == 0.4 and found["flops"] == 256
    assert rows["unused"]["own_ms"] is None and rows["unused"]["why"] == "not called" and rows["unused"]["calls"] == 0
    assert rows["blocks"]["why"] == "no forward" and found["hot_path"] == ["", "blocks", "blocks.1"]


def test_flops_that_are_not_known_are_null_and_said_to_be() -> None:
    report = measured(None)
    assert "FLOPs as torch counts them: not known, RuntimeError under torch's counter" in render_costs(report, 200)
    found = read_document(render_json(report))["costs"]
    assert found["flops"] is None and found["flops_problem"] and found["modules"][0]["flops"] is None


def test_a_backward_pass_has_columns_and_fields_of_its_own() -> None:
    report = measured()
    assert report.costs is not None and "Back ms" not in render_costs(report, 200)
    before = read_document(render_json(report))["costs"]
    assert before["backward_ms"] is before["backward_flops"] is before["modules"][0]["own_backward_ms"] is None
    behind = tuple(
        CostRow(row.module, 1, Cost(*struct_values(row.cost)[:6], 2 * row.cost.ms, 2 * row.cost.own_ms, 100, 25))
        for row in report.costs.rows
    )
    costs = Costs(1, behind, (), 10.0, 5, "host", backward_ms=20.0)
    report = replace(report, costs=costs, paths=[])
    lines = render_costs(report, 200).splitlines()
    assert lines[0].split()[-5:] == ["ms", "Back", "FLOPs", "Parameters", "Activations"] and "Back ms" in lines[0]
    assert "8.000" in lines[1] and " 100 " in lines[1]
    assert any(line.startswith("10.00 ms and 20.00 ms backward, median of 5") for line in lines)
    assert any(line.startswith("256 FLOPs and 100 backward as torch counts them") for line in lines)
    found = read_document(render_json(report))["costs"]
    rows = {row["path"]: row for row in found["modules"]}
    assert found["backward_ms"] == 20.0 and found["backward_flops"] == 100
    assert rows["blocks.1"]["backward_ms"] == rows["blocks.1"]["own_backward_ms"] == 8.0
    assert rows["unused"]["backward_ms"] is None and rows["first"]["own_backward_flops"] == 25


def test_a_report_without_costs_has_none() -> None:
    assert "costs" not in read_document(render_json(make_report(Net(), (torch.ones(2, 4),))))


def test_on_the_command_line() -> None:
    ran = run("torch.nn:Linear", "in_features=4", "out_features=3", "--print", "json", "--costs", "2")
    costs = read_document(ran.stdout)["costs"]
    assert ran.returncode == 0 and costs["passes"] == 2 and costs["modules"][0]["flops"] == 2 * 4 * 3
    printed = run("torch.nn:Linear", "in_features=4", "out_features=3", "--print", "costs")
    assert printed.returncode == 0 and "median of 5 passes" in printed.stdout and "(root)" in printed.stdout
    failed = run("tests/models.py:raises_midway", "--print", "costs")
    assert failed.returncode == 1 and failed.stderr.count("inspector:") >= 1


def test_costs_that_nobody_would_be_shown_are_refused() -> None:
    for typed in (["--costs", "3"], ["--print", "tree", "--costs", "3"], ["--print", "costs", "--no-forward"]):
        try:
            code = main(["resnet18", *typed])
        except SystemExit as left:
            code = int(left.code or 0)
        assert code == 2, typed


def test_the_summary_of_the_library_has_them() -> None:
    said = inspector.summary(nn.Sequential(nn.Linear(4, 4)), torch.ones(2, 4), costs=2)
    assert "median of 2 passes" in said and "Own ms" in said and "Back ms" not in said
    said = inspector.summary(nn.Sequential(nn.Linear(4, 4)), torch.ones(2, 4), costs=1, backward=True)
    assert "ms backward, median of 1 passes" in said and "Back ms" in said and "loss" in said
