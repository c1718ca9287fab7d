"""What a person should know of a model and a pass beside the figures, one sentence each: the same in the app, below a
table and in JSON."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from ..app_keys import app_key
from ..gradients import LIMITS, Limits, find_trend, say_ratio
from ..records import BadParameter, CallRow, ModelInfo, PassSummary, PutIn
from .findings import FirstBad, find_dead, find_first_bad

MOST = 20
"""Of one kind."""

HintKind = Literal[
    "note", "input", "fused path", "not restored", "restored", "weights", "first bad", "dead", "gradients"
]  # fmt: skip


@dataclass(frozen=True)
class Hint:
    """One thing to know. Where it is of one module, `path` names it, "" being the root; of one call, `call` is which
    of that module's calls in the pass and `step` the step that it is in, both from 0."""

    kind: HintKind
    text: str
    path: str | None = None
    call: int | None = None
    step: int | None = None


def list_hints(
    info: ModelInfo,
    summary: PassSummary | None,
    calls: Sequence[CallRow],
    paths: Sequence[str],
    layers: Collection[int] = (),
    limits: Limits = LIMITS,
    put_in: Sequence[PutIn] = (),
) -> list[Hint]:
    """Everything there is to say, what bears on all the rest first.

    Args:
        info: The model.
        summary: How its last pass went, if there was one.
        calls: Of that pass.
        paths: Of the rows that calls name their module by.
        layers: The rows that have parameters of their own, for what is said of gradients.
        limits: From which on that is said.
        put_in: By a person, while the pass stood still.
    """
    found = [Hint("note", note) for note in info.notes]
    found += hint_at_reach(info)
    if summary is not None:
        found += _hint_at_pass(summary)
    found += _limit([_hint_at_parameter(bad) for bad in info.bad_parameters], "weights", "parameters")
    found += hint_at_first_bad(calls, paths, info.bad_parameters, put_in)
    found += hint_at_dead(calls, paths)
    found += hint_at_gradients(calls, paths, layers, limits)
    return found


def hint_at_reach(info: ModelInfo) -> Iterator[Hint]:
    """A guessed input that most of the model never sees."""
    if info.reached is not None:
        reached = f"the guessed input ({info.input}) reaches {info.reached} of {info.modules} modules"
        text = f"{reached}; give one with -i (in the app, {app_key('seed')})"
        yield Hint("input", text)


def _hint_at_pass(summary: PassSummary) -> Iterator[Hint]:
    if summary.unobserved is not None:
        yield Hint("fused path", f"fused path: {summary.unobserved:,} calls where nothing is observed")
    for words in summary.not_restored:
        yield Hint("not restored", f"the pass changed, and stays changed: {words}")
    for words in summary.restored:
        yield Hint("restored", f"the pass changed, and was put back: {words}")


def _hint_at_parameter(bad: BadParameter) -> Hint:
    counted = [f"{count:,} {word}" for count, word in ((bad.nan, "NaN"), (bad.inf, "Inf")) if count]
    path = ".".join(bad.path)
    return Hint("weights", f"{'.'.join((*bad.path, bad.name))} holds {' and '.join(counted)}", path)


def hint_at_first_bad(
    calls: Sequence[CallRow],
    paths: Sequence[str],
    bad_parameters: Sequence[BadParameter] = (),
    put_in: Sequence[PutIn] = (),
) -> Iterator[Hint]:
    """Where the first NaN of a pass came from, and the first Inf where that was before it."""
    for found in find_first_bad(calls):
        path = paths[found.call.module]
        own = [bad.name for bad in bad_parameters if ".".join(bad.path) == path]
        why = _explain(found, paths, own, put_in)
        text = f"first {found.holds}: {path or '(root)'}, {_name_call(found.call)}: {why}"
        yield Hint("first bad", text, path, found.call.call, found.call.step)


def _name_call(call: CallRow) -> str:
    return f"step {call.step}, call {call.in_step}" if call.step else f"call {call.in_step}"


def _explain(found: FirstBad, paths: Sequence[str], own: Sequence[str], put_in: Sequence[PutIn]) -> str:
    by_hand = _find_put_in(found, paths, put_in)
    if by_hand is not None:
        return f"{'in its input; ' * found.given}a person put {_say_put_in(by_hand)}"
    if not found.given:
        return _explain_producer(found.call, own)
    if found.around is None:
        return "in its input, which no module gave"
    return f"in its input, made between modules in the forward of {paths[found.around.module] or '(root)'}"


def _find_put_in(found: FirstBad, paths: Sequence[str], put_in: Sequence[PutIn]) -> PutIn | None:
    """What a person put in that the values may come from: the latest in that call, or around it."""
    calls = [found.call] if found.around is None else [found.around, found.call]
    inside = {(paths[call.module], call.in_step, call.step): call is found.call for call in calls}
    for each in reversed(put_in):
        is_own = inside.get((".".join(each.path), each.call, each.step))
        if is_own is not None and each.on != "gradient" and (not is_own or not found.given or each.on == "before"):
            return each
    return None


def _say_put_in(each: PutIn) -> str:
    path = ".".join(each.path) or "(root)"
    at = f"{os.path.basename(each.file)}:{each.line} in {path}" if each.on == "line" else f"{each.on} {path}"
    return f"{', '.join(each.names)} in at the stop {at}"


def _explain_producer(call: CallRow, own: Sequence[str]) -> str:
    took = "its input holds Inf, its output NaN" if call.input_nan else "its input is finite, its output is not"
    because = f"; its {', '.join(own)} {'holds' if len(own) == 1 else 'hold'} it" if own else ""
    return took + because + ("; a hook altered it" if call.altered else "")


def hint_at_dead(calls: Sequence[CallRow], paths: Sequence[str]) -> list[Hint]:
    """The modules that gave nothing but zeros."""
    dead = [Hint("dead", f"dead: {paths[i] or '(root)'} gave nothing but zeros", paths[i]) for i in find_dead(calls)]
    return _limit(dead, "dead", "modules that gave nothing but zeros")


def hint_at_gradients(
    calls: Sequence[CallRow], paths: Sequence[str], layers: Collection[int], limits: Limits
) -> list[Hint]:
    """Whether gradients vanish or explode through depth, and the modules where they are far above their weights."""
    trend = find_trend(calls, layers, limits)
    through_depth = [Hint("gradients", f"gradients {trend}")] if trend.mark else []
    above = {call.module: call.weight_ratio for call in calls if call.weight_ratio is not None}
    above = {module: ratio for module, ratio in above.items() if ratio > limits.exploding}
    if not above:
        return through_depth
    most = max(above, key=above.__getitem__)
    count = f"{len(above):,} module{'' if len(above) == 1 else 's'}"
    said = f"in {count} far above the weights, most in {paths[most] or '(root)'}: {say_ratio(above[most])}"
    return [*through_depth, Hint("gradients", f"gradients exploding: {said}", paths[most])]


def _limit(hints: list[Hint], kind: HintKind, words: str) -> list[Hint]:
    more = len(hints) - MOST
    return [*islice(hints, MOST), *([Hint(kind, f"and {more} more {words}")] if more > 0 else [])]
