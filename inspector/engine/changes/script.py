"""A session's hooks and edits as a plain PyTorch script that does the same without this package.

The functions it needs are taken from the sources of this package as they are (see `carry`), so that the script computes
what the session computed. What the model is called with lies beside the script, in a file that `torch.load` reads.
"""

from __future__ import annotations

import ast
import math
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...files import is_file
from ...records import Path as ModulePath
from ...records import Target, TensorValue
from ...text import encodable
from ..hooks.hook import Hook, write_argument
from ..loading import write_build
from ..loading.files.state import find_entry
from ..loading.renames import parse_renames
from ..recording.call import Call
from .annotations import has_annotations
from .applied import Addition
from .carry import Luggage
from .edits import Edit, Load, StateDictFile
from .inline import write_inline
from .plain_hooks import CallsOf, find_module, put_hooks
from .prune import prune
from .quotes import with_double_quotes

SKELETON = Path(__file__).with_name("script_skeleton.txt")
"""What every script has: it says itself what it is."""

MAKE = "make_"
"""In front of the name of a kind, which may be that of a function of Python's."""

NEEDED = (("values.renaming", "rename_keys"), ("hooks.conditions", "measure"))
"""What the skeleton itself uses of the engine."""
PROVIDED = frozenset({"UsageError", "read_tensors"})
"""What the skeleton has in the place of the engine's own."""
OWN = "# <OWN>"
STAY = ("SEED", "INPUTS", "build", "add_hooks", "run")
"""What is there for whoever imports the script."""
_ENGINE = __name__.rpartition(".changes")[0]
_IMPORT_LINES = re.compile(r"^(?:(?:import|from) .+\n)+", re.MULTILINE)
_DEFINED = re.compile(r"^(?:def|class) (\w+)|^(\w+) = ", re.MULTILINE)
_IMPORTS = (
    "import collections", "import contextlib", "import copy", "import dataclasses", "import fnmatch",
    "import functools", "import json", "import random", "import sys", "import types", "import zlib",
    "from pathlib import Path", "import torch", "import torch.nn.functional as F", "from torch import nn",
)  # fmt: skip
"""Those of the skeleton."""


def script(
    target: Target,
    kind: str,
    placing: Sequence[str],
    inputs: str,
    seed: int,
    grad: bool,
    edits: Sequence[Edit | Load],
    additions: Sequence[Addition],
    paths: Sequence[ModulePath],
    calls_of: CallsOf,
    unit: str = "",
    left_out: str = "",
) -> str:
    """The text of the script.

    Args:
        target: What was opened.
        kind: Of target: "torchvision", "python file", ...
        placing: Lines that put a model that was built where the session had it.
        inputs: The name of the file beside it that holds what the model is called with.
        seed: Of the pass.
        grad: Whether it records gradients.
        edits: In order.
        additions: Likewise; what is off is left out.
        paths: Of the nodes that edits name.
        calls_of: What each node was called with last, and gave.
        unit: What a step of the last pass was called.
        left_out: A sentence on what the last pass did besides calling the model.

    Raises:
        UsageError: A hook cannot be written as plain PyTorch.
    """
    active = [(addition.hook, member) for addition in additions for member in addition.members if member.active]
    hooks = [hook for hook, _ in active] + [each.hook for each in edits if isinstance(each, Edit)]
    for hook in hooks:
        if hook.function is not None:
            raise UsageError(f"{hook} is a function of another program", hint="switch it off; its file has its source")
        if hook.condition is not None and hook.condition.needs_baseline:
            what = f"{hook} compares with the baseline, and a script has none"
            raise UsageError(encodable(what, 400), hint="switch it off, or save a recipe: w recipe.toml")
    codes = list(dict.fromkeys(hook.code for hook in hooks if hook.kind.acts == "python"))
    text = SKELETON.read_text("utf-8")
    carried = _carry(text, sorted({hook.kind.name for hook in hooks if hook.kind.acts != "python"}))
    filled = {
        "TITLE": _in_docstring(f"{target.target} with {say_counts(len(active), len(edits))}.{left_out}"),
        "SEED": str(seed),
        "INPUTS": repr(inputs),
        "GRAD": str(grad),
        "UNIT": repr(unit),
        "PRINT": _indent(_print_output(calls_of(0))),
        "PREPARE": _indent(_prepare(hooks, bool(edits))),
        "CALL": _call_model(target),
        "BUILD": _indent(_build(target, kind, placing)),
        "EDITS": _indent([line for each in edits for line in _edit(each, paths)]),
        "HOOKS": _indent([*_read_recordings(hooks), *put_hooks(active, paths, codes, _call, calls_of)]),
        "IMPORTS": "\n".join(dict.fromkeys([*_IMPORTS, *carried.imports])),
        "OWN": OWN,
        "CARRIED": carried.text(),
    }
    whole = re.sub(r"# <(\w+)>", lambda found: filled[found[1]], text)
    pruned = with_double_quotes(prune(whole, {*STAY, *_names_in(codes)}))
    return _add_own(
        _IMPORT_LINES.sub(lambda found: _sort_imports(found[0].splitlines(), pruned, codes), pruned, 1), codes
    )


def _add_own(text: str, codes: Sequence[str]) -> str:
    """Hook functions as they were written."""
    named = ["", ""] if len(codes) == 1 else [f"\n\nhook_{n} = hook\n" for n in range(len(codes))]
    own = "\n\n".join(f"{code.rstrip()}\n{name}" for code, name in zip(codes, named, strict=False))
    return re.sub(rf"^{OWN}\n\n*", lambda _: f"{own}\n\n" if own else "", text, count=1, flags=re.MULTILINE)


def _names_in(codes: Sequence[str]) -> Iterator[str]:
    """What a person may take for granted."""
    for code in codes:
        yield from {"torch", "nn", "F"} & set(re.findall(r"\w+", code))


def _in_docstring(text: str) -> str:
    """A file may be called anything."""
    return text.replace("\\", r"\\").replace('"', r"\"") if "\\" in text or '"' in text else text


def say_counts(hooks: int, edits: int) -> str:
    """`2 hooks and 1 edit`; of what there is none, nothing."""
    counts = ((hooks, "hook"), (edits, "edit"))
    said = [f"{count} {what}{'s' * (count != 1)}" for count, what in counts if count]
    return " and ".join(said) or "no hooks"


def _indent(lines: Sequence[str], by: int = 4) -> str:
    return f"\n{' ' * by}".join(lines).replace(f"\n{' ' * by}\n", "\n\n") if lines else "pass"


def _prepare(hooks: Sequence[Hook], edited: bool) -> list[str]:
    """Up to the first batch."""
    recalled = any(is_recalled(hook) for hook in hooks)
    return [
        "model = build()",
        *(["edit_parameters(model)"] if edited else []),
        "add_hooks(model)",
        "inputs = torch.load(INPUTS, weights_only=True)",
        *(['RECORDED.update(inputs["recorded"])'] if recalled else []),
        "seed_everything()",
    ]


def is_recalled(hook: Hook) -> bool:
    """Whether it puts in what was recorded in this session."""
    return hook.kind.name == "patch" and not _file_of(hook)


def _file_of(hook: Hook) -> str:
    """The file of recorded tensors that it puts in; "" for another one."""
    file = ast.literal_eval(write_argument(hook.arguments.get("run", "")))
    return str(_place(file)) if hook.kind.name == "patch" and file.endswith(".safetensors") else ""


def _read_recordings(hooks: Sequence[Hook]) -> list[str]:
    files = dict.fromkeys(filter(None, map(_file_of, hooks)))
    return [f"RECORDED[{file!r}] = read_tensors({file!r})" for file in files]


def _print_output(calls: Sequence[Call]) -> list[str]:
    if calls and all(isinstance(call.output, TensorValue) for call in calls):
        return ["print(describe(run()))"]
    return ["for tensor in tensors_in(run()):", "    print(describe(tensor))"]


def _call_model(target: Target) -> str:
    if target.generate:
        return f"output = model.generate(*args, max_new_tokens={target.generate}, do_sample=False, **kwargs)"
    return "output = model(*args, **kwargs)"


def _build(target: Target, kind: str, placing: Sequence[str]) -> list[str]:
    built = write_build(kind, target)
    if not built:
        return ["raise SystemExit('put your model here: add_hooks(model) adds what the session added')"]
    imports = [line.startswith(("import ", "from ", "sys.path")) for line in built]
    behind = max((number for number, is_import in enumerate(imports, 1) if is_import), default=0)
    lines = [f"torch.manual_seed({target.seed})", *built[:behind], *[""] * bool(behind), *built[behind:]]
    if target.weights not in ("", "none", "DEFAULT"):
        lines.append(_load(StateDictFile(target.weights, find_entry(target.weights), target.renames)))
    return [*lines, *placing, f"return model.train({target.training})"]


def _load(source: StateDictFile) -> str:
    file, renames = repr(os.path.abspath(source.file)), list(parse_renames(source.renames))
    if not renames and not source.partial:
        return f"model.load_state_dict(read_state({file}){f'[{source.entry!r}]' if source.entry else ''})"
    told = [f"entry={source.entry!r}"] if source.entry else []
    told += [f"renames={renames!r}"] if renames else []
    told += ["strict=False"] if source.partial else []
    return f"load({', '.join(['model', file, *told])})"


def _edit(each: Edit | Load, paths: Sequence[ModulePath]) -> list[str]:
    """One act for all, as it was made: noise goes on from one parameter to the next."""
    if isinstance(each, Load):
        return [_load(each.source)]
    act = _call(each.hook, not each.hook.where)
    made = act.startswith(MAKE)
    first, name = ([f"act = {act}"], "act") if made else ([], act)
    return [*first, *(f"edit({find_module(paths[at.node])}, {name}, {at.name!r})" for at in each.writes)]


def _call(hook: Hook, floating: bool) -> str:
    hook.check_text()
    arguments = {name: _write_argument(value) for name, value in hook.arguments.items()}
    given = ", ".join(f"{name}={text}" for name, text in arguments.items())
    return write_inline(hook.kind, arguments, floating) or f"{MAKE}{hook.kind.name}({given})"


def _write_argument(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return write_argument(_place(value))


def _place(value: Any) -> Any:
    """A file by its whole name: the script may be run from anywhere."""
    is_name = isinstance(value, str) and value.endswith((".safetensors", ".pt", ".pth", ".bin", ".npy"))
    return os.path.abspath(value) if is_name and is_file(value) else value


def _carry(skeleton: str, kinds: Sequence[str]) -> Luggage:
    """What the skeleton and these kinds of hooks need. Raises `UsageError`."""
    luggage = Luggage(frozenset(found[1] or found[2] for found in _DEFINED.finditer(skeleton)), PROVIDED)
    try:
        for module, name in NEEDED:
            luggage.take(f"{_ENGINE}.{module}", name)
        for name in kinds:
            luggage.take(f"{_ENGINE}.hooks.kinds.{name}", name, MAKE + name)
    except LookupError as error:
        raise UsageError(
            encodable(str(error), 300), hint="a kind of hook may use other packages, and names of this one"
        ) from None
    return luggage


def _sort_imports(lines: Sequence[str], text: str, codes: Sequence[str]) -> str:
    """One statement for each module, those of Python itself first, then those of other packages."""
    names: dict[str, set[str]] = {}
    for line in lines:
        module, _, name = line.partition(" import ")
        names.setdefault(module, set()).update([name] if name else [])
    statements = sorted(
        (f"{module} import {', '.join(sorted(found))}" if found else module for module, found in names.items()),
        key=lambda line: (line.startswith("from"), line),
    )
    own = [line for line in statements if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    first = ["from __future__ import annotations", ""] if codes or has_annotations(text) else []
    return "\n".join([*first, *own, "", *(line for line in statements if line not in own)]) + "\n"
