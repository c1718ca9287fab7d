"""`timm:NAME`: timm's models by name; random weights unless `-w DEFAULT`, nothing downloaded."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from ... import records
from ...errors import UsageError
from ...model_names import list_registered
from ...text import encodable
from ..inputs.sample import Part
from ..inputs.specs import parse_spec
from ..usercode import arguments
from ..usercode.extras import optional
from ..usercode.running import reported
from .hf.network import host, offline, reachable, was_not_found_here
from .target import Built, Loader, Wanted, claims_prefix, write_arguments

PREFIX = "timm:"

_OWN = ("pretrained", "checkpoint_path")
"""Arguments that `-w` decides."""
_SOURCES = ("hf-hub:", "hf_hub:", "local-dir:")
_SIDE = 224


def list_names() -> tuple[records.Choice, ...]:
    """Every name, read from timm's source: importing it to ask takes seconds. None where it is not installed."""
    return tuple(
        records.Choice(encodable(f"{PREFIX}{name}", 200), "timm", encodable(file, 200))
        for name, file in list_registered("timm")
    )


def _build(wanted: Wanted) -> Built:
    name = wanted.text.removeprefix(PREFIX)
    if not name:
        raise UsageError(f"{PREFIX} lacks a name", hint="inspector timm:resnet18")
    timm = optional("timm", "timm", wanted.text)
    typed = arguments.values(wanted.target.arguments)
    for key in _OWN:
        if typed.pop(key, None):
            raise UsageError(
                f"{key} is not given as an argument", hint=f"inspector {wanted.text} -w DEFAULT or -w FILE"
            )
    model = _create(timm, name, typed, wanted)
    return Built(model, known=(_image(timm, name, model, typed, wanted.target.training),))


def _create(timm: Any, name: str, typed: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    _check_name(timm, name)
    shown = encodable(f"{wanted.text}({', '.join(f'{key}={value!r}' for key, value in typed.items())})", 300)
    hint = "-w DEFAULT downloads once; without it the weights are random" if wanted.default_weights else ""
    asked = contextlib.nullcontext() if wanted.default_weights and reachable() else offline()
    with reported(f"{shown} could not be built:", hint), asked:
        try:
            model: nn.Module = timm.create_model(name, pretrained=wanted.default_weights, **typed)
        except OSError as error:
            if not was_not_found_here(error):
                raise
            what = f"the weights of {wanted.text} were not downloaded before, and {host()} cannot be reached"
            raise UsageError(encodable(what, 300), hint=hint) from None
        except TypeError as error:
            refused = arguments.refuse_call(error, typed, name, _list_accepted(timm, name, error))
            if refused is None:
                raise
            raise refused from None
    return model


def _check_name(timm: Any, name: str) -> None:
    """Raise `UsageError`, with the nearest names, for a name that timm does not have."""
    if name.startswith(_SOURCES):
        return
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        close = difflib.get_close_matches(architecture.lower(), timm.list_models(), 3, 0.5)
        hint = (
            f"did you mean {' or '.join(PREFIX + one for one in close)}?" if close else "`inspector` alone lists them"
        )
        raise UsageError(encodable(f"there is no model {architecture!r} in timm {timm.__version__}", 300), hint=hint)
    tags = timm.list_models(f"{architecture}.*", pretrained=True) if tag else [name]
    if name not in tags:
        close = [one for one in tags if one.startswith(name)][:3] or difflib.get_close_matches(name, tags, 3, 0)
        hint = (
            f"did you mean {' or '.join(PREFIX + one for one in close)}?" if close else f"inspector timm:{architecture}"
        )
        raise UsageError(encodable(f"there are no weights {tag!r} of {architecture} in timm", 300), hint=hint)


def _list_accepted(timm: Any, name: str, error: TypeError) -> list[str]:
    """Keyword names of the class whose constructor refused an argument."""
    if name.startswith(_SOURCES):
        return []
    module = sys.modules.get(timm.models.model_entrypoint(name.partition(".")[0]).__module__)
    refusing = getattr(module, str(error).partition(".")[0], None)
    signature = arguments.signature_of(refusing) if isinstance(refusing, type) else None
    parameters = signature.parameters.values() if signature is not None else ()
    return [p.name for p in parameters if p.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def _image(timm: Any, name: str, model: nn.Module, typed: Mapping[str, Any], training: bool) -> Part:
    """A batch of the size that the model was made for; `in_chans` and `img_size` change it as they change the model."""
    batch = 2 if training else 1  # batch normalisation needs two values to train on
    channels, height, width = _input_size(timm, name, model)
    channels = typed.get("in_chans") or channels
    height, width = _pair(typed.get("img_size")) or (height, width)
    return parse_spec(f"{batch}x{channels}x{height}x{width}")


def _input_size(timm: Any, name: str, model: nn.Module) -> tuple[int, int, int]:
    own = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    if own is None and not name.startswith(_SOURCES):  # a wrapper, as features_only=True makes
        own = timm.get_pretrained_cfg(name, allow_unregistered=True)
    read: Callable[[str], Any] = own.get if isinstance(own, Mapping) else lambda key: getattr(own, key, None)
    channels, height, width = read("input_size") or (3, _SIDE, _SIDE)
    return int(channels), int(height), int(width)


def _pair(size: Any) -> tuple[int, int] | None:
    if isinstance(size, int) and size:
        return size, size
    return (int(size[0]), int(size[1])) if isinstance(size, (tuple, list)) and len(size) == 2 else None


def _script(target: records.Target) -> list[str]:
    name = target.target.removeprefix(PREFIX)
    given = [repr(name), f"pretrained={target.weights == 'DEFAULT'}", *write_arguments(target)]
    return ["import timm", f"model = timm.create_model({', '.join(given)})"]


LOADER = Loader(claims_prefix(PREFIX), _build, list_names, _script)
