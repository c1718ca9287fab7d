"""Records -> plain text and JSON, for `--print`, pipes, CI and `inspector.summary`. No torch, no terminal needed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len, set_cell_size

from ..records import (
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
from ..records.badges import NO_FORWARD, uncalled
from ..text import ELLIPSIS, lines, visible

SCHEMA = 1

DEEPEST = 24
"""Levels that are indented; what is deeper stands below them."""


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

    def ran_unseen(self) -> set[int]:
        """Rows that hold a module that was called, or whose forward was seen to run: they ran, called or not."""
        found: set[int] = set(self.summary.direct) if self.summary is not None else set()
        for index in {call.module for call in self.calls}:
            parent = self.modules[index].parent
            while parent >= 0:
                found.add(parent)
                parent = self.modules[parent].parent
        return found


def tree_text(report: Report, width: int = 100) -> str:
    """The module tree with parameters, output shapes and calls."""
    if not report.info.callable:
        return _weights_text(report, width)
    table = _Table(
        ("Module", "left"), ("Class", "left"), ("Parameters", "right"), ("Output", "left"), ("Calls", "left")
    )
    last = {call.module: call for call in report.calls}
    counts, ran, recomputed = report.counts(), report.ran_unseen(), {c.module for c in report.calls if c.recomputed}
    depths: list[int] = []
    for row in report.modules:
        depths.append(depths[row.parent] + 1 if row.parent >= 0 else 0)
        source = row.index if row.alias_of < 0 else row.alias_of
        call, count = last.get(source), counts.get(source, 0)
        table.add_row(
            "  " * min(depths[-1], DEEPEST) + (visible(row.key) if row.parent >= 0 else "(root)"),
            visible(row.class_name),
            f"{row.parameters:,}" if row.parameters else "–",
            _output(call) if call else uncalled(row.badges, source in ran) if report.calls else "",
            _count_words(report, row, count, source in recomputed),
        )
    return table.text(width) + "\n".join(_footer(report)) + "\n"


def _weights_text(report: Report, width: int) -> str:
    """The tree of names with what each tensor is."""
    table = _Table(("Name", "left"), ("Dtype", "left"), ("Shape", "left"), ("Elements", "right"), ("Bytes", "right"))
    depths: list[int] = []
    for row in report.modules:
        depths.append(depths[row.parent] + 1 if row.parent >= 0 else 0)
        name = "  " * min(depths[-1], DEEPEST) + (visible(row.key) if row.parent >= 0 else "(root)")
        dtype, shape = (row.class_name, _shape(row.shape)) if row.shape is not None else ("", "")
        shape = visible(" ".join([shape, *row.badges]))
        table.add_row(name, visible(dtype), shape, f"{row.parameters:,}", f"{row.nbytes:,}")
    return table.text(width) + "\n".join(_footer(report)) + "\n"


def _shape(shape: Sequence[int]) -> str:
    return "×".join("?" if size < 0 else str(size) for size in shape) or "scalar"


def _count_words(report: Report, row: ModuleRow, count: int, recomputed: bool) -> str:
    words = [f"×{count}"] if count > 1 else []
    words += ["recomputed"] if recomputed else []
    words += [f"alias of {report.paths[row.alias_of] or '(root)'}"] if row.alias_of >= 0 else []
    return visible(", ".join([*words, *(word for word in row.badges if word != NO_FORWARD)]))


def calls_text(report: Report, width: int = 100) -> str:
    """The modules in the order in which forward hooks fire, repeated calls apart."""
    table = _Table(("", "right"), ("Module", "left"), ("Class", "left"), ("Output", "left"), ("ms", "right"))
    for position, call in enumerate(report.calls):
        row = report.modules[call.module]
        name = visible(report.paths[call.module]) or "(root)"
        name += f" #{call.call + 1}" if call.call else ""
        name += " (recomputed)" if call.recomputed else ""
        table.add_row(str(position), name, visible(row.class_name), _output(call), f"{call.ms:.2f}")
    return table.text(width) + "\n".join(_footer(report)) + "\n"


def _output(call: CallRow) -> str:
    return visible(call.brief) if call.status == "ok" else call.status


class _Table:
    """Columns of plain text. A hundred thousand rows take a second, where Rich's own tables take minutes."""

    def __init__(self, *columns: tuple[str, str]) -> None:
        self._right = [justify == "right" for _, justify in columns]
        self._rows: list[tuple[str, ...]] = [tuple(name for name, _ in columns)]

    def add_row(self, *cells: str) -> None:
        self._rows.append(cells)

    def text(self, width: int) -> str:
        """In lines of at most `width` cells: the widest columns give way until they fit."""
        widths = _shared([max(map(cell_len, column)) for column in zip(*self._rows, strict=True)], width)
        return "".join(self._line(row, widths) + "\n" for row in self._rows)

    def _line(self, row: tuple[str, ...], widths: list[int]) -> str:
        return "  ".join(map(_padded, row, widths, self._right)).rstrip()


def _shared(natural: list[int], width: int) -> list[int]:
    over = sum(natural) + 2 * (len(natural) - 1) - width
    widths = list(natural)
    while over > 0 and max(widths) > 1:
        widest, second = widths.index(max(widths)), sorted(widths)[-2]
        cut = max(min(over, widths[widest] - second), 1)
        widths[widest] -= cut
        over -= cut
    return widths


def _padded(cell: str, width: int, right: bool) -> str:
    """`cell` in exactly `width` cells, cut with an ellipsis."""
    size = cell_len(cell)
    if size > width:
        return set_cell_size(cell, width - 1) + ELLIPSIS
    return " " * (width - size) + cell if right else cell + " " * (width - size)


def _footer(report: Report) -> list[str]:
    info, summary = report.info, report.summary
    lines = [
        "",
        _weights_facts(info)
        if not info.callable
        else f"{visible(info.target)}: {info.modules:,} modules, {info.parameters:,} parameters "
        f"({info.trainable:,} trainable), {info.nbytes / 1e6:.1f} MB, {'train' if info.training else 'eval'}, "
        f"{visible(info.device)}",
    ]
    if info.input:
        lines.append(f"input {visible(info.input)} ({info.input_origin})")
    if summary is not None:
        lines.append(f"{summary.calls:,} calls in {summary.ms:.1f} ms, seed {summary.seed}")
        if summary.unobserved is not None:
            lines.append(f"fused path: {summary.unobserved:,} calls where nothing is observed")
        lines += _changed(summary)
    return [*lines, *(f"note: {visible(note)}" for note in info.notes)]


def _weights_facts(info: ModelInfo) -> str:
    tensors = f"{info.tensors:,} tensor{'' if info.tensors == 1 else 's'}"
    elements = f"{info.parameters:,} elements, {info.nbytes / 1e6:,.1f} MB"
    return f"{visible(info.target)}: weights without a model, {tensors}, {elements}"


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
        **({} if row.shape is None else {"dtype": row.class_name, "shape": list(row.shape), "bytes": row.nbytes}),
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
