"""The names of what can be opened, read from source and not run: those of torchvision and timm, and those of a file."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

_REGISTERED = re.compile(r'^@register_model(?:\((?:name="(\w+)")?\))?[ \t]*\n(?:(?!def ).*\n)*?def (\w+)', re.MULTILINE)


def list_registered(package: str) -> Iterator[tuple[str, str]]:
    """Each name, and the file that has it. None where the package is not installed."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    for file in sorted(file for place in places for file in (Path(place) / "models").rglob("*.py")):
        for named, function in _REGISTERED.findall(file.read_text("utf-8", "replace")):
            yield named or function, file.stem


def list_definitions(source: bytes) -> Iterator[tuple[str, str]]:
    """The classes and functions at the top of a file of Python, but for private ones. Raises `SyntaxError`."""
    kinds = {ast.ClassDef: "class", ast.FunctionDef: "function"}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            yield node.name, kinds[type(node)]
