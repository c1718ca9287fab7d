"""`inspector first-bad`: what it prints, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import read_document
from tests.warm import run

FILE = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

    def forward(self, x):
        h = torch.relu(self.one(x))
        return self.two(torch.log(h * 0))

class Fine(Net):
    def forward(self, x):
        scores = self.one(x) @ x.T
        mask = torch.full(scores.shape, float("-inf")).triu(1)
        return (scores + mask).softmax(-1)

class Backward(Net):
    def forward(self, x):
        return torch.sqrt(self.one(x) * 0)

class Broken(Net):
    def forward(self, x):
        return self.two(x[:, :3])

class Writer(torch.nn.Module):
    # divides by 0 in its second step

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(9, 9)

    def forward(self, input_ids):
        return self.table(input_ids) / (input_ids.shape[1] - 3)

    def generate(self, input_ids, max_new_tokens, **options):
        for _ in range(max_new_tokens):
            input_ids = torch.cat([input_ids, self(input_ids)[:, -1:].argmax(-1)], 1)
        return input_ids

class Checked(Net):
    def forward(self, x):
        out = super().forward(x)
        assert out.isfinite().all(), "not finite"
        return out
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(FILE)
    return tmp_path / "net.py"


def test_the_place_is_printed(file: Path) -> None:
    ran = run("first-bad", f"{file}:Net", "-i", "2x4")
    assert ran.returncode == 3, ran.stderr
    assert "torch.log: the first bad value, in the forward" in ran.stdout
    assert f"at: {file}:11" in ran.stdout and "a logarithm of 8 zeros" in ran.stdout


def test_the_document(file: Path) -> None:
    ran = run("first-bad", f"{file}:Net", "-i", "2x4", "--print", "json")
    document = read_document(ran.stdout)
    assert (document["found"], document["phase"], document["path"], document["line"]) == (True, "forward", "", 11)
    assert document["inputs"][0]["zeros"] == 8 and document["output"]["inf"] == 8


def test_nothing_is_found_where_a_softmax_takes_up_a_mask(file: Path) -> None:
    ran = run("first-bad", f"{file}:Fine", "-i", "3x4")
    assert ran.returncode == 0 and "nothing bad" in ran.stdout
    ran = run("first-bad", f"{file}:Fine", "-i", "3x4", "--print", "json")
    assert read_document(ran.stdout)["found"] is False


def test_the_backward_pass_is_looked_at_where_that_is_wanted(file: Path) -> None:
    assert run("first-bad", f"{file}:Backward", "-i", "3x4").returncode == 0
    ran = run("first-bad", f"{file}:Backward", "-i", "3x4", "--backward")
    assert ran.returncode == 3 and f"at: {file}:21" in ran.stdout and "in the backward pass" in ran.stdout


def test_a_step_of_a_text_that_is_written(file: Path) -> None:
    ran = run("first-bad", f"{file}:Writer", "-i", "input_ids=1x2:int64:0..8", "--generate", "3")
    assert ran.returncode == 3 and "(root) (call 1, step 1)" in ran.stdout and "a division by 0" in ran.stdout


def test_a_pass_that_raises_after_something_bad_says_so_too(file: Path) -> None:
    ran = run("first-bad", f"{file}:Checked", "-i", "3x4")
    assert ran.returncode == 3 and "torch.log" in ran.stdout and "the pass failed after that" in ran.stderr


def test_a_model_that_fails_and_words_that_are_wrong(file: Path) -> None:
    ran = run("first-bad", f"{file}:Broken", "-i", "3x4")
    assert ran.returncode == 1 and "mat1 and mat2" in ran.stderr and not ran.stdout
    ran = run("first-bad", f"{file}:Net", "-i", "3x4", "--bad", "zeroes > 1")
    assert ran.returncode == 2 and "zeroes" in ran.stderr
    assert run("first-bad", f"{file}:Net", "-i", "3x4", "--loss", "sum").returncode == 2


def test_any_condition(file: Path) -> None:
    ran = run("first-bad", f"{file}:Net", "-i", "3x4", "--bad", "zeros > 0.99")
    assert ran.returncode == 3 and "h * 0" in ran.stdout and "the first match" in ran.stdout
    ran = run("first-bad", f"{file}:Net", "-i", "3x4", "--bad", "std > 1e30")
    assert ran.returncode == 0 and "no operation" in ran.stdout
