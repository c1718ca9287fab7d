"""Hooks of ours are left out of every copy of a model, and a guarded pass leaves those of open blocks alone."""

from __future__ import annotations

import copy
import copyreg
import io
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

import inspector
from inspector.engine.torch_hooks import ours

WANTED = {
    "0": ["scale(2)", "add(1, on='input')", "prune(0.5, on='parameters')"],
    "2": ["observe()", inspector.python(lambda module, state, prefix: None, on="state_dict")],
    "(root)": [inspector.python(lambda module, state, prefix: None, on="load_state_dict"), "scale(2, on='grad')"],
}


def _model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4)).eval()
    model[0].register_forward_hook(_look, with_kwargs=True)
    model[2].register_forward_pre_hook(_look)
    return model


def _look(*values: Any) -> None:
    """Somebody else's hook."""


def _held(model: nn.Module) -> list[Any]:
    return [
        [
            (name, type(held), [(key, _identify(value)) for key, value in held.items()], vars(held))
            for name, held in vars(module).items()
            if "_hooks" in name
        ]
        for module in model.modules()
    ]


def _identify(hook: Any) -> Any:
    """What a copy has too."""
    return getattr(hook, "__qualname__", hook)


def _save(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded: nn.Module = torch.load(file, weights_only=False)
    return loaded


WAYS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "deepcopy": copy.deepcopy,
    "in a list": lambda model: copy.deepcopy([model])[0],
    "of a part": lambda model: nn.Sequential(*map(copy.deepcopy, model)),
    "attributes": lambda model: _of_attributes(copy.deepcopy(vars(model))),
    **{f"pickle {number}": lambda model, p=number: pickle.loads(pickle.dumps(model, p)) for number in range(2, 6)},
    "pickle in Python": lambda model: pickle._loads(pickle._dumps(model)),  # type: ignore[attr-defined]
    "to another process": lambda model: pickle.loads(ForkingPickler.dumps(model)),
    "save": _save,
}


def _of_attributes(attributes: dict[str, Any]) -> nn.Module:
    made = nn.Sequential.__new__(nn.Sequential)
    vars(made).update(attributes)
    return made


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_that_is_made_in_a_block_has_nothing_of_ours(way: str) -> None:
    model = _model()
    asked_before = copyreg.dispatch_table.get(OrderedDict)
    plain = _held(WAYS[way](model))
    with inspector.capture(model), inspector.hooks(model, WANTED), inspector.capture(model[0]):
        model(torch.randn(3, 4))
        assert _held(WAYS[way](model)) == plain
    assert copyreg.dispatch_table.get(OrderedDict) is asked_before


def test_a_part_that_is_replaced_in_a_block_takes_nothing_of_ours_along() -> None:
    """As torch's quantization does it: it registers the hooks of the old module on the new one."""
    model, new = _model(), nn.Linear(4, 4)
    with inspector.capture(model), inspector.hooks(model, WANTED), inspector.capture(model):
        for hook in model[0]._forward_hooks.values():
            new.register_forward_hook(hook)
        for hook in model[0]._forward_pre_hooks.values():
            new.register_forward_pre_hook(hook, with_kwargs=True)
        model[0] = new
        model(torch.randn(3, 4))
    assert list(new._forward_hooks.values()) == [_look]
    assert not new._forward_pre_hooks and not new._forward_pre_hooks_with_kwargs


class _CopiesItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        copied = copy.deepcopy(self.layer)
        copied.pickled = pickle.dumps(self.layer)
        out: Tensor = self.layer(x) + 0 * copied(x)
        return out


def test_a_model_that_copies_itself_in_a_guarded_pass_copies_nothing_of_ours() -> None:
    model = _CopiesItself()
    made: list[tuple[Any, bytes]] = []  # what a hook collects is not put back

    def look(module: nn.Module, *values: Any) -> None:
        if hasattr(module, "pickled"):
            made.append((_held(module), module.pickled))

    with nn.modules.module.register_module_forward_hook(look):
        model(torch.randn(2, 4))
        inspector.summary(model, torch.randn(2, 4))
    assert made[1][0] == made[0][0] and b"inspector" not in made[1][1]


def test_what_is_pickled_in_a_block_loads_where_this_package_is_not(tmp_path: Path) -> None:
    model = _model()
    model[0]._forward_hooks.clear()
    model[2]._forward_pre_hooks.clear()
    with inspector.capture(model), inspector.hooks(model, {"0": "scale(2)"}):
        torch.save(model, tmp_path / "net.pt")
        torch.save(dict(vars(model[0])), tmp_path / "attributes.pt")
        torch.save(list(model[0]._forward_hooks.values()), tmp_path / "hooks.pt")
        model(torch.randn(3, 4))
    code = f"""
import sys, torch
sys.modules["inspector"] = None
net = torch.load({str(tmp_path / "net.pt")!r}, weights_only=False)
assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
net(torch.zeros(3, 4))
torch.load({str(tmp_path / "attributes.pt")!r}, weights_only=False)
for hook in torch.load({str(tmp_path / "hooks.pt")!r}, weights_only=False):
    assert hook(net, (), torch.zeros(1)) is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_somebody_elses_way_to_copy_dicts_is_asked_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_LIVE", WeakValueDictionary())  # without what other tests left on their models
    monkeypatch.setattr(ours, "_SHARED", WeakSet())
    model, asked = _model(), []

    def take_apart(held: Any) -> Any:
        asked.append(held)
        return held.__reduce__()

    copyreg.dispatch_table[OrderedDict] = take_apart
    try:
        plain = _held(copy.deepcopy(model))
        with inspector.capture(model):
            asked.clear()
            assert _held(copy.deepcopy(model)) == plain and asked
        assert copyreg.dispatch_table[OrderedDict] is take_apart
    finally:
        del copyreg.dispatch_table[OrderedDict]


def test_who_sets_or_takes_away_a_way_to_copy_dicts_in_a_block_leaves_ours_to_the_next() -> None:
    first, model = _model(), _model()
    plain = _held(copy.deepcopy(model))
    with inspector.capture(first):
        before = copyreg.dispatch_table[OrderedDict]
        copyreg.dispatch_table[OrderedDict] = lambda held: before(held)
        with inspector.capture(model):
            assert _held(copy.deepcopy(model)) == plain
        del copyreg.dispatch_table[OrderedDict]
        with inspector.capture(model):
            assert _held(copy.deepcopy(model)) == plain


def test_a_state_dict_that_is_copied_in_a_block_keeps_its_metadata() -> None:
    model = _model()
    with inspector.capture(model):
        model(torch.randn(3, 4))
        copied = copy.deepcopy(model.state_dict())
    assert copied._metadata == model.state_dict()._metadata and list(copied) == list(model.state_dict())


def test_a_dict_of_anybodys_with_the_ids_of_our_hooks_is_copied_whole() -> None:
    model = _model()
    with inspector.capture(model):
        ids = [hook_id for module in model.modules() for hook_id in module._forward_hooks]
        model(torch.randn(3, 4))
        assert copy.deepcopy(OrderedDict.fromkeys(ids, True)) == OrderedDict.fromkeys(ids, True)


def test_a_copy_is_scripted_compiled_and_exported_as_ever() -> None:
    model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval(), torch.randn(3, 4)
    with inspector.capture(model), inspector.hooks(model, {"0": "scale(2)"}):
        copied = copy.deepcopy(model)
        model(x)
    assert torch.equal(torch.jit.script(copied)(x), model(x))
    assert torch.allclose(torch.compile(copied, fullgraph=True, backend="eager")(x), model(x))
    assert len(list(torch.export.export(copied, (x,), strict=False).graph.nodes)) == len(
        list(torch.export.export(model, (x,), strict=False).graph.nodes)
    )


def _export(model: nn.Module, x: Tensor) -> list[str]:
    return [str(node) for node in torch.export.export(model, (x,), strict=False).graph.nodes]  # as newer versions do


def _trace(model: nn.Module, x: Tensor) -> list[str]:
    traced = torch.jit.trace(model, x, check_trace=False)
    return [node.kind() for node in traced.inlined_graph.nodes()] + [str(len(list(traced.modules())))]


def _make_fx(model: nn.Module, x: Tensor) -> list[str]:
    return [str(node) for node in make_fx(model)(x).graph.nodes]


@pytest.mark.parametrize("write_down", [_export, _trace, _make_fx])
def test_a_graph_that_is_made_in_a_block_holds_nothing_of_ours(write_down: Callable[..., list[str]]) -> None:
    model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4)).eval(), torch.randn(3, 4)
    plain = write_down(model, x)
    with inspector.capture(model), inspector.hooks(model, {"0": ["scale(2)", "record('it')"]}):
        assert write_down(model, x) == plain
        model(x)


def test_what_counts_operations_counts_none_of_ours() -> None:
    model, x, seen = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(3, 4), list[str]()

    class Counts(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    with Counts():
        model(x)
    plain, seen[:] = list(seen), []
    with inspector.capture(model) as cap, Counts():
        model(x)
    assert seen == plain
    assert cap["0"].output.statistics.mean == pytest.approx(float(model[0](x).mean()))


def test_scripting_the_model_itself_in_a_block_says_what_to_do() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    with inspector.capture(model), pytest.raises(AttributeError, match=r"script copy.deepcopy\(model\)"):
        torch.jit.script(model)
