"""Sweeps: bit-equal to the loop that a person would write with plain forward hooks, and the model is as before."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

import inspector
from inspector.errors import UsageError
from tests.fingerprint import fingerprint


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5)), nn.Linear(6, 3))


def own_copy(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(own_copy, value))
    return value.clone() if isinstance(value, Tensor) else value


def patch_by_hand(
    model: nn.Module,
    clean: Callable[[], Any],
    corrupted: Callable[[], Any],
    metric: Callable[[Any], Any],
    names: list[str],
) -> dict[str, float]:
    """The loop in plain PyTorch, seeded before each run."""
    modules, kept, found = dict(model.named_modules()), {}, {}

    def keep(name: str) -> Callable[..., None]:
        return lambda m, a, out: kept.update({name: own_copy(out)})

    with torch.no_grad():
        handles = [modules[name].register_forward_hook(keep(name)) for name in names]
        torch.manual_seed(0)
        clean()
        for handle in handles:
            handle.remove()
        for name in names:
            handle = modules[name].register_forward_hook(lambda m, a, out, name=name: own_copy(kept[name]))
            torch.manual_seed(0)
            found[name] = float(metric(corrupted()))
            handle.remove()
    return found


def test_a_resnet_is_patched_as_by_hand() -> None:
    torch.manual_seed(0)
    model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64)
    y = x + torch.randn(1, 3, 64, 64)
    metric = lambda output: output[0, 7] - output[0, 3]  # noqa: E731
    names = ["conv1", *(f"layer{n}.{k}" for n in (1, 2, 3, 4) for k in (0, 1)), "avgpool", "fc"]
    truth = patch_by_hand(model, lambda: model(x), lambda: model(y), metric, names)
    before = fingerprint(model)
    result = inspector.sweep(model, x, y, over=["conv1", "layer?.?", "avgpool,fc"], metric=metric)
    assert {row.place: row.value for row in result.rows} == truth and result.complete and not result.faults
    assert fingerprint(model) == before
    with torch.no_grad():
        clean, corrupted = float(metric(model(x))), float(metric(model(y)))
    assert result.head.clean == (clean,) and result.head.corrupted == (corrupted,)
    for row in result.rows:
        assert row.delta == row.value - corrupted and row.recovered == (row.value - corrupted) / (clean - corrupted)
    assert next(row for row in result.rows if row.place == "fc").recovered == 1


def llama() -> Any:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        num_hidden_layers=2, hidden_size=32, num_attention_heads=4, intermediate_size=48, vocab_size=50
    )
    return transformers.LlamaForCausalLM(config).eval()


def test_a_llama_is_patched_as_by_hand() -> None:
    """Attention gives tuples, the model a ModelOutput; inputs are keywords."""
    model = llama()
    ids, other = torch.arange(8)[None], torch.arange(8)[None].clone()
    other[0, 2] = 40
    names = [f"model.layers.{n}{part}" for n in (0, 1) for part in ("", ".self_attn", ".mlp")]
    metric = lambda out: out.logits[0, -1, 3] - out.logits[0, -1, 4]  # noqa: E731
    truth = patch_by_hand(model, lambda: model(input_ids=ids), lambda: model(input_ids=other), metric, names)
    over = ["class:LlamaDecoderLayer", "*.self_attn", "*.mlp"]
    result = inspector.sweep(model, {"input_ids": ids}, {"input_ids": other}, over=over, metric=metric)
    assert {row.place: row.value for row in result.rows} == truth
    words = inspector.sweep(model, {"input_ids": ids}, {"input_ids": other}, over=over, metric="logit_diff:3,4")
    assert [row.value for row in words.rows] == pytest.approx([row.value for row in result.rows], rel=1e-5)


def test_places_are_ablated_as_by_hand() -> None:
    model, x = small_net().eval(), torch.randn(2, 4)
    names, truth = ["0", "1", "2.0", "3"], []
    for name in names:
        handle = model.get_submodule(name).register_forward_hook(lambda m, a, out: torch.zeros_like(out))
        truth.append(model(x).sum().item())
        handle.remove()
    for result in (
        inspector.sweep(model, x, over="?,2.0,~2", hook=inspector.zero(), metric=torch.sum),
        inspector.sweep(model, corrupted=(x,), over=names, hook="zero()", metric=torch.sum),
        inspector.sweep(model, corrupted=lambda m: m(x), over=names, hook="zero()", metric=lambda out: out.sum()),
    ):
        assert sorted(row.value for row in result.rows) == sorted(truth) and result.head.clean is None
        assert all(row.recovered is None and row.delta == row.value - result.head.corrupted[0] for row in result.rows)


class Restless(nn.Module):
    """Every call changes a parameter, a buffer through `.data`, an attribute, and draws from every generator."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("count", torch.zeros(1))
        self.calls = 0
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(self.calls)
        self.count.data += 1
        with torch.no_grad():
            self.inner.weight.mul_(1.5)
        x.mul_(2)
        return self.norm(self.inner(x)) * self.calls * self.count + torch.rand(()) + len(self.seen)


def test_each_run_is_as_the_first_and_the_model_as_before() -> None:
    torch.manual_seed(0)
    model, x = Restless().train(), torch.randn(4, 3)
    kept, before, state = x.clone(), fingerprint(model), torch.get_rng_state()
    result = inspector.sweep(model, x, over=["inner", "norm", "inner,norm"], hook="scale(1)", metric="mean", seed=3)
    assert fingerprint(model) == before and torch.equal(torch.get_rng_state(), state) and torch.equal(x, kept)
    assert model.training and model.calls == 0 and model.seen == [] and not result.notes
    assert {row.value for row in result.rows} == {result.head.corrupted[0]}


def test_what_a_later_run_changes_first_is_told() -> None:
    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Identity()
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            y = self.inner(x)
            if not y.any():
                self.count.data += 1
            return y + self.count

    model = Late()
    result = inspector.sweep(model, torch.ones(3), over="inner", hook="zero()", metric="mean")
    assert "count: values, by a later run than the first" in result.notes[0] and not model.count.any()


def test_dropout_is_the_same_in_every_run() -> None:
    model, x = small_net().train(), torch.randn(2, 4)
    result = inspector.sweep(model, x, over="*", hook="scale(1)", metric="norm")
    assert {row.value for row in result.rows} == {result.head.corrupted[0]}
    torch.manual_seed(0)
    with torch.no_grad():
        assert result.head.corrupted[0] == float(model(x).double().norm())


class Interrupting:
    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, output: Tensor) -> float:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return float(output.sum())


def test_an_interrupted_sweep_keeps_what_it_has() -> None:
    model, x = small_net(), torch.randn(2, 4)
    before = fingerprint(model)
    result = inspector.sweep(model, x, x + 1, over=["0", "1", "3"], metric=Interrupting(5))
    assert not result.complete and [row.place for row in result.rows] == ["0", "1"]
    assert fingerprint(model) == before and "interrupted after 2 of 3 places" in repr(result)
    with pytest.raises(KeyboardInterrupt):  # before there is anything to keep
        inspector.sweep(model, x, x + 1, over=["0"], metric=Interrupting(1))
    assert fingerprint(model) == before


def test_what_a_metric_raises_is_raised_and_the_model_is_as_before() -> None:
    model, x = small_net(), torch.randn(2, 4)
    before = fingerprint(model)
    with pytest.raises(ZeroDivisionError):
        inspector.sweep(model, x, over="0", hook="zero()", metric=lambda output: 1 / 0)
    assert fingerprint(model) == before


def test_numbers_that_are_none_are_kept_and_written_as_such(tmp_path: Path) -> None:
    model, x = small_net(), torch.randn(2, 4)
    result = inspector.sweep(
        model, x, x + 1, over=["0", "1"], metric=lambda out: {"sum": out.sum(), "odd": float("nan"), "big": math.inf}
    )
    assert [row.metric for row in result.rows] == ["sum", "odd", "big"] * 2
    assert all(math.isnan(row.value) for row in result.rows if row.metric == "odd")
    document = json.loads(result.to_json())
    assert [row["value"] for row in document["rows"][1:3]] == [None, None]
    assert document["metrics"][1] == {"name": "odd", "clean": None, "corrupted": None}
    result.to_csv(tmp_path / "sweep.csv")
    with open(tmp_path / "sweep.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["value"]) for row in rows if row["metric"] == "sum"] == [
        row.value for row in result.rows if row.metric == "sum"
    ]
    assert rows[1]["value"] == "nan" and rows[0]["place"] == "0"
    with pytest.raises(UsageError, match="there already"):
        result.to_csv(tmp_path / "sweep.csv")
    assert not result.best(metric="odd") and len(result.best(1)) == 1
    with pytest.raises(UsageError, match="no metric 'nope'"):
        result.best(metric="nope")


class Branches(nn.Module):
    """One module is never called, and one is only for what is not zero."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.never, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        if not y.any():
            raise ValueError("all zeros")
        return self.last(y)


def test_a_place_without_a_number_says_why() -> None:
    model, x = Branches(), torch.randn(2, 3)
    result = inspector.sweep(model, x, over=["first", "never", "last"], hook="zero()", metric="mean")
    assert result.faults == {"first": "ValueError: all zeros", "never": "the module is not called"}
    assert [math.isnan(row.value) for row in result.rows] == [True, True, False]
    assert "2 without a number, such as first: ValueError: all zeros" in repr(result)
    other = inspector.sweep(model, x, torch.randn(5, 3), over="first", metric="mean")
    assert "what it replaces 5×3" in other.faults["first"]


def test_the_best_places_come_first() -> None:
    model, x = small_net().eval(), torch.randn(2, 4)
    result = inspector.sweep(model, x, x + 1, over=["*", "~2"], metric="norm")
    best = result.best(2)
    assert [row.recovered for row in best] == sorted((row.recovered for row in result.rows), reverse=True)[:2]  # type: ignore[type-var]
    ablated = inspector.sweep(model, x, over=["*", "~2"], hook="zero()", metric="norm")
    assert abs(ablated.best(1)[0].delta) == max(abs(row.delta) for row in ablated.rows)


def test_the_words_for_metrics_say_what_plain_torch_does() -> None:
    model = nn.Linear(4, 5)
    x, y = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    with torch.no_grad():
        then, now = model(x).double(), model(y).double()
    log_then, log_now = then.log_softmax(-1), now.log_softmax(-1)
    truth = {
        "mean": now.mean(),
        "norm": now.norm(),
        "logit:2": now[:, -1, 2].mean(),
        "logit_diff:2,-1": (now[:, -1, 2] - now[:, -1, -1]).mean(),
        "kl": nn.functional.kl_div(log_now, log_then, log_target=True, reduction="none").sum(-1).mean(),
    }
    for words, value in truth.items():
        result = inspector.sweep(model, x, y, over="(root)", metric=words)
        assert result.head.corrupted[0] == pytest.approx(float(value)), words
        assert result.rows[0].recovered == pytest.approx(1), words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metric": "nope"}, "no metric 'nope'"),
        ({"metric": "logit:a"}, "cannot be read"),
        ({"metric": "logit:99"}, "has 3 logits"),
        ({"metric": lambda output: output}, "gave a 2×3 tensor"),
        ({"metric": "mean", "over": "nope"}, "nope"),
        ({"metric": "mean", "where": "[*"}, "a star stands for one whole index"),
        ({"metric": "mean", "where": "[*, *]"}, "a star stands for one whole index"),
        ({"metric": "mean", "where": "[0, 0, *]"}, "has 2 dimensions"),
        ({"metric": "mean", "where": "[..., */4]"}, "cannot be divided into 4"),
        ({"metric": "mean", "where": "what"}, "no path"),
        ({"metric": "mean", "where": "[:, *]", "hook": "zero(on='input')"}, "an input begins with the argument"),
        ({"metric": "mean", "where": "[:, *]", "hook": "zero(on='parameters')"}, "is put on neither"),
        ({"metric": lambda output: {}}, "gave no number"),
        ({"metric": lambda output: output.sum() * 1j}, "gave a complex64 tensor"),
        ({"metric": "mean", "over": []}, "no module is named"),
        ({"metric": "mean", "on": "grad"}, "on='grad' is neither"),
        ({"metric": "mean", "on": "input", "hook": "zero()"}, "for a sweep without a hook, and zero.. is on output"),
        ({"metric": "mean", "where": "[0]", "hook": "zero(where='[1]')"}, "where is said twice"),
        ({"metric": "mean", "hook": "observe()"}, "alters nothing"),
        ({"metric": "mean", "corrupted": None}, "no input to alter"),
        ({"metric": "mean", "clean": None}, "nothing to put in"),
    ],
)
def test_what_cannot_be_understood_is_said(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"clean": torch.ones(2, 4), "corrupted": torch.ones(2, 4), "over": "3", **arguments}
    with pytest.raises(UsageError, match=words.replace("*", r"\*")) as refused:
        inspector.sweep(small_net(), given.pop("clean"), given.pop("corrupted"), **given)
    assert str(refused.value).count("try:") <= 1


def test_a_number_that_is_missing_in_a_later_run_is_told() -> None:
    counts = iter(range(10))
    metric = lambda output: {"a": 1.0, **({"b": 2.0} if next(counts) < 2 else {})}  # noqa: E731
    result = inspector.sweep(small_net(), torch.ones(2, 4), over="0,1", hook="zero()", metric=metric)
    assert [(row.metric, row.fault) for row in result.rows] == [
        ("a", ""), ("b", ""), ("a", ""), ("b", "the metric gave no number of this name here")
    ]  # fmt: skip
    assert math.isnan(result.rows[-1].value)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_printed_is_that_of_its_place_alone() -> None:
    """Altered, the model raises what has no words."""

    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if not x.any():
                raise UnprintableError
            return x

    model = nn.Sequential(nn.Linear(4, 4), Picky(), nn.Linear(4, 4))
    result = inspector.sweep(model, torch.ones(2, 4), over="0,2", hook="zero()", metric="norm")
    assert "UnprintableError: (its message cannot be read" in result.rows[0].fault and result.rows[1].value == 0


def test_hooks_of_others_stay_and_act() -> None:
    model, x = small_net().eval(), torch.randn(2, 4)
    model[0].register_forward_hook(lambda m, a, out: out + 1)
    with torch.no_grad():
        truth = float(model(x).double().mean())
    before = fingerprint(model)
    result = inspector.sweep(model, x, over="3", hook="scale(1)", metric="mean")
    assert result.rows[0].value == truth and fingerprint(model) == before


def test_a_sweep_shows_itself_in_any_width() -> None:
    model, x = small_net().eval(), torch.randn(2, 4)
    result = inspector.sweep(model, x, x + 1, over=["*", "~2"], metric="norm")
    text = repr(result)
    assert text.startswith("sweep of patch: 5 places\nnorm: clean ") and "2.0" in text
    for width in (24, 80, 120):
        assert all(len(line.plain) <= width for line in result.heat_map().lines(width))
    assert all(len(line) <= 60 for line in result.table(60).splitlines())
    assert str(result.heat_map(ascii=True)).isascii()


def test_a_compiled_model_is_swept_as_it_was_written() -> None:
    model, x = small_net().eval(), torch.randn(2, 4)
    plain = inspector.sweep(model, x, x + 1, over=["0", "3"], metric="mean")
    compiled = torch.compile(model, backend="eager")
    compiled(x)
    result = inspector.sweep(compiled, x, x + 1, over=["0", "3"], metric="mean")
    assert [row.value for row in result.rows] == [row.value for row in plain.rows] and not result.faults


def test_steps_of_a_run_are_told_apart() -> None:
    """A run may call the model several times: each call gets what the same call had in the clean run."""
    model, inputs = small_net().eval(), [torch.randn(2, 4) for _ in range(3)]
    clean = lambda m: torch.stack([m(x) for x in inputs])  # noqa: E731
    corrupted = lambda m: torch.stack([m(x + 1) for x in inputs])  # noqa: E731
    result = inspector.sweep(model, clean, corrupted, over="3", metric="norm")
    assert result.rows[0].recovered == 1 and not result.faults
    with torch.no_grad():
        truth = torch.stack([model(inputs[0]), torch.zeros(2, 3), model(inputs[2])]).double().mean()
    zeroed = inspector.sweep(model, clean, over="3", hook="zero(step=1)", metric="mean")
    assert zeroed.rows[0].value == float(truth)


def test_generated_tokens_are_patched_step_by_step() -> None:
    model = llama()
    ids, other = torch.arange(6)[None], torch.arange(6)[None] + 20
    options: dict[str, Any] = {"max_new_tokens": 4, "do_sample": False, "pad_token_id": 0}
    clean = lambda m: m.generate(ids, **options)[:, 6:].float()  # noqa: E731
    corrupted = lambda m: m.generate(other, **options)[:, 6:].float()  # noqa: E731
    result = inspector.sweep(model, clean, corrupted, over="lm_head", metric="mean")
    assert result.head.clean != result.head.corrupted and result.rows[0].recovered == 1


def test_tokens_of_a_prompt_that_later_steps_do_not_have_are_patched_in_the_first() -> None:
    model = small_net().eval()
    first, later = torch.ones(1, 3, 4), torch.ones(1, 1, 4)
    run = lambda scale: lambda m: m(first * scale).sum() + m(later * scale).sum()  # noqa: E731
    result = inspector.sweep(model, run(1), run(2), over="0", where="[:, *]", metric=float)
    assert list(result.faults) == ["0[:, 1]", "0[:, 2]"]
    assert all(
        fault.endswith("hook=\"patch('clean', step=0)\" is for the first alone") for fault in result.faults.values()
    )
    again = inspector.sweep(
        model, run(1), run(2), over="0", where="[:, *]", metric=float, hook="patch('clean', step=0)"
    )
    assert not again.faults and len(again.rows) == 3


def patch_part_by_hand(
    model: nn.Module, names: list[str], clean: Any, corrupted: Any, indices: list[Any], metric: Callable[[Any], Any]
) -> list[float]:
    """Of each module, one index after another into its output, or the first tensor of that."""
    kept: dict[str, Tensor] = {}

    def first(out: Any) -> Tensor:
        return out[0] if isinstance(out, tuple) else out

    def put(name: str, index: Any) -> Callable[..., Any]:
        def hook(m: nn.Module, args: Any, out: Any) -> Any:
            new = first(out).clone()
            new[index] = kept[name][index]
            return (new, *out[1:]) if isinstance(out, tuple) else new

        return hook

    found = []
    with torch.no_grad():
        modules = {name: model.get_submodule(name) for name in names}
        handles = [
            module.register_forward_hook(lambda m, a, out, name=name: kept.update({name: first(out).clone()}))
            for name, module in modules.items()
        ]
        model(**clean)
        for handle in handles:
            handle.remove()
        for name, module in modules.items():
            for index in indices:
                handle = module.register_forward_hook(put(name, index))
                found.append(float(metric(model(**corrupted))))
                handle.remove()
    return found


def difference(out: Any) -> Tensor:
    result: Tensor = out.logits[0, -1, 3] - out.logits[0, -1, 4]
    return result


def llama_inputs() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    ids = torch.arange(6)[None]
    return {"input_ids": ids}, {"input_ids": torch.cat([ids[:, :2], ids[:, 2:3] + 30, ids[:, 3:]], 1)}


def test_tokens_are_patched_one_by_one_as_by_hand() -> None:
    model, (clean, corrupted) = llama(), llama_inputs()
    layers = ["model.layers.0", "model.layers.1"]
    truth = patch_part_by_hand(
        model, layers, clean, corrupted, [(slice(None), token) for token in range(6)], difference
    )
    result = inspector.sweep(model, clean, corrupted, over="class:LlamaDecoderLayer", where="[:, *]", metric=difference)
    assert [row.value for row in result.rows] == truth and not result.faults
    assert [row.where for row in result.rows][:2] == ["[:, 0]", "[:, 1]"]
    assert [row.column for row in result.rows] == [str(token) for token in range(6)] * 2
    text = repr(result)
    assert "sweep of patch at [:, *]: 12 places" in text and "model.layers.1" in text
    for width in (40, 80):
        assert all(len(line.plain) <= width for line in result.heat_map().lines(width))


def test_parts_of_one_size_are_patched_as_by_hand() -> None:
    model, (clean, corrupted) = llama(), llama_inputs()
    names = ["model.layers.0.self_attn", "model.layers.1.self_attn"]
    indices = [(..., slice(8 * head, 8 * head + 8)) for head in range(4)]
    truth = patch_part_by_hand(model, names, clean, corrupted, indices, difference)
    result = inspector.sweep(model, clean, corrupted, over="*.self_attn", where="[0][..., */4]", metric=difference)
    assert [row.value for row in result.rows] == truth and [row.column for row in result.rows] == list("0123") * 2


def test_heads_are_patched_in_the_input_of_the_projection_behind_them() -> None:
    model, (clean, corrupted) = llama(), llama_inputs()
    truth = []
    with torch.no_grad():
        for layer in model.model.layers:
            projection, kept = layer.self_attn.o_proj, []
            handle = projection.register_forward_pre_hook(lambda m, args, kept=kept: kept.append(args[0].clone()))
            model(**clean)
            handle.remove()
            for head in range(4):
                part = slice(8 * head, 8 * head + 8)

                def put(m: nn.Module, args: Any, part: slice = part, kept: list[Tensor] = kept) -> Any:
                    new = args[0].clone()
                    new[..., part] = kept[0][..., part]
                    return (new,)

                handle = projection.register_forward_pre_hook(put)
                truth.append(float(difference(model(**corrupted))))
                handle.remove()
    over: dict[str, Any] = {"over": "*.o_proj", "where": "[0][..., */4]", "metric": difference}
    result = inspector.sweep(model, clean, corrupted, on="input", **over)
    assert [row.value for row in result.rows] == truth and not result.faults
    again = inspector.sweep(model, clean, corrupted, hook="patch(on='input')", **over)
    assert [row.value for row in again.rows] == truth
    ablated = inspector.sweep(model, corrupted, hook="zero(on='input')", **over)
    assert len(ablated.rows) == 8 and not ablated.faults


def test_several_parts_are_columns_of_their_own() -> None:
    model, x = small_net().eval(), torch.randn(2, 4)
    result = inspector.sweep(model, x, x + 1, over="0,1", where=["[:, -1]", "[*]", "[:, 0:2]"], metric="norm")
    assert [row.column for row in result.rows[:4]] == ["[:, -1]", "[0]", "[1]", "[:, 0:2]"] and len(result.rows) == 8
    with pytest.raises(UsageError, match=r"0: where=.*there is no \['input'\]"):
        inspector.sweep(model, x, over="0", hook="zero(on='input')", where='["input"][*]', metric="norm")


def test_a_keyword_argument_is_divided_by_its_name() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.inner(hidden=x)
            return result

    class Inner(nn.Module):
        def forward(self, *, hidden: Tensor) -> Tensor:
            return hidden * 2

    x = torch.arange(1.0, 4.0)[None]
    result = inspector.sweep(Named(), x, over="inner", hook="zero(on='input')", where='["hidden"][:, *]', metric="mean")
    assert [row.value for row in result.rows] == [pytest.approx((12 - 2 * gone) / 3) for gone in (1, 2, 3)]


class Advances(nn.Module):
    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.layer, self.numbers, self.fails = nn.Linear(2, 2), iter(range(99)), fails

    def forward(self, given: object) -> Tensor:
        next(self.numbers), next(given)
        if self.fails:
            raise ValueError("in the middle")
        return self.layer(torch.ones(1, 2))


def test_a_sweep_says_what_stays_changed() -> None:
    result = inspector.sweep(Advances(), iter(range(99)), over="layer", hook=inspector.zero(), metric="norm")
    assert "a run changed, and stays changed: (root): numbers (an iterator that advanced)" in result.notes
    given = (n for n in range(99))
    result = inspector.sweep(Advances(), (given,), over="layer", hook=inspector.zero(), metric="norm")
    assert "a run changed, and stays changed: input 1: a generator that could not be copied" in result.notes


def test_the_error_of_a_summary_says_what_stays_changed() -> None:
    with pytest.raises(
        inspector.InspectorError, match=r"stays changed: \(root\): numbers \(an iterator that advanced\)"
    ):
        inspector.summary(Advances(fails=True), iter(range(99)))


def test_a_sweep_that_raises_says_what_stays_changed() -> None:
    def fail(output: object) -> float:
        raise ZeroDivisionError

    with pytest.warns(RuntimeWarning, match=r"stays changed: .*numbers"), pytest.raises(ZeroDivisionError):
        inspector.sweep(Advances(), iter(range(99)), over="layer", hook="zero()", metric=fail)


def test_a_sweep_that_is_watched_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    for name, value in (("is_seen", lambda: True), ("SOON", 0.0)):
        monkeypatch.setattr(f"inspector.api.sweep.{name}", value)
    x = torch.ones(2, 4)
    inspector.sweep(small_net(), x, over="class:Linear", hook="zero()", metric="mean")
    said = capsys.readouterr().err
    assert "3 of 3 places" in said and "ctrl+c ends it" in said
    monkeypatch.setattr("inspector.api.sweep.is_seen", lambda: False)
    inspector.sweep(small_net(), x, over="class:Linear", hook="zero()", metric="mean")
    assert not capsys.readouterr().err
