"""Small models as records, for the tests of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from inspector.client.model import Model
from inspector.records import Brief, CallColumns, CallRow, HookMarks, ModelInfo, ModuleRow, PassSummary


def info(rows: int) -> ModelInfo:
    return ModelInfo("toy", "importable", "Toy", rows, rows, 10, 10, 0, 40, False, "cpu", "2.15")


def row(index: int, parent: int, key: str, class_name: str = "Linear", **more: Any) -> ModuleRow:
    return ModuleRow(index, parent, key, class_name, more.pop("parameters", 20), 20, 80, **more)


def model(rows: Iterable[ModuleRow], observed: bool = True) -> Model:
    rows = list(rows)
    made = Model(info(len(rows)), 1)
    made.add_rows(rows)
    made.marks = HookMarks(1, bytes([observed] * len(rows)))
    return made


def network(blocks: int = 4, convs: int = 3) -> Model:
    """`stem`, then `layer0` and so on, each with `conv0` ... and a shared `relu`; then `head`."""
    rows = [row(0, -1, "", "Network", parameters=11_700_000), row(1, 0, "stem", "Conv2d", parameters=9408)]
    for block in range(blocks):
        parent = len(rows)
        rows.append(row(parent, 0, f"layer{block}", "Sequential", parameters=147_968))
        rows += [row(len(rows) + i, parent, f"conv{i}", "Conv2d", parameters=36_864) for i in range(convs)]
        rows.append(row(len(rows), parent, "relu", "ReLU", parameters=0))
    rows.append(row(len(rows), 0, "head", "Linear", parameters=513_000))
    return model(rows)


def flat(children: int) -> Model:
    return model([row(0, -1, "", "ModuleList"), *(row(i + 1, 0, str(i)) for i in range(children))])


def named(*keys: str) -> Model:
    return model([row(0, -1, "", "Odd"), *(row(i + 1, 0, key, f"Class{key}") for i, key in enumerate(keys))])


def call(module: int, end: int, number: int = 0, **more: Any) -> CallRow:
    values: Mapping[str, Any] = {
        "start": 0,
        "depth": 1,
        "ms": 1.5,
        "status": "ok",
        "brief": Brief((1, 64, 112, 112)),
        **more,
    }
    return CallRow(module=module, call=number, in_step=number, end=end, **values)


def run(made: Model, calls: Iterable[CallRow] | None = None, direct: tuple[int, ...] = ()) -> Model:
    """A pass that called every module once, children before parents, or made these calls."""
    if calls is None:
        order = sorted(range(len(made.rows)), key=lambda i: (-len(made.paths[i]), i))
        calls = [call(index, end, depth=len(made.paths[index])) for end, index in enumerate(order)]
    made.start_trace(made.trace + 1)
    made.add_calls(CallColumns.of(calls))
    made.summary = PassSummary(1, 23.4, len(made.calls), direct=direct)
    return made
