"""What is waited for, in a terminal: a bar on standard error, which leaves no trace there and none in the report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from inspector.cli.wait_bar import WaitBar
from inspector.records import Progress, Work
from inspector.report.waits import count_pass, count_work, share_of_pass, size

from ..terminal.harness import ROOT, Terminal

SLOW = """
import time, torch

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = torch.nn.ModuleList(torch.nn.Linear(3, 3) for _ in range(6))

    def forward(self, x):
        for step in self.steps:
            time.sleep(0.15)
            x = step(x)
        print("through")
        return x
"""


def test_a_report_that_takes_its_time_says_in_a_terminal_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    line = f"{sys.executable} -m inspector slow.py:Slow -i 1x3 --batches 3 --print json > report.json"
    environment = {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    with Terminal(["/bin/sh", "-c", line], folder=tmp_path, environment=environment) as terminal:
        terminal.wait_for_text("importing torch")
        terminal.wait_for(lambda: "running the model" in terminal.text and "batch 1 of 3" in terminal.text)
        terminal.wait_for_text("batch 2 of 3")
        assert "ctrl+c ends it" in terminal.text and "through" in terminal.text
        assert terminal.wait_for_end() == 0
        assert "ends it" not in terminal.text and terminal.text.split() == ["through"] * 3
        assert not terminal.screen.cursor.hidden
    assert json.loads((tmp_path / "report.json").read_text())["error"] is None


async def test_nothing_is_drawn_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    bar = WaitBar()
    assert not bar.is_seen
    async with bar.waiting("the model"):
        bar.take(Work("building", 3, unit="modules"))
        bar.print("said\n")
    assert capsys.readouterr().err == "said\n"


def test_how_far_it_is_is_said_in_the_unit_of_what_is_done() -> None:
    assert count_work(Work("finding an input", 3, 25, "tries")) == "try 3 of 25"
    assert count_work(Work("building", 1312, unit="modules")) == "1,312 modules"
    assert count_work(Work("building", 1, unit="modules")) == "1 module"
    assert count_work(Work("reading weights", 1_200_000_000, 46_800_000_000, "bytes")) == "1.2 GB of 46.8 GB"
    assert count_work(Work("placing it")) == ""
    assert [size(n) for n in (0, 999, 1000, 99_960, 999_600)] == ["0 B", "999 B", "1.0 kB", "100 kB", "1.0 MB"]
    assert count_pass(Progress(1, 31, 68, 0, 1.0)) == "31 of 68 calls"
    assert count_pass(Progress(1, 1300, 68, 0, 1.0)) == "1,300 calls"
    assert count_pass(Progress(1, 31, 62, 0, 1.0, 3, 10)) == "batch 3 of 10"
    assert share_of_pass(Progress(1, 31, 62, 0, 1.0, 3, 10)) == 0.25
    assert share_of_pass(Progress(1, 34, 68, 0, 1.0)) == 0.5
    assert share_of_pass(Progress(1, 90, 68, 0, 1.0)) is share_of_pass(Progress(1, 0, 0, 0, 1.0)) is None
