"""What a pass changes of the model's own code: its functions, classes and the globals of every file of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import inspector

_MODEL = """
import functools, weakref
import numpy
from torch import nn
import kept_state.deep.settings
from kept_state import beside

count = 0
known = weakref.WeakKeyDictionary()
locked = numpy.ones(2)

class Base: pass
class Other: pass
class Kind(Base): pass

def helper(x): return x

@functools.singledispatch
def spread(x): return 0

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        {statement}
        return self.linear(x)
"""
_SETTINGS = "count = 0\nitems = []\ndef advance():\n    global count\n    count += 1\n"

CASES = {
    'globals()["count"] = 5': "count",
    'globals()["fresh"] = 5': '"fresh" in globals()',
    "kept_state.deep.settings.count += 1": "kept_state.deep.settings.count",
    "kept_state.deep.settings.items.append(1)": "len(kept_state.deep.settings.items)",
    "import kept_state.alone as alone; alone.count += 1": '__import__("sys").modules["kept_state.alone"].count',
    "from .alone import advance; advance()": '__import__("sys").modules["kept_state.alone"].count',
    "from . import alone; alone.items.append(1)": 'len(__import__("sys").modules["kept_state.alone"].items)',
    "kept_state.model.count = len(kept_state.model.__name__)": "count",
    "beside.fresh = 1": 'hasattr(beside, "fresh")',
    'vars(beside)["count"] = 1': "beside.count",
    'helper.__name__ = "renamed"': "helper.__name__",
    'helper.__doc__ = "told"': "helper.__doc__",
    'Kind.__name__ = "Renamed"': "Kind.__name__",
    "Kind.__bases__ = (Other,)": "Kind.__bases__[0].__name__",
    "known[Kind] = 1": "len(known)",
    "spread.register(int)(helper)": "spread(1)",
    "locked.flags.writeable = False": "locked.flags.writeable",
}


def _write(folder: Path, statement: str) -> None:
    package = folder / "kept_state"
    (package / "deep").mkdir(parents=True)
    for name in ("__init__", "deep/__init__"):
        (package / f"{name}.py").write_text("")
    for name in ("alone", "beside", "deep/settings"):
        (package / f"{name}.py").write_text(_SETTINGS)
    (package / "model.py").write_text(_MODEL.format(statement=statement))


@pytest.fixture
def model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    _write(tmp_path, request.param)
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    importlib.import_module("kept_state.alone")
    yield importlib.import_module("kept_state.model")
    for name in [name for name in sys.modules if name.partition(".")[0] == "kept_state"]:
        del sys.modules[name]


@pytest.mark.parametrize(("model", "look"), CASES.items(), indirect=["model"])
def test_what_a_pass_changes_of_the_models_code_is_put_back(model: Any, look: str) -> None:
    before = eval(look, vars(model))
    net = model.Net()
    text = inspector.summary(net, torch.ones(1, 2))
    assert eval(look, vars(model)) == before
    assert "stays changed" not in text
    net(torch.ones(1, 2))
    assert eval(look, vars(model)) != before
