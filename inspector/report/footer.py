"""What is said below every table: the model in one line, its input, the pass and what hooks did in it."""

from __future__ import annotations

from ..records import HookOutcome, ModelInfo, PassSummary
from ..text import visible
from ..value_text import say_share
from .findings import find_dead
from .hints import Hint
from .model import Report

SHOWN = 4
"""Names in one line."""


def render_footer(report: Report) -> str:
    """An empty line and then a line for everything that is known."""
    info, summary = report.info, report.summary
    lines = ["", _describe_model(info) if info.is_model else _describe_weights(info)]
    if info.input:
        lines.append(f"input {visible(info.input)} ({info.input_origin})")
    if summary is not None:
        lines += _describe_pass(summary)
    lines += _describe_hints(report.hints())
    lines += _describe_dead(report)
    return "\n".join(lines) + "\n"


def _describe_model(info: ModelInfo) -> str:
    parameters = f"{info.parameters:,} parameters ({info.trainable:,} trainable)"
    mode = "train" if info.training else "eval"
    return (
        f"{visible(info.target)}: {info.modules:,} modules, {parameters}, {info.nbytes / 1e6:.1f} MB, {mode}, "
        f"{visible(info.device)}"
    )


def _describe_weights(info: ModelInfo) -> str:
    tensors = f"{info.tensors:,} tensor{'' if info.tensors == 1 else 's'}"
    elements = f"{info.parameters:,} elements, {info.nbytes / 1e6:,.1f} MB"
    return f"{visible(info.target)}: weights without a model, {tensors}, {elements}"


def _describe_pass(summary: PassSummary) -> list[str]:
    overhead = summary.overhead
    looking = "" if overhead is None else f", observing {summary.observing_ms:.1f} ms of it (+{say_share(overhead)})"
    lines = [f"{summary.calls:,} calls in {summary.ms:.1f} ms{looking}, seed {summary.seed}"]
    if summary.left_out:
        lines.append(say_left_out(summary.left_out))
    return [*lines, *_describe_steps(summary), *_describe_changes(summary)]


def say_left_out(tensors: int) -> str:
    """Of how many tensors there are no statistics, for the budget."""
    return f"no statistics of {tensors:,} tensor{'s' * (tensors != 1)}: left out to stay within the budget"


def _describe_steps(summary: PassSummary) -> list[str]:
    """How many there were, and of which the calls are."""
    if summary.steps == 1:
        return []
    unit = "batches" if summary.batches == summary.steps else "calls of the model"
    prefill = ", #0 is the prefill and the others decode" if summary.prefill else ""
    kept = f"; calls are kept from #{summary.first_step} on" if summary.first_step else ""
    return [f"{summary.steps:,} steps ({unit}), counted from #0{prefill}{kept}"]


def _describe_hints(hints: list[Hint]) -> list[str]:
    """A line for each; what was put back is no news, and what is dead shares one line."""
    return [
        visible(f"note: {hint.text}" if hint.kind in ("note", "weights") else hint.text)
        for hint in hints
        if hint.kind not in ("restored", "dead")
    ]


def _describe_dead(report: Report) -> list[str]:
    dead = [report.paths[index] or "(root)" for index in find_dead(report.calls)]
    return [visible(f"dead, nothing but zeros: {_list_some(dead)}")] if dead else []


def _list_some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _describe_changes(summary: PassSummary) -> list[str]:
    """What hooks did, and what a backward pass started from."""
    lines = [f"hook failed: {visible(fault.what)}" for fault in summary.faults]
    lines += [f"hook {each.kind}: {visible(_say_of(each))}" for each in summary.idle]
    lines += _count_untold(summary)
    if summary.altering:
        delta = summary.delta
        moved = f", the output moved by {delta.rel_l2:.3g} (relative L2)" if delta is not None else ""
        lines.append(f"altering hooks: {summary.altering}{moved}")
    if summary.loss is not None:
        lines.append(f"loss {summary.loss:.6g}")
    return lines


def _say_of(outcome: HookOutcome) -> str:
    """Which hook it is, and why it never fired."""
    return f"{outcome.place}: {outcome.unfired}" if outcome.unfired else outcome.place


def _count_untold(summary: PassSummary) -> list[str]:
    """How many hooks more there is something to say of, than is said."""
    counts = summary.hook_counts
    more = counts.failed + counts.never_fired + counts.changed_nothing - len(summary.faults) - len(summary.idle)
    return [f"and {more:,} more hooks like these: --print json has all"] if more > 0 else []
