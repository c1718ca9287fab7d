"""Hooks in a report without a terminal: what became of each, in words, in JSON, and in the exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from inspector.report.schema import read_schema
from tests import warm
from tests.documents import read_document

ROOT = Path(__file__).parents[2]
MODEL = """
import torch
from torch import nn

def build():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (torch.ones(1, 4),)
"""
NEVER = "0:scale(2, call=3)"
NOTHING = "0:scale(1)"
WORKS = "1:add(1)"


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "model.py").write_text(MODEL)
    return warm.run(f"{tmp_path}/model.py:build", *arguments)


@pytest.mark.parametrize("form", ["tree", "calls"])
def test_a_report_says_which_hook_never_fired_and_which_changed_nothing(form: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "--print", form, "--hook", NEVER, "--hook", NOTHING, "--hook", WORKS)
    assert ran.returncode == 0 and not ran.stderr
    said = [line for line in ran.stdout.splitlines() if line.startswith("hook ")]
    assert said == [
        "hook never fired: scale(2, call=3) on 0: call=3, counted from 0, and it was called once",
        "hook changed nothing: scale(1) on 0",
    ]


def test_strict_exits_with_1_and_says_which(tmp_path: Path) -> None:
    ran = run(tmp_path, "--print", "json", "--strict", "--hook", NEVER, "--hook", NOTHING, "--hook", WORKS)
    assert ran.returncode == 1
    assert "1 hook never fired" in ran.stderr and "scale(2, call=3) on 0: call=3" in ran.stderr
    document = read_document(ran.stdout)
    why = "call=3, counted from 0, and it was called once"
    common = {"faults": [], "never_fired": None}
    assert document["error"] is None and document["hooks"] == [
        {"module": "0", "hook": "scale(2, call=3)", "fired": 0, "faults": [], "changed": None, "never_fired": why},
        {"module": "0", "hook": "scale(1)", "fired": 1, "changed": False, **common},
        {"module": "1", "hook": "add(1)", "fired": 1, "changed": True, **common},
    ]


def test_strict_is_content_with_what_fires_and_what_changes_nothing(tmp_path: Path) -> None:
    ran = run(tmp_path, "--print", "json", "--strict", "--hook", NOTHING, "--hook", WORKS)
    assert ran.returncode == 0 and not ran.stderr
    assert [each["changed"] for each in read_document(ran.stdout)["hooks"]] == [False, True]


def test_hooks_are_a_key_of_every_report() -> None:
    report = json.loads(read_schema())["$defs"]["report"]
    assert "hooks" in report["required"]


def test_places_take_the_root_and_what_is_left_out(tmp_path: Path) -> None:
    ran = run(tmp_path, "--print", "json", "--hook", "(root):scale(2)", "--hook", "*, ~class:ReLU:scale(3)")
    document = read_document(ran.stdout)
    assert [(each["module"], each["hook"], each["fired"]) for each in document["hooks"]] == [
        ("", "scale(2)", 1),
        ("0", "scale(3)", 1),
    ]
    wrong = run(tmp_path, "--print", "tree", "--hook", "0, ~class:Relu:scale(3)")
    assert wrong.returncode == 2 and "no module of Sequential matches 'class:Relu'" in wrong.stderr
    assert "did you mean class:ReLU?" in wrong.stderr
