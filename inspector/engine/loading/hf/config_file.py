"""The files of a model of transformers, held against what they ought to be before transformers reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....errors import UsageError
from ....files import check_file, parse_json, read_file
from ....files.purposes import CONFIG, INDEX, WEIGHTS
from ....text import encodable
from ...stored.saved import look_closely

_LARGE = (".index.json", "tokenizer.json")
"""JSON files that are no configs."""
_PICKLED = (".bin", ".pt", ".pth")
_JSON = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
_COUNT = re.compile(r"(^|_)(layers?|labels|blocks|stages|depth)$")
"""What a config says how many there are to be of: transformers lists them before anything is built."""
MOST = 100_000


def check_directory(directory: Path, config: str) -> None:
    """Raise `UsageError` where the config is none, or a file that transformers may read is no ordinary one."""
    for path in sorted(directory.iterdir()):
        if path.suffix == ".json":
            check_file(path, INDEX if path.name.endswith(_LARGE) else CONFIG)
        elif path.suffix in (".safetensors", *_PICKLED):
            check_file(path, WEIGHTS)
        if path.suffix in _PICKLED:
            look_closely(path)
    path = directory / config
    try:
        read = parse_json(read_file(path, CONFIG))
    except ValueError as error:
        raise UsageError(encodable(f"{path} is no JSON: {error}", 400), hint="fetch it again") from None
    check_config(read, str(path))


def check_config(read: Any, shown: str) -> None:
    """Raise `UsageError` where a config that was read is no object, or holds no names where names belong."""
    if not isinstance(read, Mapping):
        raise _unfit(shown, f"it is {_JSON.get(type(read), 'null')} where an object belongs")
    architectures = read.get("architectures")
    if architectures is not None and not (isinstance(architectures, list) and all(map(_is_text, architectures))):
        raise _unfit(shown, f"architectures is to be a list of names, and is {architectures!r:.100}")
    if not isinstance(read.get("model_type"), (str, type(None))):
        raise _unfit(shown, f"model_type is to be a name, and is {read['model_type']!r:.100}")


def check_counts(config: Mapping[Any, Any], shown: str) -> None:
    """Raise `UsageError` where a config, or a part of it, asks for millions of layers or labels."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            check_counts(value, shown)
        elif isinstance(value, (int, float)) and value > MOST and _COUNT.search(str(key)):
            raise UsageError(
                encodable(f"{shown} asks for {value:,} {key}, and at most {MOST:,} are made", 400),
                hint=encodable(f"{key}=2 behind the target builds a small one", 200),
            )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _unfit(shown: str, why: str) -> UsageError:
    return UsageError(
        encodable(f"the config of {shown} is none: {why}", 500),
        hint='it begins like {"model_type": "bert", "architectures": ["BertModel"], …}',
    )
