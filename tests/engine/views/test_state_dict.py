"""A rehearsed load says what torch's own would, and writes nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inspector.engine.loading.files.keys import Names, fits, needless_prefix
from inspector.engine.views.state_dict import MAX_ROWS, report, report_file
from inspector.errors import UsageError
from inspector.records import StateDictReport
from tests.fingerprint import fingerprint
from tests.models import build, names


def keys(found: StateDictReport, state: str) -> list[str]:
    return [row.key for row in found.rows if row.state == state]


def said(found: StateDictReport) -> str:
    return "\n".join(found.notes)


def small() -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Linear(4, 2)))


def test_what_a_model_saves_fits_it() -> None:
    model = torchvision.models.resnet18()
    before = fingerprint(model)
    found = report(model, None, "")
    assert found.counts == {"fits": 122, "missing": 0, "unexpected": 0, "mismatched": 0}
    assert found.total == len(found.rows) == 122 and found.file == "" and found.notes == ()
    row = next(row for row in found.rows if row.key == "fc.weight")
    assert (row.in_file, row.in_model) == ("1000×512 float32", "1000×512 float32")
    assert fingerprint(model) == before


def test_every_difference_is_a_row_and_the_worst_come_first() -> None:
    model, state = small(), small().state_dict()
    state["fc.weight"] = torch.ones(3, 4)
    state["fc.extra"] = state.pop("fc.bias")
    state["conv.weight"] = state["conv.weight"].half()
    del state["norm.num_batches_tracked"]
    found = report(model, state, "net.pt")
    assert [row.state for row in found.rows[:3]] == ["mismatched", "missing", "unexpected"]
    mismatched, missing, unexpected = found.rows[:3]
    assert (mismatched.key, mismatched.in_file, mismatched.in_model) == ("fc.weight", "3×4 float32", "2×4 float32")
    assert (missing.key, missing.in_model, missing.in_file) == ("fc.bias", "2 float32", "")
    assert (unexpected.key, unexpected.in_file, unexpected.in_model) == ("fc.extra", "2 float32", "")
    assert "conv.weight: float16 to float32" in said(found)
    assert found.counts == {"fits": 6, "missing": 1, "unexpected": 1, "mismatched": 1} and found.total == 9


def test_a_prefix_is_seen_on_either_side() -> None:
    state = {f"module.{key}": value for key, value in small().state_dict().items()}
    found = report(small(), state, "")
    assert "every key of the file starts with 'module.', and 9 are in the model without it" in said(found)
    assert {row.key: row.nearest for row in found.rows}["module.fc.bias"] == "fc.bias"
    found = report(nn.ModuleDict({"backbone": small()}), small().state_dict(), "")
    assert "every key of the model starts with 'backbone.', and 9 are in the file without it" in said(found)
    assert {row.key: row.nearest for row in found.rows}["backbone.fc.bias"] == "fc.bias"


@pytest.mark.parametrize("name", names("plain", "state", without=("hostile", "big", "raises", "wrap")))
def test_it_says_of_every_model_what_torch_says(name: str) -> None:
    model, *_ = build(name)
    try:
        state = model.state_dict()
    except Exception as error:  # some toys cannot be saved: that is told, and nothing else
        assert type(error).__name__ in said(report(model, None, "")) or "contains itself" in said(report(model, {}, ""))
        return
    for index, key in enumerate(list(state)):
        if index % 3 == 1:
            state[f"{key}.more"] = state.pop(key)
    before = fingerprint(model)
    found = report(model, state, "")
    assert fingerprint(model) == before
    with torch.inference_mode(name == "inference_parameters"):  # only there can it be written to
        expected = model.load_state_dict(state, strict=False)
    assert sorted(keys(found, "missing")) == sorted(
        key for key in expected.missing_keys if not key.endswith("num_batches_tracked")
    )
    assert sorted(keys(found, "unexpected")) == sorted(expected.unexpected_keys)


PARTS = st.sampled_from(["conv", "norm", "fc", "other", "weight", "bias", "running_mean", "_extra_state", ""])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=3).map(".".join), max_size=8), st.integers(0, 9))
def test_any_keys_are_sorted_as_torch_sorts_them(extra: list[str], dropped: int) -> None:
    model = small()
    state = dict(list(model.state_dict().items())[dropped:])
    for key in extra:
        state.setdefault(key, torch.ones(1))
    found = report(model, state, "")
    wrong = set(keys(found, "mismatched"))
    expected = model.load_state_dict({key: value for key, value in state.items() if key not in wrong}, strict=False)
    missing = [key for key in expected.missing_keys if key not in wrong and not key.endswith("num_batches_tracked")]
    assert sorted(keys(found, "missing")) == sorted(missing)
    assert sorted(keys(found, "unexpected")) == sorted(expected.unexpected_keys)


def test_keys_go_through_the_pre_hooks_of_each_module() -> None:
    def rename(module, state, prefix, *rest):
        state[f"{prefix}weight"] = state.pop(f"{prefix}kernel")

    model, state = small(), small().state_dict()
    model.conv.register_load_state_dict_pre_hook(rename)
    state["conv.kernel"] = state.pop("conv.weight")
    found = report(model, state, "")
    assert found.counts["fits"] == 9 == found.total
    assert "conv.kernel" in state and "conv.weight" not in state
    assert "took keys out, 1 in all: conv.kernel" in said(found)
    assert "put keys in, 1 in all: conv.weight" in said(found)
    assert "ran 1 load_state_dict pre-hooks: " in said(found) and "rename of conv" in said(found)


def test_a_hook_sees_the_keys_of_its_own_module_only() -> None:
    seen: dict[str, list[str]] = {}

    def look(module, state, prefix, metadata, strict, *rest):
        assert strict is True
        seen[prefix] = list(state)
        state.clear()

    model = small()
    model.norm.register_load_state_dict_pre_hook(look)
    found = report(model, None, "")
    assert list(seen) == ["norm."] and all(key.startswith("norm.") for key in seen["norm."]) and len(seen["norm."]) == 5
    assert len(keys(found, "missing")) == 4 and keys(found, "fits") == [
        "conv.weight", "conv.bias", "fc.weight", "fc.bias",
    ]  # fmt: skip


def test_hooks_may_edit_the_lists_as_in_torch() -> None:
    def excuse(module, state, prefix, metadata, strict, missing, unexpected, errors):
        missing.append("made up")
        errors.append("I do not like it")

    model = small()
    model.register_load_state_dict_pre_hook(excuse)
    found = report(model, None, "")
    assert keys(found, "missing") == ["made up"] and "loading would fail: I do not like it" in said(found)


def test_what_hooks_raise_is_told_and_the_rest_goes_on() -> None:
    def fails(*args):
        raise ValueError("no [/] thanks\x1b")

    def leaves(*args):
        raise SystemExit(3)

    model = small()
    model.conv.register_load_state_dict_pre_hook(fails)
    model.fc.register_load_state_dict_pre_hook(leaves)
    found = report(model, None, "")
    assert found.counts["fits"] == 9
    assert "of conv raised ValueError: no [/] thanks" in said(found) and "of fc raised SystemExit" in said(found)


def test_whatever_hooks_write_to_the_model_is_put_back() -> None:
    def writes(module, *args):
        with torch.no_grad():
            module.fc.weight.add_(1)
        module.fc.bias = nn.Parameter(torch.ones(2))
        module.extra = 1
        module.register_forward_hook(print)

    model = small()
    model.register_load_state_dict_pre_hook(writes)
    model.register_state_dict_pre_hook(lambda module, *args: module.norm.running_mean.data.fill_(9))
    state = small().state_dict()
    before = fingerprint(model)
    found = report(model, state, "")
    assert fingerprint(model) == before
    assert "put back: fc.weight: values" in said(found) and "norm.running_mean: values" in said(found)


def test_post_hooks_are_named_and_not_run() -> None:
    def pardon(module, incompatible):
        raise AssertionError("must not run")

    model = small()
    model.fc.register_load_state_dict_post_hook(pardon)
    found = report(model, None, "")
    assert "did not run 1 load_state_dict post-hooks" in said(found) and "pardon of fc" in said(found)


def test_state_dict_hooks_that_a_load_does_not_undo_are_found() -> None:
    """What torch itself would save here, it could not load."""
    model = small()
    model.register_state_dict_post_hook(lambda module, state, *args: state.update(more=torch.ones(1)))
    found = report(model, None, "")
    assert keys(found, "unexpected") == ["more"] and "ran 1 state_dict hooks" in said(found)


def test_a_model_that_cannot_be_saved() -> None:
    def fails(*args):
        raise RuntimeError("not today")

    model = small()
    model.register_state_dict_pre_hook(fails)
    assert "not today" in said(report(model, None, ""))
    assert report(model, small().state_dict(), "").counts["fits"] == 9
    model = nn.Sequential(nn.Linear(1, 1))
    model[0].back = model
    found = report(model, {}, "")
    assert found.rows == () and "contains itself" in said(found)


class Extra(nn.Linear):
    def get_extra_state(self):
        return {"version": 1}

    def set_extra_state(self, state):
        raise AssertionError("must not run")


def test_extra_state() -> None:
    model = Extra(1, 1)
    assert report(model, None, "").counts["fits"] == 3
    found = report(model, nn.Linear(1, 1).state_dict(), "")
    assert keys(found, "missing") == ["_extra_state"]
    assert keys(report(nn.Linear(1, 1), model.state_dict(), ""), "unexpected") == ["_extra_state"]


class OwnLoader(nn.Linear):
    def _load_from_state_dict(self, *args):
        raise AssertionError("must not run")


def test_a_loader_of_its_own_is_said() -> None:
    found = report(nn.Sequential(OwnLoader(1, 1)), None, "")
    assert found.counts["fits"] == 2 and "OwnLoader loads in a way of its own" in said(found)


def test_lazy_and_meta_and_scalar() -> None:
    assert report(nn.LazyLinear(2), nn.Linear(3, 2).state_dict(), "").counts["fits"] == 2
    assert report(nn.Linear(3, 2, device="meta"), nn.Linear(3, 2).state_dict(), "").counts["fits"] == 2
    assert (
        fits(torch.ones(1), torch.ones(())) and not fits(torch.ones(2), torch.ones(())) and not fits(1, torch.ones(1))
    )


def test_odd_keys_and_values_of_a_state_dict() -> None:
    found = report(nn.Linear(1, 1), {"weight": "text", "\ud800[/]": None, 3: 4}, "")  # type: ignore[dict-item]
    assert keys(found, "mismatched") == ["weight"] and keys(found, "unexpected") == ["\\ud800[/]"]
    assert "no name but of the type int" in said(found)


@pytest.mark.parametrize("nest", ["", "model"])
def test_a_file(tmp_path: Any, nest: str) -> None:
    state = small().state_dict()
    torch.save({nest: state, "epoch": 3} if nest else state, tmp_path / "net.pt")
    found = report_file(small(), str(tmp_path / "net.pt"))
    assert found.counts["fits"] == 9 and found.file.endswith("net.pt") and ("'model'" in said(found)) is bool(nest)
    assert report_file(small(), "").file == ""


def test_a_safetensors_file(tmp_path: Any) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file(small().state_dict(), tmp_path / "net.safetensors")
    assert report_file(small(), str(tmp_path / "net.safetensors")).counts["fits"] == 9


def test_no_file_and_no_state_dict(tmp_path: Any) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    for name in ("gone.pt", "list.pt"):
        with pytest.raises(UsageError):
            report_file(small(), str(tmp_path / name))


def test_the_nearest_name() -> None:
    found = Names(["layer1.0.conv1.weight", "layer2.0.conv1.weight", "layer1.0.conv2.weight", "head.bias"])
    assert found.nearest("blocks.layer2.0.conv1.weight") == "layer2.0.conv1.weight"
    assert found.nearest("layer1.0.conv_1.weight") == "layer1.0.conv1.weight"
    assert found.nearest("heads.bias") == "head.bias"
    assert found.nearest("nothing") == "" and Names([]).nearest("a") == ""


def test_thousands_of_keys_take_no_time_and_few_rows() -> None:
    state = {f"encoder.blocks.{number}.attention.weight": torch.ones(1) for number in range(20_000)}
    model = nn.Module()
    model.blocks = nn.ModuleList(nn.PReLU() for _ in range(2_000))
    began = time.process_time()
    found = report(model, state, "")
    assert time.process_time() - began < 5
    assert found.total == 22_000 and len(found.rows) == MAX_ROWS and found.counts["unexpected"] == 20_000


def test_a_name_of_a_million_parts_is_no_trap() -> None:
    began = time.process_time()
    assert Names(["." * 100_000 + "weight"]).nearest("a.weight") in ("", "." * 100_000 + "weight")
    assert time.process_time() - began < 2


def test_needless_prefix() -> None:
    assert needless_prefix(["m.a", "m.b"], ["a"]) == ("m.", 1)
    assert needless_prefix(["m.a", "n.b"], ["a"]) == needless_prefix([], []) == needless_prefix(["m"], [""]) == ("", 0)
