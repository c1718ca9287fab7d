"""What each line of a forward made, held against the same computed with plain PyTorch beside it."""

from __future__ import annotations

import sys
from pathlib import Path as FilePath
from typing import Any

import msgspec
import pytest
import torch
import torch.nn.functional as F
import torchvision
import transformers
from torch import Tensor, nn

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.engine.subject.runner import Runner
from inspector.errors import UsageError
from inspector.records import CallLines, Event, GetLines, LineRuns, LineVisit, Path, Run, TensorValue
from tests.fingerprint import fingerprint

from .line_models import (
    Attention,
    Checkpointed,
    Decorated,
    Expressions,
    Functional,
    Functional2,
    Helpers,
    Inference,
    Loop,
    Raises,
    line_of,
)


def opened(model: nn.Module, *args: Any, backward: bool = False, **kwargs: Any) -> Session:
    session = Session([].append)
    session.adopt(model, args, kwargs, "model")
    session.run(Run(session.generation, backward=backward))
    return session


def lines(session: Session, path: Path = (), call: int | None = None, frame: int = 0) -> CallLines:
    reply = answer(session, GetLines(session.generation, path, call, frame))
    assert isinstance(reply, CallLines)
    assert msgspec.json.decode(msgspec.json.encode(reply), type=CallLines) == reply
    return reply


def at(found: CallLines, line: int | str) -> LineRuns:
    number = line_of(line) if isinstance(line, str) else line
    return next(each for each in found.lines if each.line == number)


def values(visit: LineVisit) -> dict[str, TensorValue]:
    return {each.name: each.value for each in visit.values if isinstance(each.value, TensorValue)}


def check(value: TensorValue, expected: Tensor) -> None:
    assert value.shape == tuple(expected.shape)
    assert value.statistics is not None and value.statistics.mean is not None
    assert value.statistics.mean == pytest.approx(expected.double().mean().item(), abs=1e-5)
    assert value.statistics.max == pytest.approx(expected.double().max().item(), abs=1e-5)


def test_every_line_of_a_functional_forward() -> None:
    model, x = Functional(), torch.randn(2, 4)
    found = lines(opened(model, x))
    gelu = F.gelu(model.a(x))
    out = model.b(gelu)
    (nested,) = at(found, "nested").kept
    check(values(nested)["out"], out)
    if sys.version_info >= (3, 11):
        written = [call.expression for call in nested.calls]
        assert written == ["self.a(h)", "F.gelu(self.a(h))", "self.b(F.gelu(self.a(h)))"]
    check(nested.calls[1].value, gelu)  # type: ignore[arg-type]  # as is checked
    (added,) = at(found, "in place").kept
    assert [(each.name, each.in_place) for each in added.values] == [("out", True)]
    check(values(added)["out"], out + x)
    changed = (out + x).clone()
    changed[0] = 0
    written_through = values(at(found, "through a view").kept[0])
    assert {"out", "view"} <= set(written_through)
    check(written_through["out"], changed)
    check(values(at(found, "attribute").kept[0])["self.seen"], changed.mean(0))
    check(values(at(found, "several").kept[0])["return"], torch.cat([changed, changed], 1))
    assert at(found, "several").visits == 1
    assert found.unreached == (line_of("unreached"),)
    assert values(found.lines[0].kept[0])["h"].histogram is not None


def test_a_decorated_forward_is_given_its_input_at_its_def() -> None:
    x = torch.randn(3)
    found = lines(opened(Decorated(), x))
    given = found.lines[0]
    assert (given.line, given.end_line) == (line_of("decorated"), line_of("decorated") + 3)
    check(values(given.kept[0])["x"], x)
    assert [(each.line, each.end_line) for each in found.lines[1:]] == [(given.line + 5, given.line + 5)]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python tells no columns")
def test_each_expression_has_its_place_and_its_value() -> None:
    model, x = Expressions(), torch.randn(3, 4)
    found = lines(opened(model, x))
    text = FilePath(found.file).read_text().splitlines()
    (visit,) = at(found, "expressions").kept
    written = {call.expression: call for call in visit.calls}
    for expression, call in written.items():
        assert call.span is not None and call.span.line == call.span.end_line == line_of("expressions")
        assert text[call.span.line - 1][call.span.column : call.span.end_column] == expression
    doubled = x * 2
    expected = {"x[:, 0]": x[:, 0], "-x[:, 0]": -x[:, 0], "x.T": x.T, "ü * 2": doubled, "x.T @ (ü * 2)": x.T @ doubled}
    assert set(expected) <= set(written), list(written)
    for expression, value in expected.items():
        check(written[expression].value, value)  # type: ignore[arg-type]  # as is checked
    several_at = line_of("over lines")
    (several,) = at(found, several_at).kept
    (span,) = [call.span for call in several.calls]
    assert span is not None and (span.line, span.end_line, span.end_column) == (several_at, several_at + 3, 9)


def test_what_is_written_in_inference_mode_is_told() -> None:
    found = lines(opened(Inference(), torch.ones(2, 3)))
    expected = {"method": {"y"}, "subscript": {"y", "view"}, "out": {"kept"}, "nothing written": set()}
    for name, written in expected.items():
        (visit,) = at(found, f"inference {name}").kept
        assert {each.name for each in visit.values if each.in_place} == written, name
    check(values(at(found, "inference subscript").kept[0])["y"], torch.tensor([[5.0, 3, 3], [3, 3, 3]]))


def test_functions_of_torch_can_be_entered() -> None:
    model, x = Attention(), torch.randn(2, 3, 4)  # with dropout of 0
    session = opened(model, x)
    forward = lines(session, ("attention",))
    (inner,) = [call for run in forward.lines for call in run.kept[-1].calls if call.frame]
    inside = lines(session, ("attention",), frame=inner.frame)
    assert inside.source is not None and inside.source.title == "multi_head_attention_forward"
    text = FilePath(inside.file).read_text().splitlines()
    written = {text[run.line - 1].strip(): run.line for run in inside.lines}
    assert not any("return handle_torch_function" in line for line in written)
    out, _ = model.attention(x, x, x)
    check(
        values(at(inside, written["attn_output = attn_output.view(tgt_len, bsz, attn_output.size(1))"]).kept[0])[
            "attn_output"
        ],
        out.transpose(0, 1),
    )
    pooled = F.max_pool1d(out, 2)
    found = lines(session)
    for name, value in (("chosen", pooled), ("interpolated", F.interpolate(pooled, scale_factor=2.0))):
        (call,) = at(found, name).kept[0].calls
        check(call.value, value)  # type: ignore[arg-type]  # as is checked
        assert call.frame and "F." in call.expression, name  # all of the line before Python 3.11


def test_who_looks_changes_nothing_of_what_runs() -> None:
    """In evaluation torch's attention takes a way of its own, where nobody hears of operations."""
    model = Attention().eval().requires_grad_(False)
    found = lines(opened(model, torch.randn(2, 3, 4)), ("attention",))
    (call,) = found.lines[-1].kept[0].calls
    assert "torch._native_multi_head_attention" in call.expression


def test_a_loop_keeps_each_visit_and_the_bad_one() -> None:
    model, x = Loop(steps=200, bad=100), torch.rand(1, 3)
    found = lines(opened(model, x))
    bad = at(found, "bad")
    assert bad.visits == 200 and len(bad.kept) <= 64
    wrong = [visit.number for visit in bad.kept if values(visit)["y"].statistics.nan]  # type: ignore[union-attr]
    assert wrong == [100]
    h = x
    for _ in range(200):
        h = torch.tanh(model.cell(h))
    last = at(found, "body").kept[-1]
    assert last.number == 199
    check(values(last)["h"], h)
    assert at(found, "append").kept[0].values[0].in_place


def test_a_line_that_raises_is_the_last() -> None:
    found = lines(opened(Raises(), torch.ones(2, 3)))
    (visit,) = at(found, "raises").kept
    assert "RuntimeError" in visit.error and found.lines[-1].line == line_of("raises")
    assert line_of("never") in found.unreached


def test_helpers_can_be_entered() -> None:
    model, x = Helpers(), torch.randn(3, 2)
    session = opened(model, x)
    found = lines(session)
    scaled = x * 2 + 1
    (visit,) = at(found, "function").kept
    check(values(visit)["x"], scaled)
    (call,) = visit.calls
    inside = lines(session, frame=call.frame)
    check(values(at(inside, "in the helper").kept[0])["doubled"], x * 2)
    assert inside.source is not None and "def scale" in inside.source.text
    deeper = next(each for run in inside.lines for each in run.kept[-1].calls if each.frame)
    assert values(lines(session, frame=deeper.frame).lines[-1].kept[0])["return"].shape == (3, 2)
    for name in ("method", "closure"):
        assert [each.frame > 0 for each in at(found, name).kept[0].calls] == [True], name
    assert sum(each.value.shape == (3, 2) for each in at(found, "comprehension").kept[0].calls) == 3  # type: ignore[union-attr]
    generator = [each.frame for each in at(found, "generator").kept[0].calls if each.frame]
    assert len(generator) == 3 and len(set(generator)) == 1
    twice = at(lines(session, frame=generator[0]), "in the generator")
    assert twice.visits == 3
    check(values(twice.kept[1])["twice"], (scaled + 1 - x.mean())[1] * 2)


def test_each_call_of_a_shared_module_has_its_own_lines() -> None:
    shared = Functional2()
    session = opened(nn.Sequential(shared, nn.Tanh(), shared), torch.ones(1, 4))
    first, second = (lines(session, ("0",), call) for call in (0, 1))
    assert first.total == 2
    check(values(at(first, "recomputed").kept[0])["y"], torch.sigmoid(shared.a(torch.ones(1, 4))))
    assert values(at(first, "recomputed").kept[0]) != values(at(second, "recomputed").kept[0])
    with pytest.raises(UsageError, match="no call #2"):
        lines(session, ("0",), 2)


class Blocks(nn.Module):
    """Blocks of which one is called twice, and one by its forward alone."""

    def __init__(self) -> None:
        super().__init__()
        self.functional, self.shared, self.direct = Functional(), Functional2(), Functional2()

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.shared(x))
        self.direct.forward(x)
        return self.functional(x)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The nodes for which a pass was run in the background."""
    nodes: list[int] = []
    fetch = Runner.fetch_values

    def see(runner: Runner, index: int, call: Any = None) -> None:
        nodes.append(index)
        fetch(runner, index, call)

    monkeypatch.setattr(Runner, "fetch_values", see)
    return nodes


def test_one_pass_tells_the_lines_of_all_modules(fetched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = Blocks(), torch.randn(2, 4)
    session = opened(model, x)
    lines(session)
    monkeypatch.setattr(session.runner, "_waiting", lambda: True)  # so that no pass is run for histograms
    first, second = (lines(session, ("shared",), call) for call in (0, 1))
    once = model.shared(x)
    twice = model.shared(once)
    check(values(at(first, "recomputed").kept[0])["y"], torch.sigmoid(model.shared.a(x)))
    check(values(at(second, "recomputed").kept[0])["y"], torch.sigmoid(model.shared.a(once)))
    (nested,) = at(lines(session, ("functional",)), "nested").kept
    check(values(nested)["out"], model.functional.b(F.gelu(model.functional.a(twice))))
    assert len(nested.calls) == 3
    layer = lines(session, ("functional", "a"))
    check(layer.lines[-1].kept[0].values[0].value, model.functional.a(twice))  # type: ignore[arg-type]
    assert "not called" in lines(session, ("direct",)).note
    assert fetched == [0]


def test_what_is_known_is_told_before_histograms_are_fetched(fetched: list[int]) -> None:
    heard: list[Event] = []
    session = Session(heard.append)
    session.adopt(Blocks(), (torch.randn(2, 4),), {}, "model")
    session.run()
    lines(session)
    found = lines(session, ("functional",))
    early = next(event for event in heard if isinstance(event, CallLines))
    brief, full = (values(at(each, "nested").kept[0])["out"] for each in (early, found))
    assert brief.statistics is not None and full.statistics is not None
    assert brief.statistics.mean == pytest.approx(full.statistics.mean)
    assert brief.histogram is None and full.histogram is not None
    assert len(fetched) == 2


def test_modules_for_which_there_was_no_time_are_fetched_by_themselves(
    monkeypatch: pytest.MonkeyPatch, fetched: list[int]
) -> None:
    monkeypatch.setattr("inspector.engine.tracing.descriptions.SECONDS", 0.0)
    model, x = Blocks(), torch.randn(2, 4)
    session = opened(model, x)
    lines(session, ("functional",))
    found = lines(session, ("shared",), 0)
    assert len(fetched) == 2
    check(values(at(found, "recomputed").kept[0])["y"], torch.sigmoid(model.shared.a(x)))


def test_of_several_steps_the_one_that_is_looked_at_is_told(fetched: list[int]) -> None:
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=50, eos_token_id=None,
    )  # fmt: skip
    session = Session([].append)
    session.adopt(transformers.LlamaForCausalLM(config).eval(), (torch.randint(50, (1, 5)),), {}, "model")
    session.run(Run(session.generation, generate=3))
    for step, length in ((2, 1), (0, 5)):
        session.show_step(step)
        for name in ("self_attn", "mlp"):
            found = lines(session, ("model", "layers", "0", name))
            given = next(each.value for each in found.lines[0].kept[0].values if each.name in ("hidden_states", "x"))
            assert isinstance(given, TensorValue) and given.shape == (1, length, 32), (step, name)
    assert len(fetched) == 2  # each with all steps


def test_what_is_recomputed_in_the_backward_pass_says_so() -> None:
    session = opened(Checkpointed(), torch.ones(1, 4), backward=True)
    first, again = (lines(session, ("block",), call) for call in (0, 1))
    assert (first.recomputed, again.recomputed) == (False, True)
    assert values(at(first, "recomputed").kept[0]) == values(at(again, "recomputed").kept[0])


def test_a_compiled_model_shows_what_it_was_made_from() -> None:
    model = Functional2()
    found = lines(opened(torch.compile(model), torch.ones(1, 4)), ("_orig_mod",))
    check(values(at(found, "recomputed").kept[0])["y"], torch.sigmoid(model.a(torch.ones(1, 4))))


def test_what_has_no_lines_says_why() -> None:
    scripted = lines(opened(torch.jit.script(Functional2()), torch.ones(1, 4)))
    assert not scripted.lines and "did not run as Python" in scripted.note
    session = opened(nn.Sequential(Functional2(), nn.Identity()), torch.ones(1, 4))
    session.observe((("0",),), False, False)
    session.run()
    assert "observe hook" in lines(session, ("0",)).note


def test_the_block_of_a_resnet() -> None:
    model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 32, 32)
    found = lines(opened(model, x), ("layer2", "0"))
    kept: dict[str, Tensor] = {}
    model.layer2[0].bn2.register_forward_hook(lambda module, args, output: kept.update(bn2=output.clone()))
    with torch.no_grad():
        model(x)
    file = sys.modules[type(model.layer2[0]).__module__].__file__
    assert found.file == file and len(found.lines) >= 10 and not found.unreached
    shapes = [(each.line, value.shape) for each in found.lines for value in values(each.kept[0]).values()]
    assert shapes[-1][1] == (1, 128, 4, 4)
    bn2 = next(visit for each in found.lines for visit in each.kept for call in visit.calls if "bn2" in call.expression)
    check(values(bn2)["out"], kept["bn2"])


def test_the_attention_of_a_llama_and_its_functions() -> None:
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=50,
    )  # fmt: skip
    session = opened(transformers.LlamaForCausalLM(config).eval(), torch.randint(50, (1, 5)))
    path = ("model", "layers", "0", "self_attn")
    found = lines(session, path)
    entered = {lines(session, path, frame=call.frame).source.title  # type: ignore[union-attr]
               for each in found.lines for call in each.kept[0].calls if call.frame}  # fmt: skip
    assert "apply_rotary_pos_emb" in entered
    named = {name: value.shape for each in found.lines for name, value in values(each.kept[0]).items()}
    assert named["attn_output"] == (1, 5, 32) and named["query_states"] == (1, 4, 5, 8)


def test_nothing_is_left_of_it() -> None:
    heard: list[Event] = []
    session = Session(heard.append)
    model = Functional()
    before = sys.gettrace(), fingerprint(model)
    session.adopt(model, (torch.ones(1, 4),), {}, "model")
    session.run()
    lines(session)
    session.close()
    assert (sys.gettrace(), fingerprint(model)) == before
    assert not nn.modules.module._global_forward_hooks
