"""Which modules a person means: `conv1`, `layer4.*`, `class:Conv2d`, several of these with commas, `~layer4.*` to leave
some out. The one reading of them: hooks, captures, forms, recipes and sweeps all come here.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable

from ...errors import UsageError
from ...text import encodable
from ..source.class_name import class_name
from .badges import has_forward
from .tree import ModuleTree, Node

ROOT = "(root)"
"""How the model itself is named where an empty path could not be seen."""
CLASS = "class:"
INNER = "_orig_mod"
"""The key under which `torch.compile(model)` keeps the model."""


class SelectorError(UsageError, ValueError):
    """No module is meant by what was typed."""


def select(tree: ModuleTree, text: str, *, looking: bool = False) -> list[Node]:
    """Every module object that `text` means, each once, in the order of the tree.

    A part is a path, a glob over paths, `class:` with a name or a glob of names, or one of these behind `~`, which
    leaves modules out: of the other parts, of all modules where there are no others. `""` and `(root)` are the model
    itself. The `_orig_mod` of compiled modules need not be written.

    Args:
        tree: The model.
        text: As above.
        looking: Whether a glob also means modules that only hand on what another one returned: the model itself, and
            the `_orig_mod` of a compiled one. Who alters what modules return would do so twice. Nor does a glob then
            mean containers that are never called (a `ModuleList`), unless it meets nothing else.

    Raises:
        SelectorError: A part means no module, or nothing is left.
    """
    return _Selector(tree, looking).select(text)


def index_of_path(tree: ModuleTree, path: str) -> int | None:
    """The node of the module object at one dotted path, read as in `select`; None where there is none."""
    found = _Selector(tree, False).at(path)
    return None if not found else _object_of(tree, min(found))


class _Selector:
    """Looks up parts among the names of one tree."""

    def __init__(self, tree: ModuleTree, looking: bool) -> None:
        self._tree = tree
        self._looking = looking
        self._names = [".".join(path) for path in tree.paths]
        self._outer_names = self._names  # as they were before the model or a part of it was compiled
        if any(INNER in name for name in self._names):
            self._outer_names = [".".join(key for key in path if key != INNER) for path in tree.paths]

    def select(self, text: str) -> list[Node]:
        kept: set[int] = set()
        left_out: set[int] = set()
        parts = self._split(text)
        for part in parts:
            if part.startswith("~") and not self.at(part):
                left_out |= self._find(part[1:].strip())
            else:
                kept |= self._find(part)
        if parts and not kept:
            kept = self._objects(self._match_glob("*"))
        if not kept - left_out:
            raise SelectorError(encodable(f"{text!r} leaves no module", 300), hint=_SYNTAX)
        return [self._tree.nodes[index] for index in sorted(kept - left_out)]

    def at(self, path: str) -> list[int]:
        """The nodes of exactly this path. A name may hold characters that a glob takes for its own."""
        path = "" if path == ROOT else path
        whole = [index for index, name in enumerate(self._names) if name == path]
        return whole or [index for index, name in enumerate(self._outer_names) if name == path][:1]

    def _split(self, text: str) -> list[str]:
        """At commas, unless the whole is one module's name; what is empty is no part."""
        if self.at(text):
            return [text]
        return [part for part in map(str.strip, text.split(",")) if part]

    def _find(self, part: str) -> set[int]:
        found = self._objects(self.at(part) or self._match(part))
        if not found:
            what = f"no module of {class_name(self._tree.root)} matches {part!r}"
            raise SelectorError(encodable(what, 300), hint=self._hint(part))
        return found

    def _match(self, pattern: str) -> Iterable[int]:
        if pattern.startswith(CLASS):
            return self._match_class(pattern.removeprefix(CLASS))
        return self._match_glob(pattern)

    def _match_class(self, pattern: str) -> Iterable[int]:
        nodes = self._tree.objects()
        return [node.index for node in nodes if fnmatch.fnmatchcase(class_name(node.module), pattern)]

    def _match_glob(self, pattern: str) -> Iterable[int]:
        if INNER in pattern:
            return _matching(self._names, pattern)
        found = _matching(self._outer_names, pattern)
        if self._looking:
            return found
        found = [index for index in found if not self._hands_on(index)]
        return [index for index in found if has_forward(self._tree.nodes[index].module)] or found

    def _hands_on(self, index: int) -> bool:
        """Whether another module that the same patterns mean returns what this one does."""
        return index == 0 or self._tree.nodes[index].key == INNER

    def _objects(self, indices: Iterable[int]) -> set[int]:
        return {_object_of(self._tree, index) for index in indices}

    def _hint(self, part: str) -> str:
        if part.startswith(CLASS):
            classes = sorted({class_name(node.module) for node in self._tree.nodes[:5_000]})
            close = [CLASS + name for name in _near(part.removeprefix(CLASS), classes)]
        else:
            close = _near(part, [name for name in self._outer_names[:5_000] if name])
        return encodable(f"did you mean {' or '.join(close)}?", 300) if close else _SYNTAX


def _near(word: str, names: list[str]) -> list[str]:
    """Those that differ in little, or in upper and lower case alone."""
    lower = {name.lower(): name for name in reversed(names)}
    return [lower[found] for found in difflib.get_close_matches(word.lower(), lower, 3, 0.6)]


def _matching(names: list[str], pattern: str) -> list[int]:
    return [index for index, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]


def _object_of(tree: ModuleTree, index: int) -> int:
    """The node that shows the same object first."""
    node = tree.nodes[index]
    return node.index if node.alias_of < 0 else node.alias_of


_SYNTAX = "name it as the tree does: conv1, layer4.0.conv1, 'layer4.*', class:Conv2d, '*, ~layer4.*', (root)"
