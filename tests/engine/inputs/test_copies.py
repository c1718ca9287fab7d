"""Passes run on copies: whatever a caller passed is afterwards as it was, or it is said."""

from __future__ import annotations

import threading
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import inspector
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.session import Session
from inspector.errors import InspectorError
from inspector.records import Opened


class Writes(nn.Module):
    """Changes all that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, held: Any) -> torch.Tensor:
        if isinstance(held, deque):
            held.append(held.popleft().add_(1))
        elif isinstance(held, Own | Slots | SimpleNamespace | Stubborn):
            held.x.add_(1)
            held.seen.append(held.x)
            held.count += 1
        elif isinstance(held, dict):
            held["x"].add_(1)
            held["new"] = 1
        else:
            held[0] += 1
        return self.linear(torch.ones(1, 2))


class Own:
    def __init__(self) -> None:
        self.x, self.seen, self.count = torch.zeros(2), [], 0


class Slots:
    __slots__ = ("count", "seen", "x")

    __init__ = Own.__init__


class Stubborn(Own):
    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("there is one of me")


def state_of(held: Any) -> str:
    if isinstance(held, Slots):
        return repr((held.x, held.seen, held.count))
    return repr(vars(held) if hasattr(held, "__dict__") else held)


def values() -> dict[str, Any]:
    numpy = pytest.importorskip("numpy")
    return {
        "deque": deque([torch.zeros(2), torch.zeros(2)]),
        "object": Own(),
        "slots": Slots(),
        "namespace": SimpleNamespace(x=torch.zeros(2), seen=[], count=0),
        "dict": {"x": torch.zeros(2)},
        "array": numpy.zeros(2),
        "bytes": bytearray(2),
    }


@pytest.mark.parametrize("name", list(values()))
def test_a_session_leaves_what_it_was_given(name: str) -> None:
    held = values()[name]
    before = state_of(held)
    session = Session(lambda event: None)
    opened = session.adopt(Writes(), (held,), {}, "writes")
    assert isinstance(opened, Opened) and not any("copied" in note for note in opened.info.notes)
    for _ in range(2):
        assert session.run().problem is None
    assert state_of(held) == before
    session.close()


def test_a_summary_leaves_what_it_was_given() -> None:
    held = Own()
    assert "Linear" in inspector.summary(Writes(), kwargs={"held": held})
    assert (held.count, held.seen, held.x.sum()) == (0, [], 0)


def test_a_cache_is_as_it_was() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).eval()
    ids = torch.arange(5)[None]
    with torch.no_grad():
        cache = model(ids, use_cache=True).past_key_values
    kept = [layer.keys.clone() for layer in cache.layers]
    session = Session(lambda event: None)
    session.adopt(model, (ids,), {"past_key_values": cache, "use_cache": True}, "llama")
    for _ in range(2):
        assert session.run().problem is None
    assert cache.get_seq_length() == 5 and all(map(torch.equal, kept, (layer.keys for layer in cache.layers)))
    session.close()


@pytest.mark.parametrize(
    ("held", "said"),
    [(Stubborn(), "there is one of me"), ((n for n in range(3)), "generator"), (threading.Lock(), "lock")],
)
def test_what_refuses_to_be_copied_is_said(held: Any, said: str) -> None:
    session = Session(lambda event: None)
    opened = session.adopt(Writes(), (held,), {}, "writes")
    (note,) = (note for note in opened.info.notes if "not all copied" in note)
    assert said in note
    session.set_input(("1x2",))
    assert not any("not all copied" in note for note in session.subject.info.notes)
    session.close()


def test_a_summary_says_it_too() -> None:
    try:
        text = inspector.summary(Writes(), Stubborn())
    except InspectorError as error:
        pytest.fail(str(error))
    assert "note: the input is not all copied" in text and "there is one of me" in text


def test_shared_parts_stay_shared() -> None:
    x = torch.zeros(2)
    copied = sample_from_values(([x], {"x": x}), {"again": x}).copy()
    assert copied.args[0][0] is copied.args[1]["x"] is copied.kwargs["again"] is not x


def test_of_a_model_only_what_a_plain_sample_holds_is_known() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    weight, other = model[0].weight, torch.ones(2)
    bare = sample_from_values((other, {"rows": [1, 2]}), {}).of(model)
    assert not bare.own and bare.copy().args[0] is not other
    held = sample_from_values((weight.data, [model[1].weight]), {}).of(model).copy()
    assert held.args[1][0] is model[1].weight and held.args[0] is not weight


def test_a_model_behind_an_attribute_of_a_sample_is_not_copied() -> None:
    class Batch:
        def __init__(self, model: nn.Module) -> None:
            self.model = model

    model = nn.Linear(2, 2)
    copy = sample_from_values((Batch(model),), {}).of(model).copy()
    assert copy.args[0].model is model
