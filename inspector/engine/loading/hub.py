"""`hub:DIR#ENTRY` and `hub:owner/repo[:ref]#ENTRY`: what a `hubconf.py` offers, here or on GitHub.

A directory is read where it is. Of a repository the code is downloaded once and run, which torch.hub asks about unless
it knows the owner; there is nobody to answer here, so `trust_repo=True` is typed instead.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError

import torch
from torch import nn

from ... import records
from ...errors import UsageError
from ...files import expand, is_directory, is_file
from ...text import encodable
from ..usercode import arguments
from ..usercode.importing import import_file
from ..usercode.running import call, reported
from .target import Built, Loader, Wanted, claims_prefix, write_arguments

PREFIX = "hub:"
_CONFIG = "hubconf.py"


def _build(wanted: Wanted) -> Built | records.Choices:
    where, _, entry = wanted.text.removeprefix(PREFIX).partition("#")
    directory = expand(where)
    typed = arguments.values(wanted.target.arguments)
    if where and is_directory(directory):
        return _local(directory, where, entry, typed)
    if not _is_repository(where):
        raise UsageError(
            encodable(f"{where!r} is neither a directory nor a repository", 300),
            hint="write hub:DIR#ENTRY, or hub:owner/repo#ENTRY for a repository on GitHub",
        )
    return _remote(where, entry, typed)


def _is_repository(where: str) -> bool:
    owner, _, name = where.partition(":")[0].partition("/")
    return bool(owner and name) and "/" not in name and not owner.startswith((".", "~"))


def _local(directory: Path, where: str, entry: str, typed: dict[str, Any]) -> Built | records.Choices:
    typed.pop("trust_repo", None)
    if not is_file(directory / _CONFIG):
        raise UsageError(
            encodable(f"there is no {_CONFIG} in {where}", 300),
            hint="a directory for hub: has one; a file is model.py:Net",
        )
    module = import_file(str(directory / _CONFIG))
    _check_dependencies(module, where)
    entries = entries_of(module)
    if not entry:
        return _choices(where, {name: _detail(found) for name, found in entries.items()})
    if entry not in entries:
        raise _no_entry(where, entry, list(entries))
    shown = f"{PREFIX}{where}#{entry}"
    arguments.check(entries[entry], typed, shown)
    return _model_of(call(entries[entry], shown, typed), shown)


def entries_of(module: ModuleType) -> dict[str, Any]:
    """What torch.hub counts as entry points: every callable whose name starts with no underscore."""
    with reported("your hubconf.py could not be looked through:"):  # odd objects refuse even to be asked
        return {name: found for name, found in vars(module).items() if callable(found) and not name.startswith("_")}


def _remote(where: str, entry: str, typed: dict[str, Any]) -> Built | records.Choices:
    trust = typed.pop("trust_repo", None) or "check"
    with _fetching(where, entry):
        names = torch.hub.list(where, trust_repo=trust)  # type: ignore[no-untyped-call]
        if not entry:
            return _choices(where, {name: "" for name in names})
    if entry not in names:
        raise _no_entry(where, entry, names)
    shown = f"{PREFIX}{where}#{entry}"
    with _fetching(where, entry):
        made = torch.hub.load(where, entry, trust_repo=trust, verbose=False, **typed)  # type: ignore[no-untyped-call]
    return _model_of(made, shown)


@contextlib.contextmanager
def _fetching(where: str, entry: str) -> Iterator[None]:
    """Say what torch.hub's own errors mean here; their code's errors are told as theirs."""
    with reported(f"your code raised in {where}:"):
        try:
            yield
        except EOFError:  # torch.hub asks whether to trust the code, and standard input is closed
            raise _not_trusted(where, entry) from None
        except (OSError, RuntimeError) as error:
            if not _is_about_network(error):
                raise
            raise _not_fetched(where, entry, error) from None


def _is_about_network(error: Exception) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError, URLError)) or "internet connection" in str(error)


def _not_trusted(where: str, entry: str) -> UsageError:
    repository = where.partition(":")[0]
    return UsageError(
        encodable(f"{where} is code that would be downloaded and run, and torch.hub does not trust it yet", 400),
        where=encodable(f"read it at https://github.com/{repository}", 300),
        hint=encodable(f"inspector '{PREFIX}{where}{'#' if entry else ''}{entry}' trust_repo=True", 300),
    )


def _not_fetched(where: str, entry: str, error: Exception) -> UsageError:
    repository = where.partition(":")[0]
    directory = repository.partition("/")[2]
    return UsageError(
        encodable(f"{where} could not be fetched from GitHub: {error}", 400),
        hint=encodable(
            f"where there is a network: git clone https://github.com/{repository}; "
            f"then: inspector 'hub:{directory}#{entry or 'ENTRY'}'",
            400,
        ),
    )


def _check_dependencies(module: ModuleType, where: str) -> None:
    wanted = getattr(module, "dependencies", None) or ()
    missing = [name for name in wanted if isinstance(name, str) and importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            encodable(f"{where} needs {', '.join(missing)}, not installed for {sys.executable}", 400),
            hint=encodable(f"pip install {' '.join(missing)}", 300),
        )


def _choices(where: str, details: Mapping[str, str]) -> records.Choices:
    if not details:
        raise UsageError(
            encodable(f"the {_CONFIG} of {where} offers nothing", 300), hint="a function in it is an entry point"
        )
    items = tuple(
        records.Choice(encodable(f"{PREFIX}{where}#{name}", 300), "entry point", encodable(detail, 300))
        for name, detail in details.items()
    )
    return records.Choices(encodable(f"in {where}", 300), items)


def _detail(found: Any) -> str:
    document = (getattr(found, "__doc__", None) or "").strip().partition("\n")[0]
    return " · ".join(part for part in (str(arguments.signature_of(found) or ""), document) if part)


def _no_entry(where: str, entry: str, names: list[str]) -> UsageError:
    close = difflib.get_close_matches(entry, names, 3, 0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"inspector {PREFIX}{where} lists what it offers"
    return UsageError(encodable(f"there is no {entry!r} in the {_CONFIG} of {where}", 400), hint=encodable(hint, 300))


def _model_of(made: Any, shown: str) -> Built:
    """An entry point gives a model, or a tuple of a model and things to use it with."""
    if isinstance(made, nn.Module):
        return Built(made)
    parts = made if isinstance(made, (tuple, list)) else ()
    model = next((part for part in parts if isinstance(part, nn.Module)), None)
    if model is None:
        raise UsageError(
            encodable(f"{shown} returned a {type(made).__name__} without a module in it", 400),
            hint="another entry point",
        )
    return Built(model, (encodable(f"the {type(model).__name__} of the {len(parts)} things that it returned", 200),))


def _script(target: records.Target) -> list[str]:
    where, _, entry = target.target.removeprefix(PREFIX).partition("#")
    directory = expand(where)
    source = ["source='local'"] if is_directory(directory) else []
    where = str(directory) if source else where
    return [
        f"made = torch.hub.load({', '.join([repr(where), repr(entry), *source, *write_arguments(target)])})",
        "model = made if isinstance(made, nn.Module) else next(part for part in made if isinstance(part, nn.Module))",
    ]


LOADER = Loader(claims_prefix(PREFIX), _build, script=_script)
