"""What an entry in a list of hooks says of what became of it."""

from __future__ import annotations

import pytest

from inspector.records import HookOutcome, HookRow, HookSpec
from inspector.tui.panels.hook_rows import entry
from inspector.tui.screens.hooks.all_hooks import matches

SENTENCES = [
    (HookOutcome(("fc",), "h", fault="TypeError: no"), "failed: TypeError: no"),
    (HookOutcome(("fc",), "h", unfired="it was not called"), "never fired: it was not called"),
    (HookOutcome(("fc",), "h", fired=1, changed=False), "changed nothing: the output is bit for bit as without it"),
    (HookOutcome(("fc",), "h", "grad", 1, False), "changed nothing: the gradient is bit for bit as without it"),
    (HookOutcome(("fc",), "h", fired=1, changed=True), ""),
    (None, ""),
]


@pytest.mark.parametrize(("outcome", "sentence"), SENTENCES)
def test_an_entry_says_it_and_is_found_by_it(outcome: HookOutcome | None, sentence: str) -> None:
    row = HookRow(1, "forward", True, "scale(2)", path=("fc",), spec=HookSpec("scale"), outcome=outcome)
    lines = [line.body.plain for line in entry(row, 1)]
    assert lines[2:] == ([sentence] if sentence else [])
    assert matches(row, "never fired") == sentence.startswith("never fired")
    assert matches(row, "changed nothing") == sentence.startswith("changed nothing")
