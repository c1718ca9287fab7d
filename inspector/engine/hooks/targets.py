"""Which modules a person means: `conv1`, `layer4.*`, `class:Conv2d`, or several of these with commas."""

from __future__ import annotations

import difflib
import fnmatch

from ...errors import UsageError
from ...text import encodable
from ..modules.tree import ModuleTree, Node
from ..source.class_name import class_name

ROOT = "(root)"


def find(tree: ModuleTree, where: str) -> list[Node]:
    """Every module object that `where` names, each once, in the order of the tree; "" is the root.

    Raises:
        UsageError: There is none.
    """
    names = [".".join(path) for path in tree.paths]
    known = set(names)
    parts = [where] if where in known or where == ROOT else [part.strip() for part in where.split(",")]
    patterns = [(part, part in known) for part in parts]
    found: dict[int, Node] = {}
    for index, name in enumerate(names):
        if any(_matches(tree.nodes[index], name, pattern, exact) for pattern, exact in patterns):
            node = tree.nodes[index]
            node = node if node.alias_of < 0 else tree.nodes[node.alias_of]
            found[node.index] = node
    if not found:
        raise UsageError(encodable(f"no module is named {where!r}", 300), hint=_hint(where, names))
    return [found[index] for index in sorted(found)]


def _matches(node: Node, name: str, pattern: str, exact: bool) -> bool:
    if exact or pattern == ROOT:  # a name may hold characters that a glob takes for its own
        return name == ("" if pattern == ROOT else pattern)
    if pattern.startswith("class:"):
        return fnmatch.fnmatchcase(class_name(node.module), pattern.removeprefix("class:"))
    return bool(pattern) and bool(name) and fnmatch.fnmatchcase(name, pattern)


def _hint(where: str, names: list[str]) -> str:
    close = difflib.get_close_matches(where, names[:5_000], 3, 0.6)
    if close:
        return encodable(f"did you mean {' or '.join(close)}?", 300)
    return "name it as the tree does: conv1, layer4.0.conv1, 'layer4.*', class:Conv2d"
