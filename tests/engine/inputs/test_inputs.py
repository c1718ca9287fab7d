"""Specs, samples and guesses."""

from __future__ import annotations

import random
import types
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from inspector.engine.inputs import Sample, form_fields, guess, guess_candidates, sample_from_specs
from inspector.engine.inputs.proposals import proposals
from inspector.engine.inputs.sample import sample_from_values
from inspector.errors import TargetError, UsageError


class Anything(nn.Module):
    def forward(self, *args, **kwargs):
        return args, kwargs


class Keywords(nn.Module):
    def forward(self, ids, *, mask=None):
        return ids, mask


def sample(*specs: str, model: nn.Module | None = None, seed: int = 0) -> Sample:
    return sample_from_specs(specs, model or Anything(), seed)


@pytest.mark.parametrize(
    ("spec", "shape", "dtype"),
    [
        ("1x3x8x8", (1, 3, 8, 8), torch.float32),
        ("1×3×8×8", (1, 3, 8, 8), torch.float32),
        ("7x", (7,), torch.float32),
        ("7:float64", (7,), torch.float64),
        ("2x5:int64:3..4", (2, 5), torch.int64),
        ("2x5:bool", (2, 5), torch.bool),
        ("4x4:complex64", (4, 4), torch.complex64),
        ("0x3", (0, 3), torch.float32),
        ("2x3::0..1", (2, 3), torch.float32),
    ],
)
def test_a_shape_spec_draws_a_tensor(spec, shape, dtype):
    (drawn,) = sample(spec).args
    assert tuple(drawn.shape) == shape
    assert drawn.dtype == dtype


def test_bounds_are_inclusive_for_integers():
    (drawn,) = sample("1000x:int64:3..5").args
    assert sorted(set(drawn.tolist())) == [3, 4, 5]


def test_bounds_hold_for_floats():
    (drawn,) = sample("1000x:float32:-2..0.5").args
    assert -2 <= drawn.min() < -1.9
    assert 0.4 < drawn.max() <= 0.5


def test_integers_without_bounds_stay_inside_the_smallest_embedding():
    model = nn.ModuleList([nn.Embedding(50, 2), nn.Embedding(3, 2)])
    model.forward = lambda x: x
    (drawn,) = sample("1000x:int64", model=model).args
    assert int(drawn.max()) == 2


@pytest.mark.parametrize(
    ("spec", "value"),
    [("12", 12), ("-1.5", -1.5), ("true", True), ("False", False), ("none", None), ("'a, b'", "a, b")],
)
def test_plain_values(spec, value):
    assert sample(spec).args == (value,)
    assert sample(f"x={spec}").kwargs == {"x": value}


def test_named_specs_become_keywords():
    made = sample("ids=1x4:int64:0..9", "mask=1x4:bool", model=Keywords())
    assert made.args == ()
    assert list(made.kwargs) == ["ids", "mask"]


def test_lists_and_tuples():
    images, states = sample("[3x8x8,3x4x4]", "(1x2,[1x3,5])").args
    assert [tuple(image.shape) for image in images] == [(3, 8, 8), (3, 4, 4)]
    assert type(states) is tuple
    assert type(states[1]) is list
    assert states[1][1] == 5


def test_the_text_says_what_goes_in():
    assert sample("1x3x8x8").text == "1×3×8×8 float32"
    assert sample("[3x8x8]").text == "[3×8×8 float32]"
    assert sample("ids=1x4:int64:0..9", "flag=true").text == "ids=1×4 int64, flag=True"


def test_the_seed_decides_and_the_global_state_does_not():
    torch.manual_seed(1)
    first = sample("2x2", seed=5).args[0]
    torch.manual_seed(2)
    assert torch.equal(first, sample("2x2", seed=5).args[0])
    assert not torch.equal(first, sample("2x2", seed=6).args[0])


def test_the_models_own_dtype_and_device_are_used():
    assert sample("1x4", model=nn.Linear(4, 1).double()).args[0].dtype == torch.float64
    with torch.device("meta"):
        model = nn.Linear(4, 1)
    assert sample("1x4", model=model).args[0].is_meta


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("1x3xx", "neither a shape nor a value"),
        ("", "neither a shape nor a value"),
        ("1x3:floaty", "'floaty' is not a dtype"),
        ("1x3:int64:5", "not a range"),
        ("1x3:int64:5..4", "empty"),
        ("1x3:int8:0..500", "outside int8"),
        ("[1x3", "not closed"),
        ("hello", "neither a shape nor a value"),
    ],
)
def test_a_bad_spec_is_told_with_its_place_and_an_example(spec, said):
    with pytest.raises(UsageError, match="input 2 cannot be read") as caught:
        sample("1x3", spec)
    assert said in caught.value.problem.what
    assert repr(spec) in caught.value.problem.where
    assert "-i 1x3x224x224" in caught.value.problem.hint
    assert caught.value.exit_code == 2


def test_inputs_that_forward_does_not_take():
    with pytest.raises(UsageError, match="no parameter 'maks'") as caught:
        sample("1x4:int64", "maks=1x4", model=Keywords())
    assert caught.value.problem.hint == "did you mean mask=…?"
    with pytest.raises(UsageError, match="missing a required argument"):
        sample("mask=1x4", model=Keywords())
    with pytest.raises(UsageError, match="given twice"):
        sample("ids=1x4", "ids=1x4", model=Keywords())


def test_an_input_larger_than_the_machine_is_refused():
    with pytest.raises(UsageError, match="GiB"):
        sample("100000x100000")


def test_tensors_from_files(tmp_path: Path):
    kept = torch.arange(6.0).reshape(2, 3)
    torch.save(kept, tmp_path / "one.pt")
    torch.save((kept, kept + 1), tmp_path / "two.pt")
    torch.save({"ids": kept}, tmp_path / "named.pt")
    numpy.save(tmp_path / "n.npy", kept.numpy())
    numpy.savez(tmp_path / "n.npz", ids=kept.numpy())
    assert torch.equal(sample(f"@{tmp_path}/one.pt").args[0], kept)
    assert torch.equal(sample(f"x=@{tmp_path}/one.pt").kwargs["x"], kept)
    assert torch.equal(sample(f"@{tmp_path}/two.pt").args[1], kept + 1)
    assert torch.equal(sample(f"@{tmp_path}/named.pt", model=Keywords()).kwargs["ids"], kept)
    assert torch.equal(sample(f"@{tmp_path}/n.npy").args[0], kept)
    assert torch.equal(sample(f"@{tmp_path}/n.npz", model=Keywords()).kwargs["ids"], kept)


def test_an_image_becomes_a_batch_of_one(tmp_path: Path):
    from torchvision.io import write_png

    write_png(torch.full((3, 5, 7), 255, dtype=torch.uint8), str(tmp_path / "cat.png"))
    (image,) = sample(f"@{tmp_path}/cat.png").args
    assert tuple(image.shape) == (1, 3, 5, 7)
    assert float(image.max()) == 1.0
    ((inside,),) = sample(f"[@{tmp_path}/cat.png]").args
    assert tuple(inside.shape) == (3, 5, 7)


def test_a_pickle_that_holds_objects_is_refused(tmp_path: Path):
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(UsageError, match="cannot be loaded as plain tensors"):
        sample(f"@{tmp_path}/module.pt")


def test_files_that_cannot_be_used(tmp_path: Path):
    (tmp_path / "batch.pt").write_bytes(b"not a zip")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match="no file") as caught:
        sample(f"@{tmp_path}/bacth.pt")
    assert "batch.pt" in caught.value.problem.hint
    with pytest.raises(UsageError, match="cannot be loaded"):
        sample(f"@{tmp_path}/batch.pt")
    with pytest.raises(UsageError, match=r"'\.txt' cannot be read"):
        sample(f"@{tmp_path}/notes.txt")


def test_callables_make_the_call(tmp_path: Path):
    (tmp_path / "batches.py").write_text(
        "import torch\n"
        "def one(): return torch.rand(2)\n"
        "def several(): return torch.zeros(1), torch.ones(2)\n"
        "def whole(): return (torch.zeros(1),), {'mask': torch.ones(3)}\n"
        "def keywords(): return {'ids': torch.zeros(1)}\n"
        "def broken(): return missing\n"
        "value = torch.arange(3)\n"
    )
    path = tmp_path / "batches.py"
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = sample(f"{path}:one")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.args[0], sample(f"{path}:one").args[0])
    assert not torch.equal(one.args[0], one.fresh(9).args[0])
    assert [tuple(t.shape) for t in sample(f"{path}::several").args] == [(1,), (2,)]
    whole = sample(f"{path}:whole", model=Keywords())
    assert len(whole.args) == 1
    assert list(whole.kwargs) == ["mask"]
    assert list(sample(f"{path}:keywords", model=Keywords()).kwargs) == ["ids"]
    assert type(sample(f"x={path}:several").kwargs["x"]) is tuple
    assert sample(f"{path}:value").args[0].tolist() == [0, 1, 2]
    with pytest.raises(TargetError, match="NameError"):
        sample(f"{path}:broken")
    with pytest.raises(UsageError, match="no 'onne'"):
        sample(f"{path}:onne")


def test_fresh_redraws_what_is_random_and_keeps_what_was_given(tmp_path: Path):
    torch.save(torch.ones(2), tmp_path / "kept.pt")
    made = sample("2x2", f"@{tmp_path}/kept.pt", "3")
    (tmp_path / "kept.pt").unlink()
    again = made.fresh(1)
    assert not torch.equal(made.args[0], again.args[0])
    assert torch.equal(again.args[1], torch.ones(2))
    assert again.args[2] == 3
    assert torch.equal(again.args[0], again.fresh(1).args[0])
    assert (again.text, again.origin) == (made.text, "given")


Pair = namedtuple("Pair", "left right")


@dataclass
class Holder:
    tensor: torch.Tensor
    label: str


def test_a_copy_has_tensors_of_its_own_in_every_container():
    tensor = torch.zeros(2)
    other = object()
    args = ([tensor, (tensor,)], {"a": Pair(tensor, 1)}, OrderedDict(b=tensor), Holder(tensor, "x"), other)
    copied = sample_from_values(args, {"k": tensor}).copy()
    (first, inner), named, ordered, holder, kept = copied.args
    assert type(named["a"]) is Pair
    assert type(ordered) is OrderedDict
    assert kept is other
    places = [first, inner[0], named["a"].left, ordered["b"], holder.tensor, copied.kwargs["k"]]
    assert all(place is first for place in places), "one tensor stays one tensor"
    first.add_(1)
    assert tensor.tolist() == [0, 0]


def test_a_copy_does_not_multiply_out_an_expanded_tensor():
    huge = torch.ones(1).expand(10**12)
    (copied,) = sample_from_values((huge,), {}).copy().args
    assert copied.shape == huge.shape
    assert copied.data_ptr() != huge.data_ptr()
    assert copied.untyped_storage().nbytes() == 4


def test_a_copy_survives_odd_values():
    class Refuses(dict):
        def __setitem__(self, key, value):
            raise RuntimeError("read only")

        def __copy__(self):
            return Refuses()

    loop: list = [torch.zeros(1)]
    loop.append(loop)
    deep: list = [torch.zeros(1)]
    for _ in range(5000):
        deep = [deep]
    refuses = Refuses(a=torch.zeros(1))
    generator = iter([1])
    copied = sample_from_values((loop, deep, refuses, generator, torch.eye(2).to_sparse()), {}).copy()
    assert copied.args[0][0] is not loop[0]
    assert type(copied.args[2]) is Refuses and copied.args[2]["a"] is not refuses["a"]
    assert next(copied.args[3]) == 1
    assert copied.args[4].is_sparse


def test_a_copy_keeps_requires_grad_and_leaves_the_graph():
    tensor = (torch.ones(2, requires_grad=True) * 2).requires_grad_()
    (copied,) = sample_from_values((tensor,), {}).copy().args
    assert copied.requires_grad
    assert copied.is_leaf


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.fc = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Linear(400, 10)

    def forward(self, x):
        x = F.max_pool2d(self.b(F.max_pool2d(self.a(x), 2)), 2)
        return self.fc(x.flatten(1))


class OddSize(nn.Module):
    """Made for 77 to 80 pixels, which is in no list of usual sizes."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 6, 3), nn.Linear(6 * 19 * 19, 10)

    def forward(self, x):
        return self.fc(F.max_pool2d(self.conv(x), 4).view(-1, 6 * 19 * 19))


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.lstm = nn.Embedding(7, 4), nn.LSTM(4, 3, batch_first=True)

    def forward(self, input_ids, attention_mask=None):
        return self.lstm(self.table(input_ids))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.block_size = 8
        self.head, self.tok, self.pos = nn.Linear(4, 7), nn.Embedding(7, 4), nn.Embedding(8, 4)

    def forward(self, idx, targets=None):
        return self.head(self.tok(idx) + self.pos(torch.arange(idx.shape[1])))


class TwoTowers(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(5, 4), nn.Linear(7, 4)

    def forward(self, u, v):
        return self.a(u) * self.b(v)


class KeywordOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 4)

    def forward(self, *, x, scale: float):
        return self.fc(x) * scale


class OwnLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 11))

    def forward(self, x):
        return x @ self.weight.T


class Patches(nn.Module):
    """A head defined first, and a position table for one image size."""

    def __init__(self):
        super().__init__()
        self.head, self.patch = nn.Linear(8, 10), nn.Conv2d(3, 8, 8, 8)
        self.pos, self.image_size = nn.Parameter(torch.zeros(1, 36, 8)), 48

    def forward(self, img):
        return self.head((self.patch(img).flatten(2).transpose(1, 2) + self.pos).mean(1))


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: list[torch.Tensor]):
        return [self.conv(image[None]) for image in images]


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 16)

    def forward(self, x, hidden):
        return self.lstm(x, hidden)


class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(9, 4)

    def forward(self, x, edge_index):
        return torch.zeros(x.shape[0], 4).index_add(0, edge_index[1], self.fc(x)[edge_index[0]])


class OneOfSeveral(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 4)

    def forward(self, input_ids=None, inputs_embeds=None):
        if input_ids is None:
            raise ValueError("You have to specify input_ids or inputs_embeds")
        return self.table(input_ids)


GUESSABLE = {
    "mlp": lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU()),
    "lenet": LeNet,
    "odd size": OddSize,
    "atari": lambda: nn.Sequential(
        nn.Conv2d(4, 8, 8, 4), nn.Conv2d(8, 16, 4, 2), nn.Conv2d(16, 16, 3), nn.Flatten(), nn.Linear(784, 6)
    ),
    "tagger": Tagger,
    "gpt": Gpt,
    "two towers": TwoTowers,
    "keyword only": KeywordOnly,
    "own layer": OwnLayer,
    "patches": Patches,
    "images": Images,
    "stateful": Stateful,
    "graph": Graph,
    "one of several": OneOfSeveral,
    "double": lambda: nn.Linear(4, 2).double(),
    "batch norm in training": lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)),
    "conv1d": lambda: nn.Sequential(nn.Conv1d(2, 4, 5), nn.Flatten(), nn.Linear(784, 3)),
    "conv3d": lambda: nn.Sequential(nn.Conv3d(1, 2, 3), nn.AdaptiveAvgPool3d(1)),
    "generator": lambda: nn.Sequential(nn.ConvTranspose2d(100, 8, 4), nn.BatchNorm2d(8)),
    "bilinear": lambda: nn.Bilinear(3, 5, 2),
    "attention": lambda: nn.MultiheadAttention(16, 2),
    "transformer": lambda: nn.Transformer(16, 2, 1, 1, 32),
    "gru": lambda: nn.GRU(5, 6),
    "cell": lambda: nn.LSTMCell(4, 5),
    "bag": lambda: nn.EmbeddingBag(9, 4),
    "lazy": lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2)),
    "functional": nn.Identity,
    "wrapped": lambda: nn.DataParallel(TwoTowers()),
    "scripted": lambda: torch.jit.script(nn.Sequential(nn.Linear(4, 2))),
}


def attempt_on(model: nn.Module, tried: list[Sample] | None = None):
    def attempt(candidate: Sample) -> BaseException | None:
        if tried is not None:
            tried.append(candidate)
        copied = candidate.copy()
        try:
            model(*copied.args, **copied.kwargs)
        except Exception as error:
            return error
        return None

    return attempt


@pytest.mark.parametrize("name", GUESSABLE)
@pytest.mark.filterwarnings("ignore")
def test_a_sample_is_guessed_that_runs(name):
    model = GUESSABLE[name]()
    model.train(name == "batch norm in training")
    tried: list[Sample] = []
    found = guess(model, attempt_on(model, tried), 0)
    assert found is not None, [candidate.text for candidate in tried]
    assert found.origin == "guessed"
    assert len(tried) <= 8, [candidate.text for candidate in tried]


def test_guessing_draws_nothing_from_the_global_state():
    model = LeNet()
    before = torch.get_rng_state(), random.getstate()
    list(guess_candidates(model))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()


def test_candidates_are_few():
    for build in GUESSABLE.values():
        assert 0 < len(list(guess_candidates(build()))) <= 40


def test_guessing_stops_at_errors_that_no_shape_cures():
    class Broken(nn.Module):
        def forward(self, x):
            return self.nothing(x)

    tried: list[Sample] = []
    assert guess(Broken(), attempt_on(Broken(), tried)) is None
    assert len(tried) == 3


def test_guessing_stops_when_it_is_cancelled():
    tried = []

    def attempt(candidate):
        tried.append(candidate)
        return KeyboardInterrupt()

    assert guess(nn.Linear(2, 2), attempt) is None
    assert len(tried) == 1


def test_guessing_is_bounded():
    class Never(nn.Module):
        def forward(self, x):
            raise RuntimeError("wrong shape")

    model = Never()
    model.convs = nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Conv1d(2, 2, 1), nn.Linear(3, 3)])
    tried: list[Sample] = []
    assert guess(model, attempt_on(model, tried)) is None
    assert len(tried) <= 25


def test_an_error_whose_text_raises_is_survived():
    class Evil(ValueError):
        def __str__(self):
            raise RuntimeError("no text")

    assert guess(nn.Linear(2, 2), lambda candidate: Evil()) is None


def test_the_models_own_example_comes_first():
    model = nn.Linear(4, 2)
    model.example_input_array = torch.ones(7, 4)
    first = next(guess_candidates(model))
    assert first.origin == "known for this target"
    assert first.args[0] is model.example_input_array


def test_the_form_shows_forward_with_proposals():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(9, 4)

        def forward(self, ids, scale: float = 1.5, *more, flag=False, **rest):
            return ids

    fields = form_fields(Model().eval())
    assert [(f.name, f.kind, f.required) for f in fields] == [
        ("ids", "positional", True),
        ("scale", "positional", False),
        ("more", "*args", False),
        ("flag", "keyword", False),
        ("rest", "**kwargs", False),
    ]
    assert fields[0].proposal == "1x16:int64:0..8"
    assert (fields[1].annotation, fields[1].default) in {("float", "1.5")}


def test_every_proposal_of_the_form_can_be_read_back():
    for build in GUESSABLE.values():
        model = build()
        proposals = [field.proposal for field in form_fields(model) if field.proposal]
        assert proposals, type(model).__name__
        sample_from_specs(proposals, Anything(), 0)


def test_the_signature_of_a_deep_nest_without_forwards():
    model = nn.Module()
    for _ in range(3000):
        outer = nn.Module()
        outer.inner = model
        model = outer
    assert [field.kind for field in form_fields(model)] == ["*args"]
    loop = nn.Module()
    loop.inner = loop
    assert [field.kind for field in form_fields(loop)] == ["*args"]


def test_the_form_of_a_forward_without_parameters_is_empty():
    class Bare(nn.Module):
        def forward(self):
            return torch.ones(1)

    assert form_fields(Bare()) == ()
    assert next(guess_candidates(Bare())).args == ()


class Described(nn.Module):
    """As transformers' models look from outside: a config, and the name of the main input."""

    main_input_name = "input_ids"

    def __init__(self, **config):
        super().__init__()
        self.config = types.SimpleNamespace(model_type="of mine", **config)
        self.eval()

    def forward(self, input_ids, attention_mask=None, pixel_values=None, labels=None):
        return input_ids


def test_a_config_says_what_a_model_takes():
    model = Described(vocab_size=50, pad_token_id=0, image_size={"height": 32, "width": 16}, num_channels=1)
    first = next(proposals(model))
    assert first == ("input_ids=1x16:int64:1..49", "attention_mask=1x16:int64:1..1", "pixel_values=1x1x32x16")
    proposed = {field.name: field.proposal for field in form_fields(model)}
    assert proposed["pixel_values"] == "1x1x32x16" and proposed["labels"] == ""


def test_parts_of_a_config_are_looked_into():
    text = types.SimpleNamespace(model_type="text", vocab_size=20, eos_token_id=19, max_position_embeddings=8)
    vision = types.SimpleNamespace(model_type="vision", image_size=64)
    assert next(proposals(Described(text_config=text, vision_config=vision))) == (
        "input_ids=1x8:int64:0..18",
        "attention_mask=1x8:int64:1..1",
        "pixel_values=1x3x64x64",
    )


def test_a_guess_larger_than_memory_is_passed_over():
    model = Described(vocab_size=9, image_size=1_000_000)
    assert set(next(guess_candidates(model)).kwargs) == {"input_ids", "attention_mask"}


def test_inputs_are_left_out_one_kind_after_the_other():
    def attempt(sample):
        return None if set(sample.kwargs) == {"input_ids", "attention_mask"} else AttributeError("'NoneType' object")

    assert guess(Described(vocab_size=9), attempt).text == "input_ids=1×16 int64, attention_mask=1×16 int64"


@pytest.mark.parametrize(
    ("errors", "count"),
    [
        (["Image features and image tokens do not match, tokens: 0, features: 6"], 6),
        (["Image features and image tokens do not match: tokens: 0, features 6"], 6),
        # counted in numbers, not rows: 6 rows of 4
        (["Image features and image tokens do not match, tokens: 0, features: 24"] * 2, 6),
        (["Image features and image tokens do not match, tokens: 0, features: 24576"], 6144),
    ],
)
def test_a_model_says_how_many_placeholders_it_wants(errors, count):
    model, said = Described(vocab_size=100, image_token_id=7, hidden_size=4), list(errors)

    def attempt(sample):
        ids = sample.kwargs["input_ids"]
        if said:
            error = said.pop(0)
            return ValueError(error.replace("tokens: 0", f"tokens: {int((ids == 7).sum())}"))
        return None

    ids = guess(model, attempt).kwargs["input_ids"]
    assert ids.tolist() == [[7] * count]
