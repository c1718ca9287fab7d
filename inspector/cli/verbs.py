"""The verbs: each is a file in this folder, with a parser of its own, and a line here."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A first word that does something else than to open a target.

    The file of its name has `run(arguments)`, which takes what was typed after the word and returns the exit code.
    """

    name: str
    meaning: str

    @property
    def file(self) -> str:
        """The module's name in this package."""
        return self.name.replace("-", "_")


OPEN = Verb("open", "open TARGET, in the app or as a report: what no verb means too")

VERBS: tuple[Verb, ...] = (
    OPEN,
    Verb("first-bad", "name the first operation of a pass that gives NaN or infinity, with its line"),
    Verb("run", "run a script, unchanged: the app opens where a model in it raises"),
    Verb("sweep", "patch or ablate one place after another, and measure what that does"),
    Verb("config", "show, make or edit the configuration: keys, colours, what targets are opened with"),
    Verb("completion", "print what bash, zsh or fish needs to complete this command"),
    Verb("tour", "show in five screens how the app is used, on a small model of its own"),
    Verb("doctor", "look at the terminal, the versions, the GPU and the files, and say what to do"),
    Verb("schema", "print the JSON Schema of what --print json prints"),
)
"""As help lists them."""


def split_verb(arguments: list[str]) -> tuple[Verb, list[str]]:
    """The verb of what was typed, and what follows it."""
    for verb in VERBS:
        if arguments[:1] == [verb.name]:
            return verb, arguments[1:]
    return OPEN, arguments


def render_help(width: int) -> str:
    """A line or more for each."""
    return "\n".join(
        textwrap.fill(verb.meaning, width, initial_indent=f"  {verb.name:<14}", subsequent_indent=" " * 16)
        for verb in VERBS
    )
