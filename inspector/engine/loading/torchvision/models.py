"""The models of `torchvision.models.list_models()`, by name: random weights unless `-w DEFAULT`, nothing downloaded."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from .... import records
from ....errors import UsageError
from ....text import encodable
from ...usercode import arguments
from ...usercode.running import reported
from ..target import Built, Loader, Wanted, write_arguments
from .registry import get_model_builder, get_model_weights, list_models
from .samples import known_parts

PREFIX = "tv:"

_FAMILIES = {
    "detection": "detection",
    "segmentation": "semantic segmentation",
    "video": "video",
    "optical_flow": "optical flow",
    "quantization": "quantized classification",
}
_OWN = ("weights", "weights_backbone", "progress", "pretrained", "pretrained_backbone")
"""Arguments that would download, or draw on the screen while doing so: `-w` decides them."""

_ASKS_FOR_INIT = frozenset({"googlenet", "inception"})
"""Families that warn unless `init_weights` is given."""


def list_names() -> tuple[records.Choice, ...]:
    """Every registered name, with what it is for and its family."""
    return tuple(records.Choice(name, "torchvision", _detail(name)) for name in list_models())


def family(builder: Callable[..., Any]) -> str:
    """What a builder's models are for: "classification", "detection", ..."""
    return next((text for package, text in _FAMILIES.items() if f".{package}." in builder.__module__), "classification")


def _detail(name: str) -> str:
    builder = get_model_builder(name)
    return encodable(f"{family(builder)} · {builder.__module__.rpartition('.')[2]}", 200)


def _claims(text: str) -> bool:
    return text.startswith(PREFIX) or ":" not in text


def _build(wanted: Wanted) -> Built:
    name = wanted.text.removeprefix(PREFIX)
    builder = _builder(name)
    typed = arguments.values(wanted.target.arguments)
    _check(builder, typed, name)
    fixed, notes = _fixed_arguments(builder, typed, wanted)
    model = _call(builder, typed, fixed, name)
    quantized = bool({**fixed, **typed}.get("quantize"))
    parts = known_parts(builder, family(builder), model, typed, wanted)
    return Built(model, notes, known=parts, stays=quantized, classes=_classes(builder, wanted))


def _classes(builder: Callable[..., nn.Module], wanted: Wanted) -> tuple[str, ...]:
    """Of the weights that torchvision has for it; random weights know no classes."""
    if wanted.target.weights in ("", "none"):
        return ()
    meta = getattr(getattr(get_model_weights(builder), "DEFAULT", None), "meta", {})
    return tuple(encodable(str(name), 60) for name in meta.get("categories", ()))


def _builder(name: str) -> Callable[..., nn.Module]:
    try:
        builder: Callable[..., nn.Module] = get_model_builder(name)
    except ValueError:
        close = difflib.get_close_matches(name.lower(), list_models(), 3, 0.5)
        hint = (
            f"did you mean {' or '.join(close)}?" if close else "`inspector` alone lists them; a file is model.py:Net"
        )
        raise UsageError(
            encodable(f"there is no model {name!r} in torchvision, and no such file", 400), hint=hint
        ) from None
    return builder


def _check(builder: Callable[..., Any], typed: Mapping[str, Any], name: str) -> None:
    for key in _OWN:
        if typed.get(key) is not None:
            raise UsageError(
                f"{key} is not given as an argument", hint=f"inspector {name} -w DEFAULT downloads weights"
            )
    names, complete = _list_accepted(builder)
    for key in typed:
        if complete and key not in names and key not in _OWN:
            raise arguments.refusal(name, key, names)


def _list_accepted(builder: Callable[..., Any]) -> tuple[list[str], bool]:
    """The builder's keyword names and those of the class it hands the rest to; whether that is all there are."""
    names: list[str] = []
    link: Any = builder
    while link is not None:
        signature = arguments.signature_of(link)
        if signature is None:
            return names, False
        parameters = signature.parameters.values()
        names += [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return _typeable(names), True
        link = _next_class(link, signature)
    return _typeable(names), False


def _typeable(names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in _OWN]


def _next_class(link: Any, signature: inspect.Signature) -> Any:
    """Where `**kwargs` goes: from a builder to the class it returns, from a class to its base."""
    following = link.__base__ if isinstance(link, type) else signature.return_annotation
    return following if isinstance(following, type) and issubclass(following, nn.Module) else None


def _fixed_arguments(
    builder: Callable[..., Any], typed: Mapping[str, Any], wanted: Wanted
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Arguments of ours, and notes on them."""
    names = inspect.signature(builder).parameters
    # The weights of a backbone would be downloaded by default.
    fixed: dict[str, Any] = {key: None for key in ("weights", "weights_backbone") if key in names}
    if wanted.default_weights:
        fixed["weights"] = "DEFAULT"
    elif builder.__module__.rpartition(".")[2] in _ASKS_FOR_INIT:
        fixed["init_weights"] = True
    if "progress" in names:
        fixed["progress"] = False
    if "quantize" not in names or "quantize" in typed:
        return fixed, ()
    reason = _why_float(wanted)
    fixed["quantize"] = not reason
    return fixed, (f"the float version: {reason}",) if reason else ("quantized; `quantize=False` builds the float one",)


def _why_float(wanted: Wanted) -> str:
    """Why a quantized model cannot serve what was asked for; "" where it can."""
    if wanted.device is not None and wanted.device.type != "cpu":
        return f"quantized models run on the CPU only, not on {wanted.device.type}"
    if wanted.target.training or wanted.target.grad:
        return "quantized models have no gradients and cannot train"
    if wanted.target.dtype:
        return "a quantized model has no other dtype"
    return ""


def _call(builder: Callable[..., Any], typed: Mapping[str, Any], fixed: Mapping[str, Any], name: str) -> nn.Module:
    shown = f"{name}({', '.join(f'{key}={value!r}' for key, value in typed.items())})"
    with reported(f"{shown} raised", hint=_download_hint(fixed)):
        try:
            model: nn.Module = builder(**{**fixed, **{k: v for k, v in typed.items() if k not in _OWN}})
        except TypeError as error:
            refused = arguments.refuse_call(error, typed, name, _list_accepted(builder)[0])
            if refused is None:
                raise
            raise refused from None
    return model


def _download_hint(fixed: Mapping[str, Any]) -> str:
    return "-w DEFAULT downloads once; without it the weights are random" if fixed.get("weights") else ""


def _script(target: records.Target) -> list[str]:
    weights = "DEFAULT" if target.weights == "DEFAULT" else None
    given = [repr(target.target.removeprefix(PREFIX)), f"weights={weights!r}", *write_arguments(target)]
    return ["import torchvision", f"model = torchvision.models.get_model({', '.join(given)})"]


LOADER = Loader(_claims, _build, list_names, _script)
