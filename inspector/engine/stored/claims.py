"""How large the storages are that a pickle of torch names, read with nothing in it made or run.

Where torch runs TorchScript or maps a file it takes that number for the size of what there is, whatever that is: an
archive that claims more has its tensors written and read beyond what was saved of them.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch

_DTYPES = {
    f"{name}Storage": getattr(torch, dtype)
    for name, dtype in {
        "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Byte": "uint8",
        "Char": "int8", "Short": "int16", "Int": "int32", "Long": "int64", "Bool": "bool",
        "ComplexFloat": "complex64", "ComplexDouble": "complex128", "QInt8": "qint8", "QUInt8": "quint8",
        "QInt32": "qint32", "QUInt4x2": "quint4x2", "QUInt2x4": "quint2x4",
    }.items()
}  # fmt: skip
"""As pickles name them, under `torch`."""
_WIDEST = 16
"""Bytes of an element of a type that is not known here."""


def read_claims(data: bytes) -> dict[str, int]:
    """Bytes of each storage, by its key. To be called for a pickle that was looked through.

    Raises:
        ValueError: It is none that torch writes.
    """
    reader = _Reader(io.BytesIO(data))
    try:
        reader.load()
    except Exception as error:  # pickle raises anything for what is damaged
        raise ValueError(f"it is no pickle of torch's: {type(error).__name__}") from None
    return reader.claims


class _Any:
    """Whatever is made of anything."""

    def __new__(cls, *args: object) -> _Any:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Nothing is kept."""

    __setitem__ = append = extend = add = lambda self, *given: None  # as a pickle fills what is like a dict or a list


class _Storage:
    """A storage type: bytes of an element."""

    def __init__(self, itemsize: int) -> None:
        self.itemsize = itemsize


class _Reader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.claims: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Nothing of anybody's."""
        if module == "torch" and name.endswith("Storage"):
            dtype = _DTYPES.get(name)
            return _Storage(_WIDEST if dtype is None else dtype.itemsize)
        return _Any

    def persistent_load(self, pid: Any) -> _Any:
        """Take down what is claimed."""
        _, kind, key, _, count = pid
        if not isinstance(kind, _Storage) or type(key) is not str or type(count) is not int or count < 0:
            raise ValueError("a storage that torch does not write")
        self.claims[key] = max(self.claims.get(key, 0), count * kind.itemsize)
        return _Any()
