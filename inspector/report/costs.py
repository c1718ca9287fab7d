"""What modules cost: the dearest way through the model, and all of it as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..records import Cost, CostRow, Costs, ModuleRow
from ..records.badges import explain_uncalled
from ..text import visible
from .footer import render_footer
from .model import Report
from .text_table import TextTable, cut
from .waits import shorten, size

NOTHING = "–"
FUSED = "fused path"
"""Of a module that is called where it is observed, and not where nobody looks."""
OPERATIONS = 8
"""That are named of those that count nothing."""

CLOCKS = {
    "host": "on the clock of the host",
    "events": "by events on the CUDA stream",
    "waiting": "waiting for every device at each module",
}


def find_hot_path(rows: Sequence[ModuleRow], costs: Costs) -> list[int]:
    """From the root into whatever in it takes the longest, down to a module with nothing in it that was called. An
    alias leads to the module itself."""
    ms = {row.module: row.cost.ms for row in costs.rows}
    children: dict[int, list[int]] = {}
    for row in rows:
        if row.parent >= 0:
            children.setdefault(row.parent, []).append(row.index if row.alias_of < 0 else row.alias_of)
    path = [0] if rows else []
    while path:
        inside = [child for child in children.get(path[-1], ()) if child not in path]
        called = [child for child in inside if _most_inside(child, children, ms) > 0]
        if not called:
            break
        path.append(max(called, key=lambda child: _most_inside(child, children, ms)))
    return path


def _most_inside(index: int, children: dict[int, list[int]], ms: dict[int, float]) -> float:
    """What it took; of a container that is never called itself, what the dearest in it did."""
    if index in ms:
        return ms[index]
    seen, pending, most = {index}, list(children.get(index, ())), 0.0
    while pending:
        child = pending.pop()
        if child not in seen:
            seen.add(child)
            most = max(most, ms.get(child, 0.0))
            pending += () if child in ms else children.get(child, ())
    return most


def share(cost: Cost, costs: Costs) -> float | None:
    """Of the time of everything, what a module took with all in it; None where nothing took any."""
    return cost.ms / costs.ms if costs.ms > 0 else None


def own_share(cost: Cost, costs: Costs) -> float | None:
    """The same without the modules in it."""
    return cost.own_ms / costs.ms if costs.ms > 0 else None


def total_flops(costs: Costs, backward: bool = False) -> int | None:
    """Of all modules, forward or `backward`; None where they are not known."""
    known = [row.cost.own_backward_flops if backward else row.cost.own_flops for row in costs.rows]
    return None if costs.flops_problem or None in known else sum(flops or 0 for flops in known)


def explain_uncalled_rows(report: Report, costs: Costs) -> dict[int, str]:
    """Why each module that was not called while costs were measured was not, by row."""
    measured = {row.module for row in costs.rows}
    called, ran = report.count_calls(), report.find_ran_unseen()
    return {
        row.index: FUSED if row.index in called else explain_uncalled(row.badges, row.index in ran)
        for row in report.modules
        if row.index not in measured and row.alias_of < 0
    }


def render_costs(report: Report, width: int = 100) -> str:
    """A line for each module, those that take the longest themselves first; what was not called is last."""
    if report.costs is None:
        return render_footer(report)
    costs = report.costs
    goes_back = costs.backward_ms is not None
    behind = (("Back ms", "right"), ("Back FLOPs", "right")) if goes_back else ()
    table = TextTable(
        ("Module", "left"), ("Class", "left"), ("Calls", "right"), ("Own ms", "right"), ("Own", "right"),
        ("ms", "right"), ("FLOPs", "right"), *behind, ("Parameters", "right"), ("Activations", "right"),
    )  # fmt: skip
    cost_of = {row.module: row for row in costs.rows}
    shown = sorted((row for row in report.modules if row.alias_of < 0), key=lambda row: _rank(cost_of.get(row.index)))
    uncalled = explain_uncalled_rows(report, costs)
    first, left_out, last = cut(shown)
    for row in (*first, *last):
        if left_out and row is last[0]:
            table.add_gap(left_out)
        found = cost_of.get(row.index)
        name, kept = visible(report.paths[row.index]) or "(root)", size(row.nbytes) if row.nbytes else NOTHING
        if found is None:
            why = uncalled[row.index]
            nothing = [NOTHING] * (3 + len(behind))
            table.add_row(name, visible(row.class_name), NOTHING, why, *nothing, kept, NOTHING)
        else:
            table.add_row(name, visible(row.class_name), *_cells(found, costs, kept))
    return (
        table.render(width)
        + "\n"
        + "".join(f"{visible(line)}\n" for line in describe_costs(costs, report.modules))
        + render_footer(report)
    )


def _rank(row: CostRow | None) -> float:
    return -row.cost.own_ms if row is not None else 1.0


def _cells(row: CostRow, costs: Costs, kept: str) -> Iterable[str]:
    cost, part = row.cost, own_share(row.cost, costs)
    return (
        str(row.calls),
        f"{cost.own_ms:.3f}",
        f"{part:.1%}" if part is not None else NOTHING,
        f"{cost.ms:.3f}",
        count_flops(cost.flops),
        *((f"{cost.backward_ms:.3f}", count_flops(cost.backward_flops)) if cost.backward_ms is not None else ()),
        kept,
        size(cost.activations) if cost.activations else NOTHING,
    )


def count_flops(flops: int | None) -> str:
    """`3.6 G`; a dash for none, and a question mark where they are not known."""
    if flops is None:
        return "?"
    return shorten(flops, ("", "k", "M", "G", "T", "P")) if flops else NOTHING


def describe_costs(costs: Costs, rows: Sequence[ModuleRow]) -> list[str]:
    """How long all takes and how that was measured, FLOPs, the hot path and what else is to know, a line for each."""
    path = find_hot_path(rows, costs)
    names = " > ".join(rows[index].key if index else "(root)" for index in path)
    ms = {row.module: row.cost.ms for row in costs.rows}
    at_end = f" ({ms[path[-1]] / costs.ms:.1%})" if path and path[-1] in ms and costs.ms > 0 else ""
    time_behind = behind = ""
    if costs.backward_ms is not None:
        time_behind, behind = f" and {costs.backward_ms:.2f} ms backward", f" and {_count_all(costs, True)} backward"
    return [
        f"{costs.ms:.2f} ms{time_behind}, median of {costs.passes} passes after a first one, {CLOCKS[costs.clock]}",
        f"{_count_all(costs)} FLOPs{behind} as torch counts them{_say_uncounted(costs)}",
        *([f"hot path: {names}{at_end}"] if len(path) > 1 else []),
        *costs.notes,
    ]


def _count_all(costs: Costs, backward: bool = False) -> str:
    return count_flops(flops) if (flops := total_flops(costs, backward)) != 0 else "no"


def _say_uncounted(costs: Costs) -> str:
    if costs.flops_problem:
        return f": not known, {costs.flops_problem}"
    names = [name.removeprefix("aten.") for name in costs.uncounted]
    more = f" and {len(names) - OPERATIONS} more" if len(names) > OPERATIONS else ""
    kinds = "1 kind of operation counts" if len(names) == 1 else f"{len(names)} kinds of operations count"
    return f"; {kinds} nothing: {', '.join(names[:OPERATIONS])}{more}" if names else ""
