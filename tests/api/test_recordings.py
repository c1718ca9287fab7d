"""Recordings as objects: kept by `capture` and `record`, saved, loaded, and put in anywhere; truth by plain hooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import inspector
import inspector.api.capture
from inspector.engine.changes.recipe import collect
from inspector.engine.session import Session
from inspector.errors import UsageError


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)), nn.Linear(4, 4))


def seen(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The outputs of every module the moment they come, by plain forward hooks."""
    found: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(
            lambda m, a, out, name=name: found.__setitem__(f"{name or '(root)'}:output", out.clone())
        )
        for name, module in model.named_modules()
    ]
    model(x)
    for handle in handles:
        handle.remove()
    return found


def equal(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return set(a) == set(b) and all(torch.equal(a[key], b[key]) for key in b)


def test_outputs_of_a_capture_are_a_recording() -> None:
    model, x = net(), torch.randn(2, 4)
    with inspector.capture(model, keep=True) as cap:
        model(x)
    truth = seen(model, x)
    assert equal(cap.recordings, truth) and list(cap.recordings) == list(truth)
    assert cap.recordings.model == "Sequential" and cap.recordings.nbytes == 6 * 2 * 4 * 4
    assert "1.1:output" in repr(cap.recordings) and "2×4" in repr(cap.recordings)
    with inspector.capture(model) as cap, pytest.raises(UsageError, match="no outputs were kept"):
        cap.recordings  # noqa: B018


def test_what_record_keeps_is_a_recording_of_the_same_keys() -> None:
    model, x = net(), torch.randn(2, 4)
    with inspector.hooks(model, {"*,(root)": inspector.record("all")}) as on:
        model(x)
    assert isinstance(on.recorded["all"], inspector.Recording)
    assert equal(on.recorded["all"], seen(model, x))


def test_outputs_past_the_budget_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspector.api.capture, "KEEP_BYTES", 40)
    model = net()
    with inspector.capture(model, keep=True) as cap:
        model(torch.randn(2, 4))
    with pytest.warns(RuntimeWarning, match="not kept, from 1.0:output on: capture fewer"):
        found = cap.recordings
    assert list(found) == ["0:output"] and found.left_out == (
        "1.0:output",
        "1.1:output",
        "1:output",
        "2:output",
        "(root):output",
    )
    assert "5 left out" in repr(found)


def test_a_recording_is_saved_and_loaded(tmp_path: Path) -> None:
    model, x = net(), torch.randn(2, 4)
    with inspector.capture(model, keep=True) as cap:
        model(x)
    recording, file = cap.recordings, tmp_path / "clean.safetensors"
    recording.save(file)
    loaded = inspector.load(file)
    assert equal(loaded, recording) and loaded.file == recording.file == str(file) and loaded.model == "Sequential"
    with pytest.raises(UsageError, match="there already"):
        recording.save(file)
    with pytest.raises(UsageError, match="does not end with"):
        recording.save(tmp_path / "clean.pt")
    with pytest.raises(UsageError, match="nothing was recorded"):
        inspector.Recording({}).save(tmp_path / "empty.safetensors")
    with pytest.raises(UsageError, match="no file"):
        inspector.load(tmp_path / "nope.safetensors")


def test_tensors_that_share_memory_are_saved(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    parts = {"a:output": whole[0], "b:output": whole[1:], "c:output": whole.T, "d:output": torch.ones(1).expand(5)}
    inspector.Recording(parts).save(tmp_path / "parts.safetensors")
    assert equal(inspector.load(tmp_path / "parts.safetensors"), parts)


def test_a_recording_moves_to_a_device() -> None:
    recording = inspector.Recording({"a:output": torch.ones(3)}, "Net")
    assert recording.to("meta")["a:output"].is_meta and recording.to("meta").model == "Net"


def patched_by_hand(model: nn.Module, place: nn.Module, value: Tensor, x: Tensor) -> Tensor:
    handle = place.register_forward_hook(lambda m, a, out: value.clone())
    try:
        result: Tensor = model(x)
        return result
    finally:
        handle.remove()


def test_recordings_cross_blocks_files_and_models(tmp_path: Path) -> None:
    clean, other, x, y = net(), net(1), torch.randn(2, 4), torch.randn(2, 4)
    with inspector.capture(clean, keep=True) as cap:
        clean(x)
    recording = cap.recordings
    recording.save(tmp_path / "clean.safetensors")
    truth = patched_by_hand(other, other[1], recording["1:output"], y)
    by_hand = patched_by_hand(other, other[1], recording["0:output"], y)
    hooks: dict[str, Callable[[], object]] = {
        "object": lambda: inspector.patch(recording),
        "loaded": lambda: inspector.patch(inspector.load(tmp_path / "clean.safetensors")),
        "named": lambda: inspector.patch(str(tmp_path / "clean.safetensors")),
        "text": lambda: f"patch({str(tmp_path / 'clean.safetensors')!r})",
        "tensor": lambda: inspector.patch(recording["1:output"]),
        "key": lambda: inspector.patch(recording, at="1:output"),
        "dict": lambda: inspector.patch(dict(recording)),
    }
    for name, make in hooks.items():
        with inspector.hooks(other, {"1": make()}) as on:  # type: ignore[dict-item]
            assert torch.equal(other(y), truth), name
        assert not on.faults
    for hook in (inspector.patch(recording, at="0"), inspector.patch(recording["0:output"])):
        with inspector.hooks(other, {"1": hook}):
            assert torch.equal(other(y), by_hand)


def test_the_model_itself_is_a_place() -> None:
    model, x = net(), torch.randn(2, 4)
    with inspector.capture(model, "0", keep=True) as cap:
        model(x)
    with inspector.hooks(model, {"(root)": inspector.patch(cap.recordings, at="0")}):
        assert torch.equal(model(x), cap.recordings["0:output"])


def test_a_place_that_was_not_recorded_is_a_fault_that_names_near_ones() -> None:
    model, x = net(), torch.randn(2, 4)
    with inspector.capture(model, "1.0", keep=True) as cap:
        model(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with inspector.hooks(model, {"1.1": inspector.patch(cap.recordings)}) as on:
            model(x)
    assert "nothing of 1.1:output; it has 1.0:output" in str(on.faults[0])


class TwoStates(nn.Module):
    """Gives whole numbers and two states of one shape, as an LSTM does."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Twice()

    def forward(self, x: Tensor) -> Tensor:
        numbers, (h, c) = self.inner(x)
        return numbers + h + 10 * c


class Twice(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return torch.arange(3), (x * 2, x * 3)


def test_a_named_part_has_the_key_that_it_has_in_the_whole() -> None:
    """`where="[1][1]"` with a recording of everything once put in the first state for the second."""
    model, x = TwoStates(), torch.randn(3)
    with inspector.capture(model, "inner", keep=True) as cap:
        model(x)
    assert list(cap.recordings) == ["inner:output", "inner:output.1", "inner:output.2"]
    y = torch.randn(3)
    with inspector.hooks(model, {"inner": inspector.patch(cap.recordings, where="[1][1]")}) as on:
        assert torch.equal(model(y), torch.arange(3) + y * 2 + 10 * (x * 3))
    with inspector.hooks(model, {"inner": inspector.record("part", where="[1]")}) as on:
        model(x)
    assert list(on.recorded["part"]) == ["inner:output.1", "inner:output.2"]
    assert torch.equal(on.recorded["part"]["inner:output.2"], x * 3)


def test_gradients_are_recorded_and_put_in() -> None:
    model, x = net(), torch.randn(2, 4)
    middle: list[Tensor] = []
    handle = model[0].register_forward_hook(lambda m, a, out: out.retain_grad() or middle.append(out))
    model(x).pow(2).sum().backward()
    handle.remove()
    truth = middle[0].grad
    model.zero_grad()
    with inspector.hooks(model, {"0": inspector.record("g", on="grad")}) as on:
        model(x).pow(2).sum().backward()
    assert truth is not None and torch.equal(on.recorded["g"]["0:grad"], truth)
    expected = model[0].weight.grad
    model.zero_grad()
    with inspector.hooks(model, {"0": inspector.patch(on.recorded["g"], on="grad")}):
        model(x).sum().backward()  # another loss, and the gradient of the first from there on
    assert torch.equal(model[0].weight.grad, expected)


def test_a_hook_with_tensors_is_text_only_where_a_file_has_them(tmp_path: Path) -> None:
    recording = inspector.Recording({"0:output": torch.ones(2, 4)})
    assert str(inspector.patch(torch.ones(2, 4))) == "patch(<tensor 2×4>)"
    assert str(inspector.patch(recording, at="0")) == "patch(<recording of 1>, '0')"
    session = Session(lambda event: None)
    session.adopt(net(), (torch.ones(2, 4),), {}, "net")
    log = session.subject.change_log
    log.add("1", inspector.patch(recording, at="0"))
    with pytest.raises(UsageError, match="no file") as raised:
        collect(log)
    assert "save(" in raised.value.problem.hint
    recording.save(tmp_path / "r.safetensors")
    assert f"patch({str(tmp_path / 'r.safetensors')!r}, '0')" in [entry.do for entry in collect(log)]


def test_what_is_no_recording_is_refused() -> None:
    with pytest.raises(UsageError, match="a recording or a tensor, not 3"):
        inspector.patch(3)


def test_hooks_with_tensors_can_be_compared() -> None:
    tensor = torch.ones(2)
    assert inspector.patch(tensor) == inspector.patch(tensor)
    recording = inspector.Recording({"a:output": tensor})
    assert inspector.patch(recording) == inspector.patch(recording) != inspector.patch(inspector.Recording({}))


def test_steps_and_calls_have_keys_of_their_own() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.act(self.act(x) - 1)
            return result

    model, inputs = Shared(), [torch.randn(3) for _ in range(3)]
    with (
        inspector.capture(model, "act", keep=True) as cap,
        inspector.hooks(model, {"act": inspector.record("r")}) as on,
    ):
        for x in inputs:
            model(x)
    truth = {}
    for step, x in enumerate(inputs):
        at = f"@{step}" if step else ""
        truth |= {f"act{at}:output": x.relu(), f"act#1{at}:output": (x.relu() - 1).relu()}
    assert equal(cap.recordings, truth) and equal(on.recorded["r"], truth)
    with inspector.hooks(model, {"act": inspector.patch(cap.recordings, step=2)}):
        outputs = [model(torch.zeros(3)) for _ in inputs]
    assert torch.equal(outputs[2], model(inputs[2])) and not outputs[0].any()
