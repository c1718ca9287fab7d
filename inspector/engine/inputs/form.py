"""The parameters of `forward` for a form that asks for the sample input."""

from __future__ import annotations

import inspect
import re

from torch import nn

from ...records import InputField
from ...text import encodable
from .proposals import proposals
from .signature import list_asked, parameters

_NAMED = re.compile(r"[^\W\d]\w*=")
_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "*args",
    inspect.Parameter.VAR_KEYWORD: "**kwargs",
}


def form_fields(model: nn.Module) -> tuple[InputField, ...]:
    """One field for each parameter of the forward that runs; required ones carry a spec to start from."""
    proposed = proposed_specs(model)
    return tuple(_field(parameter, proposed.get(parameter.name, "")) for parameter in parameters(model))


def proposed_specs(model: nn.Module) -> dict[str, str]:
    """A spec to start from for every parameter that a call must give."""
    needed = list_asked(model)
    specs = next((proposal for proposal in proposals(model) if proposal), ())
    if specs and all(_NAMED.match(spec) for spec in specs):
        return {name: spec for name, _, spec in (spec.partition("=") for spec in specs)}
    named = (spec.removeprefix(f"{parameter.name}=") for parameter, spec in zip(needed, specs, strict=False))
    proposed = {parameter.name: spec for parameter, spec in zip(needed, named, strict=False)}
    lone = next((p.name for p in parameters(model) if p.kind is p.VAR_POSITIONAL), "")
    return {lone: specs[0]} if lone and specs and not set(proposed) & _names(model) else proposed


def _names(model: nn.Module) -> set[str]:
    return {parameter.name for parameter in parameters(model)}


def _field(parameter: inspect.Parameter, proposal: str) -> InputField:
    has_default = parameter.default is not parameter.empty
    return InputField(
        name=encodable(parameter.name, 100),
        kind=_KINDS[parameter.kind],
        required=not has_default and _KINDS[parameter.kind] in ("positional", "keyword"),
        annotation=_annotation(parameter),
        default=_text(parameter.default) if has_default else "",
        proposal=encodable(proposal, 200),
    )


def _annotation(parameter: inspect.Parameter) -> str:
    if parameter.annotation is parameter.empty:
        return ""
    annotation = parameter.annotation
    return _text(annotation) if not isinstance(annotation, type) else encodable(annotation.__name__, 200)


def _text(value: object) -> str:
    if isinstance(value, str):
        return encodable(value, 200)
    try:
        return encodable(repr(value), 200)
    except Exception:  # a default's repr is the model's code
        return type(value).__name__
