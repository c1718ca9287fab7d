"""What is written to files: recipes, scripts, recorded tensors. No file is ever replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from ...errors import UsageError
from ...files import check_new, expand, write_new
from ...records import Saved
from ...text import encodable
from ..changes import recipe
from ..changes.script import is_recalled, say_counts, script
from ..hooks.tensor_file import write_tensors
from ..inputs import Sample
from ..loading.placement import write_placing
from ..passes.training import NONE, PassSettings, batches_of
from ..values.nested import tensors_in
from .runner import Runner
from .subject import Subject
from .writing import Writing

ENDINGS = ".toml for a recipe, .py for a script, .safetensors for recorded tensors"


MOST_BYTES = 2 << 30
"""Of the inputs of a script."""


def save(subject: Subject, runner: Runner, writing: Writing, name: str) -> Saved:
    """Write what the ending asks for.

    Raises:
        UsageError: There is nothing to write, the ending is another one, or the file is there already.
    """
    path = expand(name)
    writers: dict[str, Callable[[], str]] = {
        ".toml": lambda: _write_recipe(subject, path),
        ".py": lambda: _write_script(subject, runner, writing, path),
        ".safetensors": lambda: _write_recording(subject, writing, path),
    }
    if path.suffix not in writers:
        raise UsageError(encodable(f"{name} ends with none of the known endings", 300), hint=ENDINGS)
    check_new(path)
    writing.start()
    return Saved(encodable(str(path), 400), writers[path.suffix]())


def _write_recipe(subject: Subject, path: Path) -> str:
    entries = recipe.collect(subject.change_log)
    if not entries:
        raise UsageError("there are no hooks and no edits to write", hint="a adds a hook")
    write_new(path, recipe.render(entries, subject.target.target).encode("utf-8", "backslashreplace"))
    edits = sum(entry.edit for entry in entries)
    return say_counts(len(entries) - edits, edits)


def _write_script(subject: Subject, runner: Runner, writing: Writing, path: Path) -> str:
    change_log = subject.change_log
    if subject.sample is None:
        raise UsageError("there is no sample input to write", hint="s asks for one")
    inputs = check_new(path.with_suffix(".inputs.pt"))
    text = script(
        subject.target, subject.info.kind, write_placing(subject.tree.root, subject.target.dtype), inputs.name,
        subject.seed,
        subject.target.grad or runner.settings.backward, change_log.edits.made,
        change_log.added.additions, subject.tree.paths, runner.last.of,
        change_log.hook_state.steps.unit, _say_left_out(runner.settings),
    )  # fmt: skip
    samples = batches_of(runner.settings, subject.sample, subject.seed, subject.tree.root)
    batches = _list_batches(samples)
    recorded = change_log.hook_state.recordings
    hooks = [member.attached.hook for member in change_log.added.active()]
    wanted = {hook.arguments.get("run", "clean") for hook in hooks if is_recalled(hook)}
    runs = {run: tensors for run, tensors in recorded.items() if run in wanted}
    held = {"batches": batches, "recorded": runs}
    buffer = writing.buffer(sum(tensor.nbytes for tensor in tensors_in(held)))
    torch.save(held, buffer)
    data = buffer.getbuffer()
    write_new(inputs, writing.pace([data], data.nbytes))
    write_new(path, text.encode("utf-8", "backslashreplace"))
    counts = say_counts(len(change_log.added.active()), len(change_log.edits.made))
    return f"{counts}, inputs in {inputs.name}"


def _say_left_out(settings: PassSettings) -> str:
    if not settings.backward:
        return ""
    steps = "" if settings.optimizer in ("", NONE) else f" and the steps of {encodable(settings.optimizer, 100)}"
    return f" The backward passes{steps} are left out."


def _list_batches(samples: Iterable[Sample]) -> list[tuple[Any, Any]]:
    """What the model is called with, batch by batch. Raises `UsageError` where that is too much for a file."""
    batches, nbytes = [], 0
    for sample in samples:
        batches.append((sample.args, sample.kwargs))
        nbytes += sum(tensor.nbytes for tensor in tensors_in(batches[-1]))
        if nbytes > MOST_BYTES:
            raise UsageError("the inputs of all batches are too large for a file", hint="run fewer of them, then write")
    return batches


def _write_recording(subject: Subject, writing: Writing, path: Path) -> str:
    recordings = subject.change_log.hook_state.recordings
    if not recordings:
        named = ", ".join(subject.target.record)
        why = encodable(f"{named} was not called, or gave no tensor", 300) if named else "add a record() hook and run"
        raise UsageError("nothing was recorded", hint=why)
    run = path.stem if path.stem in recordings else next(reversed(recordings))
    write_tensors(path, recordings[run], pace=writing.pace)
    count = len(recordings[run])
    return f"{count:,} tensor{'s' * (count != 1)} of {run!r}"
