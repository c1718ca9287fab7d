"""What the last word of a command line may go on to: verbs, targets, options and what these take."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from ..verbs import VERBS, split_verb
from .candidates import Candidate, Completer, among, files
from .targets import complete_target

_DTYPES = ("float32", "float16", "bfloat16", "float64")


def complete_words(words: Sequence[str]) -> list[Candidate]:
    """The candidates for the last of the words behind the name of the program. It may be empty."""
    *before, begun = words or [""]
    verb, typed = split_verb(list(before))
    parser = import_module(f"..{verb.file}", __package__).make_parser()
    if (option := _find_open(parser, typed)) is not None:
        return _complete_value(option, begun)
    if begun.startswith("-"):
        return _complete_option(parser, begun)
    first = [Candidate(each.name, each.meaning) for each in VERBS if each.name.startswith(begun)] if not before else []
    return [*first, *_complete_positional(parser, typed, begun)]


def _find_open(parser: argparse.ArgumentParser, typed: Sequence[str]) -> argparse.Action | None:
    """The option whose value comes next."""
    found = _find(parser, typed[-1]) if typed else None
    return found if found is not None and _takes_value(found) else None


def _find(parser: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    return next((action for action in parser._actions if word in action.option_strings), None)


def _takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0


def _complete_option(parser: argparse.ArgumentParser, begun: str) -> list[Candidate]:
    name, equals, value = begun.partition("=")
    option = _find(parser, name) if equals else None
    if option is not None:
        return [Candidate(f"{name}={each.text}", each.about) for each in _complete_value(option, value)]
    shown = (action for action in parser._actions if action.help != argparse.SUPPRESS)
    names = ((max(action.option_strings, key=len), action.help or "") for action in shown if action.option_strings)
    return [Candidate(each, about) for each, about in names if each.startswith(begun)]


def _complete_value(option: argparse.Action, begun: str) -> list[Candidate]:
    if option.choices is not None:
        return among(map(str, option.choices), begun)
    completer = _VALUES.get(option.dest)
    return completer(begun) if completer is not None else []


def _complete_positional(parser: argparse.ArgumentParser, typed: Sequence[str], begun: str) -> list[Candidate]:
    places = [action for action in parser._actions if not action.option_strings]
    number = len(_list_positionals(parser, typed))
    if number >= len(places):
        return []
    place = places[number]
    return complete_target(begun) if place.dest == "target" else _complete_value(place, begun)


def _list_positionals(parser: argparse.ArgumentParser, typed: Sequence[str]) -> list[str]:
    return [
        word
        for number, word in enumerate(typed)
        if not word.startswith("-") and _find_open(parser, typed[:number]) is None
    ]


def _complete_themes(begun: str) -> list[Candidate]:
    from textual.theme import BUILTIN_THEMES

    from ...config.read import read_config

    return among(sorted({*BUILTIN_THEMES, *read_config().themes}), begun)


def _complete_input(begun: str) -> list[Candidate]:
    head, at, file = begun.rpartition("@")
    return files(file, before=head + at) if at else []


_VALUES: dict[str, Completer] = {
    "weights": lambda begun: [*among(("DEFAULT", "none"), begun), *files(begun)],
    "device": lambda begun: among(("auto", "cpu", "cuda", "cuda:0", "meta"), begun),
    "dtype": lambda begun: among(_DTYPES, begun),
    "loss": lambda begun: among(("mean", "sum", "cross_entropy"), begun),
    "metric": lambda begun: among(("logit:", "logit_diff:", "kl", "mean", "norm"), begun),
    "theme": _complete_themes,
    "input": _complete_input,
    "clean": _complete_input,
    "corrupted": _complete_input,
    "script": lambda begun: files(begun, (".py",)),
    "args": files,
    "hooks": lambda begun: files(begun, (".toml",)),
    "config": lambda begun: files(begun, (".toml",)),
    "save": lambda begun: files(begun, (".safetensors",)),
}
"""By what argparse calls the option."""
