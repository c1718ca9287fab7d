"""What is installed, and whether it is new enough. Imports none of it."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata

from ... import __version__
from .check import Check, State

DISTRIBUTION = "torch-inspector"
_GROUP, _EXTRAS = "versions", "extras"
_REQUIREMENT = re.compile(r"^([\w.-]+)\s*(?:>=\s*([\w.]+))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"](\w+)['\"]")
_WHAT_FOR = {"timm": "timm:NAME", "hf": "hf:NAME", "lightning": "Lightning modules", "fast": "quicker passes"}


def check_versions() -> Iterator[Check]:
    """Python, this program, and what it requires."""
    yield Check(_GROUP, "inspector", f"{__version__}, in {sys.prefix}")
    yield Check(_GROUP, "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for requirement in _requirements():
        if "extra" not in requirement:
            yield _check(_GROUP, requirement, "bad", f"pip install '{requirement}'")


def check_extras() -> Iterator[Check]:
    """What can be installed besides."""
    for requirement in _requirements():
        extra = _EXTRA.search(requirement)
        if extra is not None and extra[1] in _WHAT_FOR:
            todo = f"for {_WHAT_FOR[extra[1]]}: pip install '{DISTRIBUTION}[{extra[1]}]'"
            yield _check(_EXTRAS, requirement.partition(";")[0].strip(), "note", todo)


def _requirements() -> list[str]:
    try:
        return metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # it runs from a checkout
        return []


def _check(group: str, requirement: str, state: State, todo: str) -> Check:
    found = _REQUIREMENT.match(requirement)
    name, least = (found[1], found[2] or "") if found is not None else (requirement, "")
    wanted = f" (>={least} is needed)" if least else ""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(group, name, "not installed", state, todo)
    if least and _numbers(version) < _numbers(least):
        return Check(group, name, f"{version}{wanted}", "bad", todo)
    return Check(group, name, version)


def _numbers(version: str) -> list[int]:
    """Of a version as far as they are numbers: 2.6 for 2.6.0rc1."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return [int(part) for part in found[0].split(".")] if found is not None else []
