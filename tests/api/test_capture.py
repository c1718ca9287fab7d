"""`inspector.capture`: every call of the matching modules, and nothing changed by watching."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import nn

import inspector
from inspector.records import SequenceValue, TensorValue
from tests.fingerprint import fingerprint
from tests.models import NamedOut, Returns, build, contains_itself


def test_every_call_in_completion_order() -> None:
    model, args, _ = build("shared_relu")
    with inspector.capture(model) as cap:
        model(*args)
    assert [call.path for call in cap.calls] == ["a", "relu", "b", "relu", ""]
    assert len(cap) == 5
    first = cap.calls[0]
    assert (first.class_name, first.call, first.depth, first.status) == ("Linear", 0, 1, "ok")
    assert first.start < first.end and first.ms >= 0 and first.kwargs.keys == ()
    assert isinstance(first.inputs[0], TensorValue) and first.inputs[0].shape == (2, 4)
    assert isinstance(first.output, TensorValue) and first.output.statistics is not None


def test_a_path_called_more_than_once() -> None:
    model, args, _ = build("shared_relu")
    with inspector.capture(model, "relu") as cap:
        model(*args)
    assert cap["relu"] == cap["relu", 0] != cap["relu", 1]
    assert cap["relu", 1].call == 1
    with pytest.raises(KeyError, match="no call 2 of 'relu'"):
        cap["relu", 2]
    with pytest.raises(KeyError, match="near: relu"):
        cap["relus"]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*", {"", "0", "1", "2"}),
        ("[01]", {"0", "1"}),
        ("", {""}),
        ("class:Linear", {"0", "2"}),
        ("class:*L*", {"0", "1", "2"}),
    ],
)
def test_patterns(pattern: str, paths: set[str]) -> None:
    model, args, _ = build("mlp")
    with inspector.capture(model, pattern) as cap:
        model(*args)
    assert {call.path for call in cap.calls} == paths


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no module of Sequential matches 'layer9'"):
        inspector.capture(build("mlp")[0], "layer9")


def test_shapes_only() -> None:
    model, args, _ = build("mlp")
    with inspector.capture(model, statistics=False) as cap:
        model(*args)
    assert cap["0"].output.shape == (3, 8) and cap["0"].output.statistics is None


def test_nothing_is_kept_unless_asked_for() -> None:
    model, args, _ = build("mlp")
    with inspector.capture(model) as cap:
        gone = weakref.ref(model(*args))
    assert gone() is None and cap[""].value is None
    with inspector.capture(model, keep=True) as cap:
        expected = model(*args)
    assert torch.equal(cap[""].value, expected) and cap[""].value is not expected
    assert not cap[""].value.requires_grad


def test_kept_outputs_are_copies_of_the_moment() -> None:
    model, args, _ = build("inplace_relu")
    with inspector.capture(model, keep=True) as cap:
        model(*args)
    assert cap["0"].value.min() < 0 <= cap["1"].value.min()


def test_containers_are_kept_whole() -> None:
    model = Returns(lambda x: NamedOut(x, {"h": [x]}))
    x = torch.ones(2)
    with inspector.capture(model, "", keep=True) as cap:
        model(x)
    x.zero_()
    kept = cap[""].value
    assert isinstance(kept, NamedOut) and torch.equal(kept.logits, torch.ones(2))
    assert torch.equal(kept.hidden["h"][0], torch.ones(2))


def test_keeping_a_list_that_contains_itself() -> None:
    model = Returns(contains_itself)
    with inspector.capture(model, keep=True) as cap:
        model(torch.ones(2))
    assert isinstance(cap[""].output, SequenceValue) and isinstance(cap[""].value, list)


def test_what_is_too_large_is_not_kept_and_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.api.capture.KEEP_BYTES", 100)
    model = nn.Sequential(Returns(lambda x: x.expand(10**9)), Returns(lambda x: x[:3]))
    with inspector.capture(model, "[01]", keep=True) as cap:
        model(torch.ones(1))
    assert cap["0"].value is None and cap["1"].value.tolist() == [1, 1, 1]


def test_an_error_goes_through_and_what_came_before_is_there() -> None:
    model, args, _ = build("raises_midway")
    with pytest.raises(RuntimeError), inspector.capture(model) as cap:
        model(*args)
    assert [(call.path, call.status) for call in cap.calls] == [
        ("a", "ok"), ("bad.0", "raised"), ("bad", "raised"), ("", "raised"),
    ]  # fmt: skip
    assert cap["bad"].output is None


def test_the_model_is_left_alone() -> None:
    model, args, _ = build("own_hooks")
    before = fingerprint(model)
    with inspector.capture(model):
        pass
    assert fingerprint(model) == before
    with inspector.capture(model) as outer, inspector.capture(model, "0") as inner:
        model(*args)
    assert (len(outer), len(inner)) == (3, 1)
    after = fingerprint(model)
    assert {key: after[key]["_forward_hooks"] for key in after if key.startswith("module")} == {
        key: before[key]["_forward_hooks"] for key in before if key.startswith("module")
    }


def test_capturing_does_not_change_training() -> None:
    def train(observed: bool) -> list[float]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4, 1))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        losses = []
        for _ in range(3):
            cap = inspector.capture(model)
            if observed:
                cap.__enter__()
            loss = model(torch.randn(8, 4)).square().mean()
            if observed:
                cap.__exit__(None, None, None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    assert train(True) == train(False)


def test_what_was_captured_is_printed_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    model, args, _ = build("shared_relu")
    before = fingerprint(model)
    with inspector.capture(model) as cap:
        model(*args)
    cap.view()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:6]] == ["a", "relu", "b", "relu", "(root)"]
    assert "relu #1" in lines[4]
    assert {k: v for k, v in fingerprint(model).items() if k != "random"} == {
        k: v for k, v in before.items() if k != "random"
    }


def test_no_public_name_is_shadowed_by_a_module_of_the_package() -> None:
    import importlib
    import pkgutil

    modules = {found.name for found in pkgutil.iter_modules(inspector.__path__)}
    assert not modules & set(inspector.__all__)
    for name in inspector.__all__:
        importlib.import_module("inspector.api.capture")
        assert callable(getattr(inspector, name)) or name == "__version__"
