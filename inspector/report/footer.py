"""What is said below every table: the model in one line, its input, the pass and what hooks did in it."""

from __future__ import annotations

from ..records import HookOutcome, ModelInfo, PassSummary
from ..text import visible
from .model import Report


def render_footer(report: Report) -> str:
    """An empty line and then a line for everything that is known."""
    info, summary = report.info, report.summary
    lines = ["", _describe_model(info) if info.is_model else _describe_weights(info)]
    if info.input:
        lines.append(f"input {visible(info.input)} ({info.input_origin})")
    if summary is not None:
        lines += _describe_pass(summary)
    lines += [f"note: {visible(note)}" for note in info.notes]
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
    lines = [f"{summary.calls:,} calls in {summary.ms:.1f} ms, seed {summary.seed}"]
    if summary.unobserved is not None:
        lines.append(f"fused path: {summary.unobserved:,} calls where nothing is observed")
    return [*lines, *_describe_changes(summary)]


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
