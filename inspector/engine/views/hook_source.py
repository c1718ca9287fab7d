"""The source of a hook: of the function somebody wrote, verified like every other source."""

from __future__ import annotations

from typing import Any

import torch

from ...records import Path, Source
from ..hooks.attached import Trigger
from ..hooks.hook import Hook
from ..source import source_of_callable
from ..source.record import Draft
from ..torch_hooks.rows import name_of, unwrap, unwrap_torch

_NAME = "the hook"


def source_of_hook(hook: Any, path: Path | None) -> Source:
    """The function behind `hook`, for the panel. Never raises.

    Args:
        hook: As a ledger has it.
        path: Of the module it is on, None for a hook of the process; only handed through.
    """
    written = unwrap_torch(hook)
    if type(written) is Trigger:
        return _show_own(written.attached.hook, path or ())
    title = name_of(unwrap(written)).rpartition("<locals>.")[2]
    if issubclass(type(written), torch.jit.ScriptFunction):
        return _show_script(written, title, path or ())
    return source_of_callable(written, _NAME, title, "hook", path or ())


def _show_own(hook: Hook, path: Path) -> Source:
    """What a person wrote, or the factory of the kind."""
    if hook.kind.acts == "python" and hook.function is None:
        draft = Draft(path, "hook", str(hook))
        draft.text = hook.code
        draft.note("as it was written in this session")
        return draft.record()
    written = hook.kind.make if hook.function is None else hook.function
    return source_of_callable(written, _NAME, str(hook), "hook", path)


def _show_script(hook: Any, title: str, path: Path) -> Source:
    draft = Draft(path, "hook", title)
    draft.text = hook.code
    draft.note("scripted: this is TorchScript; its Python source is not kept")
    return draft.record()
