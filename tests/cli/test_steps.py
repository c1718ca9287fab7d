"""Steps in reports: a real model that generates, and several batches."""

from __future__ import annotations

import pytest

from tests.documents import read_document
from tests.warm import run

LLAMA = (
    "hf:LlamaConfig", "num_hidden_layers=1", "hidden_size=32", "intermediate_size=32", "num_attention_heads=2",
    "vocab_size=50", "-i", "input_ids=1x5:int64:0..49", "--generate", "3",
)  # fmt: skip
BATCHES = ("tests/models.py:shared_relu", "--batches", "3")


def test_generating_is_reported_step_by_step() -> None:
    pytest.importorskip("transformers")
    ran = run(*LLAMA, "--print", "json")
    assert ran.returncode == 0, ran.stderr
    found = read_document(ran.stdout)
    roots = [call for call in found["calls"] if not call["path"]]
    assert (found["steps"], found["first_step"], found["batches"]) == (3, 0, 1)
    assert [(call["call"], call["step"], call["call_in_step"]) for call in roots] == [(0, 0, 0), (1, 1, 0), (2, 2, 0)]
    assert [call["kwargs"]["input_ids"]["shape"] for call in roots] == [[1, 5], [1, 1], [1, 1]]
    assert found["output"]["shape"] == [1, 8]
    assert [call["end"] for call in found["calls"]] == sorted(call["end"] for call in found["calls"])


def test_what_cannot_generate_is_a_usage_error() -> None:
    ran = run("tests/models.py:mlp", "--generate", "3", "--print", "tree")
    assert ran.returncode == 2 and "has no method generate()" in ran.stderr and "--generate" in ran.stderr


def test_the_calls_of_every_batch_are_printed_and_the_tree_shows_the_last() -> None:
    calls = run(*BATCHES, "--print", "calls").stdout.splitlines()
    rows = [line.split() for line in calls[1 : calls.index("")]]
    names = [(row[1], row[2], row[3]) for row in rows if row[2] == "relu"]
    assert {name[0] for name in names} == {"#0", "#1", "#2"} and ("#2", "relu", "#1") in names
    assert calls[0].split()[:2] == ["Step", "Module"]
    assert "3 steps (batches), counted from #0" in calls
    assert "outputs and calls of step #2, the last; --print calls has all" in run(*BATCHES).stdout
