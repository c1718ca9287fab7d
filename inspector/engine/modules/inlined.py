"""Flat graphs: modules whose code was taken into the graph of another, which never calls them, so that no hook on them
fires. `torch.fx.symbolic_trace` flattens all but torch's own layers, `ExportedProgram.module()` everything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from ...records import ModuleRow
from ...records.badges import has_badge
from .tree import ModuleTree


def find_inlined(tree: ModuleTree) -> set[int]:
    """The nodes that a graph above them took in."""
    found: set[int] = set()
    for node in tree.objects():
        if _is_flat(node.module) and node.index not in found:
            called = _find_called(node.module)
            depth = len(tree.paths[node.index])
            below = tree.subtree(node.index)[1:]
            found.update(index for index in below if not _within(tree.paths[index][depth:], called))
    return found


def notes(tree: ModuleTree, rows: Sequence[ModuleRow]) -> tuple[str, ...]:
    """What a person should know of a model with flat graphs in it, and what to do about it."""
    count = sum(has_badge(row.badges, "inlined") for row in rows)
    if not count:
        return ()
    words = f"a flat graph: {count} of {len(rows)} modules are inlined into it, and hooks on them never fire"
    if any(_is_exported(node.module) for node in tree.objects()):
        return (f"{words}; open the ExportedProgram or torch.export.unflatten of it, not its .module()",)
    return (f"{words}; on the module that was traced they do",)


def _is_flat(module: nn.Module) -> bool:
    return issubclass(type(module), torch.fx.GraphModule)


def _is_exported(module: nn.Module) -> bool:
    return any(cls.__module__.startswith("torch.export") for cls in type(module).__mro__)


def _find_called(module: nn.Module) -> set[tuple[str, ...]]:
    """The modules that the graph calls, or hands on to an operation that calls them."""
    graph = getattr(module, "graph", None)
    nodes: Iterable[torch.fx.Node] = graph.nodes if isinstance(graph, torch.fx.Graph) else ()
    return {tuple(str(node.target).split(".")) for node in nodes if node.op in ("call_module", "get_attr")}


def _within(path: Sequence[str], called: set[tuple[str, ...]]) -> bool:
    """Called, or below one that is."""
    return any(tuple(path[:length]) in called for length in range(1, len(path) + 1))
