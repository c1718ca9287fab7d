"""Tensors that were recorded, as an object that crosses blocks, files and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...errors import UsageError
from ...files import expand
from ...text import encodable, visible
from .tensor_file import read_notes, read_tensors, write_tensors

SHOWN = 40
"""Rows of the table that a recording shows itself as."""


class Recording(Mapping[str, Tensor]):
    """Recorded tensors by place: `rec["layer1:output"]`.

    A key is `path#call@step:on.leaf`: the module's dotted path, its call in the step, the step, what was recorded of it
    (output, input or grad), and which tensor of that. All numbers are from 0, and left out where they are 0. A part
    of a tensor is kept as such: `layer1:output[:, -1]`.

    Args:
        tensors: By key. Not copied: what is recorded later is there too.
        model: The class of the model they are from, "" where that is unknown.
        file: Where they are saved, "" where they are not.
        left_out: What was to be recorded and found no room, as keys.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], model: str = "", file: str = "", left_out: tuple[str, ...] = ()
    ) -> None:
        self._tensors = tensors
        self.model = model
        self.file = file
        self.left_out = left_out

    def __getitem__(self, key: str) -> Tensor:
        return self._tensors[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    __eq__ = object.__eq__  # as a mapping is compared, tensors would be asked for one truth
    __hash__ = object.__hash__

    @property
    def nbytes(self) -> int:
        """Of all tensors."""
        return sum(map(bytes_of, self.values()))

    def to(self, device: torch.device | str) -> Recording:
        """The same tensors on another device."""
        return Recording({key: tensor.to(device) for key, tensor in self.items()}, self.model, self.file, self.left_out)

    def save(self, path: str | Path) -> None:
        """Write a new .safetensors file, which `load` reads, and which hooks can name: `patch("clean.safetensors")`.

        Raises:
            UsageError: The ending is another one, there is nothing to write, or the file is there already.
        """
        name = str(path)
        if Path(name).suffix != ".safetensors":
            raise UsageError(encodable(f"{name} does not end with .safetensors", 300), hint="clean.safetensors")
        if not self:
            raise UsageError("nothing was recorded", hint="run the model in the block")
        write_tensors(expand(name), self, {"model": self.model})
        self.file = name

    def __repr__(self) -> str:
        head = f"Recording of {len(self)} tensor{'s' * (len(self) != 1)}, {self.nbytes / 1e6:.1f} MB"
        for label, text in (("of", self.model), ("in", self.file)):
            head += f", {label} {text}" if text else ""
        rows = [(key, _sizes(tensor), str(tensor.dtype)[6:], str(tensor.device)) for key, tensor in self.items()]
        lines = [visible(head), *_align(rows[:SHOWN])]
        lines += [f"  … and {len(rows) - SHOWN} more"] * (len(rows) > SHOWN)
        lines += [f"  {len(self.left_out)} left out: there was no room"] * bool(self.left_out)
        return "\n".join(lines)


def load(path: str | Path) -> Recording:
    """What `Recording.save`, `record` or `--save` wrote; any .safetensors file, or a .pt file with tensors by name.

    Raises:
        UsageError: There is no such file, or it cannot be read.
    """
    tensors = read_tensors(str(path))
    return Recording(tensors, encodable(read_notes(str(path)).get("model", ""), 120), str(path))


def bytes_of(tensor: Tensor) -> int:
    """What all elements take."""
    return tensor.numel() * tensor.element_size()


def _sizes(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"


def _align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    shown = [tuple(map(visible, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
