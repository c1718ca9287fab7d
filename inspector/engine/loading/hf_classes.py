"""Config and model classes of transformers by name, and models built from them with random weights."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...text import encodable
from ..inputs.walk import tensors_of
from . import arguments
from .hf_network import offline
from .target import Built, Wanted
from .usercode import reported

_TASKS = (
    "SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ", "IMAGE_TEXT_TO_TEXT", "MASKED_LM", "CAUSAL_LM",
    "ZERO_SHOT_IMAGE_CLASSIFICATION", "IMAGE_CLASSIFICATION", "VIDEO_CLASSIFICATION", "OBJECT_DETECTION",
    "ZERO_SHOT_OBJECT_DETECTION", "UNIVERSAL_SEGMENTATION", "INSTANCE_SEGMENTATION", "SEMANTIC_SEGMENTATION",
    "IMAGE_SEGMENTATION", "DEPTH_ESTIMATION", "MASK_GENERATION", "KEYPOINT_DETECTION", "KEYPOINT_MATCHING",
    "IMAGE_TO_IMAGE", "CTC", "AUDIO_CLASSIFICATION", "TEXT_TO_SPECTROGRAM", "TEXT_TO_WAVEFORM",
    "TIME_SERIES_PREDICTION", "QUESTION_ANSWERING", "PRETRAINING", "MULTIMODAL_LM", "VISUAL_QUESTION_ANSWERING",
)  # fmt: skip
"""What a config without a named architecture is built for, the first that its class can be: what people use it for
most, before the bare model."""

_COMMON = frozenset({"attn_implementation", "experts_implementation", "name_or_path", "num_labels", "torch_dtype"})
_LIBRARY = re.compile(r"requires the (\S+) library")
_TYPO = 0.8
"""How much an argument resembles one of the class's to be taken for a slip: configs keep any other as it is."""


def class_named(transformers: Any, name: str, shown: str) -> type:
    """The config or model class of this name.

    Raises:
        UsageError: transformers has none, or it needs a package that is missing.
    """
    found = getattr(transformers, name, None)
    missing = getattr(found, "_backends", None)
    if missing:  # what transformers puts in place of a class whose packages are not installed
        raise UsageError(
            encodable(f"{shown} needs {', '.join(missing)}", 300),
            hint=encodable(f"pip install {' '.join(missing)}", 300),
        )
    if isinstance(found, type) and issubclass(found, (transformers.PreTrainedConfig, transformers.PreTrainedModel)):
        return found
    names = [one for one in dir(transformers) if one.endswith(("Config", "Model")) or "For" in one]
    close = difflib.get_close_matches(name, names, 3, 0.6)
    hint = f"did you mean {' or '.join(f'hf:{one}' for one in close)}?" if close else "hf:BertConfig is one"
    raise UsageError(
        encodable(f"there is no config or model class {name!r} in transformers {transformers.__version__}", 300),
        hint=hint,
    )


def build_class(transformers: Any, found: type, typed: Mapping[str, Any], wanted: Wanted) -> Built:
    """A model with random weights, of a config class or of a model class with its config's arguments."""
    if wanted.default_weights:
        raise UsageError(
            f"{wanted.text} is a class and has no weights of its own",
            hint="hf:org/name downloads a model with its weights, -w FILE loads a state dict",
        )
    is_config = issubclass(found, transformers.PreTrainedConfig)
    config_class = found if is_config else getattr(found, "config_class", None)
    if config_class is None:
        raise UsageError(f"{wanted.text} is made to be derived from", hint="name a class that can be built")
    config = config_of(config_class, typed, wanted.text)
    model_class = model_class_of(transformers, config, wanted.text) if is_config else found
    made_from = f"{model_class.__name__}({config_class.__name__})" if is_config else model_class.__name__
    return Built(random_model(model_class, config, wanted), (encodable(f"{made_from} with random weights", 300),))


# ---------------------------------------------------------------- configs


def config_of(config_class: Any, typed: Mapping[str, Any], shown: str) -> Any:
    """A config of this class.

    Raises:
        UsageError: A name looks like a slip, or the values do not fit together.
        TargetError: The class raised for another reason.
    """
    check_names(config_class, typed, shown)
    return made_config(lambda: config_class(**typed), typed, shown)


def made_config(make: Callable[[], Any], typed: Mapping[str, Any], shown: str) -> Any:
    """What `make` makes; errors as `config_of` says."""
    with reported(f"{shown} could not be configured:"):
        try:
            return make()
        except Exception as error:  # their validators raise what is no ValueError
            if not typed or not (isinstance(error, (ValueError, TypeError)) or _is_validation(error)):
                raise
            cause: BaseException = error
            while cause.__cause__ is not None:  # its validators wrap one another
                cause = cause.__cause__
            given = " ".join(f"{key}={value}" for key, value in typed.items())
            raise UsageError(
                encodable(f"{shown} cannot be configured so: {' '.join(str(cause).split())}", 600),
                where=encodable(given, 400),
            ) from None


def _is_validation(error: Exception) -> bool:
    return any(kind.__name__ == "StrictDataclassError" for kind in type(error).__mro__)


def check_names(config_class: Any, typed: Mapping[str, Any], shown: str) -> None:
    """Raise `UsageError` for arguments that are a slip of the finger, or belong to a part of the config."""
    names, parts = _names_of(config_class), _parts_of(config_class)
    for key, value in typed.items():
        if key in parts and isinstance(value, Mapping):
            check_names(parts[key], value, f"{key} of {shown}")
        if names is None or key in names:
            continue
        inside = [part for part, its_class in parts.items() if key in (_names_of(its_class) or ())]
        if inside:
            raise UsageError(
                encodable(f"{key} is not an argument of {shown} but of its parts", 400),
                hint=encodable(" or ".join(f"{part}.{key}={value}" for part in inside), 400),
            )
        if difflib.get_close_matches(key, names, 1, _TYPO):
            raise arguments.refusal(shown, key, sorted(names))


def _names_of(config_class: Any) -> frozenset[str] | None:
    """Every name that the class gives a meaning to; None where that cannot be told."""
    if dataclasses.is_dataclass(config_class):
        own = {field.name for field in dataclasses.fields(config_class)}
    else:  # releases before 5 have plain classes, which hand what is common to their base
        bases = [base for base in config_class.__mro__ if base is not object]
        signatures = [arguments.signature_of(base) for base in bases]
        own = {name for signature in signatures if signature is not None for name in signature.parameters}
    if not own:
        return None
    settable = {name for name in dir(config_class) if isinstance(getattr(config_class, name, None), property)}
    every = own | settable | set(getattr(config_class, "attribute_map", ())) | _COMMON
    return frozenset(name for name in every if not name.startswith("_"))


def _parts_of(config_class: Any) -> dict[str, Any]:
    """The configs inside this one whose class is known, by name."""
    parts = getattr(config_class, "sub_configs", None)
    return (
        {name: part for name, part in parts.items() if hasattr(part, "model_type")} if isinstance(parts, dict) else {}
    )


# ---------------------------------------------------------------- models


def model_class_of(transformers: Any, config: Any, shown: str) -> Any:
    """The class that the config names, else the first of `_TASKS` that there is for it, else its bare model."""
    for name in getattr(config, "architectures", None) or ():
        found = getattr(transformers, name, None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    with reported(f"the model class of {shown} could not be imported:"):
        for name in (*(f"MODEL_FOR_{task}_MAPPING" for task in _TASKS), "MODEL_MAPPING", "MODEL_FOR_BACKBONE_MAPPING"):
            found = _mapped(getattr(transformers, name, None), config)
            if found is not None:
                return found
        found = _beside(transformers, config)
    if found is None:
        raise UsageError(
            f"transformers has no model for a {type(config).__name__} alone", hint="name the model class: hf:NAME"
        )
    return found


def _mapped(mapping: Any, config: Any) -> Any:
    """The class that a mapping has for this config, the first where it has several."""
    if mapping is None or type(config) not in mapping:
        return None
    found = mapping[type(config)]
    return found[0] if isinstance(found, (tuple, list)) else found


def _beside(transformers: Any, config: Any) -> Any:
    """A model of the same family that is made from this config class: parts of larger models are in no mapping."""
    package, _, name = type(config).__module__.rpartition(".")
    modeling = name.replace("configuration_", "modeling_")
    if importlib.util.find_spec(f"{package}.{modeling}") is None:
        return None
    module: ModuleType = importlib.import_module(f"{package}.{modeling}")
    models = [
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, transformers.PreTrainedModel)
        and getattr(found, "config_class", None) is type(config)
        and "PreTrained" not in found.__name__
    ]
    return models[0] if models else None


def random_model(model_class: Any, config: Any, wanted: Wanted) -> nn.Module:
    """The model with random weights; nothing is fetched while it is built, backbones of other packages included.

    Raises:
        UsageError: It would not fit into memory.
        TargetError: Its constructor raised.
    """
    with offline(), reported(f"{wanted.text} could not be built:", hint="its arguments are given as KEY=VALUE"):
        if wanted.device is None or wanted.device.type != "meta":
            _check_memory(model_class, config, wanted.text)
        try:
            model: nn.Module = model_class(config)
        except ImportError as error:
            raise _needs_package(wanted.text, error) from None
    return model


def _needs_package(shown: str, error: ImportError) -> UsageError:
    """In a line what transformers says in a paragraph."""
    said = " ".join(str(error).split())
    missing = _LIBRARY.search(said)
    return UsageError(
        encodable(f"{shown} needs {missing.group(1)}" if missing else f"{shown} could not be built: {said}", 400),
        hint=encodable(f"pip install {missing.group(1)}" if missing else "", 200),
    )


def _check_memory(model_class: Any, config: Any, shown: str) -> None:
    """Build it without values first: a config's defaults are often those of the largest model of its family."""
    free = _free_memory()
    needed = _bytes_of(model_class, config)
    if free and needed > free:
        raise UsageError(
            encodable(
                f"{shown} would take {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB of memory are free", 300
            ),
            hint=f"inspector {shown} num_hidden_layers=2, or -d meta for its shapes alone",
        )


def _bytes_of(model_class: Any, config: Any) -> int:
    """0 where it cannot be told."""
    before = sys.getrecursionlimit()
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            tensors = {id(tensor): tensor for tensor in tensors_of(model_class(copy.deepcopy(config)))}
        return sum(tensor.numel() * tensor.itemsize for tensor in tensors.values())
    except Exception:  # constructors that read values fail without them, in ways of their own; the real build tells
        return 0
    finally:
        sys.setrecursionlimit(before)


def _free_memory() -> int:
    """Bytes that could be had now; all there is where the system does not say, 0 where it says nothing."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0
