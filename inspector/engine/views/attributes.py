"""What a module says about itself: hyper-parameters, flags, plain attributes, signature and docstring.

Everything is read where it is stored. No property, no `__getattr__` and no repr of the module's runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType, MemberDescriptorType
from typing import Any, NamedTuple

import torch
from torch import nn

from ...records import Attributes, MappingValue, OtherValue, Path, ScalarValue, Value
from ...records.badges import BADGES, Badge, badge_word
from ...text import encodable
from ..modules.tree import named_children, own_tensors
from ..source.generated import original
from ..source.running import call_notes, function_of, module_name, qualified_name, type_name, variables
from ..source.signatures import signature_of

_ENTRIES = 500
_NAME_LIMIT = 200
_DOCSTRING_LIMIT = 4_096

_BOOKKEEPING = frozenset(vars(nn.Module())) - {"training"} | {"_compiled_call_impl"}
"""What torch itself keeps in every module, whatever its version."""

Describe = Callable[[object], Value]


def attributes_of(module: nn.Module, path: Path, describe: Describe, badges: tuple[Badge, ...] = ()) -> Attributes:
    """What `module` says about itself. Never raises.

    Args:
        module: The module looked at.
        path: Where it hangs in the model; only handed through.
        describe: Turns any object into a bounded value.
        badges: What the module list says about it.
    """
    name = encodable(_full_name(type(module)), 2 * _NAME_LIMIT)
    try:
        return _attributes(module, path, name, describe, badges)
    # Keys, classes and metaclasses are other people's code.
    except Exception as error:
        none = MappingValue("dict", (), (), 0)
        failed: dict[str, Value] = {"not read": _words(f"reading the attributes raised {type(error).__name__}")}
        return Attributes(path, name, "", "", none, _cut(failed, 1), none)


def _attributes(module: nn.Module, path: Path, name: str, describe: Describe, badges: tuple[Badge, ...]) -> Attributes:
    signature = _or_error(lambda: signature_of(module))
    docstring = encodable(_or_error(lambda: docstring_of(module)), _DOCSTRING_LIMIT)
    parts = _sort(module)
    return Attributes(
        path=path,
        class_name=name,
        signature=signature,
        docstring=docstring,
        hyperparameters=_mapping(parts.hyperparameters, describe),
        flags=_flags(module, parts.flags, badges),
        others=_mapping(parts.others, describe),
    )


class _Parts(NamedTuple):
    hyperparameters: dict[str, Any]
    flags: dict[str, Any]
    others: dict[str, Any]


def _sort(module: nn.Module) -> _Parts:
    stored = _read_stored(module)
    names = _hyperparameter_names(type(module))
    chosen = {name: stored.pop(name) for name in names if name in stored}
    flags = {name: stored.pop(name) for name in list(stored) if type(stored[name]) is bool}
    return _Parts(chosen, flags, stored)


def docstring_of(module: nn.Module) -> str:
    """The docstring of the class as written, else of its forward, else those of the nearest base that has one."""
    inner = original(module)
    module = module if inner is None else inner
    if _is_scripted(module):
        return ""  # the original's is not kept
    for cls in type(module).__mro__:
        if cls is nn.Module:
            break
        forward = _own_forward(cls)
        text = _docstring(vars(cls).get("__doc__")) or _docstring(forward and forward.__doc__)
        if text:
            return text
    return ""


def _own_forward(cls: type) -> FunctionType | None:
    return function_of(vars(cls).get("forward"))


def _docstring(text: object) -> str:
    return inspect.cleandoc(text) if isinstance(text, str) else ""


def _read_stored(module: nn.Module) -> dict[str, Any]:
    """The instance's attributes, slots included, without torch's bookkeeping."""
    if _is_scripted(module):
        return {"training": module.training}  # all it has besides lives in C++
    found = {_key(name): value for name, value in list(variables(module).items()) if name not in _BOOKKEEPING}
    return {**found, **_slots(module)}


def _slots(module: nn.Module) -> dict[str, Any]:
    found = {}
    for cls in type(module).__mro__:
        for name, value in list(vars(cls).items()):
            if not isinstance(value, MemberDescriptorType):
                continue
            try:
                found[_key(name)] = value.__get__(module)
            except AttributeError:  # a slot nothing was stored in
                continue
    return found


def _key(name: object) -> str:
    """A name as exact text: `vars()` can hold keys that are not strings, or that only pretend."""
    return str.__str__(name) if isinstance(name, str) else f"<{type_name(type(name))}>"


def _hyperparameter_names(cls: type) -> dict[str, None]:
    """Names of constructor arguments, of the class before its bases, and of constants; an argument may be kept under
    its name with an underscore before it."""
    names: dict[str, None] = {}
    for base in cls.__mro__:
        if base is nn.Module:
            break
        for name in _constructor_arguments(base):
            names.setdefault(name)
            names.setdefault(f"_{name}")
    for base in cls.__mro__:
        names.update(dict.fromkeys(_constants(base)))
    return names


def _constructor_arguments(cls: type) -> Iterable[str]:
    function = function_of(vars(cls).get("__init__"))
    if function is None:
        return ()
    code = function.__code__
    return code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]


def _constants(cls: type) -> Iterable[str]:
    constants = vars(cls).get("__constants__")
    if not isinstance(constants, (list, tuple, set, frozenset)):
        return ()
    return sorted(name for name in constants if type(name) is str)


def _flags(module: nn.Module, flags: dict[str, Any], badges: tuple[Badge, ...]) -> MappingValue:
    values: dict[str, Value] = {}
    for name in sorted(flags, key=lambda name: name != "training"):
        values[name] = ScalarValue("bool", flags[name])
    values["requires_grad"] = _words(_or_error(lambda: _gradients(module)))
    children = list(module.children() if _is_scripted(module) else named_children(module))
    values["children"] = ScalarValue("int", len(children))
    values["hooks (with ours)"] = ScalarValue("int", _hooks(module))
    if variables(module).get("_compiled_call_impl") is not None:
        values["compiled"] = _words("with Module.compile()")
    for note in call_notes(type(module)):
        values["__call__"] = _words(note)
    for badge in badges:
        values.setdefault(badge_word(badge), _words(BADGES[badge.name]))
    return _cut(values, len(values))


def _hooks(module: nn.Module) -> int:
    """Hooks of every kind on the module itself, this program's included."""
    names = [name for name in _BOOKKEEPING if name.endswith(("_hooks", "_pre_hooks", "_post_hooks"))]
    return sum(len(_dict(module, name)) for name in names)


def _gradients(module: nn.Module) -> str:
    """How many of the parameters here and below are trained, in words."""
    found = {tensor.requires_grad for tensor in _parameters(module)}
    if not found:
        return "no parameters"
    return "some of its parameters" if len(found) == 2 else "all" if True in found else "none"


def _parameters(module: nn.Module) -> Iterator[torch.Tensor]:
    if _is_scripted(module):
        yield from module.parameters()
        return
    seen: set[int] = set()
    pending = [module]
    while pending:
        current = pending.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield from (tensor for _, tensor in own_tensors(current, "_parameters"))
            pending.extend(child for _, child in named_children(current))


def _is_scripted(module: nn.Module) -> bool:
    """Whether torch keeps the module's parts in C++, behind its own accessors."""
    return issubclass(type(module), torch.jit.ScriptModule)


def _dict(module: nn.Module, name: str) -> dict[Any, Any]:
    found = variables(module).get(name)
    return found if isinstance(found, dict) else {}


def _mapping(found: dict[str, Any], describe: Describe) -> MappingValue:
    kept = list(found.items())[:_ENTRIES]
    return _cut({name: _describe(value, describe) for name, value in kept}, len(found))


def _cut(values: dict[str, Value], length: int) -> MappingValue:
    keys = tuple(encodable(name, _NAME_LIMIT) for name in values)
    return MappingValue("dict", keys, tuple(values.values()), length)


def _describe(value: object, describe: Describe) -> Value:
    try:
        return describe(value)
    # The description walks into other people's objects.
    except Exception as error:
        return OtherValue(encodable(type_name(type(value)), _NAME_LIMIT), f"not described: {type(error).__name__}")


def _words(text: str) -> ScalarValue:
    return ScalarValue("str", encodable(text))


def _full_name(cls: type) -> str:
    return ".".join(part for part in (module_name(cls), qualified_name(cls)) if part)


def _or_error(make: Callable[[], str]) -> str:
    """Text made from other people's functions and classes; the error's name in brackets where they refuse."""
    try:
        return make()
    except Exception as error:
        return f"({type(error).__name__})"
