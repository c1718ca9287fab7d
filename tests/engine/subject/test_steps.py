"""The steps of a pass: batches and the tokens of `generate`, looked at one after the other, against plain PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.engine.subject import runner as runner_module
from inspector.errors import UsageError
from inspector.records import (
    AddHook,
    CallDetail,
    CallRows,
    MappingValue,
    Run,
    ShowStep,
    Target,
    TensorValue,
    Undo,
    Value,
)
from tests.fingerprint import fingerprint

TOKENS = 16


class Twice(nn.Module):
    """Calls `act` twice in each of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x) + self.act(x * 10)


def opened(model: nn.Module, *args: Any, **kwargs: Any) -> tuple[Session, list[Any]]:
    seen: list[Any] = []
    session = Session(seen.append)
    session.adopt(model, args, kwargs, "toy")
    return session, seen


def calls_at(session: Session, path: tuple[str, ...], step: int) -> tuple[CallDetail, ...]:
    answer(session, ShowStep(1, step))
    return session.calls_of(path).calls


def mean_of(value: Value | None) -> float:
    assert isinstance(value, TensorValue) and value.statistics is not None and value.statistics.mean is not None
    return value.statistics.mean


def test_every_batch_is_a_step_that_can_be_looked_at() -> None:
    session, seen = opened(Twice(), torch.ones(3))
    summary = session.run(Run(1, batches=3))
    assert (summary.steps, summary.batches, summary.calls, summary.prefill) == (3, 3, 9, False)
    rows = [event for event in seen if isinstance(event, CallRows)][-1]
    assert rows.step == 2 and [row.step for row in rows.rows] == [2] * 3, "the last one is looked at first"
    sample = session.subject.sample
    assert sample is not None
    for step in range(3):
        x = (sample if step == 0 else sample.fresh(step)).args[0]
        first, second = calls_at(session, ("act",), step)
        assert [(d.row.step, d.row.call, d.row.in_step) for d in (first, second)] == [
            (step, 2 * step, 0), (step, 2 * step + 1, 1),
        ]  # fmt: skip
        assert mean_of(first.output) == x.mean().item() and mean_of(second.output) == (x * 10).mean().item()
    with pytest.raises(UsageError, match="no step 3"):
        answer(session, ShowStep(1, 3))
    assert len(session.queries.trace(0, 100).calls) == 9
    session.close()


def test_every_hook_counts_the_whole_pass_whichever_step_is_looked_at() -> None:
    session, _ = opened(Twice(), torch.ones(3))
    answer(session, AddHook(1, "act", "scale(2)"))
    session.run(Run(1, batches=3))
    for step in range(3):
        session.show_step(step)
        rows = session.queries.hooks(("act",)).rows
        assert len(rows) == 3 and {row.fired for row in rows} == {6}, "two observe, one scales: called twice in a step"
    session.close()


def test_the_step_that_is_looked_at_stays_where_it_can() -> None:
    session, _ = opened(Twice(), torch.ones(3))
    last = session.runner.last
    session.run(Run(1, batches=4))
    assert last.step == 3
    session.show_step(1)
    session.run(Run(1, batches=4))
    assert last.step == 1, "another pass like it"
    session.run()
    assert last.step == 0
    session.run(Run(1, batches=2))
    assert last.step == 1, "who looked at the last one does so still"
    session.close()


def test_of_more_calls_than_there_is_room_for_the_oldest_steps_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "MOST_CALLS", 8)
    session, _ = opened(Twice(), torch.ones(3))
    summary = session.run(Run(1, batches=9))
    kept = sorted({call.step for call in session.runner.last.calls})
    assert summary.steps == 9 and summary.first_step == kept[0] > 0 and kept == list(range(kept[0], 9))
    assert len(session.runner.last.calls) <= 8 + 3 and all(len(calls_at(session, ("act",), n)) == 2 for n in kept)
    history = session.queries.history(("act",))
    assert history.batches == 9 and {series.name for series in history.series} >= {"output mean", "output #1 mean"}
    with pytest.raises(UsageError, match="no step 0"):
        session.show_step(0)
    session.close()


def test_a_pass_with_one_step_keeps_all_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "MOST_CALLS", 1)
    session, _ = opened(Twice(), torch.ones(3))
    assert session.run().calls == 3
    session.close()


def test_only_the_last_batch_is_compared_with_the_baseline() -> None:
    session, _ = opened(Twice(), torch.ones(3))
    session.add_hook("act", "scale(2, step=2)")
    session.run(Run(1, batches=3))
    assert [d.row.delta is not None for step in range(3) for d in calls_at(session, ("act",), step)] == (
        [False] * 4 + [True] * 2
    )
    session.close()


@pytest.fixture(scope="module")
def llama() -> Any:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        num_hidden_layers=3, hidden_size=32, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=100, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def ids() -> Tensor:
    return torch.randint(0, 100, (1, 5), generator=torch.Generator().manual_seed(1))


def generate(model: Any, ids: Tensor, **options: Any) -> Any:
    return model.generate(ids, max_new_tokens=TOKENS, do_sample=False, **options)


def test_tokens_are_steps_and_their_values_those_of_generate(llama: Any, ids: Tensor) -> None:
    plain = generate(llama, ids, output_hidden_states=True, return_dict_in_generate=True)
    before = fingerprint(llama)
    with inspector.capture(llama, "model.layers.*, model.norm", keep=True) as cap:
        generate(llama, ids)
    assert cap.steps == TOKENS == len(plain.hidden_states)
    for step, states in enumerate(plain.hidden_states):
        of_step = {call.path: call for call in cap.step(step)}
        for layer in range(2):
            assert torch.equal(of_step[f"model.layers.{layer}"].value, states[layer + 1])
        assert torch.equal(of_step["model.norm"].value, states[-1])
        assert of_step["model.norm"].call == step and of_step["model.norm"].call_in_step == 0
    assert fingerprint(llama) == before


def test_generating_in_a_session_shows_every_token(llama: Any, ids: Tensor) -> None:
    plain = generate(llama, ids, output_hidden_states=True, return_dict_in_generate=True)
    before = fingerprint(llama)
    session, _ = opened(llama, input_ids=ids)
    summary = session.run(Run(1, generate=TOKENS))
    assert summary.problem is None and (summary.steps, summary.prefill) == (TOKENS, True)
    assert isinstance(summary.output, TensorValue) and summary.output.shape == (1, 5 + TOKENS)
    assert mean_of(summary.output) == pytest.approx(plain.sequences.double().mean().item())
    for step, states in enumerate(plain.hidden_states):
        (layer,) = calls_at(session, ("model", "layers", "0"), step)
        assert isinstance(layer.output, TensorValue) and layer.output.shape == states[1].shape
        assert mean_of(layer.output) == pytest.approx(states[1].double().mean().item(), rel=1e-6)
    session.close()
    assert fingerprint(llama) == before


def cache_lengths(value: Value) -> list[int]:
    """The lengths of the keys of every layer in a cache."""
    items = value.items if not isinstance(value, TensorValue) else ()  # type: ignore[union-attr]
    if isinstance(value, MappingValue) and "keys" in value.keys:
        keys = value.items[value.keys.index("keys")]
        return [keys.shape[2]] if isinstance(keys, TensorValue) and len(keys.shape) == 4 else [0]
    return [length for item in items if hasattr(item, "items") for length in cache_lengths(item)]


def test_a_cache_is_as_long_as_it_was_at_that_moment(llama: Any, ids: Tensor) -> None:
    session, _ = opened(llama, input_ids=ids)
    session.run(Run(1, generate=4))
    for step in range(4):
        (last,) = calls_at(session, ("model", "layers", "2"), step)
        named = dict(zip(last.kwargs.keys, last.kwargs.items, strict=True))
        cache = named.get("past_key_values", named.get("cache"))
        assert cache is not None
        before, after = (5 + step - 1 if step else 0), 5 + step
        assert cache_lengths(cache)[:2] == [after, after], "the layers before it have put in this token"
        assert cache_lengths(cache)[2:] in ([before], [] if step == 0 else None), "and it has not"
    session.close()


def test_a_hook_on_a_step_changes_nothing_before_it(llama: Any, ids: Tensor) -> None:
    with inspector.capture(llama, "*", keep=True) as plain:
        generate(llama, ids)
    with (
        inspector.hooks(llama, {"model.layers.1": inspector.scale(3, step=3)}),
        inspector.capture(llama, "*", keep=True) as altered,
    ):
        generate(llama, ids)
    for step in range(TOKENS):
        pairs = list(zip(plain.step(step), altered.step(step), strict=True))
        same = [torch.equal(a.value, b.value) for a, b in pairs if isinstance(a.value, Tensor)]
        assert all(same) if step < 3 else not all(same), step


def test_a_hook_is_undone_and_its_steps_compared(llama: Any, ids: Tensor) -> None:
    session, _ = opened(llama, input_ids=ids)
    session.add_hook("model.layers.1", "scale(3, step='2:')")
    session.run(Run(1, generate=4))
    moved = [calls_at(session, ("model", "norm"), step)[0].row.delta for step in range(4)]
    assert [delta is not None and delta.rel_l2 > 0 for delta in moved] == [False, False, True, True]
    answer(session, Undo(1))
    session.run(Run(1, generate=4))
    assert all(calls_at(session, ("model", "norm"), step)[0].row.delta is None for step in range(4))
    session.close()


def test_what_cannot_generate_is_refused_with_the_way_out(llama: Any, ids: Tensor) -> None:
    session, _ = opened(Twice(), torch.ones(3))
    with pytest.raises(UsageError, match="Twice has no method generate") as caught:
        session.run(Run(1, generate=2))
    assert "--generate" in caught.value.problem.hint and not session.subject.info.generates
    assert session.run().problem is None
    session.close()
    session, _ = opened(llama, input_ids=ids)
    assert session.subject.info.generates
    with pytest.raises(UsageError, match="no graph"):
        session.run(Run(1, generate=2, backward=True))
    session.close()
    with pytest.raises(UsageError, match="no method generate"):
        inspector.inspect(Twice(), torch.ones(3), generate=2)


def test_where_no_token_goes_in_longer_than_the_others_nothing_is_called_prefill(llama: Any, ids: Tensor) -> None:
    session, _ = opened(llama, input_ids=ids[:, :1])
    assert not session.run(Run(1, generate=3)).prefill
    session.close()
    session, _ = opened(llama, input_ids=ids, use_cache=False)
    assert not session.run(Run(1, generate=3)).prefill
    session.close()


GENERATOR = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(20, 8), nn.Linear(8, 20)

    def forward(self, ids):
        return self.head(self.embed(ids)[:, -1])

    def generate(self, ids, max_new_tokens, do_sample):
        for _ in range(max_new_tokens):
            ids = torch.cat([ids, self(ids).argmax(1, keepdim=True)], 1)
        return ids
"""


def test_a_script_generates_as_the_session_did(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(GENERATOR)
    session = Session(lambda event: None)
    session.open(Target(f"{tmp_path / 'net.py'}:Net", inputs=("1x5:int64:0..19",)))
    plain = session.run(Run(1, generate=8)).output
    session.add_hook("head", "scale(-1, step='2:')")
    found: list[Tensor] = []
    handle = session.subject.tree.root.register_forward_hook(
        lambda module, args, output: found.append(output.argmax(1))
    )
    summary = session.run(Run(1, generate=8))
    handle.remove()
    assert summary.problem is None and summary.hook_counts.never_fired == 0 and summary.output != plain
    session.save(str(tmp_path / "script.py"))
    session.close()
    driver = "import runpy, torch; torch.save(runpy.run_path('script.py')['run'](), 'ids.pt')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", driver], cwd=tmp_path, env=environment, check=True, timeout=200)
    assert torch.load(tmp_path / "ids.pt")[0, 5:].tolist() == torch.cat(found[-8:]).tolist()
