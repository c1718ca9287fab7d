"""The registry of loaders: each kind has its file, help tells of each, and nothing of torch is needed to read it."""

from __future__ import annotations

from importlib import import_module

import pytest

from inspector import target_kinds
from inspector.engine.loading.registry import LOADERS, find_kind
from inspector.engine.loading.target import Loader
from inspector.target_kinds import TARGET_KINDS, TargetKind


@pytest.mark.parametrize("kind", TARGET_KINDS, ids=lambda kind: kind.name)
def test_a_kind_names_the_file_that_opens_it(kind: TargetKind) -> None:
    loader = import_module(f"inspector.engine.loading.{kind.module}").LOADER
    assert isinstance(loader, Loader) and LOADERS[kind] is loader
    assert bool(kind.typed) == bool(kind.meaning)


def test_every_file_of_a_loader_is_named_once() -> None:
    assert len({kind.name for kind in TARGET_KINDS}) == len({kind.module for kind in TARGET_KINDS}) == len(LOADERS)


def test_help_fits_and_tells_of_every_kind_in_order() -> None:
    lines = target_kinds.render_help().splitlines()
    assert all(len(line) < 120 for line in lines)
    heads = [line[2:31].strip() for line in lines if line[2] != " "]
    assert heads == [kind.typed for kind in TARGET_KINDS if kind.typed]
    assert lines[0] == "  resnet18                     any name of torchvision.models.list_models(); also tv:NAME"


def test_a_sentence_names_what_can_be_opened() -> None:
    assert target_kinds.list_examples() == (
        "a torchvision name (resnet18), model.py, model.py:NAME, pkg.mod:NAME, timm:NAME, hf:NAME, hub:DIR#ENTRY, "
        "net.pt2, net.pt or weights.safetensors"
    )


def test_those_that_have_default_weights_are_named_where_they_are_refused() -> None:
    named = {"torchvision": "torchvision", "timm": "timm", "transformers": "hf:"}
    assert {kind.name for kind in TARGET_KINDS if kind.default_weights} == set(named)
    assert all(word in target_kinds.DEFAULT_WEIGHTS for word in named.values())


@pytest.mark.parametrize(
    ("text", "name"),
    [("resnet18", "torchvision"), ("tv:resnet18", "torchvision"), ("timm:x", "timm"), ("hf:BertConfig", "transformers"),
     ("hub:a/b#c", "torch.hub"), ("collections:deque", "importable"), ("nowhere.onnx", "unsupported"),
     ("nowhere.py", "python file"), ("nowhere.pt", "weights")],
)  # fmt: skip
def test_the_kind_of_a_target_that_is_no_file(text: str, name: str) -> None:
    assert find_kind(text).name == name
