"""Which modules a person means."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

import inspector
from inspector.engine.hooks.spec import split_place
from inspector.engine.modules.selector import index_of_path, select
from inspector.engine.modules.tree import walk
from inspector.errors import UsageError

RESNET = torchvision.models.resnet18()
TREE = walk(RESNET)
NAMES = [name for name, _ in RESNET.named_modules()]
DOWNSAMPLED = [name for name in NAMES if name.endswith("downsample.1")]


def names(text: str, looking: bool = False, model: nn.Module = RESNET) -> list[str]:
    tree = TREE if model is RESNET else walk(model)
    return [".".join(tree.paths[node.index]) for node in select(tree, text, looking=looking)]


def of_class(cls: type[nn.Module]) -> list[str]:
    return [name for name, module in RESNET.named_modules() if type(module) is cls]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv1", ["conv1"]),
        ("", [""]),
        ("(root)", [""]),
        ("(root), conv1", ["", "conv1"]),
        ("fc,conv1", ["conv1", "fc"]),
        ("layer4.*", [name for name in NAMES if name.startswith("layer4.")]),
        ("class:Conv2d", of_class(nn.Conv2d)),
        ("class:*2d, ~class:Conv2d, ~*.bn?", ["bn1", "maxpool", *DOWNSAMPLED, "avgpool"]),
        ("layer4.*, ~layer4.0.*", [n for n in NAMES if n.startswith("layer4.") and not n.startswith("layer4.0.")]),
        ("~layer*", [n for n in NAMES if n and not n.startswith("layer")]),
        (" ~ layer* , ", [n for n in NAMES if n and not n.startswith("layer")]),
        ("*", NAMES[1:]),
    ],
)  # fmt: skip
def test_what_is_meant(text: str, expected: list[str]) -> None:
    assert sorted(names(text), key=NAMES.index) == names(text) == sorted(expected, key=NAMES.index)


def test_who_looks_sees_the_model_itself_too() -> None:
    assert names("*", looking=True) == NAMES and names("~conv1", looking=True) == [n for n in NAMES if n != "conv1"]
    assert names("~(root)", looking=True) == NAMES[1:]


@pytest.mark.parametrize(
    ("text", "part", "hint"),
    [
        ("layre1", "layre1", "did you mean layer1"),
        ("layer1, layre4.*", "layre4.*", "did you mean layer4"),
        ("layer1, ~class:Conv2", "class:Conv2", "did you mean class:Conv2d"),
        ("qqq", "qqq", "'*, ~layer4.*'"),
    ],
)
def test_a_part_that_means_nothing_is_an_error(text: str, part: str, hint: str) -> None:
    with pytest.raises(UsageError, match="no module of ResNet matches") as caught:
        select(TREE, text)
    assert repr(part) in str(caught.value) and hint in str(caught.value) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("text", ["~*, ~(root)", "conv1, ~conv1", " , "])
def test_nothing_left_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="leaves no module"):
        select(TREE, text, looking=True)


def test_names_with_characters_of_the_grammar() -> None:
    model = nn.Sequential()
    for name in ("a,b", "a[0]", "a", "~c"):
        model.add_module(name, nn.Identity())
    assert [names(text, model=model) for text in ("a,b", "a[0]", "~c", "a")] == [["a,b"], ["a[0]"], ["~c"], ["a"]]


def test_an_alias_is_the_module_it_names() -> None:
    shared = nn.Linear(1, 1)
    model = nn.ModuleDict({"a": shared, "b": nn.ModuleDict({"c": shared})})
    assert names("b.c", model=model) == ["a"] and index_of_path(walk(model), "b.c") == 1


def test_the_key_of_compiled_modules_need_not_be_written() -> None:
    model = torchvision.models.resnet18()
    model.layer1 = torch.compile(model.layer1)  # type: ignore[assignment]
    compiled = torch.compile(model)
    inner = [f"_orig_mod.layer1._orig_mod.{name}" for name in ("0", "1")]
    assert names("layer1.?", model=compiled) == inner
    assert names("_orig_mod.layer1._orig_mod.?", model=compiled) == inner
    assert names("layer1", model=compiled) == ["_orig_mod.layer1"]
    assert len(names("*", model=compiled)) == len(NAMES) - 1  # each module once
    assert len(names("*", looking=True, model=compiled)) == len(NAMES) + 2
    assert names("conv1,fc", model=compiled) == ["_orig_mod.conv1", "_orig_mod.fc"]
    assert names("(root)", model=compiled) == [""]


@pytest.mark.parametrize(
    ("text", "where", "hook"),
    [
        ("conv1:scale(2)", "conv1", "scale(2)"),
        ("(root):scale(2)", "(root)", "scale(2)"),
        ("(root),a:zero", "(root),a", "zero"),
        ("class:Conv2d:noise(0.1, on='input')", "class:Conv2d", "noise(0.1, on='input')"),
        ("a:scale(2, where='[0][:, 1:2]')", "a", "scale(2, where='[0][:, 1:2]')"),
        (":zero()", "", "zero()"),
        ("*, ~class:ReLU:zero()", "*, ~class:ReLU", "zero()"),
    ],
)
def test_a_place_and_its_hook(text: str, where: str, hook: str) -> None:
    assert split_place(text) == (where, hook)


@pytest.mark.parametrize("text", ["scale(2)", "scale(2, where='[:, 1]')", "conv1"])
def test_a_hook_without_a_place(text: str) -> None:
    with pytest.raises(UsageError, match="names no module"):
        split_place(text)


def test_captures_and_hooks_read_the_same() -> None:
    model, x = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)), torch.randn(1, 2)
    with inspector.capture(model, "class:Linear, ~2, (root)") as cap:
        model(x)
    assert [call.path for call in cap.calls] == ["0", ""]
    assert cap["(root)"] == cap[""]
    with inspector.hooks(model, {"~0, ~1": inspector.scale(2), "(root)": inspector.zero()}) as on:
        assert not model(x).any()
    assert on.fired == {"2: scale(2)": 1, "(root): zero()": 1}
