"""`--record MODULE --save FILE`: what plain hooks see, in a file that hooks and the library read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import inspector
from inspector.cli.main import main
from tests.cli.test_headless import TOYS
from tests.warm import run


def test_outputs_are_written_as_plain_hooks_see_them(tmp_path: Path) -> None:
    file = tmp_path / "clean.safetensors"
    again = ["torchvision.models:squeezenet1_0", "num_classes=4", "-i", "1x3x32x32", "--seed", "3"]
    ran = run(*again, "--record", "features.?", "--record", "(root)", "--save", str(file))
    assert ran.returncode == 0 and f"tensors of 'clean' in {file}" in ran.stderr, ran.stderr
    loaded = inspector.load(file)
    assert {key for key in loaded if ":" in key} == set(loaded) and "(root):output" in loaded
    other = tmp_path / "other.safetensors"
    hook = f"features.4:patch({str(file)!r})"
    ran = run(
        *again, "--hook", "features.0:zero()", "--hook", hook, "--record", "features.0,(root)", "--save", str(other)
    )
    assert ran.returncode == 0, ran.stderr
    patched = inspector.load(other)
    assert not patched["features.0:output"].any()
    assert torch.equal(patched["(root):output"], loaded["(root):output"])


def test_a_recording_of_the_command_line_is_that_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\n\ndef make():\n    torch.manual_seed(0)\n    return torch.nn.Sequential(torch.nn.Linear(3, 3),"
        " torch.nn.ReLU(inplace=True)), (torch.arange(6.).reshape(2, 3) - 2,)\n"
    )
    file = tmp_path / "net.safetensors"
    ran = run(f"{tmp_path / 'net.py'}:make", "--record", "*,(root)", "--save", str(file))
    assert ran.returncode == 0, ran.stderr
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU(inplace=True))
    seen: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        module.register_forward_hook(
            lambda m, a, out, name=name: seen.update({f"{name or '(root)'}:output": out.clone()})
        )
    model(torch.arange(6.0).reshape(2, 3) - 2)
    loaded = inspector.load(file)
    assert set(loaded) == set(seen) and all(torch.equal(loaded[key], value) for key, value in seen.items())


def test_one_without_the_other_is_an_error_and_no_file_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.safetensors").write_bytes(b"mine")
    for typed, words in (
        (["--record", "fc"], "go together"),
        (["--save", "x.safetensors"], "go together"),
        (["--record", "fc", "--save", "x.pt"], "does not end with .safetensors"),
        (["--record", "fc", "--save", str(tmp_path / "there.safetensors")], "there already"),
        (["--record", "fc", "--save", f"{'x' * 300}.safetensors"], "longer than a file may have"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["resnet18", *typed])
        assert left.value.code == 2 and words in capsys.readouterr().err
    assert (tmp_path / "there.safetensors").read_bytes() == b"mine"


def test_a_failed_pass_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "no.safetensors"
    ran = run(f"{TOYS}:raises_midway", "--record", "*", "--save", str(file))
    assert ran.returncode == 1 and "is not written" in ran.stderr and not file.exists()
    ran = run(f"{TOYS}:two_names", "--record", "nope", "--save", str(file))
    assert ran.returncode == 2 and "nope" in ran.stderr and not file.exists()
    ran = run(f"{TOYS}:two_names", "--no-forward", "--record", "*", "--save", str(file))
    assert ran.returncode == 2 and "--record needs a pass" in ran.stderr and not file.exists()
