"""`model.py:Net`, `model.py::build`, and `model.py` alone: what is in it, or the one thing that can be opened."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import nn

from ... import files, records
from ...errors import UsageError
from ...text import encodable
from ..source.signatures import write_signature
from ..usercode import arguments
from ..usercode.importing import find, import_file, is_file, split
from ..usercode.running import reported
from .construct import construct, write_import
from .target import Built, Loader, Wanted

_BUILDER = re.compile(r"(build|make|create)(_|$)|(.*_)?(model|net|network|module)$", re.IGNORECASE)
_NO_BUILDER = re.compile(r"data|batch|loader|optim|sched|vocab|token|config|parser|input|sample", re.IGNORECASE)
_MODULE_WORD = re.compile(r"\b(nn\.)?Module\b")


@dataclass(frozen=True)
class Candidate:
    """Something in a file that gives a model. `ready`: it needs no more arguments than were typed."""

    name: str
    found: Any
    kind: str
    ready: bool


def candidates(module: ModuleType, kwargs: Mapping[str, Any]) -> list[Candidate]:
    """Modules, classes and factories that the file itself defines; those that can be opened as typed come first."""
    listed = [
        Candidate(name, found, kind, _ready(found, kwargs))
        for name, found in vars(module).items()
        if (kind := _kind(name, found, module))
    ]
    return sorted(listed, key=lambda candidate: not candidate.ready)


def _claims(text: str) -> bool:
    if files.is_file(text):
        return text.endswith(".py")
    head, _ = split(text)
    return is_file(head) and (":" in text or text.endswith(".py"))


def _build(wanted: Wanted) -> Built | records.Choices:
    text = wanted.text
    head, name = (text, "") if files.is_file(text) else split(text)
    kwargs = arguments.values(wanted.target.arguments)
    module = import_file(head)
    if name:
        return construct(find(module, name, head), kwargs, text)
    with reported(f"your code raised while {head} was looked through:"):  # odd objects refuse even to be asked
        listed = candidates(module, kwargs)
    ready = [candidate for candidate in listed if candidate.ready]
    if len(ready) == 1:
        built = construct(ready[0].found, kwargs, f"{head}:{ready[0].name}")
        return Built(built.model, (encodable(f"opened {head}:{ready[0].name}", 300),), built.example)
    if not listed:
        raise UsageError(
            encodable(f"{head} defines no nn.Module class, instance or factory", 400),
            hint=encodable(f"name what builds the model: inspector {head}:NAME", 300),
        )
    return records.Choices(encodable(f"in {head}", 300), tuple(_choice(head, candidate) for candidate in listed))


def _kind(name: str, found: Any, module: ModuleType) -> str:
    """What kind of choice this is; "" for what gives no model or was imported from elsewhere."""
    if isinstance(found, nn.Module):
        return "module"
    if getattr(found, "__module__", None) != module.__name__ or getattr(found, "__name__", None) != name:
        return ""
    if isinstance(found, type):
        return "module" if issubclass(found, nn.Module) and not inspect.isabstract(found) else ""
    function = inspect.unwrap(found) if callable(found) else None  # a cached factory is a factory
    return "factory" if inspect.isfunction(function) and _is_factory(name, function) else ""


def _is_factory(name: str, function: Callable[..., Any]) -> bool:
    """Annotated to return a module, or not annotated and named like a builder."""
    annotation = getattr(function, "__annotations__", {}).get("return", inspect.Signature.empty)
    if annotation is inspect.Signature.empty:
        return _BUILDER.match(name) is not None and not _NO_BUILDER.search(name)
    if isinstance(annotation, type):
        return issubclass(annotation, nn.Module)
    held = function.__globals__.get(annotation) if isinstance(annotation, str) else None
    if isinstance(held, type):
        return issubclass(held, nn.Module)
    return _MODULE_WORD.search(str(annotation)) is not None


def _ready(found: Any, kwargs: Mapping[str, Any]) -> bool:
    if isinstance(found, nn.Module):
        return not kwargs
    return not arguments.list_missing(found, kwargs) and not arguments.list_unknown(found, kwargs)


def _choice(head: str, candidate: Candidate) -> records.Choice:
    found = candidate.found
    if isinstance(found, nn.Module):
        detail = f"an instance of {type(found).__name__}"
    else:
        document = (getattr(found, "__doc__", None) or "").strip().partition("\n")[0]
        detail = " · ".join(part for part in (_signature(found), document) if part)
    return records.Choice(encodable(f"{head}:{candidate.name}", 300), candidate.kind, encodable(detail, 300))


def _signature(found: Callable[..., Any]) -> str:
    signature = arguments.signature_of(found)
    if signature is None:
        return ""
    # Without the return annotation of __init__, which is always None.
    bare = signature.replace(return_annotation=inspect.Signature.empty)
    return write_signature(bare if isinstance(found, type) else signature)


LOADER = Loader(_claims, _build, script=write_import)
