"""The pickle of a checkpoint, unpickled by Python's own unpickler, which takes a tenth of the time that torch's takes.

Of all that a pickle may name it gets ordered dicts, the dtypes of storages, and two functions of ours that make tensors
without values. What names anything else, or does with these what `torch.save` does not, is left to torch. How much a
pickle makes has to have been looked at before: see `opcodes`.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..values.unread import Unread
from .mapped import MappedFile, extent

Records = Mapping[str, tuple[int, int]]
"""Where the bytes of each storage begin, and how many there are."""

_DTYPES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "ComplexDoubleStorage": torch.complex128, "ComplexFloatStorage": torch.complex64,
}  # fmt: skip

_UNFIT = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, ImportError, LookupError, MemoryError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What unpickling raises where a pickle is broken, or names what is not there for it."""


@dataclass
class Quick:
    """The value, with its tensors on the meta device."""

    value: Any = None
    _seats: dict[int, tuple[Tensor, Unread]] = field(default_factory=dict)  # holding a tensor keeps its id its own

    def keep(self, tensor: Tensor, seat: Unread) -> Tensor:
        self._seats[id(tensor)] = tensor, seat
        return tensor

    def seat(self, tensor: Tensor) -> Unread:
        """Where a tensor in the value lies in the file. Raises `ValueError` where the pickle has changed it since."""
        _, seat = self._seats[id(tensor)]
        if tensor.shape != seat.shape:
            raise ValueError("was changed after it was made")
        return seat


def unpickle_quickly(data: bytes, file: MappedFile, records: Records) -> Quick | None:
    """None where torch has to read it.

    Args:
        data: The pickle, looked through.
        file: Where the storages are.
        records: Their places in it.
    """
    if vars(copyreg)["_extension_registry"]:  # numbers in a pickle stand for names then, which nobody is asked about
        return None
    made = Quick()
    names = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor_maker(file, made),
        ("torch._utils", "_rebuild_parameter"): lambda tensor, requires_grad, hooks: tensor,
        **{("torch", name): dtype for name, dtype in _DTYPES.items()},
    }
    try:
        made.value = _Unpickler(data, names, records).load()
    except _UNFIT:
        return None
    return made


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, names: Mapping[tuple[str, str], Any], records: Records) -> None:
        super().__init__(io.BytesIO(data))
        self._names = names
        self._records = records

    def find_class(self, module: str, name: str) -> Any:
        """Raises `KeyError` for all but what is given to it."""
        return self._names[module, name]

    def persistent_load(self, pid: Any) -> tuple[torch.dtype, int, int]:
        """Dtype, first byte and elements of a storage."""
        _, dtype, key, _, count = pid
        start, size = self._records[key]
        if count * dtype.itemsize > size:
            raise ValueError("a storage is larger than what was saved of it")
        return dtype, start, count


class _Form(NamedTuple):
    """What many tensors of a file have in common: one of them without values, and the elements from its first to its
    last one. Its sizes are torch's: 2.0 is no size, and yet equal to 2."""

    tensor: Tensor
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    extent: int

    @classmethod
    def of(cls, dtype: torch.dtype, shape: tuple[int, ...], strides: tuple[int, ...]) -> _Form:
        """Raises `ValueError` where torch saves no such tensor."""
        if min(strides, default=0) < 0:
            raise ValueError("it has a negative stride")
        tensor = torch.empty_strided(shape, strides, dtype=dtype, device="meta")
        return cls(tensor, tuple(tensor.shape), tensor.stride(), extent(shape, strides))


def _tensor_maker(file: MappedFile, made: Quick) -> Callable[..., Tensor]:
    """What stands for torch's function. A pickle may write to a function: each has its own."""
    forms: dict[tuple[Any, ...], _Form] = {}  # to make a tensor like another takes a third of the time

    def make(
        storage: tuple[torch.dtype, int, int], first: int, shape: tuple[int, ...], strides: tuple[int, ...],
        requires_grad: bool, hooks: object, metadata: object = None,
    ) -> Tensor:  # fmt: skip
        dtype, start, count = storage
        key = (dtype, shape, strides)
        form = forms.get(key) or forms.setdefault(key, _Form.of(*key))
        if type(first) is not int or first < 0 or first + form.extent > count or metadata:
            raise ValueError("this is not all of a tensor, or more than its storage has")
        seat = Unread(file, dtype, form.shape, start + first * dtype.itemsize, form.strides)
        return made.keep(form.tensor.detach(), seat)

    return make
