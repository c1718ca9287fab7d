"""What a person typed into the form of a hook: read as the hook it asks for, and written as Python writes that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from ....records import HookSpec, KindArgument, KindInfo
from ....records.hooks import Plain

OPTIONS = (
    KindArgument("where", "str", "", '[0], ["hidden"], .logits or [..., 16:32]; a name for parameters'),
    KindArgument("at", "str", "", "before or after the call, on parameters"),
    KindArgument("step", "step", None, "only these calls of the whole model, from 0: 3, 2:5 or last"),
    KindArgument("call", "int", None, "only this call of the module in a step, from 0"),
    KindArgument("every", "int", 1, "only every so many steps"),
    KindArgument("when", "str", "", "only where this holds: nan > 0, shape[1] != 64, abs(mean - baseline) > 1"),
)
"""What every kind of hook takes besides its own arguments."""

PART = OPTIONS[:1]
"""Those that say which part is meant, and not when."""

_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_NUMBERS = frozenset({"int", "float"})
_TEXTS = frozenset({"str", "file", "recording"})
_LARGEST = 2**63


@dataclass
class Typed:
    """What a form holds: the choice of `on`, "" for the kind's own, and the text typed for each argument by name."""

    on: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def fill(spec: HookSpec) -> Typed:
    """What a form has to hold to ask for this hook."""
    options = {option.name: getattr(spec, option.name) for option in OPTIONS}
    chosen = {option.name: options[option.name] for option in OPTIONS if options[option.name] != option.default}
    return Typed(spec.on, {name: str(value) for name, value in {**spec.arguments, **chosen}.items()})


def read_spec(kind: KindInfo, typed: Typed, options: Sequence[KindArgument] = OPTIONS, code: str = "") -> HookSpec:
    """The hook that is asked for.

    Raises:
        ValueError: An argument is missing, or is not of its type; says which.
    """
    arguments = {name: value for name, value, _ in _read(kind.arguments, typed)}
    chosen = {name: value for name, value, _ in _read(options, typed)}
    return msgspec.convert(
        {"kind": kind.name, "arguments": arguments, "on": typed.on, "code": code, **chosen}, HookSpec
    )


def write_call(kind: KindInfo, typed: Typed, options: Sequence[KindArgument] = OPTIONS) -> str:
    """The same hook in Python's syntax, numbers as they were typed. Raises ValueError as `read_spec` does."""
    given = {name: text for name, _, text in _read(kind.arguments, typed)}
    written: list[str] = []
    for position, argument in enumerate(kind.arguments):
        if argument.name in given:
            in_order = len(written) == position  # after one that was left out, names are needed
            written.append(given[argument.name] if in_order else f"{argument.name}={given[argument.name]}")
    if typed.on and typed.on != kind.on[0]:
        written.append(f"on={typed.on!r}")
    written += [f"{name}={text}" for name, _, text in _read(options, typed)]
    return f"{kind.name}({', '.join(written)})"


def _read(arguments: Sequence[KindArgument], typed: Typed) -> Iterator[tuple[str, Plain, str]]:
    """Name, value and the way it is written of each argument that says more than its default."""
    for argument in arguments:
        text = typed.values.get(argument.name, "")
        text = text if argument.type in _TEXTS else text.strip()
        if text:
            value = _read_value(argument, text)
            written = text if argument.type in _NUMBERS else repr(value)
            if argument.required or written != repr(argument.default):
                yield argument.name, value, written
        elif argument.required:
            raise ValueError(f"{argument.name} is needed")


def _read_value(argument: KindArgument, text: str) -> Plain:
    if argument.type == "bool":
        return _read_bool(argument.name, text)
    if argument.type in _NUMBERS:
        return _read_number(argument, text)
    return _read_step(text) if argument.type == "step" else text


def _read_step(text: str) -> int | str:
    """A number, or what the engine reads: `2:5`, `last`."""
    whole = _read_int(text)
    return text if whole is None else whole


def _read_bool(name: str, text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError(f"{name} is true or false")


def _read_number(argument: KindArgument, text: str) -> int | float:
    """A number as Python writes it; the words `inf` and `nan` are none."""
    if (whole := _read_int(text)) is not None:
        return whole
    number = _read_float(text) if argument.type == "float" else None
    if number is None:
        raise ValueError(f"{argument.name} is {'a whole number' if argument.type == 'int' else 'a number'}")
    return number


def _read_int(text: str) -> int | None:
    """None also for one that no message holds."""
    try:
        number = int(text, 0)
    except ValueError:
        return None
    return number if text.isascii() and abs(number) < _LARGEST else None


def _read_float(text: str) -> float | None:
    begins = text.lstrip("+-")[:1]
    try:
        return float(text) if text.isascii() and (begins.isdigit() or begins == ".") else None
    except ValueError:
        return None


def default_text(argument: KindArgument) -> str:
    """The default as a person types it; "" for none."""
    return "" if argument.default is None else str(argument.default)
