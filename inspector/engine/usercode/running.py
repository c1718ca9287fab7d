"""Running other people's code: seeded, with the process's random state put back, and its errors told as theirs."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import torch

from ...errors import InspectorError, TargetError
from ...files import keep_from_reading_for
from ...postmortem.frames import trace_lines
from ...raised import kind_of, say, tame, tell
from ...records import TraceLine
from ...text import encodable
from .packages import how_to_install

_OURS = str(Path(__file__).resolve().parents[2])
_FRAMES = 30
"""Frames kept at either end of a long traceback."""


@contextmanager
def seeded(seed: int, cuda: bool) -> Iterator[None]:
    """Everything random starts from `seed` inside, and is as before outside.

    Args:
        seed: For torch, numpy and `random`.
        cuda: Code inside may draw on CUDA devices. Their state is read only then, since reading it starts CUDA.
    """
    torch_state, numpy_state, python_state = torch.get_rng_state(), numpy.random.get_state(), random.getstate()
    started: Callable[[], bool] = torch.cuda.is_initialized
    cuda = torch.cuda.is_available() and (cuda or started())
    cuda_states = torch.cuda.get_rng_state_all() if cuda else []
    try:
        # Not torch.manual_seed: it leaves a seed waiting for a CUDA that nobody started.
        torch.default_generator.manual_seed(seed)
        numpy.random.seed(seed % 2**32)
        random.seed(seed)
        if cuda:
            torch.cuda.manual_seed_all(seed)
        yield
    finally:
        torch.set_rng_state(torch_state)
        numpy.random.set_state(numpy_state)
        random.setstate(python_state)
        if cuda:
            torch.cuda.set_rng_state_all(cuda_states)


def call(function: Callable[..., Any], shown: str, kwargs: Mapping[str, Any] | None = None) -> Any:
    """`function(**kwargs)`; whatever it raises becomes a `TargetError` that shows their traceback."""
    with reported(f"your code raised in {shown}:"):
        return function(**(kwargs or {}))


@contextmanager
def reported(what: str, hint: str = "") -> Iterator[None]:
    """Turn what their code raises into a `TargetError` that starts with `what`; our own errors pass."""
    try:
        yield
    except (InspectorError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # their code may exit, or raise what is no Exception
        raise wrap_error(error, what, hint) from None


def wrap_error(error: BaseException, what: str, hint: str = "") -> TargetError:
    """The `TargetError` for an error of theirs."""
    error = tame(error)
    keep_from_reading_for(error)
    told = tell(error)
    place = _strip(told)
    return TargetError(
        encodable(f"{what} {say(error, 800)}", 1_000),
        where=encodable(place, 300),
        hint=hint or _hint(error),
        traceback=_lines(told),
        kind=encodable(kind_of(error), 200),
    )


def _hint(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "put what the script does behind `if __name__ == '__main__':`"
    if isinstance(error, ModuleNotFoundError):
        return how_to_install(error)
    return ""


def _strip(told: traceback.TracebackException) -> str:
    """Drop our frames and importlib's from `told` and its causes; where the innermost of the others is."""
    pending: list[traceback.TracebackException | None] = [told]
    while pending:
        link = pending.pop()
        if link is None:
            continue
        link.stack = traceback.StackSummary.from_list([frame for frame in link.stack if not _is_plumbing(frame)])
        pending += [link.__cause__, link.__context__]
    if isinstance(getattr(told, "lineno", None), (int, str)) and told.filename:  # a SyntaxError knows its own place
        return f"{told.filename}:{told.lineno}"
    return f"{told.stack[-1].filename}:{told.stack[-1].lineno}" if told.stack else ""


def _is_plumbing(frame: traceback.FrameSummary) -> bool:
    name = frame.filename
    return name.startswith(("<frozen importlib", _OURS + "/")) or "/importlib/" in name


def _lines(told: traceback.TracebackException) -> tuple[TraceLine, ...]:
    lines = [line for block in told.format() for line in block.rstrip("\n").split("\n")]
    if len(lines) > 4 * _FRAMES:
        cut = len(lines) - 4 * _FRAMES
        lines = [*lines[: 2 * _FRAMES], f"  … {cut} lines left out …", *lines[-2 * _FRAMES :]]
    return trace_lines(lines, 500)
