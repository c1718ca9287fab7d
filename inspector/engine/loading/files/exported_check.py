"""Whether loading and running an exported program (`.pt2`) can do more than compute on tensors.

`torch.export.load` is not safe by itself. It unpickles the example inputs, and whatever the archive marks as pickled,
with `weights_only=False` where the safe way fails; it evaluates symbolic sizes as Python; it makes Python source of
names; it takes any callable below `torch` or `operator` as an operation, and it loads compiled libraries. An ordinary
program needs none of that. So the archive is read here first, by the reader that torch loads it with, and everything
that an ordinary program does not have is a reason to ask for trust.
"""

from __future__ import annotations

import ast
import io
import os
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch.export.pt2_archive import constants as layout

from ....files import parse_json
from ...stored.bloat import refuse_bloated
from ...stored.saved import look_inside

_TEXT_KEYS = frozenset({"metadata text", "as_string", "as_strings", "guards_code", "torch_version"})
"""What is kept, shown or handed to an operation as text. Guards are compiled by `ExportedProgram.module()` alone, and
only where it is asked to check them."""

_MAPPINGS = frozenset(
    {
        "tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values", "custom_obj_values",
        "as_string_to_argument", "range_constraints", "treespec_namedtuple_fields", "opset_version",
    }
)  # fmt: skip
"""Fields whose keys are names that the program chose."""

_OPERATIONS = re.compile(
    r"torch\.ops\.(aten|prim|prims|rngprims|quantized|quantized_decomposed|_quantized|torchvision)\.\w+(\.\w+)?"
    r"|torch\.ops\.higher_order\.(cond|while_loop|map_impl|scan|associative_scan|wrap_with_set_grad_enabled"
    r"|wrap_with_autocast|flex_attention|invoke_subgraph|auto_functionalized(_v2)?|out_dtype|checkpoint"
    r"|tag_activation_checkpoint)"
    r"|torch\.(sym_\w+|_C\._set_grad_enabled|amp\.autocast_mode\._(enter|exit)_autocast)"
    r"|(_operator|math)\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|lshift|rshift|getitem"
    r"|trunc|floor|ceil|sqrt)"
)
_ON_FILES = re.compile(r"torch\.ops\.aten\.(from_file|save)\b")
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
"""As torch says which name a pickle wants."""
_PICKLES = (layout.SAMPLE_INPUTS_DIR, layout.WEIGHTS_DIR, layout.CONSTANTS_DIR)
_OBJECTS = tuple(
    getattr(layout, name)
    for name in ("CUSTOM_OBJ_FILENAME_PREFIX", "OPAQUE_OBJ_FILENAME_PREFIX")
    if hasattr(layout, name)  # torch 2.8 has no opaque objects
)
"""How the files of other objects than tensors begin."""
_NAME = re.compile(r"[^\W\d]\w*")
_PLAIN = re.compile(r"[\w\s.:@/<>\[\],+-]*")
"""Text that is no code wherever it is put: without calls, assignments, quotes and escapes."""
_SPEC = re.compile(r"(?:[\w\s.:/<>\[\]{}\",-]|\\+\")*")
"""The same for the JSON that says how arguments nest."""

_SIZES = frozenset(
    {
        "Symbol", "Integer", "Float", "Rational", "Max", "Min", "Abs", "Pow", "Mul", "Add", "floor", "ceiling", "sqrt",
        "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not", "Equality", "Unequality", "StrictLessThan", "LessThan",
        "StrictGreaterThan", "GreaterThan", "FloorDiv", "ModularIndexing", "Where", "PythonMod", "Mod", "CleanDiv",
        "CeilToInt", "FloorToInt", "CeilDiv", "LShift", "RShift", "PowByNatural", "FloatPow", "FloatTrueDiv",
        "IntTrueDiv", "IsNonOverlappingAndDenseIndicator", "TruncToFloat", "TruncToInt", "RoundToInt", "RoundDecimal",
        "ToFloat", "Identity",
    }
)  # fmt: skip
"""Functions of sympy, and torch's own on top of it, that sizes are made of."""
_ARITHMETIC = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
    ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword,
)  # fmt: skip


def reasons_not_to_trust(reader: Any) -> list[str]:
    """What in an archive goes beyond tensors and operations on them, each once; empty for an ordinary program.

    Args:
        reader: A `torch._C.PyTorchFileReader`: another reader may see another file under the same name.
    """
    return list(dict.fromkeys(_reasons(reader)))


def _reasons(reader: Any) -> Iterator[str]:
    for name in reader.get_all_records():
        if name.startswith(layout.AOTINDUCTOR_DIR):
            yield "it holds compiled libraries, which are loaded into the process"
        elif name.startswith(layout.MODELS_DIR):
            yield from _in_json(parse_json(reader.get_record(name)), "")
        elif name.startswith((layout.WEIGHTS_DIR, layout.CONSTANTS_DIR)) and name.endswith("_config.json"):
            yield from _in_payloads(reader, parse_json(reader.get_record(name)), name.rpartition("/")[0])
        elif name.startswith(_PICKLES) and name.endswith(".pt"):
            yield from _in_pickle(reader.get_record(name), name)


def _in_payloads(reader: Any, config: Any, folder: str) -> Iterator[str]:
    for key, payload in config.get("config", {}).items():
        name = os.path.join(f"{folder}/", payload["path_name"])  # as torch joins them
        if payload["path_name"].startswith(_OBJECTS):
            yield f"{key} is an object of another class than a tensor"
        elif payload.get("use_pickle"):
            yield from _in_pickle(reader.get_record(name), name)


def _in_pickle(data: bytes, name: str) -> Iterator[str]:
    """torch tries the safe way first, so what it can read is never unpickled in the other. Raises `UsageError` where it
    would take too much memory."""
    if not data:
        return
    why = look_inside(data).bloated
    if why:
        raise refuse_bloated(name, why)
    try:
        torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds; each means that torch would go on to the unsafe way
        found = _GLOBAL.search(str(error))
        yield f"{name} pickles more than tensors" + (f": it imports {found.group(1)}" if found else "")


def _in_json(value: Any, key: str) -> Iterator[str]:
    """Iterative, because subgraphs nest as deep as somebody wrote them."""
    pending = [(key, value)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            yield from (f"the name {inner!r} is no name" for inner in value if not _PLAIN.fullmatch(inner))
            pending += _entries(key, value)
        elif isinstance(value, list):
            pending += [(key, item) for item in value]
        elif isinstance(value, str) and not _is_harmless(key, value):
            yield f"{_SAID.get(key, 'the text')} {value!r}"


def _entries(key: str, value: dict[str, Any]) -> list[tuple[str, Any]]:
    """What is below a dict, each under the field that says what it means: the keys of a mapping mean nothing."""
    if key == "metadata":
        return [("metadata text" if isinstance(item, str) else "", item) for item in value.values()]
    return [("" if key in _MAPPINGS else inner, item) for inner, item in value.items()]


_SAID = {
    "target": "it calls",
    "as_operator": "it hands on",
    "expr_str": "it evaluates",
    "class_fqn": "it needs an object of",
    "name": "it has the name",
    "forward_arg_names": "it has the argument",
}


def _is_harmless(key: str, text: str) -> bool:
    if key in _TEXT_KEYS:
        return True
    if key in ("target", "as_operator"):
        return bool(_OPERATIONS.fullmatch(text)) and not _ON_FILES.match(text)
    if key == "expr_str":
        return _is_arithmetic(text)
    if key in ("in_spec", "out_spec"):
        return bool(_SPEC.fullmatch(text)) and "default_factory" not in text and "__enum__" not in text
    if key in ("name", "forward_arg_names", "as_name"):
        return not text or bool(_NAME.fullmatch(text))
    return key != "class_fqn" and bool(_PLAIN.fullmatch(text))


def _is_arithmetic(text: str) -> bool:
    """Numbers, symbols, operators and calls of sympy's own functions; a string is the name of a symbol, no more."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    names = {id(node.args[0]) for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_symbol(node)}
    for node in ast.walk(tree):
        if not isinstance(node, _ARITHMETIC):
            return False
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _SIZES):
            return False
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and id(node) not in names:
            return False
    return True


def _is_symbol(call: ast.Call) -> bool:
    """`Symbol('s77', ...)`."""
    first = call.args[0] if call.args else None
    named = isinstance(first, ast.Constant) and isinstance(first.value, str) and _NAME.fullmatch(first.value)
    return isinstance(call.func, ast.Name) and call.func.id == "Symbol" and bool(named)
