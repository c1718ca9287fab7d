"""`hub:DIR#ENTRY` and `hub:owner/repo#ENTRY`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from inspector.engine.loading import load
from inspector.errors import TargetError
from inspector.records import Choices, Target

from .opening import loaded, passed, refused

HUBCONF = '''
dependencies = ["torch"]
import os
from torch import nn
from parts_of_hub import Block as block, _hidden


def net(width: int = 3, pretrained=False):
    """A net of some width.

    More on it.
    """
    return nn.Sequential(block(width), nn.ReLU())


def with_tools(width=3):
    return net(width), lambda image: image


def no_model():
    return 12


def fails():
    raise ValueError("broken entry")


def _private():
    return net()
'''


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before, modules = list(sys.path), set(sys.modules)
    folder = tmp_path / "a_repo"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "parts_of_hub.py").write_text(
        "from torch import nn\n\nclass Block(nn.Linear):\n    def __init__(self, width=2):\n"
        "        super().__init__(width, width)\n\ndef _hidden():\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    yield folder
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_an_entry_of_a_directory_opens_with_its_arguments(repository):
    assert loaded("hub:a_repo#net", ("width", "5")).model[0].weight.shape == (5, 5)
    assert passed(f"hub:{repository}#block").summary.calls == 1


def test_without_an_entry_they_are_listed_as_those_of_a_file(repository):
    found = load(Target("hub:a_repo"))
    assert isinstance(found, Choices)
    listed = {choice.name: choice.detail for choice in found.items}
    assert set(listed) == {f"hub:a_repo#{name}" for name in ("block", "net", "with_tools", "no_model", "fails")}
    assert listed["hub:a_repo#net"] == "(width: int = 3, pretrained=False) · A net of some width."


def test_a_model_among_other_things_is_found(repository):
    found = loaded("hub:a_repo#with_tools")
    assert type(found.model) is torch.nn.Sequential and "of the 2 things" in found.notes[0]


def test_what_cannot_be_opened(repository):
    assert "did you mean net?" in refused("hub:a_repo#nett")
    assert "no argument 'widht'" in refused("hub:a_repo#net", ("widht", "3"))
    assert "returned a int without a module" in refused("hub:a_repo#no_model")
    assert "neither a directory nor a repository" in refused("hub:./nowhere#net")
    (repository / "empty").mkdir()
    assert "no hubconf.py" in refused("hub:a_repo/empty#net")


def test_errors_of_the_code_come_with_its_traceback(repository):
    with pytest.raises(TargetError, match="broken entry") as caught:
        loaded("hub:a_repo#fails")
    assert any("hubconf.py" in line.text for line in caught.value.problem.traceback)
    (repository / "hubconf.py").write_text("raise RuntimeError('at the top')\n")
    with pytest.raises(TargetError, match="at the top"):
        loaded("hub:a_repo#net")


def test_missing_dependencies_are_named_before_anything_is_built(repository):
    (repository / "hubconf.py").write_text("dependencies = ['torch', 'no_such_package_xyz']\ndef net():\n    1 / 0\n")
    assert "pip install no_such_package_xyz" in refused("hub:a_repo#net")


def test_a_repository_that_cannot_be_reached_is_one_clear_error(monkeypatch):
    def unreachable(*_args, **_kwargs):
        raise RuntimeError("It looks like there is no internet connection and the repo could not be found")

    monkeypatch.setattr(torch.hub, "list", unreachable)
    said = refused("hub:owner/repo:v1#net")
    assert "git clone https://github.com/owner/repo;" in said and "'hub:repo#net'" in said


def test_code_that_torch_hub_does_not_trust_is_not_run_unasked(monkeypatch):
    """torch.hub asks on standard input, which is closed in the engine."""
    asked = []

    def asking(where, trust_repo):
        asked.append(trust_repo)
        if trust_repo == "check":
            raise EOFError("EOF when reading a line")
        return ["net"]

    monkeypatch.setattr(torch.hub, "list", asking)
    monkeypatch.setattr(torch.hub, "load", lambda *args, **kwargs: torch.nn.Linear(kwargs["width"], 1))
    assert "inspector 'hub:owner/repo#net' trust_repo=True" in refused("hub:owner/repo#net")
    found = loaded("hub:owner/repo#net", ("trust_repo", "True"), ("width", "3"))
    assert found.model.in_features == 3 and asked == ["check", True]
    assert isinstance(load(Target("hub:owner/repo", (("trust_repo", "True"),))), Choices)
