"""Functions of this package as text, with whatever they need, for a script that does without the package.

What a function uses of its own module and of others of the package comes along, and so on; what it uses of other
packages becomes an import. Annotations and decorators of functions need nothing: they are never evaluated, or left out.
"""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from .annotations import without_annotations

PACKAGE = __name__.partition(".")[0]

Global = tuple[str, str]
"""A module of the package by its full name, and a name that it defines."""


class Luggage:
    """What is carried. A name that is taken already becomes another one.

    Args:
        names: What the script defines itself.
        provided: Those of them that take the place of the package's own; of these nothing is carried.
    """

    def __init__(self, names: frozenset[str], provided: frozenset[str]) -> None:
        self.imports: dict[str, None] = {}
        self._own = names
        self._provided = provided
        self._wanted: dict[str, set[str]] = {}  # by module
        self._names: dict[Global, str] = {}

    def take(self, module: str, name: str, called: str = "") -> None:
        """Carry what `module` defines as `name`; the script calls it `called`, or as it is.

        Raises:
            LookupError: It uses something that cannot be carried.
        """
        if name in self._provided or (module, name) in self._names:
            return
        self._names[module, name] = called or self._free(module, name)
        source = Source.of(module)
        for used in source.needs(name):
            if used in source.definitions:
                self.take(module, used)
            elif used in source.imports:
                self._take_import(source.imports[used])
        self._wanted.setdefault(module, set()).add(name)

    def _take_import(self, found: Import) -> None:
        if found.module.partition(".")[0] != PACKAGE:
            self.imports[found.line] = None
        elif found.name in Source.of(found.module).definitions:
            self.take(found.module, found.name)
        else:
            raise LookupError(f"a script cannot carry the module {found.module}.{found.name}: import its names")

    def _free(self, module: str, name: str) -> str:
        taken = {*self._names.values(), *self._own, *vars(builtins)}
        return f"{module.rpartition('.')[2]}_{name.lstrip('_')}" if name in taken else name

    def text(self) -> str:
        """The definitions: each module's in its own order, behind those of the modules that it imports."""
        order: dict[str, None] = {}
        for module in self._wanted:
            self._place(module, order)
        return "\n\n".join(self._text_of(Source.of(module), self._wanted[module]) for module in order)

    def _place(self, module: str, order: dict[str, None]) -> None:
        for found in Source.of(module).imports.values():
            if found.module in self._wanted and found.module != module:
                self._place(found.module, order)
        order[module] = None

    def _text_of(self, source: Source, names: set[str]) -> str:
        table = {name: self._names[source.name, name] for name in names}
        for local, found in source.imports.items():
            own = found.name if found.name in self._provided else local
            table[local] = self._names.get((found.module, found.name), own)
        parts = [rename_globals(source.text_of(name), table) for name in source.definitions if name in names]
        return "\n\n".join(parts)


@dataclass(frozen=True)
class Import:
    """Where a name comes from: `name` of `module`, by the statement `line`."""

    module: str
    name: str
    line: str


class Source:
    """One module of the package: what it defines at its top, and what it imports there."""

    _known: dict[str, Source] = {}  # noqa: RUF012  # read once, and never changed

    def __init__(self, name: str) -> None:
        self.name = name
        text = Path(str(import_module(name).__file__)).read_text("utf-8")
        self._lines = text.splitlines()
        self._body = ast.parse(text).body
        self.definitions = {name: node for node in self._body for name in _definition_of(node)}
        self.imports = {local: found for node in self._body for local, found in self._import_of(node)}

    @classmethod
    def of(cls, name: str) -> Source:
        return cls._known.get(name) or cls._known.setdefault(name, cls(name))

    def needs(self, name: str) -> set[str]:
        """The names that a definition uses when it runs."""
        return set(self._names_in(self.definitions[name]))

    def text_of(self, name: str) -> str:
        node = self.definitions[name]
        below = self._body[self._body.index(node) + 1 :][:1]
        last = below[0] if below and isinstance(node, (ast.Assign, ast.AnnAssign)) and _is_text(below[0]) else node
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
        left_out = {row for each in ast.walk(node) for ours in self._left_out(each) for row in _rows_of(ours)}
        rows = range(first, (last.end_lineno or first) + 1)
        return without_annotations("\n".join(self._lines[row - 1] for row in rows if row not in left_out) + "\n")

    def _left_out(self, node: ast.AST) -> list[ast.expr]:
        """Of the decorators of a function those that this package defines."""
        decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
        return [each for each in decorators if self._is_ours(next(_names_of(each), ""))]

    def _is_ours(self, name: str) -> bool:
        found = self.imports.get(name)
        return name in self.definitions or (found is not None and found.module.partition(".")[0] == PACKAGE)

    def _names_in(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Name):
            yield node.id
        if isinstance(node, ast.ImportFrom) and node.level:
            raise LookupError(
                f"a script cannot carry an import inside a function: from {'.' * node.level}{node.module}"
            )
        left_out = self._left_out(node)
        for field, value in ast.iter_fields(node):
            inner = value if isinstance(value, list) else [value]
            for each in inner if field not in ("annotation", "returns") else ():
                if isinstance(each, ast.AST) and each not in left_out:
                    yield from self._names_in(each)

    def _import_of(self, node: ast.stmt) -> Iterator[tuple[str, Import]]:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            package = self.name.split(".")[: -node.level] if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                as_ = f" as {alias.asname}" if alias.asname else ""
                yield alias.asname or alias.name, Import(module, alias.name, f"from {module} import {alias.name}{as_}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                yield local, Import(alias.name, "", ast.unparse(ast.Import([alias])))


def _definition_of(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _names_of(node: ast.AST) -> Iterator[str]:
    """The names in an expression, the outermost first."""
    return (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _rows_of(node: ast.expr) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def rename_globals(text: str, table: dict[str, str]) -> str:
    """`text` with other names for these; attributes and keywords of a call are nobody's global names."""
    changes = {old: new for old, new in table.items() if old != new}
    if not changes:
        return text
    lines = text.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for before, token, after in reversed(list(zip([tokens[0], *tokens], tokens, tokens[1:], strict=False))):
        keyword = after.string == "=" and before.string in ("(", ",")
        if token.type == tokenize.NAME and token.string in changes and before.string != "." and not keyword:
            row, start = token.start
            line = lines[row - 1]
            lines[row - 1] = f"{line[:start]}{changes[token.string]}{line[token.end[1] :]}"
    return "".join(lines)
