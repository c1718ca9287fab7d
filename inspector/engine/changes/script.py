"""A session's hooks and edits as a plain PyTorch script that does the same without this package.

The functions it needs are taken from the sources of this package as they are (see `carry`), so that the script computes
what the session computed. What the model is called with lies beside the script, in a file that `torch.load` reads.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...files import is_file
from ...records import Path as ModulePath
from ...records import Target
from ...text import encodable
from ..hooks.hook import Hook, write_argument
from ..loading import write_build
from ..loading.files.state import find_entry
from ..loading.renames import parse_renames
from .applied import Addition, AppliedHook
from .carry import Luggage
from .edits import Edit, Load, StateDictFile
from .plain_hooks import CallsOf, are_plain, put_plainly
from .prune import prune

SKELETON = Path(__file__).with_name("script_skeleton.txt")
"""What every script has: it says itself what it is."""

MAKE = "make_"
"""In front of the name of a kind, which may be that of a function of Python's."""

NEEDED = (
    ("values.parts", "is_tensor"),
    ("values.nested", "replace"),
    ("values.nested", "tensors_in"),
    ("values.nested", "enter_all"),
    ("values.nested", "without_state"),
    ("values.renaming", "rename_keys"),
    ("values.value_path", "replace_at"),
    ("values.value_path", "parse_steps"),
    ("values.value_path", "part_at"),
    ("values.value_path", "change_inside"),
    ("values.value_path", "split"),
    ("hooks.substitute", "check_dtype"),
    ("hooks.conditions", "Condition"),
    ("hooks.conditions", "parse_condition"),
    ("hooks.step_choice", "parse_step"),
    ("hooks.context", "HookContext"),
    ("hooks.session_state", "HookState"),
    ("hooks.turns", "Turn"),
)
"""What the skeleton itself uses of the engine."""
OWN = "# <OWN>"
STAY = ("SEED", "INPUTS", "build", "add_hooks", "run")
"""What is there for whoever imports the script."""
_ENGINE = __name__.rpartition(".changes")[0]
_DEFINED = re.compile(r"^(?:def|class) (\w+)|^(\w+) = ", re.MULTILINE)
_IMPORTS = (
    "import collections", "import contextlib", "import fnmatch", "import functools", "import itertools", "import json",
    "import random", "import sys", "from pathlib import Path", "import torch", "import torch.nn.functional as F",
    "from torch import nn",
)  # fmt: skip
"""Those of the skeleton."""


def script(
    target: Target,
    kind: str,
    inputs: str,
    seed: int,
    grad: bool,
    edits: Sequence[Edit | Load],
    additions: Sequence[Addition],
    paths: Sequence[ModulePath],
    calls_of: CallsOf,
    left_out: str = "",
) -> str:
    """The text of the script; a short one, where every hook acts on the one tensor that its module takes or gives.

    Args:
        target: What was opened.
        kind: Of target: "torchvision", "python file", ...
        inputs: The name of the file beside it that holds what the model is called with.
        seed: Of the pass.
        grad: Whether it records gradients.
        edits: In order.
        additions: Likewise; what is off is left out.
        paths: Of the nodes that edits name.
        calls_of: What each node was called with last, and gave.
        left_out: A sentence on what the last pass did besides calling the model.

    Raises:
        UsageError: A hook cannot be written as plain PyTorch.
    """
    active = [(addition.hook, member) for addition in additions for member in addition.members if member.active]
    hooks = [hook for hook, _ in active] + [each.hook for each in edits if isinstance(each, Edit)]
    for hook in hooks:
        if hook.function is not None:
            raise UsageError(f"{hook} is a function of another program", hint="switch it off; its file has its source")
    codes = list(dict.fromkeys(hook.code for hook in hooks if hook.kind.acts == "python"))
    text = SKELETON.read_text("utf-8")
    plain = are_plain(additions, calls_of)
    carried = _carry(text, sorted({hook.kind.name for hook in hooks if hook.kind.acts != "python"}))
    filled = {
        "TITLE": _in_docstring(f"{target.target} with {say_counts(len(active), len(edits))}.{left_out}"),
        "SEED": str(seed),
        "INPUTS": repr(inputs),
        "GRAD": str(grad),
        "PREPARE": _indent(_prepare(plain, bool(edits))),
        "CALL": _indent(_call_model(target, plain), 12),
        "BUILD": _indent(_build(target, kind)),
        "EDITS": _indent([line for each in edits for line in _edit(each, paths)]),
        "HOOKS": _indent(_put_all(active, paths, codes, plain)),
        "IMPORTS": _sort_imports([*_IMPORTS, *carried.imports]),
        "OWN": OWN,
        "CARRIED": carried.text(),
    }
    whole = re.sub(r"# <(\w+)>", lambda found: filled[found[1]], text)
    return _add_own(prune(whole, {*STAY, *_names_in(codes)}), codes)


def _add_own(text: str, codes: Sequence[str]) -> str:
    """Hook functions as they were written."""
    own = "\n\n".join(f"{code.rstrip()}\n\n\nhook_{n} = hook\n" for n, code in enumerate(codes))
    return re.sub(rf"^{OWN}\n\n*", lambda _: f"{own}\n\n" if own else "", text, count=1, flags=re.MULTILINE)


def _names_in(codes: Sequence[str]) -> Iterator[str]:
    """What they may use of the script, and torch, which a person may take for granted."""
    for code in codes:
        yield from ("torch", "nn", *re.findall(r"\w+", code))


def _in_docstring(text: str) -> str:
    """A file may be called anything."""
    return text.replace("\\", r"\\").replace('"', r"\"") if "\\" in text or '"' in text else text


def say_counts(hooks: int, edits: int) -> str:
    """`2 hooks and 1 edit`."""
    return f"{hooks} hook{'s' * (hooks != 1)} and {edits} edit{'s' * (edits != 1)}"


def _indent(lines: Sequence[str], by: int = 4) -> str:
    return f"\n{' ' * by}".join(lines) if lines else "pass"


def _prepare(plain: bool, edited: bool) -> list[str]:
    """Up to the first batch."""
    return [
        "model = build()",
        *(["edit_parameters(model)"] if edited else []),
        "add_hooks(model)",
        "inputs = torch.load(INPUTS, weights_only=True)",
        *([] if plain else ['STATE.recordings.update(inputs["recorded"])']),
        "seed_everything()",
    ]


def _call_model(target: Target, plain: bool) -> list[str]:
    generate = f"model.generate(*args, max_new_tokens={target.generate}, do_sample=False, **kwargs)"
    call = generate if target.generate else "model(*args, **kwargs)"
    return [f"output = {call}", *([] if plain else ["STATE.end_pass()"])]


def _build(target: Target, kind: str) -> list[str]:
    built = write_build(kind, target)
    if not built:
        return ["raise SystemExit('put your model here: add_hooks(model) adds what the session added')"]
    lines = [f"torch.manual_seed({target.seed})", *built]
    if target.weights not in ("", "none", "DEFAULT"):
        lines.append(_load(StateDictFile(target.weights, find_entry(target.weights), target.renames)))
    return [*lines, f"return model.train({target.training})"]


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
    places = [f"edit(at(model, {paths[written.node]!r}), act, {written.name!r})" for written in each.writes]
    return [f"act = {_call(each.hook)}", *places]


def _put_all(
    active: Sequence[tuple[Hook, AppliedHook]], paths: Sequence[ModulePath], codes: list[str], plain: bool
) -> list[str]:
    if plain:
        return put_plainly(active, paths, codes, _call)
    first = ["STATE.start()", "handles = [STATE.steps.register(model)]"]
    return [*first, *(_put(hook, paths[member.node.index], codes) for hook, member in active), "return handles"]


def _put(hook: Hook, path: ModulePath, codes: list[str]) -> str:
    python = hook.kind.acts == "python"
    options = {"at": hook.at, **hook.options()} if hook.at else hook.options()
    told = "".join(f", {name}={value!r}" for name, value in options.items())
    made = "Own" if python else "Placed" if hook.kind.acts == "context" else "Hook"
    act = f"hook_{codes.index(hook.code)}" if python else _call(hook)
    return f"handles.append(put(model, {path!r}, {hook.on!r}, {made}({act}{told})))"


def _call(hook: Hook) -> str:
    hook.check_text()
    given = ", ".join(f"{name}={write_argument(_place(value))}" for name, value in hook.arguments.items())
    return f"{MAKE}{hook.kind.name}({given})"


def _place(value: Any) -> Any:
    """A file by its whole name: the script may be run from anywhere."""
    is_name = isinstance(value, str) and value.endswith((".safetensors", ".pt", ".pth", ".bin", ".npy"))
    return os.path.abspath(value) if is_name and is_file(value) else value


def _carry(skeleton: str, kinds: Sequence[str]) -> Luggage:
    """What the skeleton and these kinds of hooks need. Raises `UsageError`."""
    luggage = Luggage(frozenset(found[1] or found[2] for found in _DEFINED.finditer(skeleton)))
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


def _sort_imports(lines: Sequence[str]) -> str:
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
    return "\n".join([*own, "", *(line for line in statements if line not in own)])
