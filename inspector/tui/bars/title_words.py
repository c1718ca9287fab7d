"""What each word of the title means: shown where the mouse rests on it, and by the help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...target_kinds import TARGET_KINDS
from ..keys import key_of

_BETWEEN = re.compile(r" +[·.-] +|  +")
_KINDS = "|".join((*(re.escape(kind.name) for kind in TARGET_KINDS), "your model", "captured"))


class TitleWord(NamedTuple):
    """One of them: as help writes it, how it is recognized, and what it means."""

    sample: str
    pattern: str
    meaning: str


TARGET = "what was opened, as it was typed; of a file its name"
ALARM = "what is wrong with the engine, which has the model"
WAITING = "what is waited for, how far it is, for how long, and how to stop it"

TITLE_WORDS = (
    TitleWord("read-only", "read-only", "the model is only looked at: nothing alters it"),
    TitleWord(
        "2 changes", r"\d+ changes?", "hooks added and parameters edited since it was opened, those undone left out"
    ),
    TitleWord("1 altering", r"\d+ altering", "hooks of ours that are on and change values"),
    TitleWord("torchvision", _KINDS, "the kind of target that was opened, behind its name"),
    TitleWord(
        "input reaches",
        "input reaches .*",
        f"a guessed input gets to few of the modules: give another one with {key_of('seed')}",
    ),
    TitleWord("68 modules", r"[\d,]+ modules?", "as model.named_modules() counts them, the model itself included"),
    TitleWord("12 tensors", r"[\d,]+ tensors?", "in weights without a model: all that the file has"),
    TitleWord("11.7M", r"\S+ (parameters|elements)", "parameters: their elements, each shared tensor once"),
    TitleWord("46.8 MB", r"[\d.]+ [kMGTP]?B", "bytes of parameters and buffers"),
    TitleWord(
        "eval, train", "eval|train", "the mode: in train, dropout drops and batch norm uses the batch's own statistics"
    ),
    TitleWord("live", "live", "runs again after every change"),
    TitleWord("F5 reloads", r".*, .+ reloads", "a file is not what it was when the model was made from it"),
    TitleWord("pass 3", r"pass \d+", "the last pass, counted since the model was opened"),
    TitleWord("4 batches", r"\d+ (batches|steps)", "the last pass was several: batches, tokens, or steps of training"),
    TitleWord("42.9 ms", r"[\d.,]+ (µs|us|ms|s|min|h)|cancelled", "how long it took, or takes until now"),
    TitleWord(
        "observing +4%",
        r"observing \+.*",
        "what hooks of ours took, against the rest of the pass; --budget limits it, and budget in the palette",
    ),
    TitleWord(
        "+4% on bare",
        r"\+.* on bare",
        f"how much longer than the last pass with no hook of ours and the same input, or those that {key_of('costs')} "
        "timed; shown once there was one that was quicker",
    ),
    TitleWord("1 failed", r"\d+( hooks?)? failed", "hooks of ours that raised; the Log says why"),
    TitleWord("never fired", r"\d+( hooks?)? never fired", "hooks that no call reached; the Log says why"),
    TitleWord(
        "changed nothing", r"\d+( hooks?)? changed nothing", "hooks that fired, and every value stayed as it was"
    ),
    TitleWord("Δ 0.32", "[Δd] .*", "how far the model's output is from the baseline: the relative L2 distance"),
    TitleWord("loss 2.3", "loss .*", "the loss of the last pass"),
    TitleWord("76 hooks", r"[\d,]+ hooks", "observe hooks that were on in it"),
    TitleWord("changed since", "changed since.*", "it began before the last change: run again to see what that does"),
    TitleWord("ValueError", r"failed|\S*[A-Z]\w+…?", "what the last pass raised; the Log says where"),
    TitleWord("cpu, cuda:0", r"[a-z]+(:\d+)?(, [a-z]+(:\d+)?)*", "the device of the parameters"),
)
"""The first that fits a word explains it."""

IN_TITLE = {word.sample: word.meaning for word in TITLE_WORDS}
"""For the help."""


def explain_word(word: str) -> str:
    """What a word of the title means; "" for one that is not of it."""
    return next((known.meaning for known in TITLE_WORDS if re.fullmatch(known.pattern, word)), "")


def split_words(title: str) -> Iterator[tuple[int, str]]:
    """The words between dots and gaps, and where each begins."""
    start = 0
    for match in (*_BETWEEN.finditer(title), None):
        word = title[start : match.start() if match else None].rstrip()
        if word:
            yield start, word
        start = match.end() if match else 0
