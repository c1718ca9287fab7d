"""Config and model classes of transformers by name, and models built from them with random weights."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import difflib
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from ....errors import InspectorError, TargetError, UsageError
from ....text import encodable
from ...machine.memory import free_bytes
from ...modules.walk import tensors_of
from ...usercode import arguments
from ...usercode.running import reported
from ..target import Built, Wanted
from .config_file import check_counts
from .network import offline
from .tasks import model_classes_of

_COMMON = frozenset({"attn_implementation", "experts_implementation", "name_or_path", "num_labels", "torch_dtype"})
_LIBRARY = re.compile(r"requires the (\S+) library")
_TYPO = 0.8
"""How much an argument resembles one of the class's to be taken for a slip: configs keep any other as it is."""


def find_class(transformers: Any, name: str, shown: str) -> type:
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
    classes = model_classes_of(transformers, config, wanted.text) if is_config else [found]
    return first_that_builds(classes, config, wanted)


def config_of(config_class: Any, typed: Mapping[str, Any], shown: str) -> Any:
    """A config of this class.

    Raises:
        UsageError: A name looks like a slip, or the values do not fit together.
        TargetError: The class raised for another reason.
    """
    check_names(config_class, typed, shown)
    check_counts(typed, shown)
    return make_config(lambda: config_class(**_typed_parts(config_class, typed)), typed, shown)


def _typed_parts(config_class: Any, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Parts that are given by some of their arguments, with the type that they have without any."""
    parts = {key: value for key, value in typed.items() if isinstance(value, Mapping) and "model_type" not in value}
    if not parts:
        return dict(typed)
    default = config_class()
    types = {key: getattr(getattr(default, key, None), "model_type", None) for key in parts}
    return {**typed, **{key: {"model_type": types[key], **part} for key, part in parts.items() if types[key]}}


def make_config(make: Callable[[], Any], typed: Mapping[str, Any], shown: str) -> Any:
    """What `make` makes; errors as `config_of` says."""
    with reported(f"{shown} could not be configured:", hint="KEY=VALUE behind the target puts another value there"):
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
                hint="KEY=VALUE behind the target puts another value there",
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


MOST_MODULES = 100_000
"""Of a model that is built from a config; the largest that are published have some ten thousand."""


class _TooLarge(UsageError):
    """No other class of the config will fit either."""


def first_that_builds(classes: Sequence[Any], config: Any, wanted: Wanted, why: str = "") -> Built:
    """A model with random weights of the first of these classes that takes the config: a head may need more than it
    has, as a vocabulary, or a package that is not installed.

    Raises:
        UsageError, TargetError: None does; what the first one raised.
    """
    failed: list[InspectorError] = []
    for model_class in classes:
        try:
            model = random_model(model_class, config, wanted)
        except (UsageError, TargetError) as error:
            if isinstance(error, _TooLarge):
                raise
            failed.append(error)
            continue
        values = "without values" if _is_meta(wanted) else "with random weights"
        notes = [f"{model_class.__name__} {values}" + (f": {why}" if why else "")]
        notes += [f"not {classes[0].__name__}: {failed[0].problem.what}"] if failed else []
        return Built(model, tuple(encodable(note, 400) for note in notes))
    raise failed[0]


def random_model(model_class: Any, config: Any, wanted: Wanted) -> nn.Module:
    """The model with random weights; nothing is fetched while it is built, backbones of other packages included.

    Raises:
        UsageError: It would not fit into memory.
        TargetError: Its constructor raised.
    """
    with offline(), reported(f"{wanted.text} could not be built:", hint="its arguments are given as KEY=VALUE"):
        if not _is_meta(wanted):
            _check_memory(model_class, config, wanted.text)
        try:
            with _counting_modules(wanted.text):
                model: nn.Module = model_class(config)
        except ImportError as error:
            raise _needs_package(wanted.text, error) from None
    return model


def _is_meta(wanted: Wanted) -> bool:
    return wanted.device is not None and wanted.device.type == "meta"


def _needs_package(shown: str, error: ImportError) -> UsageError:
    """In a line what transformers says in a paragraph."""
    said = " ".join(str(error).split())
    missing = _LIBRARY.search(said)
    return UsageError(
        encodable(f"{shown} needs {missing.group(1)}" if missing else f"{shown} could not be built: {said}", 400),
        hint=encodable(f"pip install {missing.group(1)}" if missing else "pip install --upgrade transformers", 200),
    )


def _check_memory(model_class: Any, config: Any, shown: str) -> None:
    """Build it without values first: a config's defaults are often those of the largest model of its family."""
    free = _free_memory()
    with _counting_modules(shown):
        needed = _bytes_of(model_class, config)
    if free and needed > free:
        raise _TooLarge(
            encodable(
                f"{shown} would take {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB of memory are free", 300
            ),
            hint=f"inspector {shown} num_hidden_layers=2, or -d meta for its shapes alone",
        )


@contextlib.contextmanager
def _counting_modules(shown: str) -> Iterator[None]:
    """Raise `_TooLarge` in a constructor that makes modules without end: a config may ask for any number of layers."""
    counted = itertools.count(1)

    def count(module: nn.Module, name: str, submodule: nn.Module | None) -> None:
        if next(counted) > MOST_MODULES:
            raise _TooLarge(
                encodable(f"{shown} would have more than {MOST_MODULES:,} modules", 300),
                hint=f"inspector {shown} num_hidden_layers=2",
            )

    handle = register_module_module_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _bytes_of(model_class: Any, config: Any) -> int:
    """0 where it cannot be told."""
    before = sys.getrecursionlimit()
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            tensors = {id(tensor): tensor for tensor in tensors_of(model_class(copy.deepcopy(config)))}
        return sum(tensor.numel() * tensor.itemsize for tensor in tensors.values())
    except _TooLarge:
        raise
    except Exception:  # constructors that read values fail without them, in ways of their own; the real build tells
        return 0
    finally:
        sys.setrecursionlimit(before)


def _free_memory() -> int:
    """Bytes that could be had now; all there is where the system does not say, 0 where it says nothing."""
    if (free := free_bytes(torch.device("cpu"))) is not None:
        return free
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0
