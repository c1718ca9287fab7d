"""Whatever is given in the place of a model is told, by every function of the library that takes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import inspector
from inspector.errors import UsageError


class Net(nn.Module):
    pass


def build() -> nn.Module:
    return Net()


@torch.jit.script
def scripted(x: torch.Tensor) -> torch.Tensor:
    return x + 1


CALLS: dict[str, Callable[[Any], Any]] = {
    "inspect": inspector.inspect,
    "summary": inspector.summary,
    "capture": inspector.capture,
    "hooks": lambda value: inspector.hooks(value, {}),
    "sweep": lambda value: inspector.sweep(value, torch.ones(1), over="*", metric="mean", hook="zero()"),
}


@pytest.mark.parametrize("verb", CALLS)
@pytest.mark.parametrize(
    ("value", "what", "hint"),
    [
        ("not a module", "the text 'not a module'", "inspector not a module"),
        (None, "got None", "return it"),
        (Net, "the class Net", r"Net\(\.\.\.\)"),
        (build, "the function build", r"build\(\.\.\.\)"),
        (lambda x: x, "the function <lambda>", "builds"),
        (nn.Linear(1, 1).state_dict(), "OrderedDict, such as a state dict", "load_state_dict"),
        ({"a": 1}, "such as a state dict", "load_state_dict"),
        ([Net(), Net()], "several values in a list", "ModuleList"),
        ((), "several values in a tuple", "ModuleList"),
        (scripted, "a scripted function", "module that it is part of"),
        (torch.ones(3), "a tensor", "first"),
        (3, "class int", "the model itself"),
        pytest.param("\x1b[31m" + "x" * 10_000, "the text", "build it first", id="long"),
    ],
)
def test_what_is_no_module_is_told_with_what_to_pass(verb: str, value: Any, what: str, hint: str) -> None:
    with pytest.raises(TypeError, match=what) as caught:
        CALLS[verb](value)
    assert isinstance(caught.value, UsageError)
    assert caught.match(hint)
    assert f"inspector.{verb} takes a torch.nn.Module" in str(caught.value)
    assert len(str(caught.value)) < 700
