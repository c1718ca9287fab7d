"""Statistics of a tensor on a CUDA device in one launch.

torch's own operations take some twenty, which is forty times as long as the layers of a small model. The kernel lies in
`statistics.cu` and is compiled where it is first wanted, by what torch compiles such sources with (NVRTC, since 2.9;
half a second for each dtype). Where that does not work, `find_kernel` gives None, and torch's operations are taken.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("statistics.cu")
TYPES = {torch.float32: "float", torch.float64: "double", torch.float16: "Half", torch.bfloat16: "BFloat16"}
"""What the source calls a dtype; others are converted before."""

_FIELDS = 8
_THREADS, _BLOCKS = 256, 512  # as the source has them
_ELEMENTS = 4  # that a thread sees at least, so that few blocks are merged where there is little
_ROWS = 256  # that are allocated together

_current_device: Any = getattr(torch._C, "_cuda_getDevice", None)
_current_stream: Any = getattr(torch._C, "_cuda_getCurrentRawStream", None)


class _Arguments(ctypes.Structure):
    """Of the kernel. torch's own way to pass them takes longer than to launch it."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("n", ctypes.c_int),
        ("row", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
    )


_OFFSETS = tuple(getattr(_Arguments, name).offset for name, _ in _Arguments._fields_)
_Pointers = ctypes.c_void_p * len(_OFFSETS)


class Kernel:
    """The reduction of tensors of one dtype on one device.

    Args:
        device: That it was compiled on.
        compiled: What torch compiled.
    """

    def __init__(self, device: torch.device, compiled: Any) -> None:
        self._device = device
        self._index = device.index
        self._function = compiled.func
        self._compiled = compiled  # which unloads it when it goes
        self._launch = _find_launch()
        self._rooms: dict[int, _Room] = {}  # by their streams

    def reduce(self, tensor: Tensor) -> Tensor:
        """The fields of `Partial` as one tensor of float64 on the device, without waiting for it.

        Args:
            tensor: Contiguous, on the device, of the dtype, with one element or more.
        """
        if _current_device() != self._index:
            with torch.cuda.device(self._device):
                return self.reduce(tensor)
        stream = _current_stream(self._index)
        room = self._rooms.get(stream)
        if room is None:
            room = self._rooms.setdefault(stream, _Room(self._device))
        row, count = room.take_row(), tensor.numel()
        slip = room.take_slip()
        arguments = slip.arguments
        arguments.x, arguments.n, arguments.row = tensor.data_ptr(), count, row.data_ptr()
        blocks = min(_BLOCKS, -(-count // (_THREADS * _ELEMENTS)))
        failed = self._launch(self._function, blocks, 1, 1, _THREADS, 1, 1, 0, stream, slip.pointers, None)
        room.slips.append(slip)  # a launch has copied what it was given
        if failed:
            raise RuntimeError(f"the kernel for statistics was not launched: CUDA error {failed}")
        return row


class _Slip:
    """What a launch is given, filled in anew for each."""

    __slots__ = ("arguments", "pointers")

    def __init__(self, scratch: int) -> None:
        self.arguments = _Arguments(None, 0, None, scratch)
        address = ctypes.addressof(self.arguments)
        self.pointers = _Pointers(*(address + offset for offset in _OFFSETS))


class _Room:
    """Memory for the launches of one stream, which come one after another: rows of results, and what all share. Any
    thread may take of it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._scratch = torch.zeros(_FIELDS * _BLOCKS + 1, dtype=torch.float64, device=device)
        self._free: list[Tensor] = []
        self.slips: list[_Slip] = []

    def take_row(self) -> Tensor:
        try:
            return self._free.pop()
        except IndexError:
            first, *others = torch.empty((_ROWS, _FIELDS), dtype=torch.float64, device=self._device).unbind()
            self._free += others
            return first

    def take_slip(self) -> _Slip:
        try:
            return self.slips.pop()
        except IndexError:
            return _Slip(self._scratch.data_ptr())


@cache
def find_kernel(dtype: torch.dtype, device: torch.device) -> Kernel | None:
    """For tensors of this dtype on this device; None where there is none."""
    compile_kernel: Any = getattr(torch.cuda, "_compile_kernel", None)
    if compile_kernel is None or device.type != "cuda" or dtype not in TYPES:
        return None
    places = list(sys.path)
    try:
        with torch.cuda.device(device):
            return Kernel(device, compile_kernel(SOURCE.read_text("utf-8"), f"reduce<{TYPES[dtype]}>"))
    except Exception:  # no NVRTC, one that is too old for the device, or none of NVIDIA's: torch's operations remain
        return None
    finally:
        sys.path[:] = places  # torch imports setuptools, which adds its own; the pass did not


@cache
def ordinary_keys(kind: str) -> int:
    """Of tensors on such a device that have no other layout, no transform and nothing lazy."""
    keys: int = torch._C._dispatch_keys(torch.empty(0, device=kind)).raw_repr()
    return keys


def _find_launch() -> Any:
    launch = ctypes.CDLL("libcuda.so.1").cuLaunchKernel
    number, pointer = ctypes.c_uint, ctypes.c_void_p
    launch.argtypes = [pointer, *[number] * 7, pointer, pointer, pointer]
    return launch
