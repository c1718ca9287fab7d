"""Device, dtype and mode of a model."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ...errors import UsageError
from ...raised import first_line_of, say
from ...records import Work
from ...text import encodable
from ..modules.tree import walk
from ..modules.walk import tensors_of
from ..modules.weight_tree import Weights
from ..source.running import in_mro
from ..usercode.running import reported
from ..usercode.telling import Tell, now_and_then, tell_nobody
from ..values.unwrap import is_lazy

_MOVES = (torch.Tensor.to, torch.Tensor.cuda, torch.Tensor.cpu)

DTYPES = ("float32", "float16", "bfloat16", "float64")


def parse_device(text: str) -> torch.device | None:
    """The device of this name, None for auto. Raises `UsageError` where it is not there."""
    if text in ("", "auto"):
        return None
    try:
        device = torch.device(text)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # a bad name, or a build without it
        raise UsageError(
            encodable(f"the device {text!r} cannot be used: {first_line_of(error)}", 500),
            hint="-d takes auto, cpu, cuda:N or meta",
        ) from None
    return device


def parse_dtype(text: str) -> torch.dtype | None:
    """The floating dtype of this name, None for the model's own."""
    if not text:
        return None
    dtype = getattr(torch, text, None)
    if isinstance(dtype, torch.dtype) and dtype.is_floating_point and dtype.itemsize > 1:
        return dtype
    close = difflib.get_close_matches(text, DTYPES, 1)
    raise UsageError(
        encodable(f"{text!r} is not a dtype a model can run in", 300),
        where=f"--dtype takes {', '.join(DTYPES)}",
        hint=f"did you mean --dtype {close[0]}?" if close else "--dtype bfloat16, or none for its own",
    )


class _Counting(TorchFunctionMode):
    """Tells how many bytes of a model were moved or cast, whoever does it."""

    def __init__(self, what: str, model: nn.Module, tell: Tell) -> None:
        super().__init__()
        self._what, self._tell, self._done = what, now_and_then(tell), 0
        self._total = sum(map(_count_bytes, tensors_of(model)))
        tell(Work(what))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        moved = func(*args, **(kwargs or {}))
        if func in _MOVES:
            self._done = min(self._done + _count_bytes(args[0]), self._total)
            self._tell(Work(self._what, self._done, self._total, "bytes"))
        return moved


def _count_bytes(tensor: torch.Tensor) -> int:
    return 0 if is_lazy(tensor) else tensor.numel() * tensor.element_size()


def place(
    model: nn.Module, device: torch.device | None, dtype: torch.dtype | None, stays: bool, tell: Tell = tell_nobody
) -> tuple[str, ...]:
    """Move and cast the model where that is asked for; notes on what was decided.

    Without a device, a model that lies on the CPU goes to CUDA where there is one; one that its own code put elsewhere
    is left there.
    """
    if stays:
        return () if device is None or device.type == "cpu" else ("quantized: it stays on the CPU",)
    if dtype is not None and any(t.is_floating_point() and t.dtype != dtype for t in tensors_of(model)):
        name = str(dtype).removeprefix("torch.")
        with reported(f"your model could not be cast to {name}:"), _Counting(f"casting to {name}", model, tell):
            _to(model, dtype)
    if device is None:
        return _place_automatically(model, tell)
    _move(model, device, tell)
    return ()


def write_placing(model: nn.Module, dtype: str) -> list[str]:
    """Python that does to `model`, built anew, what `place` did.

    Args:
        model: As it was placed; one on several devices put itself there.
        dtype: That it was to be cast to, empty for its own.
    """
    tensors = [tensor for tensor in tensors_of(model) if not is_lazy(tensor)]
    cast = [f"torch.{dtype}"] if any(str(tensor.dtype) == f"torch.{dtype}" for tensor in tensors) else []
    devices = {str(tensor.device) for tensor in tensors}
    moved = [repr(*devices)] if len(devices) == 1 and devices != {"cpu"} else []
    return [f"model.to({to})" for to in (*cast, *moved)]


def set_mode(model: nn.Module, training: bool) -> tuple[str, ...]:
    """`model.train(training)`; a note where the model cannot be switched.

    torch's own walk recurses, and asks modules whether they are equal: what it does not reach is switched one by one.
    """
    if isinstance(model, Weights):
        return ()
    try:
        model.train(training)
        done = True
    except (RecursionError, TypeError):
        done = _switch_one_by_one(model, training)
    except Exception as error:  # an exported program refuses; equality and `train` are other people's code
        return (_not_switched(training, say(error)),)
    if done and _may_be_taken_for_another(model):
        _switch_one_by_one(model, training)
    return () if done else (_not_switched(training, "a module with a `train` of its own was not reached"),)


def _not_switched(training: bool, why: str) -> str:
    return encodable(f"not switched to {'train' if training else 'eval'} mode: {why}", 300)


def _may_be_taken_for_another(model: nn.Module) -> bool:
    """Whether a class has equality of its own, by which torch's walk drops modules."""
    return any(in_mro(cls, "__eq__")[0] is not object for cls in {type(node.module) for node in walk(model).objects()})


def _switch_one_by_one(model: nn.Module, training: bool) -> bool:
    """Set the flag of every module that has torch's own `train`, which does nothing else. Whether all are as wanted."""
    modules = [node.module for node in walk(model).objects()]
    for module in modules:
        if in_mro(type(module), "train")[1] is nn.Module.__dict__["train"]:
            module.training = training
    return all(module.training == training for module in modules)


def _place_automatically(model: nn.Module, tell: Tell) -> tuple[str, ...]:
    devices = {tensor.device.type for tensor in tensors_of(model)}
    if not torch.cuda.is_available() or devices - {"cpu"}:
        return ()
    try:
        with _Counting("moving to cuda", model, tell):
            _to(model, torch.device("cuda"))
    except torch.cuda.OutOfMemoryError:
        _to(model, torch.device("cpu"))
        return ("on the CPU: it does not fit on the CUDA device",)
    return ()


def _move(model: nn.Module, device: torch.device, tell: Tell) -> None:
    tensors = list(tensors_of(model))
    if all(_is_on(tensor, device) for tensor in tensors):
        return
    if device.type != "meta" and any(tensor.is_meta for tensor in tensors):
        raise UsageError(
            f"the model was built on the meta device and has no values to move to {device}",
            hint="use -d meta, or build it on a real device",
        )
    moving = f"moving to {device}"
    with reported(f"your model could not be moved to {device}:", hint="-d cpu"), _Counting(moving, model, tell):
        _to(model, device)


def _to(model: nn.Module, to: torch.device | torch.dtype) -> None:
    try:
        model.to(to)
    except RecursionError:  # a module that holds itself: torch's own walk of it does not end
        for tensor in tensors_of(model):
            if isinstance(to, torch.device) or tensor.is_floating_point():
                tensor.data = tensor.data.to(to)


def _is_on(tensor: torch.Tensor, device: torch.device) -> bool:
    return tensor.device.type == device.type and device.index in (None, tensor.device.index)
