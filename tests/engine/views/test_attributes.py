"""What a module says about itself is read without running any of its code."""

from __future__ import annotations

import inspect
import warnings
from typing import Annotated, Optional

import msgspec
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector.engine.source.signatures import signature_of
from inspector.engine.views.attributes import attributes_of
from inspector.records import OtherValue, ScalarValue
from inspector.records.badges import Badge
from inspector.text import ELLIPSIS

from ..source import source_models as models


def describe(value):
    if type(value) in (bool, int, float, str):
        return ScalarValue(type(value).__name__, value)
    return OtherValue(type(value).__name__, "described")


def read(module, **options):
    return attributes_of(module, ("a",), describe, **options)


def plain(mapping):
    return {key: getattr(item, "value", item) for key, item in zip(mapping.keys, mapping.items, strict=True)}


class Bomb:
    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __repr__

    def __eq__(self, other):
        raise RuntimeError("no eq")

    __hash__ = None


class Base(nn.Module):
    def __init__(self, width, *, depth=2):
        super().__init__()
        self.width, self._depth, self.seen = width, depth, 0
        self.lin = nn.Linear(2, 2)


class Odd(Base):
    """First line.

    Second.
        Indented.
    """

    __slots__ = ("empty", "extra")
    __constants__ = ("limit",)

    def __init__(self, bomb):
        super().__init__(width=3)
        self.bomb, self.extra, self.limit, self.quick = bomb, 5, 9, True

    @property
    def device(self):
        raise RuntimeError("a property ran")

    def __getattr__(self, name):
        if name in ("_modules", "_parameters", "_buffers"):
            return super().__getattr__(name)
        raise RuntimeError("__getattr__ ran")

    def forward(self, x):
        return x


def test_the_parts_of_a_module():
    found = read(Odd(Bomb()), badges=(Badge("tied"), Badge("lazy")))
    assert (found.path, found.class_name) == (("a",), f"{__name__}.Odd")
    assert (found.signature, found.docstring) == ("(x)", "First line.\n\nSecond.\n    Indented.")
    assert plain(found.hyperparameters) == {
        "bomb": OtherValue("Bomb", "described"),
        "width": 3,
        "_depth": 2,
        "limit": 9,
    }
    assert plain(found.flags) == {
        "training": True,
        "quick": True,
        "requires_grad": "all",
        "children": 1,
        "hooks (with ours)": 0,
        "tied": "shares a parameter with another module",
        "lazy": "has no shapes yet: the first pass gives them, and is asked for; they are taken back after it",
    }
    assert plain(found.others) == {"seen": 0, "extra": 5}


def test_torchs_own_bookkeeping_is_left_out():
    module = nn.Linear(2, 3).eval()
    module.register_forward_hook(lambda *_: None)
    module.register_full_backward_hook(lambda *_: None)
    module.compile(backend="eager")
    found = read(module)
    assert plain(found.hyperparameters) == {"in_features": 2, "out_features": 3}
    assert found.others.keys == ()
    assert plain(found.flags)["training"] is False
    assert plain(found.flags)["hooks (with ours)"] == 2
    assert plain(found.flags)["compiled"] == "with Module.compile()"


@pytest.mark.parametrize(("frozen", "words"), [((), "all"), ((0,), "some of its parameters"), ((0, 1), "none")])
def test_who_is_trained(frozen, words):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for index in frozen:
        model[index].requires_grad_(False)
    assert plain(read(model).flags)["requires_grad"] == words


def test_no_parameters_and_cycles():
    module = nn.ReLU()
    module.parent = nn.Sequential(module)
    assert plain(read(module).flags)["requires_grad"] == "no parameters"


@pytest.mark.parametrize("kind", [models.AnythingGoes, models.NeverTrue, models.PropertyForward, models.NoForward])
def test_hostile_modules(kind):
    found = read(kind())
    assert found.class_name.endswith(f".{kind.__name__}")
    assert "training" in found.flags.keys


def test_reading_changes_nothing():
    module = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)).train()
    before = module.parametrizations.weight[0]._u.clone()
    found = read(module)
    assert torch.equal(module.parametrizations.weight[0]._u, before)
    assert "Applies an affine linear" in found.docstring


def test_odd_keys_and_a_describe_that_raises():
    module = nn.Identity()
    module.__dict__["\ud800[/]" + "x" * 5000] = 1
    module.__dict__[7] = 2
    module._modules[Bomb] = nn.Identity()

    def refuse(value):
        raise ValueError("no")

    found = attributes_of(module, (), refuse)
    assert found.others.keys[0].startswith("\\ud800[/]") and found.others.keys[0].endswith(ELLIPSIS)
    assert found.others.keys[1] == "<int>"
    assert found.others.items[1] == OtherValue("int", "not described: ValueError")
    assert msgspec.msgpack.encode(found)


def test_many_attributes_are_cut():
    module = nn.Identity()
    for index in range(2000):
        setattr(module, f"a{index}", index)
    found = read(module).others
    assert (len(found.keys), len(found.items), found.length) == (500, 500, 2000)


def test_docstrings():
    assert read(models.Plain()).docstring == "Adds one."
    assert read(models.Inheriting()).docstring == "Adds one."
    assert read(models.NoForward()).docstring == ""

    class Documented(nn.Module):
        def forward(self, x):
            """Of the forward."""
            return x

    assert read(Documented()).docstring == "Of the forward."
    Documented.__doc__ = "x" * 10_000
    assert len(read(Documented()).docstring) == 4_096


# Signatures


def test_signatures_of_real_modules():
    assert signature_of(torchvision.models.resnet18()) == "(x: Tensor) -> Tensor"
    text = signature_of(nn.TransformerEncoderLayer(4, 1))
    assert text.startswith("(src: Tensor, src_mask: ") and text.endswith("is_causal: bool = False) -> Tensor")


def test_signatures_of_forwards_that_were_replaced():
    assert signature_of(models.patched()) == "(x)"
    assert signature_of(models.with_lambda()) == "(x)"
    assert signature_of(models.Decorated()) == "(x)"
    assert signature_of(models.with_wrapper_on_instance()) == "(x)"
    assert signature_of(models.StaticForward()) == "(x)"
    assert signature_of(models.NoForward()) == ""
    assert signature_of(models.PropertyForward()) == ""


def test_signatures_of_compiled_modules():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert signature_of(torch.jit.script(nn.ReLU())).endswith("Tensor input) -> Tensor")
        assert read(torch.jit.script(nn.Linear(1, 1))).hyperparameters.keys == ()
    assert signature_of(torch.compile(models.Plain(), backend="eager")) == "(x)"


def test_hostile_annotations_and_defaults():
    def forward(self, a, b=None, c=Bomb(), *, d=10**5000):  # noqa: B008
        return a

    forward.__annotations__ = {"a": Annotated[int, Bomb()], "b": Optional[Tensor], "c": "x" * 500}  # noqa: UP045
    module = nn.Identity()
    module.forward = forward.__get__(module)
    text = signature_of(module)
    assert text.startswith("(a: <_AnnotatedAlias>, b: ")
    assert "Tensor" in text and "typing" not in text and "= <Bomb>, *, d=int of " in text
    assert len(text) < 300


def _forward_with(source):
    namespace = {}
    exec(f"def forward{source}: pass", namespace)
    return namespace["forward"]


@settings(deadline=None)
@given(
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["", "*", "*args"]),
    st.integers(1, 2),
    st.booleans(),
    st.data(),
)
def test_plain_signatures_read_as_python_writes_them(positional, ordinary, star, keyword, extra, data):
    parts = ["self", *(f"p{i}" for i in range(positional)), "/"] if positional else ["self"]
    parts += [f"o{i}" for i in range(ordinary)]
    if star:
        value = data.draw(st.sampled_from(["1", "None", "'a'", "(1, 2)", "1.5", "True"]))
        parts += [star, *(f"k{i}={value}" for i in range(keyword))]
    parts += ["**more"] if extra else []
    function = _forward_with(f"({', '.join(parts)})")
    module = nn.Identity()
    module.forward = function.__get__(module)
    assert signature_of(module) == str(inspect.signature(module.forward))
