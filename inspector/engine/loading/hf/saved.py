"""Models of transformers from files: a directory with a `config.json`, or an id on the Hub."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ....errors import UsageError
from ....files import is_file, is_there
from ....text import encodable
from ...usercode.running import reported
from ..target import Built, Wanted
from .classes import check_names, first_that_builds, make_config
from .config_file import check_config, check_counts, check_directory
from .network import causes, host, reachable, was_not_found_here
from .tasks import model_classes_of

_CONFIG = "config.json"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.safetensors.index.json")
_SHOWN = 3


def build_files(transformers: Any, directory: Path, typed: Mapping[str, Any], wanted: Wanted) -> Built:
    """The model of a directory: with its weights where there are some, else with random ones."""
    if not is_there(directory / _CONFIG):
        raise UsageError(
            encodable(f"there is no {_CONFIG} in {directory}", 400), hint=encodable(_instead(directory), 300)
        )
    check_directory(directory, _CONFIG)
    with reported(f"{directory / _CONFIG} could not be read:"):
        read, _ = transformers.PreTrainedConfig.get_config_dict(str(directory))
    config, classes = _config(transformers, read, typed, wanted, directory)
    present = any(next(directory.glob(pattern), None) for pattern in _WEIGHTS)
    if wanted.default_weights and not present:
        raise UsageError(encodable(f"there are no weights in {directory}", 400), hint="without -w they are random")
    if not present or not _wants_values(wanted):
        return first_that_builds(classes, config, wanted, "there are none in the directory" if not present else "")
    options = {"local_files_only": True}
    return _fill(transformers, classes[0], str(directory), options, config, wanted, contextlib.nullcontext())


def build_id(transformers: Any, name: str, revision: str, typed: Mapping[str, Any], wanted: Wanted) -> Built:
    """The model of an id on the Hub, downloaded unless it was before."""
    options: dict[str, Any] = {"revision": revision or "main"}
    if not reachable():  # then only what was downloaded before; each file would be asked for six times
        options["local_files_only"] = True
    with _fetching(transformers, name, wanted):
        read, _ = transformers.PreTrainedConfig.get_config_dict(name, **options)
    check_config(read, wanted.text)
    config, classes = _config(transformers, read, typed, wanted, None)
    if not _wants_values(wanted):
        return first_that_builds(classes, config, wanted)
    return _fill(transformers, classes[0], name, options, config, wanted, _fetching(transformers, name, wanted))


def _wants_values(wanted: Wanted) -> bool:
    return wanted.own_weights and (wanted.device is None or wanted.device.type != "meta")


def _config(
    transformers: Any, read: dict[str, Any], typed: Mapping[str, Any], wanted: Wanted, directory: Path | None
) -> tuple[Any, list[Any]]:
    """The config that was read, with what was typed in place of what it says, and what it may be built as."""
    model_type = read.get("model_type")
    if model_type not in transformers.CONFIG_MAPPING:
        raise _no_model_type(transformers, model_type, read, wanted, directory)
    config_class = transformers.CONFIG_MAPPING[model_type]
    check_names(config_class, typed, wanted.text)
    merged = _merge(read, typed)
    check_counts(merged, wanted.text)
    config = make_config(lambda: config_class.from_dict(merged), typed, wanted.text)
    return config, model_classes_of(transformers, config, wanted.text)


def _merge(read: Mapping[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(read)
    for key, value in typed.items():
        held = merged.get(key)
        merged[key] = _merge(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return merged


def _no_model_type(
    transformers: Any, model_type: Any, read: Mapping[str, Any], wanted: Wanted, directory: Path | None
) -> UsageError:
    code = (read.get("auto_map") or {}).values() if isinstance(read.get("auto_map"), Mapping) else ()
    if code:
        file = str(next(iter(code))).rpartition("--")[2].partition(".")[0]
        return UsageError(
            encodable(f"the model of {wanted.text} is Python code beside its config, which is not run", 400),
            hint=encodable(f"read it, and open it as what it is: inspector {directory or 'DIR'}/{file}.py", 400),
        )
    if model_type is None:
        return UsageError(
            encodable(f"the config of {wanted.text} names no model_type", 400),
            where=encodable(f"it has {', '.join(map(str, list(read)[:8]))}", 400),
            hint="name the class instead: hf:BertConfig KEY=VALUE",
        )
    close = difflib.get_close_matches(model_type, list(transformers.CONFIG_MAPPING), 3, 0.6)
    return UsageError(
        encodable(f"transformers {transformers.__version__} has no model_type {model_type!r}", 400),
        where=encodable(f"close to {', '.join(close)}" if close else "", 300),
        hint="pip install --upgrade transformers",
    )


def _instead(directory: Path) -> str:
    """What else this directory may be."""
    if is_file(directory / "hubconf.py"):
        return f"it has a hubconf.py: inspector hub:{directory}"
    if is_file(directory / "adapter_config.json"):
        return "it holds an adapter; open the model that it belongs to"
    inside = next(iter(sorted(directory.glob(f"*/{_CONFIG}"))), None)
    return f"there is one in inspector hf:{inside.parent}" if inside else "hf:DIR takes what save_pretrained writes"


def _fill(
    transformers: Any,
    model_class: Any,
    name: str,
    options: Mapping[str, Any],
    config: Any,
    wanted: Wanted,
    fetching: contextlib.AbstractContextManager[None],
) -> Built:
    transformers.utils.logging.disable_progress_bar()
    hint = "-w none builds it with random weights"
    with reported(f"the weights of {wanted.text} could not be loaded:", hint), fetching:
        model, told = model_class.from_pretrained(
            name, config=config, trust_remote_code=False, output_loading_info=True, **options
        )
    return Built(model, (encodable(f"{model_class.__name__} with its own weights", 300), *_loading_notes(model, told)))


def _loading_notes(model: nn.Module, told: Mapping[str, Any]) -> tuple[str, ...]:
    missing, unused = sorted(told.get("missing_keys") or ()), sorted(told.get("unexpected_keys") or ())
    notes = []
    if missing:
        notes.append(f"{len(missing)} tensors are not in the files and random: {_some(missing)}")
    if unused:
        notes.append(f"{len(unused)} tensors of the files are not used: {_some(unused)}")
    return tuple(encodable(note, 400) for note in notes)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" … {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


@contextlib.contextmanager
def _fetching(transformers: Any, name: str, wanted: Wanted) -> Iterator[None]:
    """Say in one line why something could not be fetched."""
    try:
        yield
    except (OSError, ConnectionError) as error:
        raise UsageError(
            encodable(f"{wanted.text} could not be fetched: {_fetch_reason(error)}", 500),
            hint=encodable(_fetch_hint(transformers, name, error), 400),
        ) from None


def _fetch_reason(error: BaseException) -> str:
    if was_not_found_here(error):
        return f"it was not downloaded before, and {host()} cannot be reached"
    return str(error).strip().partition("\n")[0]


def _fetch_hint(transformers: Any, name: str, error: BaseException) -> str:
    kinds = {kind.__name__ for link in causes(error) for kind in type(link).__mro__}
    if "GatedRepoError" in kinds:
        return f"ask for access at https://huggingface.co/{name}, then `hf auth login`"
    if "RepositoryNotFoundError" in kinds:
        return "check the name; `hf auth login` where it is private"
    if "RevisionNotFoundError" in kinds:
        return f"check what follows the @; without it: inspector hf:{name}"
    if name in transformers.CONFIG_MAPPING:
        return f"for random weights: inspector hf:{transformers.CONFIG_MAPPING[name].__name__} num_hidden_layers=2"
    directory = name.rpartition("/")[2]
    return f"where there is a network: hf download {name} --local-dir {directory}; then: inspector hf:{directory}"
