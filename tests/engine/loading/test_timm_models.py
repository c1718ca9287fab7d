"""`timm:NAME`."""

from __future__ import annotations

import importlib.util
import socket

import pytest
import torch

from inspector.engine.loading import list_targets, timm_models
from inspector.errors import TargetError
from inspector.records import Target

from .opening import loaded, pairs, passed, refused

timm = pytest.importorskip("timm", reason="timm is not installed")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_a_name_opens_with_random_weights_and_an_image_of_its_own_size():
    session = passed("timm:resnet10t")
    assert session.subject.sample.text == "1×3×176×176 float32"
    assert session.subject.info.kind == "timm" and session.subject.info.input_origin == "known for this target"
    torch.manual_seed(0)
    expected = timm.create_model("resnet10t").state_dict()
    found = session.subject.tree.root.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize(
    ("name", "arguments", "input_text"),
    [
        ("resnet10t", "in_chans=1 num_classes=3", "1×1×176×176"),
        ("resnet10t", "features_only=True out_indices=(1,2) in_chans=4", "1×4×176×176"),
        ("test_vit", "img_size=64", "1×3×64×64"),
        ("test_vit", "img_size=(64,96)", "1×3×64×96"),
        ("resnet10t.c3_in1k", "global_pool=max", "1×3×176×176"),
    ],
)
def test_arguments_change_the_model_and_its_input(name, arguments, input_text):
    session = passed(f"timm:{name}", *pairs(arguments))
    assert session.subject.sample.text == f"{input_text} float32"


def test_training_takes_two():
    assert loaded("timm:resnet10t", training=True).sample.text.startswith("2×")


def test_names_and_arguments_that_there_are_not():
    assert "timm:resnet10t" in refused("timm:resnet10tt")
    assert "timm:resnet50.a1_in1k" in refused("timm:resnet50.a1")
    unknown = refused("timm:resnet10t", ("num_clases", "3"))
    assert "no argument 'num_clases'" in unknown and "did you mean num_classes" in unknown
    assert "-w DEFAULT" in refused("timm:resnet10t", ("pretrained", "True"))
    assert "lacks a name" in refused("timm:")


def test_an_error_of_its_own_is_told_as_such():
    with pytest.raises(TargetError, match=r"timm:resnet10t\(num_classes='ten'\) could not be built: TypeError"):
        loaded("timm:resnet10t", ("num_classes", "ten"))


def test_every_name_is_listed_without_importing_timm():
    listed = {choice.name for choice in timm_models.list_names()}
    assert listed == {f"timm:{name}" for name in timm.list_models()}
    assert listed <= {choice.name for choice in list_targets()}


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: find_spec(name, *rest) if name != "timm" else None
    )
    assert 'pip install "torch-inspector[timm]"' in refused("timm:resnet10t")
    assert "\n" not in refused("timm:resnet10t").partition("\n")[0]
    assert timm_models.list_names() == ()


FAMILIES = [
    "resnet10t", "test_convnext", "test_vit", "test_efficientnet",
    "test_mlp_mixer", "test_nfnet", "test_resnet", "test_byobnet",
    "test_regnet", "mobilenetv3_small_050", "ghostnet_050", "levit_128s",
    "xcit_nano_12_p16_224", "tinynet_e", "mobileone_s0", "edgenext_xx_small",
    "poolformerv2_s12", "efficientformer_l1", "repvit_m0_9", "maxvit_nano_rw_256",
    "tf_efficientnet_b0",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_families_open_and_run(name):
    if not timm.is_model(name):
        pytest.skip(f"this timm has no {name}")
    assert passed(f"timm:{name}").summary.calls > 10


def test_a_target_record_may_say_none_for_no_weights():
    assert loaded("timm:resnet10t", weights="none").kind == "timm" and Target("x").weights == ""
