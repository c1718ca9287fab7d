"""Sets of specs for one call: all the kinds of input that a model takes, then fewer."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from ..signature import parameters
from .facts import Facts, is_described
from .makers import ABOUT_TOKENS, HEARD, MAKERS, MASKS, MOVING, READ, SEEN

_DROPPED = (frozenset[str](), MOVING, MOVING | HEARD, SEEN, HEARD, SEEN | HEARD, MASKS, READ)
_PASSED_ON = ("input_ids", "attention_mask")
"""What a forward that hands its **kwargs to another may take without naming it."""
_UNCACHED = "use_cache=false"


def pretrained_proposals(model: nn.Module) -> Iterator[tuple[str, ...]]:
    """Sets of specs by name, the fullest first; none for a model without a config that says what it takes."""
    if not is_described(model):
        return
    taken = _list_parameters(model)
    facts = Facts(model.config, 2 if model.training else 1, frozenset(taken))
    passed_on = [name for name in _PASSED_ON if name not in taken and _takes_any(model)]
    specs = {name: made for name in (*taken, *passed_on) if name in MAKERS and (made := MAKERS[name](facts))}
    choices = _choices([name for name in taken if name in specs], _list_required(taken), _main(model))
    if passed_on:
        choices += _choices([name for name in specs], _list_required(taken), _main(model))
    for names in choices:
        yield from _in_turn(names, specs)
    if choices and ("use_cache" in taken or _takes_any(model)):  # some caches fail without layers of every kind
        yield from ((*proposal, _UNCACHED) for proposal in _in_turn(choices[0], specs))


def covers(model: nn.Module) -> bool:
    """Whether something is known for everything that forward insists on."""
    return all(name in MAKERS for name in _list_required(_list_parameters(model)))


def _list_parameters(model: nn.Module) -> dict[str, inspect.Parameter]:
    return {p.name: p for p in parameters(model) if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def _list_required(taken: Mapping[str, inspect.Parameter]) -> set[str]:
    return {name for name, parameter in taken.items() if parameter.default is inspect.Parameter.empty}


def _takes_any(model: nn.Module) -> bool:
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters(model))


def _main(model: Any) -> set[str]:
    """The names of what goes in first; models of several kinds of input give a list."""
    main = model.main_input_name
    return {main} if isinstance(main, str) else {name for name in main if isinstance(name, str)}


def _choices(full: Sequence[str], required: Collection[str], main: Collection[str]) -> list[list[str]]:
    """Which inputs to give, none twice."""
    choices = [[name for name in full if name not in dropped or name in required] for dropped in _DROPPED]
    choices.append([name for name in full if name in main or name in required])
    choices = [_useful(choice, required) for choice in choices]
    return [choice for number, choice in enumerate(choices) if choice and choice not in choices[:number]]


def _useful(names: list[str], required: Collection[str]) -> list[str]:
    return [name for name in names if name in required or "input_ids" in names or name not in ABOUT_TOKENS]


def _in_turn(names: Sequence[str], specs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """The first specs of all, then their second ones, and so on; a shorter list stays at its last."""
    for turn in range(max((len(specs[name]) for name in names), default=0)):
        yield tuple(f"{name}={specs[name][min(turn, len(specs[name]) - 1)]}" for name in names)
