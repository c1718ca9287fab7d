"""The module list: our own walk against `named_modules()`, and what each row says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from inspector import channel
from inspector.engine.modules.holdings import tied_names
from inspector.engine.modules.rows import KeptRows, module_rows
from inspector.engine.modules.tree import MAX_KEY, ModuleTree, walk
from inspector.records import ModuleRow, ModuleRows, Told
from inspector.records.badges import BadgeName, has_badge
from tests.models import ODD_NAMES, build, names

# `named_modules` drops one of two equal modules, raises on these keys or hashes.
BEYOND_TORCH = ("eq_all", "unhashable", "int_keys", "unprintable_keys")


def objects(tree: ModuleTree) -> Iterator[nn.Module]:
    return (node.module for node in tree.objects())


def is_script(model: nn.Module) -> bool:
    """Then every look makes new Python objects."""
    return any(isinstance(module, torch.jit.ScriptModule) for module in model.modules())


@pytest.mark.parametrize("name", [n for n in names(without=("hostile", "big")) if n not in BEYOND_TORCH])
def test_the_walk_is_named_modules(name: str) -> None:
    model, _, _ = build(name)
    found = [(path, module) for path, module in model.named_modules() if module is not None]
    tree = walk(model)
    assert len(found) == sum(1 for _ in tree.objects())
    if not is_script(model):
        assert all(a is b for (_, a), b in zip(found, objects(tree), strict=True))
    for (path, _), node in zip(found, tree.objects(), strict=True):
        key = path[len(".".join(tree.paths[node.parent])) :].removeprefix(".") if node.parent > 0 else path
        assert node.key == key or not key.isprintable() or len(key) >= MAX_KEY or name == "odd_names"


@pytest.mark.parametrize("name", names(without=("hostile", "big")))
def test_every_list_is_consistent_and_can_be_sent(name: str) -> None:
    model, _, _ = build(name)
    tree = walk(model)
    found = module_rows(tree)
    assert len(set(tree.paths)) == len(tree.nodes) == len(found)
    for node, path, row in zip(tree.nodes, tree.paths, found, strict=True):
        assert (row.index, row.key, row.parent) == (node.index, node.key, node.parent)
        assert path == (() if node.parent < 0 else (*tree.paths[node.parent], node.key))
        assert node.parent < node.index and tree.index_of[path] == node.index
    for first in range(0, len(found), 2000):
        channel.encode(Told(0, ModuleRows(1, tuple(found[first : first + 2000]), len(found))))


@pytest.mark.parametrize("name", names("plain", without=("hostile",)))
def test_parameters_are_counted_once(name: str) -> None:
    model, _, _ = build(name)
    if name in ("lazy_linear", "unhashable"):
        return
    found = module_rows(walk(model))
    own = {id(p): p.numel() for m in objects(walk(model)) for p in m._parameters.values() if p is not None}
    assert found[0].parameters == sum(own.values())


def by_path(model: nn.Module) -> dict[str, ModuleRow]:
    tree = walk(model)
    return {".".join(path): row for path, row in zip(tree.paths, module_rows(tree), strict=True)}


def test_a_module_under_two_names_is_shown_under_both() -> None:
    model, _, _ = build("two_names")
    found = by_path(model)
    assert list(found) == ["", "0", "1", "2"]
    assert found["2"].alias_of == found["0"].index and found["0"].alias_of == -1
    assert found["2"].parameters == found["0"].parameters == found[""].parameters == 20


def test_a_cycle_ends_in_an_alias_of_the_root() -> None:
    found = by_path(build("cyclic")[0])
    assert list(found) == ["", "child", "child.parent"]
    assert found["child.parent"].alias_of == 0


def test_equal_modules_are_two() -> None:
    assert list(by_path(build("eq_all")[0])) == ["", "0", "1"]


def test_keys_of_any_kind() -> None:
    assert list(by_path(build("int_keys")[0])) == ["", "0", "0'", "1"]
    assert list(by_path(build("unprintable_keys")[0])) == ["", "NoStr", "NoStr'"]
    assert list(by_path(build("unhashable")[0])) == ["", "0"]


def test_odd_names_stay_apart_and_bounded() -> None:
    tree = walk(build("odd_names")[0])
    keys = [node.key for node in tree.nodes[1:]]
    assert len(set(keys)) == len(ODD_NAMES)
    assert "\\ud800" in keys and "dot.ted" in keys and "" in keys
    assert max(map(len, keys)) <= MAX_KEY + 1


def test_a_thousand_levels() -> None:
    tree = walk(build("deep_nest")[0])
    assert len(tree.paths[-1]) == 1000 and len(module_rows(tree)) == 1001
    assert tree.subtree(998) == [998, 999, 1000]


def test_a_hundred_thousand_children() -> None:
    tree = walk(build("wide_100k")[0])
    assert len(tree.nodes) == 100_001 and len(tree.subtree(0)) == 100_001
    assert tree.object_at(("99999",)).index == 100_000


def test_a_subtree_ends_where_its_sibling_begins() -> None:
    tree = walk(nn.Sequential(nn.Sequential(nn.ReLU(), nn.ReLU()), nn.ReLU()))
    assert tree.subtree(1) == [1, 2, 3] and tree.subtree(4) == [4] and tree.subtree(0) == [0, 1, 2, 3, 4]


def test_ties_are_marked_and_named() -> None:
    model = build("tied_weights")[0]
    found = by_path(model)
    assert has_badge(found["emb"].badges, "tied") and has_badge(found["out"].badges, "tied") and not found[""].badges
    assert found[""].parameters == 40
    assert list(tied_names(walk(model)).values()) == [[(("emb",), "weight"), (("out",), "weight")]]


@pytest.mark.parametrize(
    ("name", "path", "badge"),
    [
        ("scripted", "0", "scripted"),
        ("traced", "", "traced"),
        ("traced", "1", "traced"),
        ("traced_child", "0", "traced"),
        ("lazy_linear", "0", "lazy"),
        ("meta_model", "0", "meta"),
        ("compiled", "", "compiled"),
        ("compiled_inplace", "", "compiled"),
        ("quantized_dynamic", "0", "quantized"),
        ("spectral_norm", "0", "parametrized"),
        ("custom_call", "0", "own __call__"),
    ],
)
def test_badges(name: str, path: str, badge: BadgeName) -> None:
    assert has_badge(by_path(build(name)[0])[path].badges, badge)


def test_plain_modules_have_no_badges() -> None:
    plain = build("mlp")[0], build("shared_relu")[0], build("odd_objects")[0]
    assert not list(itertools.chain.from_iterable(row.badges for model in plain for row in by_path(model).values()))


@pytest.mark.parametrize("name", ["scripted", "traced", "traced_child", "fx_graph", "exported", "data_parallel"])
def test_wrapped_models_show_children_and_parameters(name: str) -> None:
    model = build(name)[0]
    found = by_path(model)
    assert len(found) > 1
    assert found[""].parameters == sum(p.numel() for p in model.parameters())


def test_rows_that_are_kept_are_the_rows() -> None:
    shared = nn.Linear(2, 2)
    shared.weight.requires_grad_(False)
    tree = walk(nn.Sequential(shared, nn.Sequential(shared, nn.LazyLinear(3)), nn.BatchNorm1d(2)))
    rows = module_rows(tree)
    kept = KeptRows(tree, rows)
    assert list(kept) == rows and kept[1:3] == rows[1:3] and kept[-1] == rows[-1]
    assert any(row.badges for row in kept) and any(row.alias_of >= 0 for row in kept)
