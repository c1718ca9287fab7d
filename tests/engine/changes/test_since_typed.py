"""What goes along with every change, to be kept: hooks and edits beside those that were typed with the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.engine.changes.since_typed import MOST_CHARACTERS
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import Opened, Recipe, Target

NET = """
import torch
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(4, 4), torch.nn.ReLU())
"""
HARMLESS = "def hook(module, args, kwargs, output):\n    return output\n"


def open_net(folder: Path, *hooks: str) -> Session:
    (folder / "net.py").write_text(NET)
    session = Session(lambda event: None)
    opened = session.open(Target(f"{folder}/net.py:Net", inputs=("2x4",), hooks=hooks))
    assert isinstance(opened, Opened)
    return session


def test_what_was_typed_with_the_target_is_not_kept_twice(tmp_path: Path) -> None:
    session = open_net(tmp_path, "0:scale(2)")
    assert session.subject.changes().added == Recipe()
    session.add_hook("0,1", "scale(3)")
    session.add_hook("0", "scale(2)")
    added = session.edit_parameters("0", "zero()").added
    assert (added.hooks, added.edits) == (("0,1: scale(3)", "0: scale(2)"), ("0: zero(on='parameters')",))
    assert added.words == "2 hooks and 1 edit"
    again = open_net(tmp_path, "0:scale(2)").load_recipe("", added.text)
    assert again.added == added and [change.label for change in again.changes][:1] == ["add scale(2) to 0"]


def test_a_kept_recipe_is_read_as_strictly_as_a_file(tmp_path: Path) -> None:
    session = open_net(tmp_path)
    for text in ("x", "schema = 9", "schema = 1\n[[hook]]\nmodule = '0'", "schema = 1\n[[edit]]\nload = '/dev/zero'"):
        with pytest.raises(UsageError):
            session.load_recipe("", text)
    with pytest.raises(UsageError):
        session.load_recipe(
            "", "schema = 1\n[[hook]]\nmodule = '0'\ndo = 'zero()'\n[[hook]]\nmodule = '7'\ndo = 'zero()'"
        )
    assert session.subject.changes().added == Recipe()  # all of them or none


def test_what_is_too_long_is_counted_and_not_kept(tmp_path: Path) -> None:
    session = open_net(tmp_path)
    code = HARMLESS + "#" * MOST_CHARACTERS
    session.load_recipe("", f"schema = 1\n[[hook]]\nmodule = '0'\ndo = 'python()'\ncode = '''\n{code}'''\n")
    assert session.subject.changes().added == Recipe("", ("0: python()",))
