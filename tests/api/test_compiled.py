"""Compiled models in the library's blocks: every call is seen, hooks act, and nothing is compiled anew afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.errors import InspectorError

ROOT = Path(__file__).parents[2]
X = torch.randn(2, 4)


class Compiler:
    """A backend that runs the graph as it is; `graphs` counts what it was given."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
        self.graphs += 1
        return graph.forward


@pytest.fixture
def compiler() -> Compiler:
    torch._dynamo.reset()
    return Compiler()


class Chain(nn.Sequential):
    """With a forward of its own: older versions compile no module in place whose forward is torch's."""

    def forward(self, x: Tensor) -> Tensor:
        for module in self:
            x = module(x)
        return x


def made() -> Chain:
    torch.manual_seed(0)
    return Chain(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), nn.Linear(4, 2))


def by_torch_compile(model: nn.Sequential, compiler: Compiler) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    compiled: Any = torch.compile(model, backend=compiler, fullgraph=True)
    return compiled, compiled


def in_place(model: nn.Sequential, compiler: Compiler) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    model.compile(backend=compiler)
    return model, model


def a_submodule(model: nn.Sequential, compiler: Compiler) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    model[1] = torch.compile(model[1], backend=compiler)  # type: ignore[assignment]
    return model, model


def a_function(model: nn.Sequential, compiler: Compiler) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    return model, torch.compile(lambda x: model(x) + 0, backend=compiler)


def the_model_behind_it(model: nn.Sequential, compiler: Compiler) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    compiled: Any = torch.compile(model, backend=compiler)
    return model, compiled


WAYS = [by_torch_compile, in_place, a_submodule, a_function, the_model_behind_it]
PATHS = ["0", "1", "1.0", "1.1", "2"]


@pytest.mark.parametrize("compile", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("called_before", [True, False])
def test_every_call_is_seen_and_nothing_is_compiled_anew(
    compile: Callable[..., Any], called_before: bool, compiler: Compiler
) -> None:
    model, call = compile(made(), compiler)
    expected = made()(X)
    if called_before:
        assert torch.equal(call(X), expected) and compiler.graphs == 1
    with inspector.capture(model, keep=True) as cap:
        assert torch.equal(call(X), expected)
    assert compiler.graphs == called_before
    seen = [call.path.replace("_orig_mod.", "") for call in cap.calls]
    assert sorted({path for path in seen if path and "_orig_mod" not in path}) == PATHS
    for path in PATHS:
        assert cap[path].status == "ok"
    assert torch.equal(cap["2"].value, expected) and torch.equal(cap["(root)"].value, expected)
    for _ in range(2):
        assert torch.equal(call(X), expected)
    assert compiler.graphs == 1


@pytest.mark.parametrize("compile", WAYS, ids=lambda way: way.__name__)
def test_hooks_act_and_are_gone_afterwards(compile: Callable[..., Any], compiler: Compiler) -> None:
    model, call = compile(made(), compiler)
    plain = made()
    expected = call(X)
    altered = plain[2](2 * plain[1](3 * plain[0](X)))
    with inspector.hooks(model, {"0": inspector.scale(3), "1.?, ~1.0": inspector.scale(2)}) as on:
        assert torch.equal(call(X), altered)
    assert sorted(on.fired.values()) == [1, 1]
    assert torch.equal(call(X), expected) and compiler.graphs == 1


def test_overlapping_blocks_end_in_any_order_and_on_any_thread(compiler: Compiler) -> None:
    model = torch.compile(made(), backend=compiler)
    model(X)
    first, second, third = inspector.capture(model), inspector.hooks(model, {"0": "scale(2)"}), inspector.capture(model)
    first.__enter__()
    thread = threading.Thread(target=second.__enter__)
    thread.start()
    thread.join()
    third.__enter__()
    first.__exit__(None, None, None)
    model(X)
    assert len(third) == 7 and compiler.graphs == 1  # the model, what was compiled, and its five modules
    third.__exit__(None, None, None)
    thread = threading.Thread(target=second.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    model(X)
    assert len(first) == 0 and len(third) == 7 and compiler.graphs == 1
    assert torch._dynamo.eval_frame._stance.stance == "default"


def test_a_stance_of_the_callers_own_comes_back(compiler: Compiler) -> None:
    model = torch.compile(made(), backend=compiler)
    with torch.compiler.set_stance("eager_on_recompile"):
        with inspector.capture(model) as cap:
            model(X)
        assert torch._dynamo.eval_frame._stance.stance == "eager_on_recompile"
    assert len(cap) == 7
    with pytest.raises(ZeroDivisionError), inspector.capture(model):
        raise ZeroDivisionError
    assert torch._dynamo.eval_frame._stance.stance == "default"


@pytest.mark.parametrize("opened", ["capture", "hooks"])
def test_a_block_inside_compiled_code_is_an_error_that_names_the_way_out(opened: str, compiler: Compiler) -> None:
    model = made()

    def block() -> Any:
        return inspector.capture(model) if opened == "capture" else inspector.hooks(model, {"0": "scale(2)"})

    @torch.compile(backend=compiler)
    def call(x: Tensor) -> Any:
        y = x + 1
        with block():
            return model(y)

    with pytest.raises(InspectorError, match="open it around the call"):
        call(X)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())
    with inspector.capture(model) as cap:
        call(X)
    assert len(cap) == 6


def test_a_recording_of_a_compiled_model_fits_the_model_as_it_was(compiler: Compiler) -> None:
    model = made()
    compiled = torch.compile(model, backend=compiler)
    with inspector.capture(compiled, "1.*, (root)", keep=True) as cap:
        clean = compiled(X)
    assert set(cap.recordings) == {"1.0:output", "1.1:output", "(root):output"}
    other = torch.randn(2, 4)
    with inspector.hooks(model, {"1.1": inspector.patch(cap.recordings)}):
        assert torch.equal(model(other), clean)
    with inspector.hooks(compiled, {"1.1": inspector.patch(cap.recordings)}) as on:
        assert torch.equal(compiled(other), clean)
    assert not on.faults


COLD = """
import sys, torch, inspector
from torch import nn
inspector.capture, inspector.hooks
assert "torch._dynamo" not in sys.modules and "torchvision" not in sys.modules, "a second each to import"
model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4)
with inspector.capture(model) as cap, inspector.hooks(model, {"0": inspector.zero()}) as on:
    model(x)
    compiled = torch.compile(model, backend="eager")
    assert not compiled(x).any()
    assert not compiled(x).any()
assert len(cap) == 9 and on.fired == {"0: zero()": 3}, (len(cap), on.fired)
assert torch.equal(compiled(x), model(x)) and compiled(x).any()
with inspector.capture(model) as cap:
    compiled(x)
assert len(cap) == 3
"""


def test_what_is_compiled_for_the_first_time_inside_a_block_is_seen_as_well() -> None:
    subprocess.run([sys.executable, "-c", COLD], cwd=ROOT, check=True)


def test_the_compiler_that_a_block_imports_leaves_the_environment_as_it_was() -> None:
    code = """
import os, torch, inspector
before = dict(os.environ)
with inspector.capture(torch.nn.Linear(2, 2)):
    pass
assert dict(os.environ) == before, set(os.environ) - set(before)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
