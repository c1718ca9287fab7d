"""Whole numbers, scalars, empty, complex and small tensors: a kind is right or fails, and is never silently wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.errors import UsageError

VALUES = {
    "int64": torch.arange(8).reshape(2, 4),
    "int8": torch.tensor([[100, -100, 3, 0], [1, 2, 3, 4]], dtype=torch.int8),
    "bool": torch.tensor([[True, False], [True, True]]),
    "scalar": torch.tensor(-1.5),
    "empty": torch.zeros(0, 4),
    "complex": torch.tensor([[1 + 2j, -3j], [0.5, -1 - 1j]]),
    "half": torch.tensor([[60000.0, 50000.0], [-3.0, 1e-4]], dtype=torch.float16),
    "bfloat16": torch.linspace(-2, 2, 8, dtype=torch.bfloat16).reshape(2, 4),
    "float8": torch.linspace(-2, 2, 8).to(torch.float8_e4m3fn).reshape(2, 4),
    "double": torch.linspace(-2, 2, 8, dtype=torch.float64).reshape(2, 4),
    "infinite": torch.tensor([[float("inf"), float("nan")], [-0.2, -0.1]]),
}


def wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def dropped(tensor: Tensor) -> Tensor:
    if tensor.dim() == 0:
        return tensor
    kept = torch.rand([1] * (tensor.dim() - 1) + [tensor.shape[-1]], generator=torch.Generator().manual_seed(0)) >= 0.5
    return torch.where(kept, tensor, torch.zeros_like(tensor))


def pruned(tensor: Tensor) -> Tensor:
    order = tensor.abs().flatten().argsort()[: tensor.numel() // 2]
    return tensor.flatten().index_fill(0, order, 0).view(tensor.shape)


def permuted(tensor: Tensor) -> Tensor:
    order = torch.randperm(len(tensor), generator=torch.Generator().manual_seed(0)) if tensor.dim() else None
    return tensor if order is None else tensor[order]


def clipped(tensor: Tensor) -> Tensor:
    length = tensor.abs().square().sum().sqrt()
    return tensor * (2 / length if not length <= 2 else 1)


KINDS: dict[str, Callable[[Tensor], Tensor]] = {
    "scale(2)": lambda t: wide(t) * 2,
    "scale(0.5)": lambda t: wide(t) * 0.5,
    "add(1)": lambda t: wide(t) + 1,
    "add(0.25)": lambda t: wide(t) + 0.25,
    "zero()": lambda t: torch.zeros_like(wide(t)),
    "clamp(-1, 1)": lambda t: wide(t).clamp(-1, 1),
    "clamp(-0.5, 0.5)": lambda t: wide(t).clamp(-0.5, 0.5),
    "dropout(0.5)": lambda t: dropped(wide(t)),
    "round('bfloat16')": lambda t: wide(t).to(torch.bfloat16).to(torch.float64),
    "mean()": lambda t: wide(t).mean().expand_as(t),
    "mean(0)": lambda t: wide(t).mean(0, keepdim=True).expand_as(t),
    "permute()": lambda t: permuted(wide(t)),
    "prune(0.5)": lambda t: pruned(wide(t)),
    "assign(3)": lambda t: torch.full_like(wide(t), 3),
    "assign(0.5)": lambda t: torch.full_like(wide(t), 0.5),
    "assign(300)": lambda t: torch.full_like(wide(t), 300),
    "clip(2)": lambda t: clipped(wide(t)),
    "replace('whole.pt')": lambda t: torch.full_like(wide(t), 5),
    "replace('part.pt')": lambda t: torch.full_like(wide(t), 0.5),
    "replace('complex.pt')": lambda t: torch.full_like(t, 1j, dtype=torch.complex128),
}
RIGHT = {
    "int64": {"scale(2)", "add(1)", "zero()", "clamp(-1, 1)", "dropout(0.5)", "permute()", "prune(0.5)", "assign(3)",
              "assign(300)", "replace('whole.pt')"},
    "complex": {"scale(2)", "scale(0.5)", "add(1)", "add(0.25)", "zero()", "mean()", "permute()", "dropout(0.5)",
                "prune(0.5)", "assign(3)", "assign(0.5)", "clip(2)", "replace('whole.pt')", "replace('complex.pt')"},
    "scalar": set(KINDS) - {"replace('complex.pt')"},
    "bfloat16": set(KINDS) - {"replace('complex.pt')"},
    "double": set(KINDS) - {"replace('complex.pt')"},
}  # fmt: skip
"""What has to be right and no fault; of the rest either is fine."""


def taken(hook: str, value: Tensor, on: str = "output") -> tuple[Tensor, list[Exception]]:
    """What a hook that names a tensor makes of it."""
    box = nn.Identity()
    where = "[0]" if on == "output" else "[0][0]"
    with inspector.hooks(box, {"": f"{hook[:-1]}{', ' * (hook[-2] != '(')}on={on!r}, where={where!r})"}) as block:
        output = box((value.clone(), None))
    return output[0], block.faults


def close(found: Tensor, truth: Tensor) -> bool:
    """To the precision of its dtype; of whole numbers exactly."""
    if not found.is_floating_point() and not found.is_complex():
        return torch.equal(wide(found), truth)
    precision = 2 * torch.finfo(found.dtype).eps
    rounded = truth.to(found.dtype).to(truth.dtype)  # what is too large for it is infinite in it
    return torch.allclose(wide(found).to(truth.dtype), rounded, precision, precision, equal_nan=True)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore::inspector.errors.HookWarning")
@pytest.mark.parametrize("on", ["output", "input"])
@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("hook", KINDS)
def test_it_is_right_or_a_fault(hook: str, name: str, on: str) -> None:
    value = VALUES[name]
    for file, fill in (("whole", 5.0), ("part", 0.5), ("complex", 1j)):
        torch.save(torch.full(value.shape, fill), f"{file}.pt")
    found, faults = taken(hook, value, on)
    assert found.dtype == value.dtype and found.shape == value.shape
    if faults:
        assert torch.equal(
            found.view(torch.uint8) if value.dim() else found, value.view(torch.uint8) if value.dim() else value
        )
        assert hook not in RIGHT.get(name, ())
    else:
        assert close(found, KINDS[hook](value)), (found, KINDS[hook](value))


@pytest.mark.filterwarnings("ignore::inspector.errors.HookWarning")
@pytest.mark.parametrize("name", VALUES)
def test_noise_has_its_spread_or_is_a_fault(name: str) -> None:
    value = VALUES[name].flatten()[:1].expand(10_000) if VALUES[name].numel() else VALUES[name]
    found, faults = taken("noise(0.5)", value)
    if faults:
        assert name in ("int64", "int8", "bool", "float8")
    elif name not in ("infinite", "half", "empty"):
        assert (wide(found) - wide(value)).std().item() == pytest.approx(0.5, rel=0.05)


@pytest.mark.filterwarnings("ignore::inspector.errors.HookWarning")
@pytest.mark.parametrize("name", VALUES)
def test_what_only_looks_sees_any_of_them(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = VALUES[name]
    for hook in ("print()", "record('r')", "observe()"):
        found, faults = taken(hook, value)
        assert not faults and found.dtype == value.dtype, faults
    assert "output" in capsys.readouterr().out


def test_what_holds_no_floating_tensor_is_left_where_none_is_named() -> None:
    box, ids = nn.Identity(), torch.arange(4)
    with pytest.warns(UserWarning, match="never fired"), inspector.hooks(box, {"": inspector.scale(2)}):
        assert box(ids) is ids


@pytest.mark.parametrize("text", ["round('int8')", "round('nope')", "assign(1, 'True')"])
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageError), inspector.hooks(nn.Identity(), {"": text}):
        pass


def test_gradients_of_half_precision_are_clipped_where_their_norm_overflows() -> None:
    found, faults = taken("clip(2)", VALUES["half"])
    expected: Any = VALUES["half"].double() * (2 / VALUES["half"].double().norm())
    assert not faults and torch.allclose(found.double(), expected, 1e-3, 1e-6)
