"""The source of a hook is what runs, or says that it is not."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.graph import register_multi_grad_hook

from inspector.engine.torch_hooks.rows import name_of, row_of, unwrap
from inspector.engine.torch_hooks.timed import Tally, Timed
from inspector.engine.views.hook_source import source_of_hook


def plain(module: nn.Module, args: Any, output: Any) -> None:
    """A hook somebody wrote."""


def scaled(factor: float, module: nn.Module, args: Any, output: Any) -> Any:
    return output * factor


class Object:
    def __call__(self, *args: Any) -> None:
        self.called = True

    def method(self, *args: Any) -> None:
        self.method_called = True


def decorator(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@decorator
def decorated(*args: Any) -> None:
    """Behind its decorator."""


def test_a_plain_function() -> None:
    source = source_of_hook(plain, ("fc",))
    assert source.text.startswith("def plain(module") and source.notes == () and source.title == "plain"
    assert source.file == __file__ and source.first_line == plain.__code__.co_firstlineno == source.focus
    assert (source.part, source.path) == ("hook", ("fc",))


@pytest.mark.parametrize(
    ("hook", "first_line", "title", "said"),
    [
        (functools.partial(scaled, 2.0), "def scaled(factor", "scaled", "functools.partial of scaled"),
        (Object(), "def __call__(self", "Object", "an object of Object: this is its __call__"),
        (Object().method, "def method(self", "Object.method", "a method of another object, a Object"),
        (decorated, "@decorator\ndef decorated", "decorated", "wrapped by"),
        (functools.partial(Object().method), "def method(self", "Object.method", "functools.partial"),
    ],
)
def test_what_is_behind_wrappers(hook: Any, first_line: str, title: str, said: str) -> None:
    source = source_of_hook(hook, None)
    assert source.text.startswith(first_line) and source.title == title and source.path == ()
    assert any(said in note for note in source.notes), source.notes


def test_a_lambda() -> None:
    hook = lambda *args: None  # noqa: E731
    source = source_of_hook(hook, ())
    assert "hook = lambda *args: None" in source.text and source.title == "<lambda>"


def test_torchs_own_wrappers_are_not_mentioned() -> None:
    module = nn.Linear(2, 2)
    module._register_load_state_dict_pre_hook(plain)
    module._register_load_state_dict_pre_hook(plain, with_module=True)
    for hook in module._load_state_dict_pre_hooks.values():
        source = source_of_hook(hook, ())
        assert source.text.startswith("def plain") and source.notes == ()
    assert source_of_hook(Timed(plain, Tally()), ()).notes == ()


@pytest.mark.parametrize("mode", ["all", "any"])
def test_the_hook_of_several_tensors(mode: Any) -> None:
    module = nn.Linear(2, 2)
    register_multi_grad_hook((module.weight, module.bias), plain, mode=mode)
    for tensor in (module.weight, module.bias):
        (hook,) = tensor._backward_hooks.values()
        assert unwrap(hook) is plain and source_of_hook(hook, ()).text.startswith("def plain")


def test_a_function_in_c_is_described() -> None:
    source = source_of_hook(torch.relu, ())
    assert source.text == "" and source.notes == ("the hook is the built-in relu: it has no Python source",)


def test_a_scripted_function_shows_its_torchscript() -> None:
    def double(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    double.__annotations__ = {"x": torch.Tensor, "return": torch.Tensor}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = source_of_hook(torch.jit.script(double), ())
    assert "def double" in source.text and "TorchScript" in source.notes[0]


def test_a_function_made_by_exec_is_labelled() -> None:
    names: dict[str, Any] = {}
    exec("def made(*args):\n    return None\n", names)
    source = source_of_hook(names["made"], ())
    assert source.text == "" and "text that was not kept" in source.notes[-1]


def test_a_file_that_was_edited_is_labelled(tmp_path: Any) -> None:
    path = tmp_path / "edited_hook.py"
    path.write_text("def hook(*args):\n    return None\n")
    spec = importlib.util.spec_from_file_location("edited_hook", path)
    module = sys.modules["edited_hook"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text("def hook(*args):\n    return 'another'\n")
    os.utime(path, (1, 1))
    source = source_of_hook(module.hook, ())
    del sys.modules["edited_hook"]
    assert "'another'" in source.text and any("changed on disk" in note for note in source.notes)


class Hostile:
    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("ask me nothing")

    def __call__(self, *args: Any) -> None:
        pass


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError("ask my class nothing")


class Secret(metaclass=Meta):
    def __call__(self, *args: Any) -> None:
        pass


def endless() -> Any:
    def wrapper(*args: Any) -> None:
        pass

    wrapper.__wrapped__ = wrapper
    return wrapper


MADE = {
    "hostile": Hostile,
    "secret": lambda: type.__call__(Secret),
    "endless": endless,
    "none": lambda: None,
    "partial": lambda: functools.partial(Hostile()),
    "module": nn.ReLU,
    "class": lambda: Object,
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_hostile_hooks_raise_nothing(make: Any) -> None:
    hook = make()
    source = source_of_hook(hook, ())
    assert source.text or source.notes
    assert name_of(unwrap(hook)) and row_of(hook, 1, "forward").name
