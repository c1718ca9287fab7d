"""The attack itself: that a failure, a hang and whatever is left behind are seen, and said with what repeats them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FRONTS = """
import os, subprocess, sys, time, types
from pathlib import Path
from tests.attack.case import Broken, Front

def holds(case): assert case.random.random() == case.__class__("holds", case.seed, case.folder).random.random()
def breaks(case): raise Broken("what does not hold")
def hangs(case): time.sleep(60)
def runs_on(case): subprocess.Popen(["setsid", "sleep", "60"])
def litters(case): Path(os.environ["TMPDIR"], "litter").touch()
def sleeps(case): time.sleep(1000)
def lingers(case):
    for number in range(40): case.note(f"step {number}")
    time.sleep(0.5)
    raise Broken("in the end")
def grows(case): data = bytearray(400_000_000); time.sleep(1)
def walks(case):
    for number in range(40):
        if case.note(f"step {number}") and number == 30:
            raise Broken("at 30")

FRONTS = dict(holds=Front(holds), breaks=Front(breaks), hangs=Front(hangs, seconds=0.5), runs_on=Front(runs_on),
              litters=Front(litters), grows=Front(grows, megabytes=300), walks=Front(walks, shrinks=True),
              lingers=Front(lingers, shrinks=True), sleeps=Front(sleeps, seconds=1000))
sys.modules["tests.attack.fronts"] = types.SimpleNamespace(FRONTS=FRONTS)  # the real ones import torch
import tests.attack.campaign
tests.attack.campaign._MORE = 6.0
from tests.attack.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def attack(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", FRONTS, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize(
    ("front", "words"),
    [
        ("breaks", "what does not hold"),
        ("hangs", "hangs: not done after"),
        ("runs_on", "left running: ['sleep 60 ']"),
        ("litters", "files left behind: ['temporary/litter']"),
        ("grows", "a process took"),
    ],
)
def test_it_is_said_with_the_command_that_repeats_it(front: str, words: str) -> None:
    done = attack("--only", front, "--minutes", "0.01", "--seed", "7")
    assert done.returncode == 1
    assert f"attack: {front}: {words}" in done.stdout
    assert f"python -m tests.attack --case {front}:7000000" in done.stdout
    again = attack("--case", f"{front}:7000000")
    assert again.returncode == 1 and words in again.stdout


def test_what_hangs_says_where() -> None:
    assert "in hangs\n" in attack("--case", "hangs:7").stdout


def test_what_holds_is_counted() -> None:
    done = attack("--only", "holds", "--minutes", "0.01", "--seed", "7")
    front, cases, failures, _ = done.stdout.splitlines()[-1].split()
    assert (done.returncode, front, failures) == (0, "holds", "0") and int(cases) > 1


def test_the_first_deeds_are_left_out_where_it_fails_without_them() -> None:
    done = attack("--only", "walks", "--minutes", "0.2", "--seed", "7")
    assert "--case walks:7000000 --skip 26" in done.stdout


def test_to_shorten_a_failure_counts_against_the_minutes() -> None:
    """And nothing that has begun goes on for as long as it likes."""
    done = attack("--only", "lingers", "--minutes", "0.001", "--seed", "7")
    assert done.returncode == 1 and "--case lingers:7000000\n" in done.stdout
    assert "--skip" not in done.stdout


def test_what_is_not_done_in_time_is_no_failure() -> None:
    done = attack("--only", "sleeps", "--minutes", "0.001")
    assert done.returncode == 0 and "the last case was not done in time" in done.stdout


def test_a_front_that_there_is_not_is_refused() -> None:
    done = attack("--only", "nothing")
    assert done.returncode == 2 and "no front 'nothing'" in done.stderr
