"""A pass gives lazy modules their shapes, which a person has to allow; the guard takes them back after each pass."""

from __future__ import annotations

from msgspec.structs import replace

from ...app_keys import app_key
from ...errors import UsageError
from ...records import ModelInfo, Run, Target


def may_run(info: ModelInfo, target: Target) -> bool:
    """Whether a pass may be made without asking."""
    return not info.lazy or target.materialize


def allow(info: ModelInfo | None, target: Target, request: Run) -> Target:
    """The target, with what the request allows from now on.

    Raises:
        UsageError: There is nothing to run, or a pass would materialize what nobody allowed it to.
    """
    if info is not None and not info.runnable:
        raise UsageError(
            f"{info.class_name} has no forward: there is nothing to run", hint="look at a module in it that has one"
        )
    if request.materialize and not target.materialize:
        target = replace(target, materialize=True)
    if info is not None and not may_run(info, target):
        modules = "a lazy module" if info.lazy == 1 else f"{info.lazy} lazy modules"
        raise UsageError(
            f"a pass would materialize {modules}: class, shapes and parameters change, and are put back after it",
            hint=f"allow it with --materialize; in the app {app_key('run')} asks",
        )
    return target
