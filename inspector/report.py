"""Records -> plain text and JSON, for `--print`, pipes, CI and `inspector.summary`. No torch, no terminal needed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .records import (
    CallDetail,
    CallRow,
    Location,
    MappingValue,
    ModelInfo,
    ModuleRow,
    NoneValue,
    OtherValue,
    PassSummary,
    Problem,
    ScalarValue,
    SequenceValue,
    TensorValue,
    Value,
)
from .text import lines, visible

SCHEMA = 1


@dataclass(frozen=True)
class Report:
    """What was learned about one model. `calls` are in completion order; `details` go with them, or are empty."""

    info: ModelInfo
    modules: Sequence[ModuleRow]
    calls: Sequence[CallRow] = ()
    details: Sequence[CallDetail] = ()
    locations: Sequence[Location] = ()
    summary: PassSummary | None = None
    problem: Problem | None = None
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for row in self.modules:
            parent = self.paths[row.parent] if row.parent >= 0 else ""
            self.paths.append(f"{parent}.{row.key}" if parent else row.key)

    def counts(self) -> dict[int, int]:
        """Calls per module object."""
        counts: dict[int, int] = {}
        for call in self.calls:
            counts[call.module] = counts.get(call.module, 0) + 1
        return counts


# ---------------------------------------------------------------- text


def tree_text(report: Report, width: int = 100) -> str:
    """The module tree with parameters, output shapes and calls."""
    table = _table(
        ("Module", "left"), ("Class", "left"), ("Parameters", "right"), ("Output", "left"), ("Calls", "right")
    )
    last = {call.module: call for call in report.calls}
    counts = report.counts()
    depths: list[int] = []
    for row in report.modules:
        depths.append(depths[row.parent] + 1 if row.parent >= 0 else 0)
        source = row.index if row.alias_of < 0 else row.alias_of
        call, count = last.get(source), counts.get(source, 0)
        table.add_row(
            Text("  " * depths[-1] + (visible(row.key) if row.parent >= 0 else "(root)")),
            Text(visible(row.class_name)),
            f"{row.parameters:,}" if row.parameters else "–",
            Text(_output(call) if call else "–" if report.calls else ""),
            Text(visible(_count_words(row, count, bool(report.calls)))),
        )
    return _rendered(table, width) + "\n".join(_footer(report)) + "\n"


def _count_words(row: ModuleRow, count: int, ran: bool) -> str:
    words = [f"×{count}"] if count > 1 else ["–"] if ran and not count else []
    words += [f"= {row.alias_of}"] if row.alias_of >= 0 else []
    return " ".join([*words, *row.badges])


def calls_text(report: Report, width: int = 100) -> str:
    """The modules in the order in which forward hooks fire, repeated calls apart."""
    table = _table(("", "right"), ("Module", "left"), ("Class", "left"), ("Output", "left"), ("ms", "right"))
    for position, call in enumerate(report.calls):
        row = report.modules[call.module]
        name = visible(report.paths[call.module]) or "(root)"
        name += f" #{call.call + 1}" if call.call else ""
        table.add_row(str(position), Text(name), Text(visible(row.class_name)), Text(_output(call)), f"{call.ms:.2f}")
    return _rendered(table, width) + "\n".join(_footer(report)) + "\n"


def _output(call: CallRow) -> str:
    return visible(call.brief) if call.status == "ok" else call.status


def _table(*columns: tuple[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for name, justify in columns:
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")
    return table


def _rendered(table: Table, width: int) -> str:
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _footer(report: Report) -> list[str]:
    info, summary = report.info, report.summary
    lines = [
        "",
        f"{visible(info.target)}: {info.modules:,} modules, {info.parameters:,} parameters "
        f"({info.trainable:,} trainable), {info.nbytes / 1e6:.1f} MB, {'train' if info.training else 'eval'}, "
        f"{visible(info.device)}",
    ]
    if info.input:
        lines.append(f"input {visible(info.input)} ({info.input_origin})")
    if summary is not None:
        lines.append(f"{summary.calls:,} calls in {summary.ms:.1f} ms, seed {summary.seed}")
        lines += _changed(summary)
    return [*lines, *(f"note: {visible(note)}" for note in info.notes)]


def _changed(summary: PassSummary) -> list[str]:
    """What hooks did, and what a backward pass started from."""
    lines = [f"hook failed: {visible(fault.what)}" for fault in summary.faults]
    if summary.altering:
        delta = summary.delta
        moved = f", the output moved by {delta.rel_l2:.3g} (relative L2)" if delta is not None else ""
        lines.append(f"altering hooks: {summary.altering}{moved}")
    if summary.loss is not None:
        lines.append(f"loss {summary.loss:.6g}")
    return lines


def problem_text(problem: Problem) -> str:
    """What was wrong, where and what to try, the user's own traceback first."""
    lines = [visible(line) for line in problem.traceback]
    lines.append(f"inspector: {_block(problem.what)}")
    if problem.why:
        lines.append(f"  why: {_block(problem.why)}")
    if problem.where:
        lines.append(f"  where: {_block(problem.where)}")
    if problem.path is not None:
        lines.append(f"  module: {visible('.'.join(problem.path)) or '(root)'}")
    if problem.hint:
        lines.append(f"  try: {_block(problem.hint)}")
    return "\n".join(lines) + "\n"


def _block(text: str) -> str:
    """Text of several lines, harmless, each below the first a little further in."""
    return "\n    ".join(lines(text))


# ---------------------------------------------------------------- JSON


def to_json(report: Report) -> str:
    """The stable contract, schema 1. A non-finite float is null."""
    return json.dumps(as_data(report), ensure_ascii=True, allow_nan=False)


def as_data(report: Report) -> dict[str, Any]:
    info = report.info
    places = {place.module: place for place in report.locations}
    counts = report.counts()
    output = report.summary.output if report.summary else None
    return {
        "schema": SCHEMA,
        "target": info.target,
        "torch": info.torch,
        "model": {
            "class": info.class_name,
            "modules": info.modules,
            "parameters": info.parameters,
            "trainable": info.trainable,
            "buffers": info.buffers,
            "bytes": info.nbytes,
        },
        "modules": [_module(report, row, places.get(row.index), counts) for row in report.modules],
        "calls": [{**_call(report, detail), **_moved(report, detail.row)} for detail in report.details],
        "output": _value(output) if output is not None else {"kind": "none"},
        "error": _error(report.problem),
    }


def _module(report: Report, row: ModuleRow, place: Location | None, counts: dict[int, int]) -> dict[str, Any]:
    return {
        "path": report.paths[row.index],
        "class": row.class_name,
        "parent": report.paths[row.parent] if row.parent >= 0 else None,
        "parameters": row.parameters,
        "own_parameters": row.own_parameters,
        "calls": counts.get(row.index if row.alias_of < 0 else row.alias_of, 0),
        "alias_of": report.paths[row.alias_of] if row.alias_of >= 0 else None,
        "source": {"file": place.file if place else None, "line": place.line if place else None},
    }


def _call(report: Report, detail: CallDetail) -> dict[str, Any]:
    row = detail.row
    return {
        "start": row.start,
        "end": row.end,
        "path": report.paths[row.module],
        "class": detail.class_name,
        "call": row.call,
        "depth": row.depth,
        "inputs": [_value(value) for value in detail.inputs],
        "kwargs": dict(zip(detail.kwargs.keys, map(_value, detail.kwargs.items), strict=True)),
        "output": _value(detail.output) if detail.output is not None else {"kind": "none"},
        "ms": row.ms,
        "site": {"file": row.file, "line": row.line} if row.file else None,
        "status": row.status,
    }


def _moved(report: Report, row: CallRow) -> dict[str, Any]:
    """With hooks that alter, how far the output is from the baseline."""
    if report.summary is None or not report.summary.altering:
        return {}
    delta = row.delta
    if delta is None:
        return {"delta": None}
    return {"delta": {name: _finite(getattr(delta, name)) for name in ("rel_l2", "cosine", "max_abs")}}


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, TensorValue):
        return _tensor(value)
    if isinstance(value, SequenceValue):
        kind = "tuple" if value.is_tuple else "list"
        items = [_value(item) for item in value.items]
        return {"kind": kind, "type": value.type, "items": items + _left_out(value.length, items)}
    if isinstance(value, MappingValue):
        return {"kind": "mapping", "type": value.type, "items": _items(value)}
    if isinstance(value, ScalarValue):
        return {"kind": "scalar", "type": value.type, "value": _finite(value.value)}
    if isinstance(value, NoneValue):
        return {"kind": "none"}
    return _other(value)


def _tensor(value: TensorValue) -> dict[str, Any]:
    seen = value.statistics
    return {
        "kind": "tensor",
        "shape": list(value.shape),
        "dtype": value.dtype,
        "device": value.device,
        "requires_grad": value.requires_grad,
        "min": _finite(seen.min) if seen else None,
        "max": _finite(seen.max) if seen else None,
        "mean": _finite(seen.mean) if seen else None,
        "std": _finite(seen.std) if seen else None,
        "nan": seen.nan if seen else 0,
        "inf": seen.inf if seen else 0,
        "zeros": seen.zeros if seen else 0,
    }


def _items(value: MappingValue) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for key, item in zip(value.keys, value.items, strict=True):
        while key in items:  # keys that differ only in type (3 and "3")
            key += "'"
        items[key] = _value(item)
    for left_out in _left_out(value.length, list(items)):
        items["…"] = left_out
    return items


def _left_out(length: int, shown: Sequence[Any]) -> list[dict[str, Any]]:
    missing = length - len(shown)
    return [{"kind": "other", "type": "…", "text": f"{missing} more"}] if missing > 0 else []


def _other(value: OtherValue) -> dict[str, Any]:
    return {"kind": "other", "type": value.type, "text": value.text}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _error(problem: Problem | None) -> dict[str, Any] | None:
    if problem is None:
        return None
    return {
        "type": problem.kind or "Error",
        "message": problem.what.removeprefix(f"{problem.kind}: "),
        "path": ".".join(problem.path) if problem.path is not None else None,
        "traceback": list(problem.traceback),
    }
