"""`inspector sweep`: the model is another process; what it prints, and the exit code."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
from pathlib import Path

import pytest

import inspector
from inspector.cli.asking import sweeping
from inspector.cli.main import main
from inspector.cli.output import write, write_ascii
from tests.cli.test_headless import ROOT, command
from tests.documents import read_document
from tests.warm import run

FILE = """
import time
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.out = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4), torch.nn.Linear(4, 3)
        self.never = torch.nn.Linear(4, 4)

    def forward(self, x):
        return self.out(torch.relu(self.two(torch.relu(self.one(x)))))

class Slow(Net):
    def forward(self, x):
        print("a run begins", flush=True)
        time.sleep(1)
        return super().forward(x)

def clean():
    return torch.arange(8.).reshape(2, 4)

def corrupted():
    return -clean()

def metric(output):
    return {"sum": output.sum(), "odd": float("nan")}

def broken(output):
    return output.nope
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(FILE)
    return tmp_path / "net.py"


def test_the_command_says_what_the_library_says(file: Path) -> None:
    space: dict[str, object] = {}
    exec(FILE, space)
    make, clean, corrupted = (space[name] for name in ("Net", "clean", "corrupted"))
    truth = inspector.sweep(make().eval(), clean(), corrupted(), over="one,two,out", metric=space["metric"])  # type: ignore[operator]
    inputs = ("--clean", f"{file}:clean", "--corrupted", f"{file}:corrupted")
    over = ("--over", "one", "--over", "two,out", "--metric", f"{file}:metric")
    ran = run("sweep", f"{file}:Net", *over, *inputs, "--print", "json")
    document = read_document(ran.stdout)
    assert ran.returncode == 0 and document["error"] is None, ran.stderr
    expected = truth.document()
    expected["metrics"] = document["sweep"]["metrics"]
    assert document["sweep"] == expected
    ran = run("sweep", f"{file}:Net", *over, *inputs, "--print", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    assert [float(row["value"]) for row in rows if row["metric"] == "sum"] == [
        row.value for row in truth.rows if row.metric == "sum"
    ]


def test_places_are_ablated_on_the_sample_input(file: Path) -> None:
    ran = run("sweep", f"{file}:Net", "-i", "2x4", "--over", "one,two,never", "--hook", "zero()", "--metric", "kl")
    assert ran.returncode == 1  # one place has no number
    assert "never" in ran.stdout and "not called" in ran.stdout and "sweep of zero(): 3 places" in ran.stdout
    typed = ("--over", "one,two", "--hook", "zero()", "--metric", "kl", "--print", "map", "--ascii")
    ran = run("sweep", f"{file}:Net", "-i", "2x4", *typed)
    assert ran.returncode == 0 and ran.stdout.isascii() and "\x1b" not in ran.stdout and "one" in ran.stdout


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [
        (["--metric", "kl"], 2, "give --clean"),
        (["--metric", "nope", "--hook", "zero()"], 2, "no metric 'nope'"),
        (["--metric", "kl", "--hook", "zero()", "--over", "nope"], 2, "nope"),
        (["--metric", "FILE:broken", "--hook", "zero()"], 1, "your metric"),
        (["--metric", "kl", "--hook", "zero()", "-i", "2x5"], 1, "-i 1x4"),
        (["--metric", "kl", "--hook", "zero()", "--where", "[*, *]"], 2, "a star stands for one whole index"),
    ],
)
def test_what_went_wrong_is_said_in_json_too(file: Path, typed: list[str], code: int, words: str) -> None:
    typed = [text.replace("FILE", str(file)) for text in typed]
    given = ["sweep", f"{file}:Net", "--over", "one", *(() if "-i" in typed else ("-i", "2x4")), *typed]
    ran = run(*given, "--print", "json")
    document = read_document(ran.stdout)
    said = f"{document['error']['message']} {document['error']['hint']}"
    assert ran.returncode == code and words in said and words in ran.stderr, ran.stderr


def test_an_interrupt_keeps_what_there_is(file: Path) -> None:
    typed = ("sweep", f"{file}:Slow", "-i", "2x4", "--over", "one,two,out", "--hook", "noise(1)", "--metric", "mean")
    process = subprocess.Popen(
        command(*typed, "--print", "json"), cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    for _ in range(2):  # the run as it is, and the first place
        while "a run begins" not in process.stderr.readline():
            pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    document = read_document(out)
    assert process.returncode == 130 and document["error"]["type"] == "Interrupted", err
    assert document["sweep"]["complete"] is False and [row["place"] for row in document["sweep"]["rows"]] == ["one"]


def test_the_map_has_ascii_characters_where_the_app_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[view]\nascii = true")
    seen: list[tuple[bool, object]] = []
    monkeypatch.setattr(sweeping, "print_sweep", lambda target, request, form, ascii, out: seen.append((ascii, out)))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    typed = ["sweep", "m", "--over", "x", "--hook", "zero()", "--metric", "norm", "--print", "map"]
    main(typed)
    main([*typed, "--config", str(file)])
    main([*typed[:-1], "json", "--config", str(file)])
    monkeypatch.setenv("LC_ALL", "C")
    main(typed)
    assert seen == [(False, write), (True, write_ascii), (True, write), (True, write_ascii)]


def test_help_says_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sweep", "--help"])
    said = capsys.readouterr().out
    assert all(word in said for word in ("--over", "--where", "--clean", "--corrupted", "--metric", "exit codes"))
