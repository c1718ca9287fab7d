"""Input specs, as typed after `-i`: text -> the parts of a sample.

1x3x224x224   ids=1x128:int64:0..30521   mask=1x128:bool   [3x320x320,3x300x300]   (1x16,1x16)
x=@batch.pt   img=@cat.png   pkg.mod:make_batch   file.py:make_batch   flag=true   n=12   name='text'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...files import check_file
from ...files.purposes import INPUT
from ...text import encodable
from ..stored.values import read_input
from ..usercode.importing import resolve
from ..usercode.literals import NOT_A_LITERAL, literal
from ..usercode.running import call, seeded
from ..values import nested
from .draws import Drawn, is_dtype, is_shape, parse_drawn
from .form import proposed_specs
from .sample import Part, Sample, Setting, draw, setting_for
from .signature import check_call

EXAMPLES = "write for example -i 1x3x224x224, -i ids=1x128:int64:0..30521, -i x=@batch.pt or -i flag=true"

Make = Callable[[torch.Generator, Setting], Any]

_NAME = re.compile(r"([^\W\d]\w*)=(?!=)")
_CALLABLE = re.compile(r"(?:.+\.py::?|[^\W\d][\w.]*:)[^\W\d][\w.]*")
_BRACKETS: dict[str, tuple[str, Callable[[Sequence[Any]], Any]]] = {"[": ("]", list), "(": (")", tuple)}


def sample_from_specs(
    specs: Sequence[str],
    model: nn.Module,
    seed: int,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> Sample:
    """The sample that these specs describe, for this model. Without device or dtype the model's own are used.

    Raises:
        UsageError: A spec cannot be read, or forward cannot be called with what they give.
    """
    return sample_from_parts(parse_specs(specs), model, seed, device, dtype)


def sample_from_parts(
    parts: Sequence[Part],
    model: nn.Module,
    seed: int,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> Sample:
    """As `sample_from_specs`, of specs that are parsed already."""
    sample = draw(parts, setting_for(model, device, dtype), seed, "given")
    check_call(model, sample.args, sample.kwargs, proposed_specs)
    return sample


def parse_specs(specs: Sequence[str]) -> tuple[Part, ...]:
    """Parts for all specs; nothing is drawn, read or called yet, except that files must be there."""
    parts = tuple(parse_spec(spec, number) for number, spec in enumerate(specs, 1))
    names = [part.name for part in parts if part.name]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"the input {name} is given twice", hint="give one -i for each name")
    return parts


def parse_spec(spec: str, number: int = 1) -> Part:
    """The part that one spec describes. `number` is its place on the command line, for the error."""
    named = _NAME.match(spec.strip())
    named = named if named and named.group(1).isidentifier() else None  # "²" is of a word, and begins no name
    name = named.group(1) if named else ""
    text = spec.strip()[named.end() if named else 0 :].strip()
    try:
        return _parse(text, name)
    except ValueError as error:
        raise UsageError(
            encodable(f"input {number} cannot be read: {error}", 500),
            where=encodable(f"-i {spec!r}", 300),
            hint=EXAMPLES,
        ) from None


def _parse(text: str, name: str) -> Part:
    if text.startswith("@"):
        return Part(_from_file(text[1:], batch=True), name, spread=True)
    if text[:1] in _BRACKETS:
        make, random = _parse_value(text)
        return Part(make, name, random=random)
    if is_callable(text):
        return Part(partial(_call, text), name, spread=True, random=True)
    make, random = _parse_value(text)
    return Part(make, name, random=random)


def is_callable(text: str) -> bool:
    """`pkg.mod:name` or `file.py:name`, and not a shape with its dtype."""
    return _CALLABLE.fullmatch(text) is not None and not is_dtype(text.rpartition(":")[2])


def _parse_value(text: str) -> tuple[Make, bool]:
    """How to make the value, and whether it is random."""
    if text[:1] in _BRACKETS:
        return _parse_items(text)
    if text.startswith("@"):
        return _from_file(text[1:], batch=False), False
    # A shape first: 0x10 is one, and also the number 16.
    value = NOT_A_LITERAL if is_shape(text) else literal(text)
    if value is not NOT_A_LITERAL:
        return (lambda _generator, _setting: value), False
    drawn: Drawn = parse_drawn(text)
    return drawn.make, True


def _parse_items(text: str) -> tuple[Make, bool]:
    closing, build = _BRACKETS[text[0]]
    if not text.endswith(closing):
        raise ValueError(f"{text[0]} is not closed by {closing}")
    items = [_parse_value(item) for item in _split(text[1:-1])]

    def make(generator: torch.Generator, setting: Setting) -> Any:
        return build([item(generator, setting) for item, _ in items])

    return make, any(random for _, random in items)


def _split(text: str) -> list[str]:
    """At the commas outside brackets and quotes."""
    items, depth, quote, start = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            items.append(text[start:index])
            start = index + 1
    items.append(text[start:])
    return [item.strip() for item in items if item.strip()]


def _from_file(name: str, batch: bool) -> Make:
    """A file is read once; its values are moved to the device, and floating ones follow a dtype that was asked for."""
    path = check_file(name, INPUT)
    held: list[Any] = []

    def make(_generator: torch.Generator, setting: Setting) -> Any:
        if not held:
            held.append(read_input(path, batch, INPUT))
        value, is_image = held[0]
        return place_tensors(value, setting, cast=setting.cast_given or is_image)

    return make


def _call(text: str, generator: torch.Generator, setting: Setting) -> Any:
    seed = int(torch.randint(0, 2**31, (1,), generator=generator))
    with seeded(seed, cuda=setting.device.type == "cuda"):
        found = resolve(text)
        value = call(found, text) if callable(found) and not isinstance(found, torch.Tensor) else found
    return place_tensors(value, setting, cast=setting.cast_given)


def place_tensors(value: Any, setting: Setting, cast: bool) -> Any:
    """`value` with its tensors on the setting's device; with `cast` floating ones in its dtype."""

    def place(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(setting.device, setting.dtype if cast and tensor.is_floating_point() else tensor.dtype)

    return nested.replace(value, place)
