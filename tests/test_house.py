"""The house: how much a folder, a file and a class may hold, and that imports go nowhere in a circle."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "inspector"
FILES, KINDS, LINES = 20, 24, 350


def sources() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in ROOT.rglob("*.py")}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, text: str, modules: set[str]) -> Iterator[str]:
    """The modules of ours that a file imports at run time, in functions too, but not for the type checker alone."""
    name = dotted(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                found = f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base
                # a file may import from the package it is in: what that imports is its own affair
                if found in modules and found != name and not name.startswith(f"{found}."):
                    yield found


def circles(edges: dict[str, set[str]]) -> list[str]:
    """What is left when everything that leads out of every circle is taken away."""
    left = dict(edges)
    while True:
        ends = {name for name, targets in left.items() if not targets & left.keys()}
        if not ends:
            return sorted(left)
        left = {name: targets for name, targets in left.items() if name not in ends}


def test_no_folder_holds_too_many_files() -> None:
    folders = Counter(path.parent for path in sources() if path.name != "__init__.py")
    assert not [str(f) for f, count in folders.items() if count > (KINDS if f.name == "kinds" else FILES)]


def test_no_file_is_too_long() -> None:
    assert not [str(path) for path, text in sources().items() if text.count("\n") > LINES]


def test_imports_go_in_no_circle() -> None:
    files = sources()
    modules = {dotted(path) for path in files}
    assert not circles({dotted(path): set(imports(path, text, modules)) for path, text in files.items()})


def test_a_circle_would_be_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["a", "b", "c"]


def test_every_room_is_in_the_guide_and_every_word_of_it_in_the_code() -> None:
    guide = (ROOT.parent / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    rooms = {part for path in sources() for part in path.relative_to(ROOT).parent.parts[:2]}
    assert not [room for room in sorted(rooms) if f"`{room}/`" not in guide]
    words = guide.partition("## Words")[2].partition("## Rules")[0]
    nodes = (node for text in sources().values() for node in ast.walk(ast.parse(text)))
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    named = set(re.findall(r"`([A-Z]\w+)`", words))
    assert named and not named - classes - {"B"}
