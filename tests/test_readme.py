"""The Python of the README runs as it stands there: every block, in order, in one namespace.

What is not made in the README itself is in `readme_names`. `inspect` opens no app: a pass runs, as if a person had
pressed `r` and `q`. A warning about a hook is a failure, and so is a pass that failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspector.engine.session import Session
from inspector.errors import HookWarning
from inspector.records import Opened, Run

from .readme_names import make_names

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^## [^\n]*Python\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def find_blocks(text: str) -> Iterator[tuple[int, str]]:
    """The line of each Python block in the section on Python, and its code."""
    section = _PYTHON.search(text)
    assert section is not None, "the README has no section on Python"
    for block in _BLOCK.finditer(text, section.start(1), section.end(1)):
        yield text.count("\n", 0, block.start(1)), block[1]


def run_a_pass(
    adopt: Callable[[Session], Opened], select: str, generate: int, readonly: bool, budget: float
) -> Session:
    """In the place of the app."""
    session = Session(lambda event: None)
    opened = adopt(session)
    assert not opened.form, "the sample input is unknown"
    ended = session.run(Run(session.generation))
    assert ended.problem is None, ended.problem
    session.close()
    return session


@pytest.mark.filterwarnings("error::inspector.errors.HookWarning")
def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")  # `lm` is of them
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("inspector.api.inspect.can_open", lambda: True)
    monkeypatch.setattr("inspector.api.inspect.serve_app", run_a_pass)
    names = make_names()
    blocks = list(find_blocks(README.read_text()))
    assert blocks
    for line, code in blocks:
        exec(compile("\n" * line + code, str(README), "exec"), names)  # the line of the README in a traceback


def test_every_block_of_the_section_is_found() -> None:
    fence = "```"
    before, after = f"# a\n{fence}python\n0\n{fence}\n", f"## c\n{fence}python\n4\n{fence}\n"
    section = (
        f"## From Python\n\n{fence}python\n1\n{fence}\n\n{fence}sh\n2\n{fence}\n### b\n{fence}python\n3\n{fence}\n"
    )
    text = before + section + after
    assert list(find_blocks(text)) == [(7, "1\n"), (15, "3\n")]
    assert HookWarning.__module__ == "inspector.errors"  # as the filter above names it
