"""Modules whose forward was made by a compiler, not written: TorchScript, fx graphs and exported programs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from .class_name import class_name
from .running import variables

_DYNAMO = "torch._dynamo.eval_frame"
"""By name, because importing it costs a second and nothing is compiled where it is not imported."""


_UNFLATTENED = "torch.export.unflatten"
"""By name for the same reason."""


class Generated(NamedTuple):
    """The code that such a module runs. Without text, `note` says why there is none."""

    title: str
    text: str
    note: str


def read_generated(module: nn.Module) -> Generated | None:
    """The generated code of `module`, None for an ordinary module."""
    cls = type(module)
    if issubclass(cls, torch.jit.ScriptModule):
        return _read_scripted(module)
    if issubclass(cls, torch.fx.GraphModule):
        return _graph_module(module)
    if isinstance(variables(module).get("graph"), torch.fx.Graph):
        return _read_interpreted(module)
    if isinstance(variables(module).get("_call_modules"), list) and cls.__module__ == _UNFLATTENED:
        return _read_dispatched(module)
    return None


def original(module: nn.Module) -> nn.Module | None:
    """The module that `torch.compile` wrapped, None for any other module."""
    if not any(base.__name__ == "OptimizedModule" and base.__module__ == _DYNAMO for base in type(module).__mro__):
        return None
    children = variables(module).get("_modules")
    inner = children.get("_orig_mod") if isinstance(children, dict) else None
    return inner if isinstance(inner, nn.Module) else None


def _read_scripted(module: nn.Module) -> Generated:
    kind = "traced" if any(base.__module__ == "torch.jit._trace" for base in type(module).__mro__) else "scripted"
    name = class_name(module)
    title = f"{name}.forward"
    code = _text(module, "code")
    if not code:
        return Generated(title, "", f"a {kind} module without a forward: there is no TorchScript code to show")
    return Generated(title, code, f"{kind}: this is TorchScript, made from {name}; its Python source is not kept")


def _graph_module(module: nn.Module) -> Generated:
    name = type(module).__name__
    exported = any(base.__module__.startswith("torch.export") for base in type(module).__mro__)
    kind = "exported by torch.export" if exported else "an fx GraphModule"
    code = _text(module, "code")
    if not code:
        return Generated(f"{name}.forward", "", f"{kind} without a graph: there is no code to show")
    return Generated(f"{name}.forward", code, f"{kind}: this is the code generated from its graph")


def _read_interpreted(module: nn.Module) -> Generated:
    note = "unflattened by torch.export: this is its graph as code, its Python source is not kept"
    return Generated(f"{class_name(module)}.forward", _graph_code(module), note)


def _read_dispatched(module: nn.Module) -> Generated:
    """A module that was exported with a graph for each of its calls."""
    graphs = [_graph_code(call).strip("\n") for call in variables(module)["_call_modules"]]
    code = "\n\n".join(f"# call {number}\n{text}" for number, text in enumerate(graphs, 1))
    note = f"unflattened by torch.export: one graph as code for each of its {len(graphs)} calls"
    return Generated(f"{class_name(module)}.forward", code + "\n", note)


def _graph_code(module: nn.Module) -> str:
    code: str = variables(module)["graph"].python_code("self").src
    return code


def _text(module: nn.Module, name: str) -> str:
    """A property of torch's own that may raise where there is no such method."""
    try:
        value = getattr(module, name)
    # What TorchScript raises for a module without a forward differs between versions.
    except Exception:
        return ""
    return value if isinstance(value, str) else ""
