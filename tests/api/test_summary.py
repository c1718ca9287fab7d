"""`inspector.summary`: one pass as text."""

from __future__ import annotations

import pytest
import torch

import inspector
from inspector.errors import InspectorError
from tests.fingerprint import fingerprint
from tests.models import build


def test_a_summary_in_text() -> None:
    model, args, _ = build("shared_relu")
    text = inspector.summary(model, *args)
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["Module", "Class", "Parameters", "Output", "Calls"]
    assert rows[1] == ["(root)", "SharedRelu", "40", "2×4"]
    assert rows[3] == ["relu", "ReLU", "–", "2×4", "×2"]
    assert "4 modules, 40 parameters (40 trainable)" in text and "5 calls" in text


def test_a_summary_leaves_the_model_as_it_was() -> None:
    for name in ("batchnorm_train", "own_hooks", "kv_cache", "inplace_input"):
        model, args, _ = build(name)
        before, inputs = fingerprint(model), [arg.clone() for arg in args]
        inspector.summary(model, *args)
        assert fingerprint(model) == before
        assert all(torch.equal(a, b) for a, b in zip(args, inputs, strict=True))


def test_keyword_arguments_and_a_guessed_input() -> None:
    model, _, kwargs = build("kw_only")
    assert "2×4" in inspector.summary(model, kwargs=kwargs)
    assert "(guessed)" in inspector.summary(build("mlp")[0])


def test_a_pass_that_fails_is_an_error_with_its_traceback() -> None:
    model, args, _ = build("raises_midway")
    with pytest.raises(InspectorError, match=r"module: bad\.0") as caught:
        inspector.summary(model, *args)
    assert "self.c(self.bad(self.a(x)))" in str(caught.value)
    assert not model._forward_hooks and not model.a._forward_hooks


def test_hostile_names_are_harmless_in_text() -> None:
    model, args, _ = build("odd_names")
    text = inspector.summary(model, *args, width=200)
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\x00", "\r"}
    assert "[@click=app.quit]x" in text
