"""The signature of the forward that runs, as short text."""

from __future__ import annotations

import inspect
import re
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import torch
from torch import nn

from ...text import ELLIPSIS, encodable
from .generated import original
from .running import forward_of, in_mro, type_name, variables

_LIMIT = 1_000
_PART_LIMIT = 60
_PLAIN = (bool, int, float, complex, type(None), torch.dtype, torch.device)
"""Types whose own repr is called; subclasses do not count."""

_CALLABLES = (FunctionType, MethodType, BuiltinFunctionType, partial)
_POSITIONAL_ONLY, _KEYWORD_ONLY = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.KEYWORD_ONLY
_STARS = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
_QUALIFIED = re.compile(r"\b(?:\w+\.)+(?=\w)")


def signature_of(module: nn.Module) -> str:
    """What a call of `module` takes, `self` left out; empty where nothing says so."""
    inner = original(module)
    module = module if inner is None else inner
    if issubclass(type(module), torch.jit.ScriptModule):
        schema = getattr(getattr(module, "forward", None), "schema", None)
        return "" if schema is None else encodable(str(schema), _LIMIT)
    if type(module).__module__ == "torch.export.unflatten":
        return encodable(f"({', '.join(_placeholders(module))})", _LIMIT)
    if forward_of(module).why.endswith("NotImplementedError"):
        return ""
    signature = _signature(module)
    return "" if signature is None else encodable(write_signature(signature), _LIMIT)


def _placeholders(module: nn.Module) -> list[str]:
    """What the graph of a module of an exported program takes."""
    calls = variables(module).get("_call_modules") or [module]
    graph = variables(calls[0]).get("graph")
    nodes = graph.nodes if isinstance(graph, torch.fx.Graph) else ()
    return [str(node.target) for node in nodes if node.op == "placeholder"]


def _signature(module: nn.Module) -> inspect.Signature | None:
    own = variables(module).get("forward")
    if own is not None:
        return inspect.signature(own) if isinstance(own, _CALLABLES) else None
    value = in_mro(type(module), "forward")[1]
    if isinstance(value, staticmethod):
        return inspect.signature(value.__func__)
    function = value.__func__ if isinstance(value, classmethod) else value
    return _without_self(inspect.signature(function)) if isinstance(function, FunctionType) else None


def _without_self(signature: inspect.Signature) -> inspect.Signature:
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def write_signature(signature: inspect.Signature) -> str:
    """As `str(signature)` lays it out, with every part kept short."""
    parameters = list(signature.parameters.values())
    parts = [_parameter(parameter) for parameter in parameters]
    kinds = [parameter.kind for parameter in parameters]
    if _KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parts.insert(kinds.index(_KEYWORD_ONLY), "*")
    if _POSITIONAL_ONLY in kinds:
        parts.insert(kinds.count(_POSITIONAL_ONLY), "/")
    result = signature.return_annotation
    arrow = "" if result is inspect.Signature.empty else f" -> {_annotation(result)}"
    return f"({', '.join(parts)}){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    text = _STARS.get(parameter.kind.name, "") + parameter.name
    annotated = parameter.annotation is not inspect.Parameter.empty
    if annotated:
        text += f": {_annotation(parameter.annotation)}"
    if parameter.default is not inspect.Parameter.empty:
        text += (" = " if annotated else "=") + _default(parameter.default)
    return text


def _annotation(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, str):
        return _short(str.__str__(value))
    if isinstance(value, type) and not getattr(value, "__args__", None):
        return _short(type_name(value))
    try:
        text = repr(value)
    # typing writes out its arguments with their own reprs.
    except Exception:
        return f"<{type_name(type(value))}>"
    return _short(_QUALIFIED.sub("", text))


def _default(value: object) -> str:
    if type(value) is str:
        return _short(repr(value[:_PART_LIMIT]))
    if type(value) is tuple and len(value) <= 8:
        inner = ", ".join(map(_default, value))
        return _short(f"({inner},)" if len(value) == 1 else f"({inner})")
    if type(value) is int and value.bit_length() > 256:
        return f"int of {value.bit_length()} bits"  # more digits than Python agrees to write
    return _short(repr(value)) if type(value) in _PLAIN else f"<{type_name(type(value))}>"


def _short(text: str) -> str:
    return text if len(text) <= _PART_LIMIT else text[: _PART_LIMIT - 1] + ELLIPSIS
