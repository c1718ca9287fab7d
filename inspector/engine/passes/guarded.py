"""One guarded pass over a model: run it, record it, put everything back, say how it went."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import torch

from ...postmortem.frames import Frame, users_own
from ...records import Path, Problem
from ...text import encodable
from ..modules.badges import is_compiled
from ..modules.tree import ModuleTree
from ..recording.recorder import Cancelled, Recorder
from ..restore.guard import Snapshot, TensorBackup
from ..restore.process_state import Builtins, cuda_in_use, seed_everything

_OURS = __file__.rsplit("/", 2)[0]  # the engine
_TORCH = torch.__file__.rsplit("/", 1)[0] + "/nn/modules/module.py"
MAX_FRAMES = 60


class Listener(Protocol):
    """Reports to whatever recorder it is given."""

    recorder: Recorder | None


@dataclass(frozen=True)
class Outcome:
    """What became of one pass. `error` is None exactly when the model returned."""

    ms: float
    output: object
    error: BaseException | None
    restored: tuple[str, ...]
    not_restored: tuple[str, ...]


def run(
    tree: ModuleTree,
    backup: TensorBackup,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    seed: int,
    grad: bool = False,
    observers: Listener | Sequence[Listener] | None = None,
    recorder: Recorder | None = None,
    call: Callable[[], object] | None = None,
    see: Callable[[object], object] = lambda output: None,
) -> Outcome:
    """One forward pass with every random state seeded, then the model and the process as they were before.

    Args:
        tree: The model.
        backup: Copies of its tensors to restore from.
        args: Positional inputs; the pass may write to them, so hand it a copy.
        kwargs: Keyword inputs, likewise.
        seed: For Python, numpy and torch.
        grad: Record gradients during the pass.
        observers: Hooks that report to `recorder` during the pass.
        recorder: Is finished when this returns.
        call: What to run in place of one call of the model with its inputs; gives the model's output.
        see: Given the model's output before anything is put back; its result is `Outcome.output`.
    """
    before, builtins, process = Snapshot(tree, backup), Builtins(), os.getpid()
    seed_everything(seed)
    error: BaseException | None = None
    seen: object = None
    began = ended = perf_counter()
    try:
        with listening(observers, recorder), torch.set_grad_enabled(grad), _eagerly(tree):
            began = perf_counter()
            output = call_root(tree, observers, recorder, args, kwargs) if call is None else call()
            _synchronize()
            ended = perf_counter()
        seen = see(output)
        del output
    except BaseException as raised:  # whatever a model does, KeyboardInterrupt and SystemExit included, is its result
        ended = perf_counter()
        error = raised
    shadowed = builtins.restore()
    if os.getpid() != process:
        os._exit(1)  # a copy of this process that the model made: it has no engine to go back to
    if recorder is not None:
        recorder.finish(error)
    restored, gone = before.restore()
    restored = ["builtins", *restored] if shadowed else restored
    return Outcome((ended - began) * 1e3, seen, error, _shorten(restored), _shorten(gone))


def call_root(
    tree: ModuleTree,
    observers: Listener | Sequence[Listener] | None,
    recorder: Recorder | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """One call of the model; recorded from outside where it refuses the hooks that would record it."""
    root = tree.root
    if recorder is None or not any(0 in getattr(listener, "refused", ()) for listener in _listeners(observers)):
        return root(*args, **kwargs)
    recorder.enter(root, args, kwargs)
    try:
        output = root(*args, **kwargs)
    except Exception:  # as a hook that is always called sees it
        recorder.leave(root, None)
        raise
    recorder.leave(root, output)
    return output


def _listeners(observers: Listener | Sequence[Listener] | None) -> Sequence[Listener]:
    return observers if isinstance(observers, Sequence) else [observers] if observers is not None else []


@contextlib.contextmanager
def listening(observers: Listener | Sequence[Listener] | None, recorder: Recorder | None) -> Iterator[None]:
    listeners = _listeners(observers)
    for listener in listeners:
        listener.recorder = recorder
    try:
        yield
    finally:
        for listener in listeners:
            listener.recorder = None


def _eagerly(tree: ModuleTree) -> contextlib.AbstractContextManager[Any]:
    """Compiled code ignores hooks that were added after it was compiled, so compiled models run eagerly here."""
    if any(is_compiled(node.module) for node in tree.objects()) and hasattr(torch.compiler, "set_stance"):
        eagerly: contextlib.AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
        return eagerly
    return contextlib.nullcontext()


def _synchronize() -> None:
    """A device works on after the call returned; its time belongs to the pass."""
    if cuda_in_use():
        torch.cuda.synchronize()


def _shorten(words: list[str], limit: int = 50) -> tuple[str, ...]:
    more = len(words) - limit
    return tuple(encodable(word, 200) for word in words[:limit]) + ((f"and {more} more",) if more > 0 else ())


def problem_of(error: BaseException, path: Path | None = None) -> Problem:
    """The user's own traceback, ours and torch's call machinery left out."""
    kind = type(error).__name__
    frames = _frames(error)
    message = _message(error)
    where = _where(frames)
    return Problem(
        what=encodable(_headline(error, kind, message), 1000),
        where=encodable(where, 400),
        hint=_hint(error),
        kind=encodable(kind, 120),
        path=path,
        traceback=tuple(encodable(line, 1000) for line in _format(frames, kind, message)),
    )


def _where(frames: list[traceback.FrameSummary]) -> str:
    """The innermost line of the person's own, or of the library that the model comes from."""
    found = [Frame(frame.filename, frame.lineno or 0, frame.name) for frame in reversed(frames)]
    return str(found[users_own(found)]) if found else ""


def _headline(error: BaseException, kind: str, message: str) -> str:
    if isinstance(error, Cancelled):
        return "the pass was cancelled"
    if isinstance(error, SystemExit):
        return f"the model called sys.exit({message})"
    first = message.strip().split("\n", 1)[0]
    return f"{kind}: {first}" if first else kind


def _hint(error: BaseException) -> str:
    if isinstance(error, Cancelled):
        return "r runs it again"
    if isinstance(error, EOFError):
        return "the model reads standard input, which is closed here"
    if type(error).__name__ == "BdbQuit":
        return "a debugger has no terminal here; PYTHONBREAKPOINT=0 in the environment passes breakpoint() over"
    return "another input with -i (s in the app), another seed with --seed; what was captured until then is kept"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # an exception whose own __str__ raises is still an exception
        return f"(its message cannot be read: {type(broken).__name__})"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    walked = traceback.walk_tb(error.__traceback__)
    kept = [
        (frame, line) for frame, line in walked
        if frame.f_code.co_filename != _TORCH and not frame.f_code.co_filename.startswith(_OURS)
    ]  # fmt: skip
    return list(traceback.StackSummary.extract(iter(kept[-MAX_FRAMES:]), lookup_lines=True))


def _format(frames: list[traceback.FrameSummary], kind: str, message: str) -> list[str]:
    lines = []
    for frame in frames:
        lines.append(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            lines.append(f"  {frame.line}")
    return [*lines, *f"{kind}: {message}".split("\n")[:40]]
