"""What really runs when a module is called or made: through wrappers, partials and replaced methods to the function
somebody wrote. Nothing of the module is executed to find out: no property, no `__getattr__`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial, partialmethod, singledispatchmethod
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any

import torch
from torch import nn

from .pieces import code_name

_LAYERS = 64
"""Wrappers to go through before giving up: a wrapper can wrap itself."""

_BUILT_IN = (BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType)
_SCRIPTED = (torch.jit.ScriptFunction, torch._C.ScriptMethod)
_MISSING = object()
_MRO: Any = vars(type)["__mro__"]
_NAMESPACE: Any = vars(type)["__dict__"]
_QUALIFIED_NAME: Any = vars(type)["__qualname__"]


class Types:
    """Some types, told from others by identity: a metaclass may have an `__eq__` or a `__hash__` of its own."""

    def __init__(self, *types: type) -> None:
        self._ids = frozenset(map(id, types))

    def __contains__(self, kind: type) -> bool:
        return id(kind) in self._ids


class Running:
    """A function found behind an attribute, else the `code` of a compiled one, or in `why` the reason there is neither;
    `notes` tell the way to it.

    `owner` is the class it was found on; the module's own where it was replaced on the instance.
    """

    def __init__(self, owner: type, *, on_instance: bool = False) -> None:
        self.owner = owner
        self.on_instance = on_instance
        self.function: FunctionType | None = None
        self.code = ""
        self.why = ""
        self.notes: list[str] = []


def forward_of(module: nn.Module) -> Running:
    """The forward that a call of `module` ends in."""
    running = _attribute(module, "forward")
    if running.function is vars(nn.Module)["forward"]:
        running.owner, running.function, running.notes = type(module), None, []
        running.why = f"{type_name(type(module))} has no forward: calling it raises NotImplementedError"
    running.notes += call_notes(type(module))
    if variables(module).get("_compiled_call_impl") is not None:
        running.notes.append("compiled with Module.compile(): what runs is generated from this")
    return running


def init_of(module: nn.Module) -> Running:
    """The `__init__` that made `module`."""
    return _attribute(module, "__init__")


def _attribute(module: nn.Module, name: str) -> Running:
    own = variables(module).get(name, _MISSING) if name != "__init__" else _MISSING
    if own is not _MISSING:
        running = Running(type(module), on_instance=True)
        if isinstance(own, MethodType) and own.__self__ is module:
            own = own.__func__
        if _unwrap(own) is None:
            running.notes.append(f"{name} is replaced on this instance by {describe(own)}")
            running.notes += _kept(module, name)
        return _follow(own, name, running, module)
    owner, value = in_mro(type(module), name)
    running = Running(owner)
    if owner is not type(module):
        running.notes.append(f"{type_name(type(module))} inherits it from {type_name(owner)}")
    running = _follow(value, name, running, module)
    if running.function is value and not is_written_in(running.function, owner):
        running.notes.append(f"{name} was put on {type_name(owner)} from elsewhere: it is {describe(value)}")
    return running


def _kept(module: nn.Module, name: str) -> list[str]:
    """Where the method that was replaced on this instance is kept beside it, as accelerate does."""
    _, own = in_mro(type(module), name)
    kept = [
        key
        for key, value in list(variables(module).items())
        if key != name and isinstance(value, MethodType) and value.__self__ is module and value.__func__ is own
    ]
    return [f"the {name} of its class is kept as {key}: {describe(own)}" for key in kept if isinstance(key, str)]


def is_written_in(function: FunctionType, cls: type) -> bool:
    """Whether the text of `function` stands in a body named like `cls`; what it is named itself can be anything."""
    prefix = qualified_name(cls) + "."
    name = getattr(function.__code__, "co_qualname", None)  # Python 3.10 does not keep it
    if isinstance(name, str):
        return name.startswith(prefix)
    return function.__qualname__ == prefix + function.__code__.co_name


def callable_of(value: Any, name: str) -> Running:
    """The function that a call of `value` ends in; `name` is what the notes call it."""
    return _follow(value, name, Running(type(value)), None)


def in_mro(cls: type, name: str) -> tuple[type, Any]:
    """The class that `cls` has `name` from, and what stands there; `cls` and None where there is none."""
    for owner in mro(cls):
        value = namespace(owner).get(name, _MISSING)
        if value is not _MISSING:
            return owner, value
    return cls, None


def _follow(value: Any, name: str, running: Running, module: nn.Module | None) -> Running:
    for _ in range(_LAYERS):
        inner = _unwrap(value)
        if inner is not None:
            here = "on this instance " if running.on_instance else ""
            running.notes.append(f"wrapped {here}by {describe(value)}")
            running.notes += _note_dispatch(value, name)
            value = inner
            continue
        if isinstance(value, FunctionType):
            running.function = value
            running.notes += _note_enclosed(value)
            return running
        value = _peel(value, name, running, module)
        if value is None:
            return running
    running.why = f"{name} is wrapped more than {_LAYERS} times"
    return running


def _peel(value: Any, name: str, running: Running, module: nn.Module | None) -> Any:
    """One layer less of something that is not a function; None when that was the last, with the reason set."""
    if isinstance(value, MethodType) and value.__self__ is not module:
        running.notes.append(f"a method of another object, a {type_name(type(value.__self__))}")
    if isinstance(value, (staticmethod, classmethod, MethodType)):
        return value.__func__
    if isinstance(value, (partial, partialmethod)):
        running.notes.append(f"{name} is {describe(value)}")
        return value.func
    if isinstance(value, property) and value.fget is not None:
        running.notes.append(f"{name} is a property: this is its getter, which makes what runs")
        return value.fget
    if isinstance(value, cached_property):
        running.notes.append(f"{name} is a cached property: this is its getter, which makes what runs")
        return value.func
    if isinstance(value, singledispatchmethod):
        running.notes += _note_dispatch(value.dispatcher, name)
        return value.func
    if isinstance(value, _SCRIPTED):
        running.notes.append(f"{name} is compiled by TorchScript; its Python source is not kept")
        running.code = str(getattr(value, "code", ""))
        return None
    if issubclass(type(value), nn.Module):
        running.notes.append(f"{name} is another module, a {type_name(type(value))}: this is what a call of it runs")
        return variables(value).get("forward") or in_mro(type(value), "forward")[1]
    _, get = in_mro(type(value), "__get__")
    if isinstance(get, FunctionType) and not running.on_instance:
        running.notes.append(
            f"{name} is a descriptor of {type_name(type(value))}: this is its __get__, which makes what runs"
        )
        return get
    _, call = in_mro(type(value), "__call__")
    if isinstance(call, FunctionType):
        running.notes.append(f"{name} is an object of {type_name(type(value))}: this is its __call__")
        return call
    running.why = f"{name} is {describe(value)}: it has no Python source"
    return None


def _unwrap(value: Any) -> Any:
    """What functools.wraps and torch.compile leave on a wrapper; None on anything else."""
    attributes = variables(value)
    for name in ("__wrapped__", "_torchdynamo_orig_callable"):
        inner = attributes.get(name)
        if inner is not None and callable(inner):
            return inner
    return None


def _note_dispatch(value: Any, name: str) -> list[str]:
    """Notes on a function of functools.singledispatch: what runs instead for other types of the first argument."""
    registry = variables(value).get("registry")
    if not isinstance(registry, MappingProxyType):
        return []
    others = [(kind, function) for kind, function in registry.items() if isinstance(kind, type) and kind is not object]
    return [f"for {type_name(kind)} {name} is {describe(function)}" for kind, function in others]


def _note_enclosed(function: FunctionType) -> list[str]:
    """Notes on a wrapper that does not say what it wraps: the forward it closes over."""
    if function.__code__.co_name == "forward":
        return []
    return [f"it closes over {describe(inner)}" for inner in list_closed_over(function)]


def list_closed_over(function: FunctionType) -> list[FunctionType]:
    """The forwards that a wrapper closes over."""
    found = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # an empty cell
            continue
        value = value.__func__ if isinstance(value, MethodType) else value
        if isinstance(value, FunctionType) and value.__code__.co_name == "forward":
            found.append(value)
    return found


def function_of(value: Any) -> FunctionType | None:
    """The function under the decorators of a class or module attribute."""
    for _ in range(_LAYERS):
        if isinstance(value, (staticmethod, classmethod, MethodType)):
            value = value.__func__
        elif isinstance(value, property):
            value = value.fget
        elif isinstance(value, (partialmethod, cached_property, singledispatchmethod)):
            value = value.func
        elif (inner := _unwrap(value)) is not None:
            value = inner
        else:
            break
    return value if isinstance(value, FunctionType) else None


def call_notes(cls: type) -> list[str]:
    """What a class that overrides `__call__` means for hooks."""
    owner, call = in_mro(cls, "__call__")
    call = function_of(call)
    if owner is nn.Module or module_name(owner).startswith("torch.") or call is None:
        return []
    if {"__call__", "_call_impl", "_wrapped_call_impl"} & set(_all_names(call.__code__)):
        return [f"{type_name(owner)} overrides __call__ and hands on to Module's: {describe(call)}"]
    return [f"{type_name(owner)} overrides __call__, so hooks do not fire: {describe(call)}"]


def _all_names(code: CodeType) -> list[str]:
    nested = [name for child in code.co_consts if isinstance(child, CodeType) for name in _all_names(child)]
    return [*code.co_names, *nested]


def describe(value: Any) -> str:
    """A callable in words: a function with its place, anything else by its type. Runs none of its code."""
    if isinstance(value, MethodType):
        return describe(value.__func__)
    if isinstance(value, FunctionType):
        return f"{_name(value)} at {value.__code__.co_filename}:{value.__code__.co_firstlineno}"
    if isinstance(value, (partial, partialmethod)):
        return f"functools.partial of {describe(value.func)}"
    if isinstance(value, _BUILT_IN):
        return f"the built-in {value.__name__}"
    return f"an object of {type_name(type(value))}"


def _name(function: FunctionType) -> str:
    """As it was written: functools.wraps gives a wrapper the name of what it wraps, but not its code."""
    written, given = code_name(function.__code__), function.__qualname__
    return given if given.rpartition(".")[2] == written else written


def variables(value: Any) -> dict[str, Any]:
    """The instance's own attributes, past whatever `__getattribute__` its class has."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def mro(cls: type) -> tuple[type, ...]:
    """`cls.__mro__`, past a metaclass that answers itself."""
    found: tuple[type, ...] = _MRO.__get__(cls)
    return found


def namespace(cls: type) -> Mapping[str, Any]:
    """`vars(cls)`, past a metaclass that answers itself."""
    found: Mapping[str, Any] = _NAMESPACE.__get__(cls)
    return found


def type_name(cls: type) -> str:
    """A class's name as written, without the functions around it."""
    return qualified_name(cls).rpartition("<locals>.")[2]


def qualified_name(cls: type) -> str:
    """`cls.__qualname__`, past a metaclass that has its own."""
    found: str = _QUALIFIED_NAME.__get__(cls)
    return found


def module_name(cls: type) -> str:
    """The module a class says it was made in."""
    name = namespace(cls).get("__module__")
    return name if isinstance(name, str) else ""
