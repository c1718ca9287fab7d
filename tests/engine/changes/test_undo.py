"""What is said where there is nothing to undo or to redo: the key that does something now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspector.app_keys import app_key
from inspector.engine.changes.undo import UndoStack
from inspector.errors import UsageError


def hint_of(call: Callable[[], None]) -> str:
    with pytest.raises(UsageError) as raised:
        call()
    return raised.value.problem.hint


def test_undo_and_redo_name_each_other_only_where_that_does_something() -> None:
    stack = UndoStack()
    adds = f"{app_key('add-hook')} adds a hook"
    assert hint_of(stack.undo).startswith(adds) and hint_of(stack.redo).startswith(adds)
    stack.push("scale", lambda: None, lambda: None)
    assert hint_of(stack.redo) == f"{app_key('undo')} undoes what was done last"
    stack.undo()
    assert hint_of(stack.undo) == f"{app_key('redo')} redoes what was undone"
