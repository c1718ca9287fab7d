"""Values whose every protocol raises: they are described, and nothing of theirs runs."""

from __future__ import annotations

import enum
import functools
import sys
import types
from collections import OrderedDict, deque, namedtuple
from typing import Any

import pytest
import torch
from torch import nn

import inspector


class Ran(BaseException):
    """Raised by whatever of a value runs."""


def _trap(*args: Any, **kwargs: Any) -> Any:
    if _is_asked_by_us():
        raise Ran
    return NotImplemented


def _is_asked_by_us() -> bool:
    frame: Any = sys._getframe(2)
    while frame is not None:
        if f"{inspector.__name__}/" in frame.f_code.co_filename.replace("\\", "/"):
            return "tests/" not in frame.f_code.co_filename
        frame = frame.f_back
    return False


_METHODS = [
    "repr",
    "str",
    "len",
    "iter",
    "eq",
    "ne",
    "hash",
    "bool",
    "getattr",
    "getitem",
    "contains",
    "array",
    "dlpack",
    "torch_function",
    "index",
    "int",
    "float",
    "complex",
    "bytes",
    "format",
    "reduce",
    "reduce_ex",
    "getstate",
    "deepcopy",
    "copy",
    "dir",
    "length_hint",
    "reversed",
    "next",
    "call",
    "fspath",
    "lt",
    "gt",
]
_PROPERTIES = [
    "__class__",
    "shape",
    "dtype",
    "device",
    "layout",
    "requires_grad",
    "grad",
    "grad_fn",
    "is_leaf",
    "is_meta",
    "is_nested",
    "is_sparse",
    "_version",
    "data",
    "ndim",
]


def _traps() -> dict[str, Any]:
    traps: dict[str, Any] = {f"__{name}__": _trap for name in _METHODS}
    traps |= {name: property(_trap) for name in _PROPERTIES}
    return {**traps, "numel": _trap, "element_size": _trap, "detach": _trap, "__getattribute__": _ask}


def _ask(self: Any, name: str) -> Any:
    _trap()
    return object.__getattribute__(self, name)


class Meta(type):
    __instancecheck__ = __subclasscheck__ = __repr__ = __eq__ = __len__ = __iter__ = __bool__ = _trap
    __name__ = property(_trap)
    __mro__ = property(_trap)
    __dict__ = property(_trap)

    def __hash__(cls) -> int:
        return type.__hash__(cls) if _trap() is NotImplemented else 0

    def __getattribute__(cls, name: str) -> Any:
        _trap()
        return type.__getattribute__(cls, name)


def _class(base: type) -> Any:
    return Meta(f"Hostile_{base.__name__}", (base,), _traps())


class Color(enum.Enum):
    RED = 1
    name = value = property(_trap)
    __repr__ = __str__ = __hash__ = _trap


Pair = namedtuple("Pair", "a b")
FromPandas = type("FromPandas", (), {"__module__": "pandas.core", "shape": property(_trap)})
PlainTensor = type("PlainTensor", (torch.Tensor,), _traps())
Torch: Any = torch.Tensor


class Wrapper(torch.Tensor):
    @staticmethod
    def __new__(cls, elem: torch.Tensor) -> Any:
        made = Torch._make_wrapper_subclass(cls, elem.shape)
        made.elem = elem
        return made

    __torch_dispatch__ = classmethod(_trap)
    __torch_function__ = classmethod(_trap)
    shape = property(_trap)


_filled = {base: _class(base)([1]) for base in (list, tuple, set, frozenset, deque)}
_empty = {base: _class(base)() for base in (object, dict, str, int, float, complex, bytes, bytearray, OrderedDict,
                                            types.SimpleNamespace, ValueError)}  # fmt: skip
VALUES: dict[str, Any] = {
    **{base.__name__: made for base, made in (_filled | _empty).items()},
    "method": types.MethodType(_empty[object], 1),
    "builtin method": [].append.__class__ and _filled[list].append,
    "partial": functools.partial(types.MethodType(_empty[object], 1)),
    "class": _class(object),
    "namedtuple": _class(Pair)(1, torch.ones(2)),
    "enum": Color.RED,
    "pandas": FromPandas(),
    "tensor": Torch._make_subclass(PlainTensor, torch.ones(2, 3)),
    "wrapper": Wrapper(torch.ones(2)),
    "view": types.MappingProxyType({"a": _empty[object]}),
}


class Hands(nn.Module):
    """Hands a value on, from a list of its own and as an attribute."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.inner = Takes()
        self.held = [value]
        vars(self)["value"] = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.inner(self.held[0], self.held, key={"a": self.held[0]})
        return x


class Takes(nn.Module):
    def forward(self, value: Any, more: Any, key: Any) -> Any:
        return value, key


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("statistics", [False, True])
def test_a_value_is_described_without_running_its_code(name: str, statistics: bool) -> None:
    model = Hands(VALUES[name])
    with inspector.capture(model, statistics=statistics) as captured:
        model(torch.ones(1))
    assert [call.path for call in captured.calls] == ["inner", ""]


@pytest.mark.parametrize("name", sorted({*VALUES} - {"wrapper"}))  # one that dispatches is copied by its own operations
def test_a_model_that_holds_it_is_kept_without_running_its_code(name: str) -> None:
    assert "3 calls" not in (text := inspector.summary(Hands(VALUES[name]), torch.ones(1))) and "2 calls" in text


def test_what_only_says_that_it_is_a_module_or_a_tensor_is_neither() -> None:
    model = nn.Sequential(nn.Linear(1, 1))
    model._modules["odd"] = type("Odd", (), {"__class__": nn.Module, "__call__": lambda self, x: x})()  # type: ignore
    model._buffers["odder"] = type("Odder", (), {"__class__": torch.Tensor})()  # type: ignore
    assert "1 calls" not in (text := inspector.summary(model, torch.ones(1, 1))) and "2 calls" in text
