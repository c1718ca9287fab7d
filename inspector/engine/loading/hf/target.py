"""`hf:DIR`, `hf:LlamaConfig num_hidden_layers=2`, `hf:BertForMaskedLM` and `hf:org/name[@REV]`: models of transformers.

A class is built with random weights from its arguments and nothing is fetched. A directory is read where it is. Only an
id that was typed is downloaded, and Python code that lies beside a config is never run.
"""

from __future__ import annotations

import re
from typing import Any

from ....errors import UsageError
from ....files import expand, is_directory, is_file, is_there
from ....text import encodable
from ...usercode import arguments
from ...usercode.extras import optional
from ..target import Built, Loader, Wanted, claims_prefix
from .classes import build_class, find_class
from .saved import build_files, build_id

PREFIX = "hf:"

_ID = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?")
_CLASS = re.compile(r"[A-Z]\w*")


def _build(wanted: Wanted) -> Built:
    name = wanted.text.removeprefix(PREFIX)
    if not name:
        raise UsageError(f"{PREFIX} lacks a name", hint="inspector hf:BertConfig num_hidden_layers=2")
    typed = _nest(arguments.values(wanted.target.arguments))
    if typed.pop("trust_remote_code", False):
        raise UsageError(
            "trust_remote_code is not taken: code that comes with a config is not run",
            hint="read that code, and open it as what it is: inspector DIR/modeling_x.py:NAME",
        )
    transformers = optional("transformers", "hf", wanted.text)
    path = expand(name)
    if is_directory(path) or (path.name == "config.json" and is_file(path)):
        return build_files(transformers, path if is_directory(path) else path.parent, typed, wanted)
    if _CLASS.fullmatch(name):
        return build_class(transformers, find_class(transformers, name, wanted.text), typed, wanted)
    if is_there(path):
        raise UsageError(
            encodable(f"{name} is not the directory of a model", 400),
            hint=encodable(f"hf:DIR takes what save_pretrained writes; a file is opened as inspector {name}", 400),
        )
    if not _ID.fullmatch(name) or name.startswith("."):
        raise UsageError(
            encodable(f"{name!r} is neither a directory, a class of transformers nor an id on the Hub", 400),
            hint="write hf:DIR, hf:LlamaConfig num_hidden_layers=2, or hf:org/name",
        )
    model_id, _, revision = name.partition("@")
    return build_id(transformers, model_id, revision, typed, wanted)


def _nest(typed: dict[str, Any]) -> dict[str, Any]:
    """`text_config.hidden_size=64` as `{"text_config": {"hidden_size": 64}}`."""
    nested: dict[str, Any] = {}
    for key, value in typed.items():
        *parents, last = key.split(".")
        inner = nested
        for parent in parents:
            held = inner.setdefault(parent, {})
            if not isinstance(held, dict):
                raise UsageError(f"{parent} is given as a whole and in parts", hint=f"give only {parent}.KEY=VALUE")
            inner = held
        inner[last] = value
    return nested


LOADER = Loader(claims_prefix(PREFIX), _build)
