"""`net.pt2`: programs of `torch.export`, unflattened into the modules they were exported from, so that hooks fire.

A `.pt2` file is code. `exported_check` says what makes one dangerous; without that it is opened like any other target,
with it only where `--trust-pickle` was typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from ....errors import UsageError
from ....files import check_file
from ....files.purposes import PROGRAM
from ....text import encodable
from ...inputs.sample import Arguments
from ...stored.saved import look_closely, what_is
from ...usercode import arguments
from ...usercode.reading import open_counted
from ...usercode.running import reported
from ..target import Built, Loader, Wanted
from .trust import demand

SUFFIX = ".pt2"
_ENTRY = "program"
_KIND = "archive_format"
_MODEL = "models/"
_SHOWN = 6


def is_program(value: object) -> bool:
    """Whether this is an `ExportedProgram`; `torch.export` is not imported to find out."""
    return any(
        cls.__name__ == "ExportedProgram" and cls.__module__.startswith("torch.export") for cls in type(value).__mro__
    )


def unflatten(program: Any, device: torch.device | None = None) -> Built:
    """The model of an `ExportedProgram`, with its example inputs.

    Raises:
        TargetError: torch could not make a model of it.
    """
    with reported("the exported program could not be made into a model:"):
        program = _move(program, device)
        example = program.example_inputs or _from_shapes(program)
        model, note = _modules(program)
    return Built(model, (note, *_shapes(program)), example)


def _claims(text: str) -> bool:
    kind = what_is(text)
    return kind == "exported" or (kind == "unknown" and text.endswith(SUFFIX) and (":" not in text or "/" in text))


def _build(wanted: Wanted) -> Built:
    path = check_file(wanted.text, PROGRAM)
    look_closely(path)
    _demand_archives(path)
    reader, records = _open_archive(path)
    name = _choose(_programs(records, path), wanted)
    _check(reader, wanted)
    with reported(f"{wanted.text} could not be loaded:"), open_counted(path, PROGRAM) as stream:
        from torch.export.pt2_archive._package import load_pt2  # what torch.export.load calls, for every name

        program = load_pt2(stream).exported_programs[name]
    return unflatten(program, wanted.device)


def _demand_archives(path: Path) -> None:
    """Raises `UsageError` where this torch has another format for exported programs, which is not checked here."""
    if find_spec("torch.export.pt2_archive") is None:
        raise UsageError(
            encodable(f"{path}: exported programs cannot be opened with torch {torch.__version__}", 400),
            hint="torch 2.8 or newer can, for programs that it saved",
        )


def _open_archive(path: Path) -> tuple[Any, list[str]]:
    """What reads it, and the names of all that is in it. Raises `UsageError`."""
    try:
        reader = torch._C.PyTorchFileReader(str(path))
    except UnicodeDecodeError as error:  # of the words about a name that is no UTF-8
        raise _refuse(path, error) from None
    except RuntimeError as error:
        if what_is(path) != "exported":
            raise _refuse(path, error) from None
        raise UsageError(
            encodable(f"{path} was saved by an old torch.export, whose format is read no more", 400),
            hint="load it with the torch that saved it, and save it again with torch 2.8 or newer",
        ) from None
    try:
        records, kind = reader.get_all_records(), reader.get_record(_KIND)
    except (RuntimeError, UnicodeDecodeError) as error:  # a name that is outside, or no UTF-8
        raise _refuse(path, error) from None
    if kind != b"pt2":
        raise _refuse(path, ValueError(f"its {_KIND} is {kind[:20]!r}"))
    return reader, records


def _refuse(path: Path, error: Exception) -> UsageError:
    return UsageError(
        encodable(f"{path} is no exported program: {str(error).partition(chr(10))[0]}", 400),
        hint="torch.export.save(torch.export.export(model, args), 'net.pt2') makes one",
    )


def _programs(records: list[str], path: Path) -> list[str]:
    """The names of the exported programs in an archive. Raises `UsageError` where there is none."""
    names = [name[len(_MODEL) :].removesuffix(".json") for name in records if name.startswith(_MODEL)]
    if names:
        return names
    compiled = any(name.startswith("data/aotinductor/") for name in records)
    what = "a model that AOTInductor compiled, without the program it was made from" if compiled else "no program"
    raise UsageError(
        encodable(f"{path} holds {what}: there are no modules to look at", 400),
        hint="save the program itself: torch.export.save(torch.export.export(model, args), 'net.pt2')",
    )


def _choose(names: list[str], wanted: Wanted) -> str:
    given = arguments.values(wanted.target.arguments)
    for key in given:
        if key != _ENTRY:
            raise arguments.refusal(wanted.text, key, [_ENTRY])
    name = given.get(_ENTRY, names[0] if len(names) == 1 else "model")
    if name in names:
        return str(name)
    raise UsageError(
        encodable(f"{wanted.text} holds {len(names)} programs" if _ENTRY not in given else f"no program {name!r}", 400),
        where=encodable(", ".join(names), 1_000),
        hint=encodable(f"name one: inspector {wanted.text} {_ENTRY}={names[0]}", 400),
    )


def _check(reader: Any, wanted: Wanted) -> None:
    # Imported here: what it needs of torch only newer versions have, and no other target needs it.
    from .exported_check import reasons_not_to_trust

    try:
        reasons = reasons_not_to_trust(reader)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reasons = [f"it could not be read through: {type(error).__name__}"]
    demand(wanted, "is an exported program with more in it than operations on tensors: it can run any code", reasons)


def _move(program: Any, device: torch.device | None) -> Any:
    """On `device`, with the devices that its operations name; for auto on CUDA where there is one."""
    if device is None and torch.cuda.is_available():
        device = torch.device("cuda")
    tensors = [*program.state_dict.values(), *program.constants.values()]
    elsewhere = any(isinstance(tensor, torch.Tensor) and tensor.device.type != "cpu" for tensor in tensors)
    if device is None or device.type in ("cpu", "meta") or elsewhere:
        return program
    from torch.export.passes import move_to_device_pass

    return move_to_device_pass(program, device)


def _modules(program: Any) -> tuple[nn.Module, str]:
    """The program with its modules, else flat; and which it is."""
    try:
        model: nn.Module = torch.export.unflatten(program)
    except Exception as error:  # torch asserts many things of a program that it unflattens
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        flat: nn.Module = program.module(check_guards=False)
        return flat, encodable(f"torch cannot unflatten it, so hooks fire at the root only: {reason}", 300)
    return model, "unflattened, so that hooks fire: each module runs its part of the exported graph"


def _inputs(program: Any) -> Iterator[tuple[str, Any]]:
    """The inputs that a person gives, as the graph describes them: fake tensors, or constants."""
    described = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    for spec in program.graph_signature.input_specs:
        if spec.kind.name == "USER_INPUT":
            name = getattr(spec.arg, "name", "")
            yield name, described.get(name, getattr(spec.arg, "value", None))


def _from_shapes(program: Any) -> Arguments | None:
    """Arguments of the shapes it was exported with, for a program that was saved without an example."""
    generator = torch.Generator().manual_seed(0)
    flat = [_like(value, generator) for _, value in _inputs(program)]
    args, kwargs = torch.utils._pytree.tree_unflatten(flat, program.call_spec.in_spec)
    return tuple(args), dict(kwargs)


def _like(value: Any, generator: torch.Generator) -> Any:
    if isinstance(value, torch.Tensor):
        shape = [_hint(size) for size in value.shape]
        if value.dtype.is_floating_point or value.dtype.is_complex:
            return torch.randn(shape, generator=generator).to(value.dtype)
        return torch.zeros(shape, dtype=value.dtype)
    return _hint(value) if isinstance(value, torch.SymInt) else value


def _hint(size: Any) -> int:
    return int(cast(int, size.node.hint)) if isinstance(size, torch.SymInt) else int(size)


def _shapes(program: Any) -> tuple[str, ...]:
    """In words, which sizes of the inputs are free."""
    free = [f"{name} {words}" for name, value in _inputs(program) if (words := _free(value))]
    if not free:
        return ("its shapes are fixed: it takes inputs of just these shapes",)
    more = f" and {len(free) - _SHOWN} more" if len(free) > _SHOWN else ""
    ranges = ", ".join(_range(str(symbol), found) for symbol, found in program.range_constraints.items())
    return (encodable(f"dynamic shapes: {', '.join(free[:_SHOWN])}{more}{f', with {ranges}' if ranges else ''}", 400),)


def _range(symbol: str, found: Any) -> str:
    endless = str(found.upper) in ("int_oo", "oo")
    return f"{symbol} at least {found.lower}" if endless else f"{symbol} in {found.lower}..{found.upper}"


def _free(value: Any) -> str:
    """A shape with a symbol in it: s77×3×224; empty for a fixed one."""
    if isinstance(value, torch.SymInt):
        return str(value)
    if not isinstance(value, torch.Tensor) or not any(isinstance(size, torch.SymInt) for size in value.shape):
        return ""
    return "×".join(str(size) for size in value.shape)


LOADER = Loader(_claims, _build)
