"""What a Python object is, said without running any code of its own.

No `__repr__`, `__len__`, `__iter__`, `__eq__`, `__getattr__`, property or metaclass of somebody else is asked: types
are taken from `type()`, and everything else through the built-in type's own methods and slots.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from ...records import OtherValue, ScalarValue
from ...text import encodable
from ..source.running import Types, in_mro, module_name, mro, namespace, qualified_name, type_name, variables
from .per_type import PerType

MAX_TEXT = 400
_TYPE = 80
_KEY = 120
_BITS = 2_000
"""Of an int that is written out; of a larger one the first digits."""

SCALARS = (bool, int, float, complex, str)
_NAMED = (type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType)
_BY_REPR = Types(range, slice, torch.dtype, torch.device, torch.memory_format, torch.layout)
"""Their own repr is short and made by Python or torch."""
_WRITTEN = Types(int, str)
_SHORT = Types(float, bool, type(None))
LAZY = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_SYMBOLS = (torch.SymInt, torch.SymFloat, torch.SymBool)

CONSTANTS = (*SCALARS, bytes, enum.Enum, *_NAMED, *_SYMBOLS)
"""What nobody changes, or what is one for the whole program."""
UNENTERED = (*CONSTANTS, nn.Module, functools.partial, *LAZY)
"""What holds other things and is not looked into for tensors: it has them for itself."""


def is_a(value: object, classes: type | tuple[type, ...]) -> bool:
    """As `isinstance`, which would believe what an object says of its class."""
    return issubclass(type(value), classes)


def name_of_type(value: object) -> str:
    return name_of(type(value))


def name_of(kind: type) -> str:
    return encodable(type_name(kind), _TYPE)


def other(value: object, text: str) -> OtherValue:
    return OtherValue(name_of_type(value), encodable(text, MAX_TEXT))


def scalar(value: Any) -> ScalarValue:
    name = name_of_type(value)
    if is_a(value, enum.Enum):
        return ScalarValue(name, member(value))
    if is_a(value, bool):
        return ScalarValue(name, value)
    if is_a(value, int):
        return ScalarValue(name, _whole(int.__int__(value)))
    if is_a(value, float):
        return ScalarValue(name, float.__float__(value))
    if is_a(value, complex):
        return ScalarValue(name, f"{_complex(value):g}")
    return ScalarValue(name, encodable(str.__str__(value), MAX_TEXT))


def member(value: Any) -> str:
    """The name of a member of an enumeration."""
    name = variables(value).get("_name_")
    return encodable(str.__str__(name), _KEY) if is_a(name, str) else "a combination"


def _whole(value: int) -> int | str:
    return value if -(2**63) <= value < 2**63 else huge(value)


def huge(value: int) -> str:
    """Python refuses to print integers past its digit limit; in hexadecimal there is none."""
    bits = value.bit_length()
    if bits <= _BITS:
        return encodable(hex(value), 40)
    return f"{hex(value >> (bits - 128) // 4 * 4)}… ({bits:,} bits)"


def _complex(value: complex) -> complex:
    real, imaginary = vars(complex)["real"], vars(complex)["imag"]
    return complex(real.__get__(value), imaginary.__get__(value))


def key(value: Any) -> str:
    """A key of a mapping, as it is written where it is simple, else its type."""
    if is_a(value, enum.Enum):
        return f"{name_of_type(value)}.{member(value)}"
    if is_a(value, str):
        return encodable(str.__str__(value), _KEY)
    if type(value) is int:
        return str(_whole(value))
    if type(value) is bytes:
        return encodable(repr(value[:_KEY]), _KEY)
    if type(value) is tuple and len(value) <= 4 and all(type(part) in _WRITTEN for part in value):
        return encodable(f"({', '.join(key(part) for part in value)})", _KEY)
    return repr(value) if type(value) in _SHORT else name_of_type(value)


def items_of(value: Any) -> tuple[Iterable[object], int] | None:
    """The items of a built-in sequence or view and how many, by the built-in iteration; None for anything else."""
    for builtin in SEQUENCES:
        if is_a(value, builtin):
            return builtin.__iter__(value), builtin.__len__(value)
    return None


SEQUENCES: tuple[Any, ...] = (
    list, tuple, deque, type({}.keys()), type({}.values()), type({}.items()),
)  # fmt: skip


def field_names(value: object) -> tuple[str, ...]:
    """Of a namedtuple's parts, () for anything else."""
    return names_of_fields(type(value))


def names_of_fields(kind: type) -> tuple[str, ...]:
    """As `field_names`, of such values."""
    names = in_mro(kind, "_fields")[1]
    if type(names) is not tuple:
        return ()
    return tuple(encodable(str.__str__(name), _TYPE) for name in names if is_a(name, str))


def attributes(value: object) -> dict[str, object]:
    """What is stored on the object itself: slots, then its dict."""
    found: dict[str, object] = {}
    for name, slot in slots(type(value)).items():
        with contextlib.suppress(AttributeError):  # a slot that was never filled
            found[name] = slot.__get__(value)
    found.update((name, held) for name, held in variables(value).items() if type(name) is str)
    return found


def _find_slots(cls: type) -> dict[str, types.MemberDescriptorType]:
    """The slots of a class and its bases by name, the nearest one of each; those of C code are its own."""
    found: dict[str, types.MemberDescriptorType] = {}
    for each in mro(cls):
        own = namespace(each)
        for name, slot in own.items() if "__slots__" in own else ():
            if type(slot) is types.MemberDescriptorType:
                found.setdefault(name, slot)
    return found


slots = PerType(_find_slots)


def is_dataclass(value: object) -> bool:
    return has_fields(type(value))


def has_fields(cls: type) -> bool:
    """Whether its objects are those of a dataclass."""
    return not issubclass(cls, type) and type(in_mro(cls, "__dataclass_fields__")[1]) is dict


def fields(value: object) -> dict[str, object]:
    """The fields of a dataclass that are stored, in the order in which they were declared."""
    declared = in_mro(type(value), "__dataclass_fields__")[1]
    stored = attributes(value)
    return {name: stored[name] for name in declared if type(name) is str and name in stored}


def describe_by_name(value: Any) -> OtherValue | ScalarValue | None:
    """What can be named without looking inside: looking would consume it, or run code."""
    describe = _describer_of(type(value))
    return None if describe is None else describe(value)


def is_named(kind: type) -> bool:
    """Whether `describe_by_name` says what such an object is."""
    return _describer_of(kind) is not None


def _find_describer(kind: type) -> Callable[[Any], OtherValue | ScalarValue] | None:
    for classes, describe in _DESCRIBED:
        if issubclass(kind, classes):
            return describe
    return _describe_by_repr if kind in _BY_REPR else _find_table(kind)


def _describe_by_repr(value: Any) -> OtherValue:
    return other(value, repr(value))


def _function(value: Any) -> OtherValue:
    if is_a(value, type):
        return other(value, qualified_name(value))
    held = variables(value).get("__name__") if is_a(value, types.ModuleType) else _called(value)
    return other(value, held if type(held) is str else "")


def _called(value: Any) -> str:
    """What a function is called; a method of an object that is itself called is asked for nothing."""
    if type(value) is types.MethodType:
        return _called(value.__func__)
    if type(value) is types.FunctionType:
        return value.__qualname__
    if type(value) is not types.BuiltinFunctionType:
        return f"of a {name_of_type(value)}"
    owner: Any = value.__self__
    if owner is None or is_a(owner, types.ModuleType):
        return value.__qualname__
    return f"{qualified_name(owner if is_a(owner, type) else type(owner))}.{value.__name__}"


def _partial(value: Any) -> OtherValue:
    inner = functools.partial.func.__get__(value)
    return other(value, f"of {_called(inner)}" if is_a(inner, _NAMED[2:]) else f"of a {name_of_type(inner)}")


def _bytes(value: Any) -> OtherValue:
    builtin = bytes if is_a(value, bytes) else bytearray
    return other(value, f"{builtin.__len__(value)} bytes: {bytes(builtin.__getitem__(value, slice(32)))!r}")


def _set(value: Any) -> OtherValue:
    builtin = set if is_a(value, set) else frozenset
    return other(value, f"{builtin.__len__(value)} items")


def _find_table(kind: type) -> Callable[[Any], OtherValue] | None:
    """For numpy's arrays and numbers, and what pandas and scipy make of them."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return _array
    if numpy is not None and issubclass(kind, numpy.generic):
        return lambda value: other(value, f"{name_of_type(value)} scalar")
    root = module_name(kind).partition(".")[0]
    shape = in_mro(kind, "shape")[1]
    if root in _TABLES and type(shape) is property and _is_written_in(shape.fget, root):
        return lambda value: other(value, _sizes(shape.__get__(value)))
    return None


def _array(value: Any) -> OtherValue:
    array = vars(sys.modules["numpy"].ndarray)
    return other(value, f"{str(array['dtype'].__get__(value))[:_TYPE]} {_sizes(array['shape'].__get__(value))}")


def _is_written_in(function: Any, package: str) -> bool:
    """A class may say that it is from anywhere."""
    name = function.__globals__.get("__name__") if type(function) is types.FunctionType else None
    return type(name) is str and name.partition(".")[0] == package


_TABLES = ("pandas", "scipy", "polars")
"""Libraries whose `shape` is known to be cheap."""


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "scalar"


_DESCRIBED: tuple[tuple[Any, Callable[[Any], OtherValue | ScalarValue]], ...] = (
    (LAZY, lambda value: other(value, "not consumed")),
    (nn.Module, lambda value: other(value, "a module")),
    (_SYMBOLS, lambda value: other(value, "a symbol: no value while tracing")),
    (enum.Enum, lambda value: other(value, member(value))),
    (functools.partial, _partial),
    (_NAMED, _function),
    ((bytes, bytearray), _bytes),
    ((set, frozenset), _set),
)
_describer_of = PerType(_find_describer)
