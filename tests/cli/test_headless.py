"""The command without a terminal: what goes to which stream, and the exit code. The model is always another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from inspector.cli.main import main
from tests.documents import read_document
from tests.warm import run

ROOT = Path(__file__).parents[2]
TOYS = "tests/models.py"

RUNS = {
    "prints": (f"{TOYS}:prints", "--print", "json"),
    "raises": (f"{TOYS}:raises_midway", "--print", "json"),
    "tree": (f"{TOYS}:two_names",),
    "lazy": (f"{TOYS}:lazy_linear",),
    "lazy, allowed": (f"{TOYS}:lazy_linear", "--materialize"),
    "no forward": ("torch.nn:ModuleList",),
    "os_exit": (f"{TOYS}:os_exit", "--print", "json"),
    "segfault": (f"{TOYS}:segfault", "--print", "json"),
    "closes_every_fd": (f"{TOYS}:closes_every_fd", "--print", "json"),
    "unknown": ("resnet1818", "--print", "json"),
    "several": (TOYS, "--print", "json"),
    "lazy, as json": (f"{TOYS}:lazy_linear", "--print", "json"),
    "no such name": (f"{TOYS}:shared_rely", "--print", "json"),
}
Ran = subprocess.CompletedProcess[str]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "inspector", *arguments]


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[Ran]]]:
    """All of them, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(run, *arguments) for name, arguments in RUNS.items()}


Runs = dict[str, "Future[Ran]"]


def test_stdout_is_the_report_alone_whatever_the_model_prints(runs: Runs) -> None:
    ran = runs["prints"].result()
    assert ran.returncode == 0 and read_document(ran.stdout)["error"] is None
    assert "hello from forward" in ran.stderr and "raw fd 1" in ran.stderr and "stderr line" in ran.stderr
    assert "a warning" in ran.stderr and "\x1b" not in ran.stderr


def test_a_forward_that_raises_is_reported_with_what_was_captured(runs: Runs) -> None:
    ran = runs["raises"].result()
    assert ran.returncode == 1
    found = read_document(ran.stdout)
    assert found["error"]["path"] == "bad.0" and len(found["calls"]) == 4
    assert "self.c(self.bad(self.a(x)))" in ran.stderr and "module: bad.0" in ran.stderr


def test_without_a_terminal_the_tree_is_printed(runs: Runs) -> None:
    ran = runs["tree"].result()
    assert ran.returncode == 0 and "\x1b" not in ran.stdout
    assert ran.stdout.splitlines()[0].split() == ["Module", "Class", "Parameters", "Output", "Calls"]
    assert "3 modules, 20 parameters" in ran.stdout


@pytest.mark.parametrize(
    ("name", "words"), [("os_exit", "ended with exit code 7"), ("segfault", "was killed by SIGSEGV")]
)
def test_a_model_that_kills_its_process_is_reported_with_what_was_captured(name: str, words: str, runs: Runs) -> None:
    ran = runs[name].result()
    assert ran.returncode == 1
    found = read_document(ran.stdout)
    assert [(call["path"], call["status"]) for call in found["calls"]] == [("lin", "ok"), ("", "unfinished")]
    assert found["calls"][0]["output"]["shape"] == [2, 4] and found["calls"][0]["output"]["mean"] is not None
    assert found["calls"][1]["inputs"][0]["shape"] == [2, 4]
    assert words in found["error"]["message"] and found["error"]["path"] == ""
    assert f"inspector: the engine {words} during the forward pass" in ran.stderr
    assert "where: " in ran.stderr and "tests/models.py:" in ran.stderr


def test_a_model_that_closes_every_descriptor_does_no_harm(runs: Runs) -> None:
    ran = runs["closes_every_fd"].result()
    assert ran.returncode == 0 and read_document(ran.stdout)["error"] is None


@pytest.mark.parametrize(("name", "near"), [("unknown", "resnet18"), ("no such name", "shared_relu")])
def test_what_cannot_be_found_is_a_usage_error_that_helps(name: str, near: str, runs: Runs) -> None:
    ran = runs[name].result()
    assert ran.returncode == 2
    assert near in ran.stderr and "try:" in ran.stderr
    found = read_document(ran.stdout)
    assert found["target"] == RUNS[name][0] and found["error"]["type"] == "UsageError" and found["error"]["hint"]
    assert near in found["error"]["message"] + found["error"]["hint"] and "model" not in found


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--print", "yaml", "resnet18"),
        ("--print", "tree", "resnet18", "--nonsense"),
        ("resnet18", "not-a-pair"),
        ("resnet18", "--train", "--eval"),
        ("resnet18", "--nonsense"),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr.startswith("usage: inspector")


@pytest.mark.parametrize(
    ("arguments", "target", "word"),
    [
        (("--print", "json"), None, "TARGET"),
        (("--print=json", "resnet18", "--nonsense"), "resnet18", "--nonsense"),
        (("resnet18", "not-a-pair", "--print", "json"), "resnet18", "not-a-pair"),
        (("resnet18", "--print", "json", "--hook", "scale(2)"), "resnet18", "names no module"),
        (("resnet18", "--train", "--eval", "--print", "json"), "resnet18", "not allowed"),
        (("resnet18", "--seed", "one", "--print", "json"), "resnet18", "--seed"),
    ],
)
def test_in_json_it_says_so_on_standard_output_too(
    arguments: tuple[str, ...], target: str | None, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    said = capsys.readouterr()
    found = read_document(said.out)
    assert left.value.code == 2 and word in found["error"]["message"] and word in said.err
    assert found["error"]["type"] == "UsageError" and found["target"] == target
    assert said.err.startswith("usage: inspector")


def test_several_choices_are_told_as_one_document(runs: Runs) -> None:
    ran = runs["several"].result()
    found = read_document(ran.stdout)
    assert ran.returncode == 2 and found["error"]["type"] == "Choices"
    assert f"{TOYS}:SharedRelu" in [each["name"] for each in found["choices"]]
    assert all(f"  inspector {each['name']}  " in ran.stderr for each in found["choices"])


def test_what_was_not_run_is_reported_with_the_reason(runs: Runs, tmp_path: Path) -> None:
    lazy = runs["lazy, as json"].result()
    found = read_document(lazy.stdout)
    assert lazy.returncode == 2 and found["error"]["type"] == "Lazy" and "--materialize" in found["error"]["hint"]
    assert found["calls"] == [] and found["model"]["modules"] == len(found["modules"]) == 3
    (tmp_path / "odd.py").write_text(
        "import torch\nclass Odd(torch.nn.Linear):\n    def forward(self, thing):\n        return thing.part\n"
    )
    unknown = run(f"{tmp_path / 'odd.py'}:Odd", "in_features=1", "out_features=1", "--print", "json")
    found = read_document(unknown.stdout)
    assert (
        unknown.returncode == 2 and found["error"]["type"] == "NoInput" and found["error"]["hint"].startswith("give it")
    )
    assert found["error"]["where"] == "forward(thing)" and found["calls"] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_a_loop_without_end_and_its_process(number: signal.Signals, code: int) -> None:
    arguments = command(f"{TOYS}:infinite_loop", "--print", "json")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, **pipes) as process:
        assert process.stderr is not None and process.stdout is not None
        while "looping" not in process.stderr.readline():
            assert process.poll() is None
        (engine,) = children(process.pid)
        process.send_signal(number)
        began = time.monotonic()
        assert process.wait(60) == code
        assert time.monotonic() - began < 20
        said, found = process.stderr.read(), read_document(process.stdout.read())
        assert "interrupted during the forward pass" in said and "tests/models.py:" in said
        assert found["error"]["type"] == "Interrupted" and found["calls"]
    with pytest.raises(ProcessLookupError):
        os.kill(engine, 0)


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("needs Linux")
    return [int(child) for child in listed.read_text().split()]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from safetensors.torch import save_file
    from torch import nn

    file = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save_file(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).state_dict(), file, metadata={"format": "pt"})
    return file


def test_weights_without_a_model_are_reported_and_not_run(weights: Path) -> None:
    ran = run(str(weights), "--print", "json")
    found = read_document(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (found["calls"], found["error"], found["output"]) == ([], None, {"kind": "none"})
    assert found["model"]["parameters"] == 13 and found["model"]["bytes"] == 52
    (row,) = [row for row in found["modules"] if row["path"] == "0.weight"]
    assert (row["dtype"], row["shape"], row["bytes"], row["parent"]) == ("float32", [3, 2], 24, "0")


def test_the_tree_of_weights_shows_names_shapes_dtypes_and_sizes(weights: Path) -> None:
    ran = run(str(weights))
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert ran.returncode == 0 and lines[0] == ["Name", "Dtype", "Shape", "Elements", "Bytes"]
    assert ["weight", "float32", "3×2", "6", "24"] in lines
    assert "weights without a model, 4 tensors, 13 elements" in ran.stdout and "metadata: format = pt" in ran.stdout


def test_weights_take_no_weights(weights: Path) -> None:
    ran = run(str(weights), "-w", str(weights), "--print", "json")
    assert ran.returncode == 2 and "so -w cannot be used" in ran.stderr
    assert "so -w cannot be used" in read_document(ran.stdout)["error"]["message"]


def test_lazy_modules_are_not_materialized_unless_that_is_allowed(runs: Runs) -> None:
    ran = runs["lazy"].result()
    assert ran.returncode == 2 and "LazyLinear" in ran.stdout and "lazy" in ran.stdout
    assert "nothing was run" in ran.stderr and "--materialize" in ran.stderr
    allowed = runs["lazy, allowed"].result()
    assert allowed.returncode == 0 and "calls in" in allowed.stdout and not allowed.stderr.count("try:")


def test_without_a_forward_the_modules_are_shown_and_nothing_is_run(runs: Runs) -> None:
    ran = runs["no forward"].result()
    assert ran.returncode == 0, ran.stderr
    assert "note: ModuleList has no forward: it holds modules, and there is nothing to run" in ran.stdout


@pytest.mark.slow
def test_what_other_packages_print_never_spoils_the_report() -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    sizes = [
        f"{part}.{size}"
        for part in ("text_config", "vision_config")
        for size in ("hidden_size=32", "num_hidden_layers=1", "num_attention_heads=4")
    ]
    ran = run("hf:CLIPConfig", *sizes, "--print", "json")
    found = read_document(ran.stdout)
    assert ran.returncode == 0 and found["error"] is None and found["model"]["class"] == "CLIPModel"
    assert "guessing" in ran.stderr
