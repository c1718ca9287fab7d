"""Specs to try as the input of a model that says nothing about it: from its signature and its first layers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from torch import nn

from ..modules.walk import modules_of
from .entries import STEPS, Entry, entries_of, hints_of
from .pretrained import covers, pretrained_proposals
from .signature import list_asked, list_optional, list_required

Proposal = tuple[str, ...]
"""Specs of one call, positional ones first."""

_ENTRIES = 4
_OTHERS = 4
_INDEX_NAME = re.compile(r"(^|_)(ids?|idx|ind(ex|ices)|tokens?|words?|chars?|text|src|tgt|seq)(_|$)|^input_ids$")
_IMAGE_NAME = re.compile(r"(^|_)(images?|imgs?|pixels?|pixel_values|frames?|video)(_|$)")
_ANYTHING = ("1x3x224x224", "1x16", "1x16x16", "1x16:int64", "4x", "1x1x28x28")
"""For models without layers of their own."""


def proposals(model: nn.Module) -> Iterator[Proposal]:
    """Likely ones first, none twice."""
    seen: set[Proposal] = set()
    for proposal in _all(model):
        if proposal not in seen:
            seen.add(proposal)
            yield proposal


def _all(model: nn.Module) -> Iterator[Proposal]:
    described = list(pretrained_proposals(model))
    yield from described
    if described and covers(model):  # a config says more than the layers do
        return
    if not list_required(model):
        yield ()
    parameters = list_asked(model) or (inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY),)
    entries = _sort_entries(list(islice(entries_of(model, hints_of(model)), 3 * _ENTRIES)), parameters)[:_ENTRIES]
    for round_, base in enumerate(_bases(entries, parameters)):
        yield _fill(parameters, [base], base, model)
        if round_ == 0 and len(parameters) > 1 and len(entries) > 1:
            yield _fill(parameters, [entry.specs[0] for entry in entries], base, model)
        if round_ == 0 and not list_required(model):  # and then each of the others that may be left out, alone
            others = list_optional(model)[1:_OTHERS]
            yield from ((f"{p.name}={_spec_for(p, base, base, model, first=True)}",) for p in others)


def _sort_entries(entries: list[Entry], parameters: Sequence[inspect.Parameter]) -> list[Entry]:
    """Layers for indices first where the first parameter is named like indices, last where like an image."""
    name, annotation = parameters[0].name, _annotation(parameters[0])
    if _IMAGE_NAME.search(name):
        return sorted(entries, key=lambda entry: not isinstance(entry.module, (nn.Conv2d, nn.Conv3d)))
    if _INDEX_NAME.search(name) or "Long" in annotation:
        return sorted(entries, key=lambda entry: not entry.takes_indices)
    return entries


def _bases(entries: Sequence[Entry], parameters: Sequence[inspect.Parameter]) -> Iterator[str]:
    """Specs for the first input: the first layer's likeliest, then the next layers', then the rest."""
    names = {parameter.name for parameter in parameters}
    if entries and names & {"edge_index", "adj", "adjacency"}:  # a graph: rows are nodes
        yield f"{STEPS}x{entries[0].specs[0].rpartition('x')[2]}"
    if entries and "offsets" in names and isinstance(entries[0].module, nn.EmbeddingBag):
        yield f"{STEPS}:{entries[0].specs[0].partition(':')[2]}"
    for number, entry in enumerate(entries):
        yield from entry.specs[: 5 if number == 0 else 2]
    for entry in entries:
        yield from entry.specs[2:]
    yield from _ANYTHING


def _fill(parameters: Sequence[inspect.Parameter], mains: Sequence[str], base: str, model: nn.Module) -> Proposal:
    """One spec for each parameter: what its name or annotation asks for, else its own of `mains` or their last."""
    specs = []
    for number, parameter in enumerate(parameters):
        main = mains[min(number, len(mains) - 1)]
        spec = _spec_for(parameter, main, base, model, first=number == 0)
        specs.append(f"{parameter.name}={spec}" if parameter.kind is parameter.KEYWORD_ONLY else spec)
    return tuple(specs)


def _spec_for(parameter: inspect.Parameter, main: str, base: str, model: nn.Module, first: bool) -> str:
    """The spec of one parameter beside an input of spec `base`."""
    annotation = _annotation(parameter)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if re.match(r"(typing\.)?(list|List|Sequence|Iterable)\b", annotation):
        shape, _, kind = main.partition(":")
        single = shape.partition("x")[2] or shape
        return f"[{single}:{kind}]" if kind else f"[{single}]"
    if first:
        return main
    for pattern, make in _BY_NAME:
        if pattern.search(parameter.name):
            return make(base.partition(":")[0].split("x"), model) or main
    return main


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return ""
    return annotation.__name__ if type(annotation) is type else str(annotation)


def _hidden_state(shape: list[str], model: nn.Module) -> str:
    """The state of the first recurrent layer."""
    for module in modules_of(model):
        if isinstance(module, nn.RNNBase):
            batch = shape[0 if module.batch_first else 1] if len(shape) == 3 else "1"
            layers = module.num_layers * (2 if module.bidirectional else 1)
            state = f"{layers}x{batch}x{module.hidden_size}"
            return f"({state},{state})" if isinstance(module, nn.LSTM) else state
        if isinstance(module, nn.RNNCellBase):
            state = f"{shape[0]}x{module.hidden_size}"
            return f"({state},{state})" if isinstance(module, nn.LSTMCell) else state
    return ""


def _steps(shape: list[str]) -> str:
    return shape[1] if len(shape) > 1 and shape[1] else shape[0]


_SCALARS = {"int": "1", "float": "1.0", "bool": "false"}

_BY_NAME: tuple[tuple[re.Pattern[str], Callable[[list[str], nn.Module], str]], ...] = (
    # Zeros that are added mask nothing, whichever meaning of True a model follows.
    (re.compile(r"^(src|tgt|attn|causal)_mask$"), lambda s, _: f"{_steps(s)}x{_steps(s)}:float32:0..0"),
    (re.compile(r"mask$"), lambda s, _: f"{s[0]}x{_steps(s)}:bool:1..1"),
    (re.compile(r"len(gth)?s?$"), lambda s, _: f"{s[0]}x:int64:{_steps(s)}..{_steps(s)}"),
    (re.compile(r"^(t|ts|timesteps?|time|times|sigma|noise_level)$"), lambda s, _: f"{s[0]}x:int64:1..1"),
    (re.compile(r"^(labels?|class(es)?|class_labels|cls)$"), lambda s, _: f"{s[0]}x:int64"),
    (re.compile(r"^(h|hx|h_?0|hidden|states?|hidden_state)$"), _hidden_state),
    (re.compile(r"^offsets$"), lambda _s, _m: "1x:int64:0..0"),
    (re.compile(r"^edge_index$"), lambda s, _: f"2x32:int64:0..{int(s[0]) - 1}"),
    (re.compile(r"^adj(acency)?$"), lambda s, _: f"{s[0]}x{s[0]}:float32:0..1"),
    (re.compile(r"^batch$"), lambda s, _: f"{s[0]}x:int64:0..0"),
)
