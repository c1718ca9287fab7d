"""The stable JSON contract, schema 1."""

from __future__ import annotations

import json
from typing import Any

from ..records import CallDetail, CallRow, HookOutcome, Location, ModuleRow, PassSummary
from .hints import Hint
from .json_costs import costs_to_json
from .json_failure import SCHEMA, error_to_json
from .json_values import JsonValues, escape, finite_or_none, value_to_json
from .memory import memory_to_json
from .model import Report


def render_json(report: Report) -> str:
    """One line of ASCII. JSON has no NaN: it is null."""
    return json.dumps(_document(report), ensure_ascii=True, allow_nan=False)


def _document(report: Report) -> dict[str, Any]:
    info = report.info
    places = {place.module: place for place in report.locations}
    counts = report.count_calls()
    output = report.summary.output if report.summary else None
    values = JsonValues()
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
        "calls": [
            {**_call(report, detail, values, f"/calls/{number}"), **_render_delta(report, detail.row)}
            for number, detail in enumerate(report.details)
        ],
        "output": value_to_json(output) if output is not None else {"kind": "none"},
        "error": error_to_json(report.problem) if report.problem is not None else None,
        "hooks": [_hook(outcome) for outcome in report.outcomes],
        **_faults(report),
        "pass": _pass(report.summary) if report.summary is not None else None,
        "loss": finite_or_none(report.summary.loss) if report.summary else None,
        "batches": report.summary.batches if report.summary else 0,
        "steps": report.summary.steps if report.summary else 0,
        "first_step": report.summary.first_step if report.summary else 0,
        "gradients": {name: value_to_json(value) for name, value in report.gradients.items()},
        "hints": [_hint(hint) for hint in report.hints()],
        **({"costs": costs_to_json(report, report.costs)} if report.costs is not None else {}),
        **({"estimate": memory_to_json(report.memory)} if report.memory is not None else {}),
    }


def _pass(summary: PassSummary) -> dict[str, Any]:
    return {"ms": summary.ms, "observing_ms": summary.observing_ms, "left_out": summary.left_out}


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


def _call(report: Report, detail: CallDetail, values: JsonValues, place: str) -> dict[str, Any]:
    row = detail.row
    return {
        "start": row.start,
        "end": row.end,
        "path": report.paths[row.module],
        "class": detail.class_name,
        "call": row.call,
        "step": row.step,
        "call_in_step": row.in_step,
        "depth": row.depth,
        "inputs": [values.write(value, f"{place}/inputs/{number}") for number, value in enumerate(detail.inputs)],
        "kwargs": {
            key: values.write(value, f"{place}/kwargs/{escape(key)}")
            for key, value in zip(detail.kwargs.keys, detail.kwargs.items, strict=True)
        },
        "output": values.write(detail.output, f"{place}/output") if detail.output is not None else {"kind": "none"},
        "ms": row.ms,
        "site": {"file": row.file, "line": row.line} if row.file else None,
        "status": row.status,
        "recomputed": row.recomputed,
        "thread": row.thread,
        "gradients": [value_to_json(value) for value in detail.gradients],
    }


def _hint(hint: Hint) -> dict[str, Any]:
    return {"kind": hint.kind, "text": hint.text, "path": hint.path, "call": hint.call, "step": hint.step}


def _render_delta(report: Report, row: CallRow) -> dict[str, Any]:
    """With hooks that alter, how far the output is from the baseline."""
    if report.summary is None or not report.summary.altering:
        return {}
    if row.delta is None:
        return {"delta": None}
    return {"delta": {name: finite_or_none(getattr(row.delta, name)) for name in ("rel_l2", "cosine", "max_abs")}}


def _hook(outcome: HookOutcome) -> dict[str, Any]:
    return {
        "module": ".".join(outcome.path),
        "hook": outcome.hook,
        "fired": outcome.fired,
        "faults": [outcome.fault] if outcome.fault else [],
        "changed": outcome.changed,
        "never_fired": outcome.unfired or None,
    }


def _faults(report: Report) -> dict[str, Any]:
    """Hooks that failed, where any did; the pass went on as if they were off."""
    faults = report.summary.faults if report.summary is not None else ()
    found = [{"type": each.kind, "message": each.what, "path": ".".join(each.path or ())} for each in faults]
    return {"faults": found} if found else {}
