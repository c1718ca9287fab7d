"""From a target as typed to a model and its sample input: the loaders in order, and what is done to every model."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import torch
from torch import nn

from ... import records
from ...errors import TargetError, UsageError
from ...target_kinds import DEFAULT_WEIGHTS, TARGET_KINDS, TargetKind, in_turn, list_examples
from ..inputs.guess import example_of
from ..inputs.sample import Part, Sample, draw, sample_from_values, setting_for
from ..inputs.specs import parse_specs, place_tensors, sample_from_parts
from ..usercode.downloads import telling_of_downloads
from ..usercode.reading import telling_of_reading
from ..usercode.running import seeded
from ..usercode.telling import Tell, tell_nobody, telling_of_modules
from ..values.collector import collecting_rarely
from .placement import parse_device, parse_dtype, place, set_mode
from .target import Built, Loaded, Loader, Wanted
from .weights import check_renames, load_weights


def _import_loader(kind: TargetKind) -> Loader:
    loader: Loader = import_module(f"{__package__}.{kind.module}").LOADER
    return loader


LOADERS = {kind: _import_loader(kind) for kind in in_turn()}
"""The first that claims a target opens it: files, prefixes, then the registry of names and names after a colon."""


@collecting_rarely()
def load(target: records.Target, tell: Tell = tell_nobody) -> Loaded | records.Choices:
    """Build the model, fill and place it, and make its sample input where one is given or known.

    The random state of torch, numpy and `random` is as before afterwards, whatever the target's code did.

    Args:
        target: What to open.
        tell: Hears how far that is.

    Raises:
        UsageError: What was typed cannot be understood or found, or does not fit.
        TargetError: The target's own code raised.
    """
    # What can be wrong without building anything is told before anything heavy is done.
    wanted = Wanted(target, parse_device(target.device))
    dtype, parts = parse_dtype(target.dtype), parse_specs(target.inputs)
    check_renames(target)
    kind = find_kind(target.target)
    with seeded(target.seed, cuda=wanted.device is None or wanted.device.type == "cuda"):
        with telling_of_modules(tell), telling_of_reading(tell), telling_of_downloads(tell):
            built = _build(kind, wanted)
        if isinstance(built, records.Choices):
            return built
        notes = _finish(built, wanted, dtype, tell)
        sample = _sample(built, parts, wanted, dtype)
    return Loaded(built.model, sample, kind.name, notes, built.classes)


def list_targets() -> tuple[records.Choice, ...]:
    """Every target that needs no file."""
    return tuple(choice for kind in TARGET_KINDS for choice in LOADERS[kind].names())


def write_build(kind: str, target: records.Target) -> list[str]:
    """The lines of a plain script that leave the same `model` as `load`; none where a kind has no such lines.

    Args:
        kind: Its name, as `Loaded` has it.
        target: What was opened.
    """
    loader = next((loader for each, loader in LOADERS.items() if each.name == kind), None)
    return loader.script(target) if loader is not None and loader.script is not None else []


def find_kind(text: str) -> TargetKind:
    """The kind of this target, in the order: an existing file, a prefix, a colon, torchvision's names."""
    if not text:
        raise UsageError("no target was given", hint=f"give {list_examples()}")
    return next(kind for kind, loader in LOADERS.items() if loader.claims(text))


def _build(kind: TargetKind, wanted: Wanted) -> Built | records.Choices:
    if wanted.default_weights and not kind.default_weights:
        raise UsageError(DEFAULT_WEIGHTS, hint="-w FILE loads a state dict")
    build = LOADERS[kind].build
    if wanted.device is not None and wanted.device.type == "meta":
        try:
            with torch.device("meta"):
                return build(wanted)
        except TargetError as error:
            if error.problem.kind != "NotImplementedError":
                raise
            # Its constructor reads values, which meta tensors do not have: it is moved once it is built.
    return build(wanted)


def _finish(built: Built, wanted: Wanted, dtype: torch.dtype | None, tell: Tell) -> tuple[str, ...]:
    """Weights, dtype, device and mode, in this order; notes on each."""
    name = wanted.target.weights
    with telling_of_reading(tell):
        weights = load_weights(built.model, wanted.target, tell) if name not in ("", "none", "DEFAULT") else ()
    placing = place(built.model, wanted.device, dtype, built.stays, tell)
    return (*built.notes, *weights, *placing, *set_mode(built.model, wanted.target.training))


def _sample(built: Built, parts: Sequence[Part], wanted: Wanted, dtype: torch.dtype | None) -> Sample | None:
    model, seed = built.model, wanted.target.seed
    device = None if wanted.device is None or built.stays else wanted.device
    if parts:
        return sample_from_parts(parts, model, seed, device, dtype)
    if built.known:
        return draw(built.known, setting_for(model, device, dtype), seed, "known for this target")
    example = built.example or example_of(model)
    return None if example is None else _example(example, model, device, dtype)


def _example(
    example: tuple[tuple[object, ...], dict[str, object]],
    model: nn.Module,
    device: torch.device | None,
    dtype: torch.dtype | None,
) -> Sample:
    setting = setting_for(model, device, dtype)
    args, kwargs = place_tensors(example, setting, cast=setting.cast_given)
    return sample_from_values(tuple(args), dict(kwargs), "known for this target")
