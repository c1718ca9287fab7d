"""The person's editor: at the line in the form that it understands, and not over before the file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.tui.editor import edit, editor_command

FORMS = {
    "vi": ["vi", "+12", "/net.py"],
    "nvim -p": ["nvim", "-p", "+12", "/net.py"],
    "nano": ["nano", "+12", "/net.py"],
    "emacs -nw": ["emacs", "-nw", "+12", "/net.py"],
    "emacsclient -t": ["emacsclient", "-t", "+12", "/net.py"],
    "/usr/bin/code --wait": ["/usr/bin/code", "--wait", "--goto", "/net.py:12"],
    "cursor": ["cursor", "--goto", "/net.py:12"],
    "subl": ["subl", "/net.py:12"],
    "hx": ["hx", "/net.py:12"],
    "'an editor' -x": ["an editor", "-x", "+12", "/net.py"],
}


@pytest.mark.parametrize("typed", FORMS)
def test_each_editor_is_opened_at_the_line_in_its_own_form(typed: str) -> None:
    assert editor_command("/net.py", 12, {"EDITOR": typed}) == FORMS[typed]


def test_the_variables_are_those_that_everybody_reads() -> None:
    assert editor_command("/net.py", 1, {"EDITOR": "nano", "VISUAL": "vim"})[0] == "vim"
    assert editor_command("/net.py", 1, {})[0] == "vi"
    with pytest.raises(ValueError, match="empty"):
        editor_command("/net.py", 1, {"EDITOR": "  "})


@pytest.mark.parametrize(("options", "waits"), [("", "--wait"), (" -w", "-w")])
def test_code_is_read_back_when_its_window_is_closed(tmp_path: Path, options: str, waits: str) -> None:
    """Visual Studio Code is over at once unless it is asked to wait."""
    editor = tmp_path / "code"
    editor.write_text('#!/bin/sh\nfile="$3"\necho "# $1" >> "${file%:*}"\n')
    editor.chmod(0o755)
    assert edit("a\n", 3, {"EDITOR": f"{editor}{options}"}) == f"a\n# {waits}\n"
