"""What a target may be: files, what is in a file, names of models, and prefixes."""

from __future__ import annotations

from ...config.read import read_config
from ...errors import UsageError
from ...files import is_file, read_file
from ...files.purposes import SOURCE
from ...model_names import list_definitions, list_registered
from ...target_kinds import PREFIX, TARGET_KINDS
from .candidates import Candidate, among, files

_OPENED = (".py", ".pt2", ".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".safetensors.index.json")


def complete_target(begun: str) -> list[Candidate]:
    """Files and names that begin so; behind `model.py:` what the file has, behind a prefix what that opens."""
    head, colon, rest = begun.partition(":")
    if colon and head.endswith(".py"):
        between = "::" if rest.startswith(":") else ":"
        return _list_definitions(head, between, rest.lstrip(":"))
    if head + colon in _BEHIND:
        return _BEHIND[head + colon](rest)
    return [*_configured(begun), *files(begun, _OPENED), *_names("torchvision", begun), *_prefixes(begun)]


def _configured(begun: str) -> list[Candidate]:
    try:
        return among(read_config().targets, begun, "of your configuration")
    except UsageError:  # is said when something is opened
        return []


def _names(package: str, begun: str, before: str = "") -> list[Candidate]:
    registered = list_registered(package)
    return [Candidate(before + name, f"{package} {file}") for name, file in registered if name.startswith(begun)]


def _prefixes(begun: str) -> list[Candidate]:
    kinds = ((kind.typed.partition(":")[0] + ":", kind.meaning) for kind in TARGET_KINDS if kind.turn == PREFIX)
    return [Candidate(*kind) for kind in kinds if kind[0].startswith(begun)]


_BEHIND = {
    "tv:": lambda begun: _names("torchvision", begun, "tv:"),
    "timm:": lambda begun: _names("timm", begun, "timm:"),
    "hf:": lambda begun: files(begun, ("/",), "hf:"),
    "hub:": lambda begun: files(begun, ("/",), "hub:"),
}


def _list_definitions(file: str, between: str, begun: str) -> list[Candidate]:
    """The classes and functions at the top of a file, which is read and not run."""
    if not is_file(file):
        return []
    try:
        found = list(list_definitions(read_file(file, SOURCE)))
    except (UsageError, SyntaxError, ValueError, RecursionError):  # said when it is opened
        return []
    return [Candidate(f"{file}{between}{name}", what) for name, what in found if name.startswith(begun)]
