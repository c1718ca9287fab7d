"""`net.pt` with a whole module in it, as `torch.save(model)` writes it: a pickle, which runs code when it is loaded.

Without `--trust-pickle` nothing of it is loaded; the names it would import are read off its opcodes. With it, its
classes have to be importable: from its own directory, the current one, or what is installed. Classes of a script, which
pickle knows as `__main__`, are looked up in the file that `main=FILE.py` names.
"""

from __future__ import annotations

import functools
import os
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import nn

from ....errors import UsageError
from ....files import check_file
from ....files.purposes import PROGRAM
from ....text import encodable
from ...stored.saved import look_closely, what_is
from ...usercode import arguments
from ...usercode.importing import import_file
from ...usercode.reading import open_counted
from ...usercode.running import wrap_error
from ..target import Built, Loader, Wanted
from .trust import demand

_MAIN = "main"
_ENTRY = "entry"
_TAKEN = [_MAIN, _ENTRY]
_SCRIPTS = ("__main__", "__mp_main__")


class _Gone(Exception):
    """A class that the file needs is not where it was. Carries the error for the person."""

    def __init__(self, error: UsageError) -> None:
        super().__init__(str(error))
        self.error = error


def _claims(text: str) -> bool:
    return what_is(text) == "module"


def _build(wanted: Wanted) -> Built:
    path = check_file(wanted.text, PROGRAM)
    given = arguments.values(wanted.target.arguments)
    for key in given:
        if key not in _TAKEN:
            raise arguments.refusal(wanted.text, key, _TAKEN)
    demand(
        wanted,
        "is a whole pickled module, which can run any code when it is loaded",
        _reasons(look_closely(path).foreign),
    )
    _make_importable(path)
    main = import_file(str(given[_MAIN])) if _MAIN in given else None
    return _choose(_load(path, wanted, main), wanted, given.get(_ENTRY))


def _reasons(foreign: Sequence[str]) -> list[str]:
    """What a pickle imports, torch's own classes last: there are many, and they say least."""
    return [f"it imports {name}" for name in sorted(foreign, key=lambda name: name.startswith("torch."))]


def _make_importable(path: Path) -> None:
    for directory in (str(path.resolve().parent), os.getcwd()):
        if directory not in sys.path:
            sys.path.insert(0, directory)


def _load(path: Path, wanted: Wanted, main: ModuleType | None) -> Any:
    try:
        with open_counted(path, PROGRAM) as stream:
            return torch.load(stream, map_location="cpu", pickle_module=_pickle(wanted, main), weights_only=False)
    except _Gone as gone:
        raise gone.error from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # unpickling runs other people's code, which may exit, too
        raise wrap_error(error, f"{wanted.text} could not be unpickled:") from None


def _pickle(wanted: Wanted, main: ModuleType | None) -> Any:
    """What `torch.load` takes for the module `pickle`, with an unpickler that says which class is not there."""

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            try:
                if module in _SCRIPTS and main is not None:
                    return functools.reduce(getattr, name.split("."), main)
                return super().find_class(module, name)
            except ModuleNotFoundError as error:
                # What the module itself lacks is told with its traceback.
                if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                    raise
                raise _Gone(_no_module(wanted, module, name)) from None
            except AttributeError:
                raise _Gone(_no_class(wanted, module, name, main)) from None

    def load(stream: Any, **options: Any) -> Any:
        return Unpickler(stream, **options).load()

    return SimpleNamespace(Unpickler=Unpickler, load=load, __name__="pickle")


def _no_module(wanted: Wanted, module: str, name: str) -> UsageError:
    top = module.partition(".")[0]
    folder = Path(wanted.text).resolve().parent
    return UsageError(
        encodable(f"{wanted.text} needs {name} of the module {module}, which cannot be imported", 400),
        where=encodable(f"looked in {folder}, {os.getcwd()} and the packages of {sys.executable}", 600),
        hint=encodable(
            f"install {top}, or name the directory that {top} lies in: PYTHONPATH=DIR inspector {wanted.text} "
            "--trust-pickle",
            400,
        ),
        kind="ModuleNotFoundError",
    )


def _no_class(wanted: Wanted, module: str, name: str, main: ModuleType | None) -> UsageError:
    if module not in _SCRIPTS:
        place = getattr(sys.modules.get(module), "__file__", None) or module
        return UsageError(
            encodable(f"{wanted.text} needs {module}.{name}, which is not there any more", 400),
            where=encodable(str(place), 400),
            hint="use the version of that module that the file was saved with",
            kind="AttributeError",
        )
    if main is not None:
        return UsageError(
            encodable(f"{wanted.text} needs {name}, which {main.__file__} does not define", 400),
            hint="name the script that saved it",
            kind="AttributeError",
        )
    return UsageError(
        encodable(f"{wanted.text} needs {name}, a class of the script that saved it", 400),
        where="pickle knows it as __main__, which is another program now",
        hint=encodable(f"name that script: inspector {wanted.text} {_MAIN}=SCRIPT.py --trust-pickle", 400),
        kind="AttributeError",
    )


def _choose(value: Any, wanted: Wanted, entry: Any) -> Built:
    """The module that the file holds, by itself or in an entry of a dict."""
    found = {"": value} if isinstance(value, nn.Module) else _entries(value)
    if entry is not None and str(entry) not in found:
        raise _unclear(wanted, f"has no module under {entry!r}", found)
    if entry is None and len(found) != 1:
        raise _unclear(wanted, f"holds {len(found)} modules" if found else _explain_content(value), found)
    key = str(entry) if entry is not None else next(iter(found))
    notes = (encodable(f"the module in the entry {key!r}", 300),) if key else ()
    return Built(found[key], notes)


def _entries(value: Any) -> dict[str, nn.Module]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    return {str(key): item for key, item in items if isinstance(item, nn.Module)}


def _explain_content(value: Any) -> str:
    return f"holds a {type(value).__name__} and no module by itself"


def _unclear(wanted: Wanted, what: str, found: dict[str, nn.Module]) -> UsageError:
    names = [f"{key} ({type(module).__name__})" for key, module in found.items()]
    named = f"name one: inspector {wanted.text} {_ENTRY}={next(iter(found), '')} --trust-pickle"
    return UsageError(
        encodable(f"{wanted.text} {what}", 400),
        where=encodable(", ".join(names), 1_000),
        hint=encodable(named if found else "save a module whole, or name a file with one", 400),
    )


LOADER = Loader(_claims, _build)
