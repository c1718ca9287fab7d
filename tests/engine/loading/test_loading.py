"""From a target as typed to a model: torchvision's names, files, modules, weights and placement."""

from __future__ import annotations

import gc
import random
import sys
from pathlib import Path

import numpy
import pytest
import torch
from torch import nn
from torchvision.models import list_models

from inspector.engine.inputs.sample import Sample
from inspector.engine.loading import Loaded, list_targets, load
from inspector.engine.loading.placement import set_mode
from inspector.engine.modules.tree import walk
from inspector.errors import TargetError, UsageError
from inspector.records import Choices, Target
from tests.models import build

NETS = '''"""Models of a user."""
import dataclasses
import functools
import random

import numpy
import torch
from torch import nn

import helper_of_nets


@dataclasses.dataclass
class Config:
    width: int = 3


class Block(nn.Module):
    """One block.

    More on it.
    """

    def __init__(self, width=3):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        return self.fc(x)


class Needs(nn.Module):
    def __init__(self, width, depth=1):
        super().__init__()
        self.fc = nn.Linear(width, depth)


class Holder:
    class Inner(Block):
        pass


def build(width: int = 3) -> nn.Module:
    torch.manual_seed(99), numpy.random.seed(99), random.seed(99)
    return Block(width)


def with_input():
    return Block(4), (torch.ones(2, 4),)


def with_keywords():
    return Block(4), (), {"x": torch.ones(2, 4)}


def one_argument():
    return Block(4), torch.ones(5, 4)


def wrong():
    return 12


def build_badly():
    raise ValueError("no such thing")


def helper(x):
    return x


def make_batch():
    return torch.ones(2)


@functools.cache
def cached_net():
    return Block()


ready = Block()
number = 3
'''


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of user files, with the import state put back afterwards."""
    before, modules = list(sys.path), set(sys.modules)
    (tmp_path / "nets_of_user.py").write_text(NETS)
    (tmp_path / "helper_of_nets.py").write_text("HELPS = True\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.path[:] = before
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def opened(target: str, *arguments: tuple[str, str], **options) -> Loaded:
    loaded = load(Target(target, arguments, **options))
    assert isinstance(loaded, Loaded)
    return loaded


def usage(target: str, *arguments: tuple[str, str], **options) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(Target(target, arguments, **options))
    assert caught.value.problem.exit_code == 2
    return caught.value


def run(loaded: Loaded) -> object:
    assert loaded.sample is not None
    copied = loaded.sample.copy()
    with torch.no_grad():
        return loaded.model(*copied.args, **copied.kwargs)


def random_states() -> list[bytes]:
    return [torch.get_rng_state().numpy().tobytes(), numpy.random.get_state()[1].tobytes(), repr(random.getstate())]


SAMPLED = {
    "resnet18": "1×3×224×224 float32",
    "squeezenet1_1": "1×3×224×224 float32",
    "inception_v3": "1×3×299×299 float32",
    "efficientnet_b1": "1×3×240×240 float32",
    "maxvit_t": "1×3×224×224 float32",
    "lraspp_mobilenet_v3_large": "1×3×224×224 float32",
    "ssdlite320_mobilenet_v3_large": "[3×320×320 float32]",
    "mc3_18": "1×3×16×112×112 float32",
    "raft_small": "1×3×128×128 float32, 1×3×128×128 float32",
    "quantized_shufflenet_v2_x0_5": "1×3×224×224 float32",
}


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.filterwarnings("ignore")
def test_a_torchvision_name_opens_with_an_input_that_runs(name):
    before = random_states()
    loaded = opened(name)
    assert random_states() == before
    assert loaded.kind == "torchvision"
    assert not loaded.model.training
    assert isinstance(loaded.sample, Sample)
    assert (loaded.sample.text, loaded.sample.origin) == (SAMPLED[name], "known for this target")
    run(loaded)


@pytest.mark.slow
@pytest.mark.parametrize("name", list_models())
@pytest.mark.filterwarnings("ignore")
def test_every_torchvision_name_opens_and_runs(name):
    before = random_states()
    loaded = opened(name)
    assert random_states() == before
    run(loaded)
    del loaded
    gc.collect()


def test_every_name_is_listed_with_its_family():
    listed = {choice.name: choice for choice in list_targets()}
    assert [name for name, choice in listed.items() if choice.kind == "torchvision"] == list_models()
    assert listed["resnet18"].detail == "classification · resnet"
    assert listed["raft_small"].detail == "optical flow · raft"
    assert listed["quantized_resnet18"].detail.startswith("quantized")


def test_the_seed_decides_the_weights():
    first, again, other = (opened("squeezenet1_1", seed=seed).model.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a download was tried")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    opened("ssdlite320_mobilenet_v3_large")
    opened("lraspp_mobilenet_v3_large")
    for key in ("weights", "weights_backbone", "pretrained"):
        assert "-w DEFAULT" in usage("ssdlite320_mobilenet_v3_large", (key, "True")).problem.hint
    with pytest.raises(TargetError, match="a download was tried"):
        load(Target("squeezenet1_1", weights="DEFAULT"))


def test_constructor_arguments_are_literals_or_text():
    loaded = opened("resnet18", ("num_classes", "7"), ("zero_init_residual", "true"))
    assert loaded.model.fc.out_features == 7
    assert not loaded.model.layer1[0].bn2.weight.any()
    assert opened("tv:resnet18").kind == "torchvision"


def test_the_sample_follows_the_arguments():
    loaded = opened("vit_b_32", ("image_size", "64"), ("num_classes", "3"))
    assert loaded.sample.text == "1×3×64×64 float32"
    run(loaded)


@pytest.mark.parametrize("name", ["keypointrcnn_resnet50_fpn"])
def test_detectors_get_targets_to_train_on(name):
    loaded = opened(name, ("num_classes", "2"), ("min_size", "64"), ("max_size", "64"), training=True)
    assert loaded.model.training
    assert set(run(loaded)) >= {"loss_classifier", "loss_keypoint"}


@pytest.mark.parametrize(
    ("options", "why"), [({"training": True}, "cannot train"), ({"dtype": "float64"}, "no other dtype")]
)
@pytest.mark.filterwarnings("ignore")
def test_a_quantized_name_opens_as_float_where_quantized_will_not_do(options, why):
    loaded = opened("quantized_shufflenet_v2_x0_5", **options)
    assert why in loaded.notes[0]
    run(loaded)


def test_unknown_names_and_arguments():
    assert "resnet18" in usage("resnet81").problem.hint
    unknown = usage("resnet18", ("num_clases", "3")).problem
    assert "no argument 'num_clases'" in unknown.what
    assert "num_classes" in unknown.where
    assert unknown.hint == "did you mean num_classes=…?"
    assert "sets layers itself" in usage("resnet18", ("layers", "[1]")).problem.what
    with pytest.raises(TargetError, match=r"resnet18\(num_classes='ten'\) raised TypeError"):
        load(Target("resnet18", (("num_classes", "ten"),)))


@pytest.mark.parametrize("text", ["net.onnx"])
def test_files_of_other_programs_say_what_can_be_opened(text):
    problem = usage(text).problem
    assert "other programs than PyTorch" in problem.what
    assert "model.py:NAME" in problem.where


def test_a_class_in_a_file(files):
    loaded = opened("nets_of_user.py:Block", ("width", "5"))
    assert (loaded.kind, loaded.model.fc.in_features, loaded.sample) == ("python file", 5, None)
    assert sys.modules["helper_of_nets"].HELPS
    assert sys.path[0] == str(files)
    assert type(loaded.model).__module__ == "nets_of_user"
    assert sys.modules["nets_of_user"].__name__ != "__main__"


def test_both_separators_attribute_paths_and_instances(files):
    assert type(opened("nets_of_user.py::Block").model).__name__ == "Block"
    assert type(opened("nets_of_user.py:Holder.Inner").model).__name__ == "Inner"
    assert opened("nets_of_user.py:ready").model is sys.modules["nets_of_user"].ready
    assert "module already" in usage("nets_of_user.py:ready", ("width", "3")).problem.what


def test_a_name_in_a_module_is_found_from_the_current_directory(files):
    (files / "pkg_of_user").mkdir()
    (files / "pkg_of_user" / "__init__.py").write_text("")
    (files / "pkg_of_user" / "mod.py").write_text("from torch import nn\nclass Net(nn.Linear):\n    pass\n")
    assert str(files) not in sys.path
    loaded = opened("pkg_of_user.mod:Net", ("in_features", "2"), ("out_features", "3"))
    assert (loaded.kind, loaded.model.out_features) == ("importable", 3)
    assert sys.path[0] == str(files)


def test_factories_give_models_with_their_inputs(files):
    assert opened("nets_of_user.py:build", ("width", "6")).model.fc.in_features == 6
    given = opened("nets_of_user.py:with_input")
    assert (given.sample.text, given.sample.origin) == ("2×4 float32", "known for this target")
    run(given)
    assert opened("nets_of_user.py:with_keywords").sample.text == "x=2×4 float32"
    assert opened("nets_of_user.py:one_argument").sample.text == "5×4 float32"
    assert opened("nets_of_user.py:with_input", inputs=("3x4",)).sample.text == "3×4 float32"


def test_the_random_state_is_untouched_by_code_that_seeds(files):
    before = random_states()
    opened("nets_of_user.py:build")
    assert random_states() == before
    with pytest.raises(TargetError):
        load(Target("nets_of_user.py:build_badly"))
    assert random_states() == before


def test_a_file_with_several_lists_them(files):
    listed = load(Target("nets_of_user.py"))
    assert isinstance(listed, Choices)
    rows = {choice.name.partition(":")[2]: choice for choice in listed.items}
    assert set(rows) == {"Block", "Needs", "build", "build_badly", "cached_net", "ready"}
    assert rows["Block"].detail == "(width=3) · One block."
    assert rows["build"].detail == "(width: int = 3) -> Module"
    assert rows["build"].kind == "factory"
    assert rows["ready"].detail == "an instance of Block"
    assert listed.items[-1].name == "nets_of_user.py:Needs", "what needs arguments comes last"


def test_annotations_that_are_text_are_listed_as_they_were_written(files):
    source = "class {0}(nn.Module):\n    def __init__(self, width: int = 3): super().__init__()\n"
    head = "from __future__ import annotations\nfrom torch import nn\n"
    (files / "later_of_user.py").write_text(head + source.format("Net") + source.format("Other"))
    listed = load(Target("later_of_user.py"))
    assert [choice.detail for choice in listed.items] == ["(width: int = 3)"] * 2


def test_the_only_candidate_is_opened(files):
    (files / "one_of_user.py").write_text(
        "from torch import nn\nfrom torch.nn import Linear\n"
        "class Net(nn.Linear):\n    def __init__(self): super().__init__(2, 2)\n"
        "class Part(nn.Module):\n    def __init__(self, width): super().__init__()\n"
    )
    loaded = opened("one_of_user.py")
    assert type(loaded.model).__name__ == "Net"
    assert loaded.notes == ("opened one_of_user.py:Net",)
    assert type(opened("one_of_user.py", ("width", "3")).model).__name__ == "Part"
    (files / "none_of_user.py").write_text("x = 1\n")
    assert "defines no nn.Module" in usage("none_of_user.py").problem.what


def test_an_edited_file_is_read_again(files):
    path = files / "edited_of_user.py"
    source = "from torch import nn\nclass Net(nn.Module):\n    width = 1\n"
    path.write_text(source)
    assert opened("edited_of_user.py:Net").model.width == 1
    path.write_text(source.replace("1", "2"))
    assert opened("edited_of_user.py:Net").model.width == 2


def test_a_file_never_shadows_another_module(files):
    for name in ("json", "nn-model", "helper_of_nets"):
        (files / f"{name}.py").write_text("from torch import nn\nclass Net(nn.Module):\n    pass\n")
    import json

    assert type(opened("json.py:Net").model).__module__ == "inspected_json"
    assert sys.modules["json"] is json
    assert type(opened("nn-model.py:Net").model).__module__ == "inspected_nn_model"


def test_relative_imports_work_inside_a_package(files):
    package = files / "rel_of_user" / "sub"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package.parent / "parts.py").write_text("WIDTH = 7\n")
    (package / "net.py").write_text(
        "from torch import nn\nfrom ..parts import WIDTH\n"
        "class Net(nn.Linear):\n    def __init__(self): super().__init__(WIDTH, 1)\n"
    )
    assert opened("rel_of_user/sub/net.py:Net").model.in_features == 7


def test_siblings_are_imported_as_when_the_file_is_run(files):
    (files / "sub").mkdir()
    (files / "sub" / "beside_of_user.py").write_text("WIDTH = 9\n")
    (files / "sub" / "runs.py").write_text(
        "from torch import nn\nfrom beside_of_user import WIDTH\ndef build():\n    return nn.Linear(WIDTH, 1)\n"
    )
    assert opened("sub/runs.py:build").model.in_features == 9


@pytest.mark.parametrize(
    ("place", "source", "command"),
    [
        ("pkg_of_user/net.py", "from pkg_of_user.parts import WIDTH\n", "pkg_of_user.net:NAME"),
        ("pkg_of_user/net.py", "from .parts import WIDTH\n", "pkg_of_user.net:NAME"),
        ("pkg_of_user/sub/net.py", "from ..parts import WIDTH\n", "pkg_of_user.sub.net:NAME"),
    ],
)
def test_where_running_a_file_would_fail_the_command_that_works_is_named(files, place, source, command):
    """No __init__.py: the file is in a package only for those who import it from above."""
    path = files / place
    path.parent.mkdir(parents=True)
    (files / "pkg_of_user" / "parts.py").write_text("WIDTH = 7\n")
    path.write_text(f"from torch import nn\n{source}class Net(nn.Linear):\n    pass\n")
    with pytest.raises(TargetError) as caught:
        load(Target(f"{place}:Net"))
    hint = caught.value.problem.hint
    assert "running the file fails as well" in hint and str(files) in hint and hint.endswith(f"inspector {command}")
    dotted = opened(f"{command.partition(':')[0]}:Net", ("in_features", "3"), ("out_features", "1"))
    assert dotted.model.in_features == 3


def test_a_module_that_is_nowhere_is_to_be_installed(files):
    (files / "lonely.py").write_text("import nowhere_to_be_found_xyz\n")
    with pytest.raises(TargetError) as caught:
        load(Target("lonely.py:Net"))
    assert "pip install nowhere-to-be-found-xyz" in caught.value.problem.hint


def test_pickle_and_inspect_find_the_class_again(files):
    import inspect
    import pickle

    loaded = opened("nets_of_user.py:Block")
    assert "self.fc(x)" in inspect.getsource(type(loaded.model).forward)
    assert type(pickle.loads(pickle.dumps(loaded.model))) is type(loaded.model)


def test_what_is_not_there(files):
    problem = usage("nets_of_usr.py:Block").problem
    assert "no file nets_of_usr.py" in problem.what
    assert "nets_of_user.py" in problem.hint
    problem = usage("nets_of_user.py:Blok").problem
    assert "no 'Blok' in nets_of_user.py" in problem.what
    assert "Block" in problem.hint
    problem = usage("nets_of_usr:Block").problem
    assert "module not found: nets_of_usr" in problem.what
    assert problem.hint == "did you mean nets_of_user?"
    assert "module not found: torch.nn.nothing" in usage("torch.nn.nothing:X").problem.what
    assert "lacks a name" in usage("torch.nn:").problem.what
    assert usage("").problem.what == "no target was given"


def test_what_cannot_be_built(files):
    problem = usage("nets_of_user.py:Needs").problem
    assert "needs width" in problem.what
    assert problem.hint == "inspector nets_of_user.py:Needs width=VALUE"
    assert "it takes width, depth" in usage("nets_of_user.py:Needs", ("widht", "3")).problem.where
    assert "is a int" in usage("nets_of_user.py:number").problem.what
    assert "returned a int" in usage("nets_of_user.py:wrong").problem.what
    (files / "notes.txt").write_text("x")
    assert "neither Python" in usage("notes.txt").problem.what


def test_their_error_comes_with_their_traceback_only(files):
    with pytest.raises(TargetError, match=r"your code raised in nets_of_user\.py:build_badly: ValueError") as caught:
        load(Target("nets_of_user.py:build_badly"))
    problem = caught.value.problem
    text = "\n".join(line.text for line in problem.traceback)
    assert problem.exit_code == 1
    assert 'raise ValueError("no such thing")' in text
    assert problem.where.startswith(str(files / "nets_of_user.py") + ":")
    assert "usercode.py" not in text
    assert "importlib" not in text


@pytest.mark.parametrize(
    ("source", "kind", "hint"),
    [
        ("def f(:\n", "SyntaxError", ""),
        ("import not_there_at_all\n", "ModuleNotFoundError", "pip install not-there-at-all"),
        ("import sys\nsys.exit(3)\n", "SystemExit", "__main__"),
        ("class E(BaseException):\n    def __str__(self): raise OSError\nraise E\n", "E", ""),
        ("def f(n): return f(n + 1)\nf(0)\n", "RecursionError", ""),
        ("from . import sibling\n", "ImportError", ""),
    ],
)
def test_a_file_that_raises_when_it_is_imported(files, source, kind, hint):
    (files / "bad_of_user.py").write_text(source)
    for target in ("bad_of_user.py", "bad_of_user.py:Net", "bad_of_user:Net"):
        with pytest.raises(TargetError, match="your code raised while bad_of_user") as caught:
            load(Target(target))
        problem = caught.value.problem
        assert problem.kind == kind
        assert hint in problem.hint
        assert len(problem.traceback) < 200
        assert "inspector/engine" not in "\n".join(line.text for line in problem.traceback)
        assert "bad_of_user" not in sys.modules


@pytest.fixture
def net(tmp_path: Path) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    with torch.no_grad():
        model[0].weight.fill_(7)
    return model


def load_net(tmp_path: Path, state: object, **options) -> Loaded:
    torch.save(state, tmp_path / "state.pt")
    (tmp_path / "net_for_weights.py").write_text(
        "from torch import nn\ndef build(): return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))\n"
    )
    return opened(f"{tmp_path}/net_for_weights.py:build", weights=str(tmp_path / "state.pt"), **options)


def test_a_state_dict_fills_the_model(net, tmp_path, files):
    assert (load_net(tmp_path, net.state_dict()).model[0].weight == 7).all()
    nested = load_net(tmp_path, {"epoch": 3, "state_dict": net.state_dict()})
    assert (nested.model[0].weight == 7).all()
    assert "entry 'state_dict'" in nested.notes[0]
    old = {key: value for key, value in net.state_dict().items() if "num_batches" not in key}
    assert (load_net(tmp_path, old).model[0].weight == 7).all()


def test_a_state_dict_that_does_not_fit_is_told_whole(net, tmp_path, files):
    state = net.state_dict()
    state["extra"] = state.pop("0.bias")
    state["0.weihgt"] = state.pop("0.weight")
    state["1.bias"] = torch.zeros(9)
    with pytest.raises(UsageError, match=r"2 missing, 2 unexpected, 1 of another shape\. Nothing was loaded") as caught:
        load_net(tmp_path, state)
    where = caught.value.problem.where
    assert "missing: 0.weight, 0.bias" in where
    assert "0.weihgt (nearest: 0.weight)" in where
    assert "1.bias: 9 in the file, 3 in the model" in where


def test_a_prefix_of_a_wrapper_is_recognised(net, tmp_path, files):
    state = {f"module.{key}": value for key, value in net.state_dict().items()}
    with pytest.raises(UsageError, match="missing") as caught:
        load_net(tmp_path, state)
    assert "every key starts with 'module.'" in caught.value.problem.hint


def test_files_that_hold_no_state_dict(net, tmp_path, files):
    with pytest.raises(UsageError, match="holds no state dict but a list"):
        load_net(tmp_path, [1, 2])
    with pytest.raises(UsageError, match="holds no state dict but a dict with the keys epoch"):
        load_net(tmp_path, {"epoch": 3})
    with pytest.raises(UsageError, match="cannot be loaded as plain tensors"):
        load_net(tmp_path, net)
    assert "no file" in usage("resnet18", weights="nothing.pt").problem.what
    assert "names of torchvision and timm" in usage("nets_of_user.py:Block", weights="DEFAULT").problem.what


def test_dtype_and_mode():
    loaded = opened("torch.nn:Linear", ("in_features", "2"), ("out_features", "2"), dtype="bfloat16", training=True)
    assert loaded.model.weight.dtype == torch.bfloat16
    assert loaded.model.training
    cast = opened("squeezenet1_1", dtype="float64")
    assert cast.sample.args[0].dtype == torch.float64
    assert opened("ssdlite320_mobilenet_v3_large", dtype="bfloat16").sample.args[0][0].dtype == torch.bfloat16


def test_meta_has_shapes_and_no_values(net, tmp_path, files):
    loaded = opened("resnet18", device="meta")
    assert loaded.sample.args[0].is_meta
    assert run(loaded).shape == (1, 1000)
    assert opened("regnet_y_400mf", device="meta").model.fc.weight.is_meta, "its constructor reads values"
    assert "fits" in load_net(tmp_path, net.state_dict(), device="meta").notes[0]


def test_a_model_stays_where_its_own_code_put_it(files):
    (files / "meta_of_user.py").write_text(
        "import torch\nfrom torch import nn\ndef build(): return nn.Linear(2, 2, device='meta')\n"
    )
    assert opened("meta_of_user.py:build").model.weight.is_meta
    assert "no values to move" in usage("meta_of_user.py:build", device="cpu").problem.what


def test_devices_and_dtypes_that_are_not_there():
    assert "-d takes" in usage("resnet18", device="gpu").problem.hint
    assert "cannot be used" in usage("resnet18", device="cuda:99").problem.what
    assert "did you mean --dtype bfloat16?" in usage("resnet18", dtype="bfloat61").problem.hint
    assert "not a dtype a model can run in" in usage("resnet18", dtype="int64").problem.what


def test_specs_are_checked_before_anything_is_built():
    assert "input 1 cannot be read" in usage("no_such_model", inputs=("1x3xx",)).problem.what


def test_a_loop_of_modules_is_opened_and_switched(files):
    (files / "loop_of_user.py").write_text(
        "from torch import nn\n"
        "def build():\n"
        "    model = nn.Module()\n    model.child = nn.Linear(2, 2)\n    model.child.parent = model\n    return model\n"
    )
    loaded = opened("loop_of_user.py:build")
    assert not loaded.notes and not loaded.model.child.training
    cast = opened("loop_of_user.py:build", dtype="bfloat16").model.child
    assert {cast.weight.dtype, cast.bias.dtype} == {torch.bfloat16}, "as torch's own walk would"


@pytest.mark.parametrize("name", ["unhashable", "eq_all", "cyclic", "deep_nest"])
def test_every_module_is_switched_where_torchs_own_walk_fails(name: str) -> None:
    model = build(name)[0]
    for node in walk(model).objects():
        node.module.training = True
    assert set_mode(model, False) == ()
    assert not any(node.module.training for node in walk(model).objects())


def test_a_module_that_stays_as_it_is_is_left_so() -> None:
    class Frozen(nn.Module):
        def train(self, mode: bool = True) -> nn.Module:
            self.training = False
            return self

    model = nn.Sequential(Frozen(), build("eq_all")[0])
    set_mode(model, True)
    assert not model[0].training and model[1][1].training


def test_what_refuses_to_be_switched_is_said() -> None:
    class Refuses(nn.Module):
        def train(self, mode: bool = True) -> nn.Module:
            raise ValueError("always in training")

    assert set_mode(Refuses(), False) == ("not switched to eval mode: ValueError: always in training",)
