"""Modules that are compared many at once: whatever changes in one of them is noticed, in a pass and between two."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.restore.module_groups import ModuleGroups


class Slotted(nn.Module):
    __slots__ = ("slot",)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Acts(nn.Module):
    """Runs 300 layers, more than a group, and does something to one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(1, 1) if number % 2 else nn.BatchNorm1d(1) for number in range(300))
        self.layers[8].register_buffer("unsaved", torch.ones(1), persistent=False)
        self.layers.append(Slotted())
        self.layers[5].register_forward_hook(_hook)
        self.act: Callable[[Any], object] = _nothing

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        self.act(self.layers)
        return x


def _nothing(layers: Any) -> None:
    return None


def _hook(*args: object) -> None:
    return None


def _reorder(held: Any) -> None:
    first = next(iter(held))
    held[first] = held.pop(first)


def _rename(held: Any) -> None:
    for key in list(held):
        value = held.pop(key)
        held["dimensions" if key == "in_features" else key] = value


ACTS: dict[str, Callable[[Any], object]] = {
    "an attribute": lambda layers: setattr(layers[3], "note", 1),
    "another value": lambda layers: setattr(layers[290], "in_features", 2),
    "a name gone": lambda layers: vars(layers[3]).pop("in_features"),
    "another name for the same value": lambda layers: _rename(vars(layers[3])),
    "the order of attributes": lambda layers: _reorder(vars(layers[3])),
    "a class": lambda layers: setattr(layers[3], "__class__", nn.Bilinear),
    "another dict": lambda layers: setattr(layers[3], "__dict__", {**vars(layers[3]), "note": 1}),
    "a parameter": lambda layers: setattr(layers[3], "weight", nn.Parameter(torch.zeros(1, 1))),
    "a parameter more": lambda layers: layers[3].register_parameter("more", nn.Parameter(torch.zeros(1))),
    "a child": lambda layers: layers[3].add_module("child", nn.ReLU()),
    "a buffer gone": lambda layers: vars(layers[4])["_buffers"].pop("num_batches_tracked"),
    "a hook": lambda layers: layers[3].register_forward_hook(_hook),
    "a hook gone": lambda layers: layers[5]._forward_hooks.clear(),
    "hooks in another dict": lambda layers: setattr(layers[5], "_forward_hooks", OrderedDict(layers[5]._forward_hooks)),
    "which buffers are saved": lambda layers: vars(layers[3])["_non_persistent_buffers_set"].add("more"),
    "which are saved, where some are not": lambda layers: vars(layers[8])["_non_persistent_buffers_set"].clear(),
    "a slot": lambda layers: setattr(layers[300], "slot", 1),
    "an attribute of a parameter": lambda layers: setattr(layers[3].weight, "note", 1),
}


def _state(model: Acts) -> list[Any]:
    """All that is compared, by identity."""
    found: list[Any] = []
    for module in model.modules():
        own = vars(module)
        held = [each for each in own.values() if isinstance(each, dict)]
        found.append((type(module), id(own), [(key, id(value)) for key, value in own.items() if key != "act"]))
        found += [[(key, id(value)) for key, value in each.items()] for each in held]
        found.append(sorted(own["_non_persistent_buffers_set"]))
        found += [dict(vars(tensor)) for tensor in own["_parameters"].values() if tensor is not None]
        found.append(getattr(module, "slot", None))
    return found


def _pass(model: Acts, backup: TensorBackup, tree: Any, act: Callable[[Any], object]) -> tuple[str, ...]:
    model.act = act
    outcome = forward(tree, backup, (torch.ones(2, 1),), {}, seed=0)
    assert outcome.error is None and not outcome.not_restored
    return outcome.restored


@pytest.mark.parametrize("name", ACTS)
def test_what_changes_in_any_pass_is_put_back(name: str) -> None:
    model = Acts().eval()
    tree, before = walk(model), _state(model)
    backup = TensorBackup(tree)
    assert not _pass(model, backup, tree, _nothing)
    for _ in range(2):
        assert _pass(model, backup, tree, ACTS[name]), "it was told"
        if name != "another dict":  # what is in it is put back
            assert _state(model) == before
    assert not _pass(model, backup, tree, _nothing)


@pytest.mark.parametrize("name", [name for name in ACTS if name != "a class"])
def test_what_changes_between_two_passes_stays_so(name: str) -> None:
    model = Acts().eval()
    tree = walk(model)
    backup = TensorBackup(tree)
    _pass(model, backup, tree, _nothing)
    ACTS[name](model.layers)
    changed = _state(model)
    assert not _pass(model, backup, tree, _nothing)
    assert _state(model) == changed
    assert _pass(model, backup, tree, lambda layers: setattr(layers[7], "note", 1)) == ("layers.7: note",)
    assert _state(model) == changed


def test_a_group_in_which_nothing_changed_is_the_one_that_it_was() -> None:
    model = Acts().eval()
    groups = ModuleGroups(walk(model))
    first = groups.look()
    model.layers[290].note = 1
    second = groups.look()
    assert len(first) == 2 and [one is other for one, other in zip(first, second, strict=True)] == [True, False]


def test_a_tensor_that_a_changed_module_took_is_kept_from_then_on() -> None:
    model = Acts().eval()
    tree = walk(model)
    backup = TensorBackup(tree)
    _pass(model, backup, tree, _nothing)
    model.layers[3].cache = torch.zeros(2)
    assert _pass(model, backup, tree, lambda layers: layers[3].cache.data.add_(1)) == ("layers.3.cache: values",)
    assert model.layers[3].cache.tolist() == [0, 0]
