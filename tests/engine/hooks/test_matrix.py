"""Every kind of hook on the output and on the input, in every container: bit for bit what a hook by hand does.

By hand means in plain PyTorch and for that container alone, with the random numbers drawn in the same order; gradients
that flow back through what was altered are compared too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

import inspector
from inspector.engine.hooks.hook import Hook
from inspector.engine.hooks.kinds import HOOK_KINDS
from inspector.records.values import TensorValue

Change = Callable[[Tensor], Tensor]

IDS = torch.arange(3)
SHAPE = (2, 4)
SLICE = (..., slice(1, 3))

CONTAINERS = ("tensor", "tuple", "ModelOutput", "dict", "kwargs")
PLACES = {"tensor": "", "tuple": "[0]", "ModelOutput": ".last_hidden_state", "dict": '["h"]', "kwargs": ""}


def hold(container: str, a: Tensor, b: Tensor) -> Any:
    """Both tensors in a container, beside what is no floating tensor."""
    if container == "tuple":
        return a, b, IDS, None, "text"
    if container == "ModelOutput":
        return BaseModelOutput(last_hidden_state=a, hidden_states=(a + 1, b))
    if container == "dict":
        return {"h": a, "more": [b], "ids": IDS}
    return a


def by_hand(container: str, value: Any, change: Change) -> Any:
    """The same with its floating tensors changed, first to last."""
    if container == "tuple":
        return change(value[0]), change(value[1]), value[2], value[3], value[4]
    if container == "ModelOutput":
        first = change(value.last_hidden_state)
        return BaseModelOutput(
            last_hidden_state=first, hidden_states=(change(value.hidden_states[0]), change(value.hidden_states[1]))
        )
    if container == "dict":
        return {"h": change(value["h"]), "more": [change(value["more"][0])], "ids": value["ids"]}
    return change(value)


def by_hand_in_part(container: str, value: Any, change: Change) -> Any:
    """The same with two columns of its first tensor changed."""

    def in_part(tensor: Tensor) -> Tensor:
        copied = tensor.clone()
        copied[SLICE] = change(tensor[SLICE])
        return copied

    if container == "tuple":
        return in_part(value[0]), *value[1:]
    if container == "ModelOutput":
        return BaseModelOutput(last_hidden_state=in_part(value.last_hidden_state), hidden_states=value.hidden_states)
    if container == "dict":
        return {**value, "h": in_part(value["h"])}
    return in_part(value)


class Box(nn.Module):
    """Takes anything and gives `given`; keeps what it was called with."""

    given: Any = None
    got: Any = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.got = args, kwargs
        return self.given


def dropped(generator: torch.Generator, tensor: Tensor) -> Tensor:
    kept = torch.rand(1, tensor.shape[1], generator=generator) >= 0.5
    return torch.where(kept, tensor, 0.0)


def pruned(tensor: Tensor) -> Tensor:
    smallest = tensor.detach().abs().flatten().argsort()[: tensor.numel() // 2]
    kept = torch.ones(tensor.numel(), dtype=torch.bool).index_fill(0, smallest, False).view(tensor.shape)
    return torch.where(kept, tensor, 0.0)


def assigned(tensor: Tensor) -> Tensor:
    copied = tensor.clone()
    copied[0, 1] = 0.5
    return copied


def clipped(tensor: Tensor) -> Tensor:
    return tensor * (0.5 / torch.linalg.vector_norm(tensor)).clamp(max=1.0)


def drawn(draw: Callable[[torch.Generator, Tensor], Tensor]) -> Change:
    generator = torch.Generator().manual_seed(4)
    return lambda tensor: draw(generator, tensor)


def saved(shape: Any) -> Tensor:
    return torch.linspace(-1, 1, 2 * shape[-1]).reshape(shape)


BY_HAND: dict[str, tuple[Callable[[], Hook], Callable[[], Change]]] = {
    "scale": (lambda: inspector.scale(1.5), lambda: lambda t: t * 1.5),
    "add": (lambda: inspector.add(0.25), lambda: lambda t: t + 0.25),
    "zero": (lambda: inspector.zero(), lambda: torch.zeros_like),
    "noise": (
        lambda: inspector.noise(0.3, seed=4),
        lambda: drawn(lambda g, t: t + 0.3 * torch.randn(t.shape, generator=g)),
    ),
    "clamp": (lambda: inspector.clamp(-0.5, 0.5), lambda: lambda t: t.clamp(-0.5, 0.5)),
    "dropout": (lambda: inspector.dropout(0.5, seed=4), lambda: drawn(dropped)),
    "round": (lambda: inspector.round("bfloat16"), lambda: lambda t: t.bfloat16().float()),
    "mean": (lambda: inspector.mean(1), lambda: lambda t: t.mean(1, keepdim=True).repeat(1, t.shape[1])),
    "permute": (
        lambda: inspector.permute(seed=4),
        lambda: drawn(lambda g, t: t[torch.randperm(len(t), generator=g)]),
    ),
    "replace": (lambda: inspector.replace("saved.pt"), lambda: lambda t: saved(t.shape)),
    "prune": (lambda: inspector.prune(0.5), lambda: pruned),
    "assign": (lambda: inspector.assign(0.5, "0, 1"), lambda: assigned),
    "clip": (lambda: inspector.clip(0.5), lambda: clipped),
    "print": (lambda: inspector.print(), lambda: lambda t: t),
    "record": (lambda: inspector.record("kept"), lambda: lambda t: t),
    "observe": (lambda: inspector.observe(), lambda: lambda t: t),
}
"""By kind: what makes the hook, and what makes the change, both anew."""
IN_CONTAINERS = ("patch", "python")
"""Those whose truth is not one change of a tensor after the other."""
UNSUITED = ("rename", "filter")
"""Those on state dicts."""


def test_every_kind_is_compared() -> None:
    assert {*BY_HAND, *IN_CONTAINERS, *UNSUITED} == {kind.name for kind in HOOK_KINDS}


def leaves(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(SHAPE, generator=generator).requires_grad_() for _ in range(2))
    return a, b


def call(box: Box, on: str, container: str, value: Any) -> Any:
    """What a hook on `on` altered, where `value` went in or came out."""
    if container == "kwargs":
        box.given = value
        output = box(h=value, ids=IDS)
        return box.got[1]["h"] if on == "input" else output
    box.given = value
    output = box(value)
    return box.got[0][0] if on == "input" else output


def flat(value: Any) -> list[Any]:
    """Everything in these containers, in order."""
    if isinstance(value, Tensor) or value is None or isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [leaf for item in items for leaf in flat(item)]


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Zero and minus zero differ."""
    return torch.equal(*(t.view(torch.int32) if t.is_floating_point() else t for t in (a, b)))


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    for ours, theirs in zip(flat(found), flat(expected), strict=True):
        assert same_bits(ours, theirs) if isinstance(theirs, Tensor) else ours is theirs, (ours, theirs)


def gradients(value: Any, *inputs: Tensor) -> list[Tensor | None]:
    """Of the sum of squares, to tell elements apart."""
    loss = sum(
        (t.square().sum() for t in flat(value) if isinstance(t, Tensor) and t.is_floating_point()), torch.zeros(())
    )
    return list(torch.autograd.grad(loss, inputs, allow_unused=True)) if loss.requires_grad else []


def where_of(on: str, container: str) -> str:
    place = PLACES[container] if on == "output" else '["h"]' if container == "kwargs" else f"[0]{PLACES[container]}"
    return f"{place}[..., 1:3]"


def compare(hook: Hook, on: str, container: str, expected: Callable[[Any], Any]) -> Any:
    box, (a, b) = Box(), leaves(0)
    with inspector.hooks(box, {"": hook}) as block:
        found = call(box, on, container, hold(container, a, b))
    assert not block.faults
    other, other_b = leaves(0)
    truth = expected(hold(container, other, other_b))
    assert_same(found, truth)
    for ours, theirs in zip(gradients(found, a, b), gradients(truth, other, other_b), strict=True):
        assert (ours is None) == (theirs is None) and (ours is None or same_bits(ours, theirs))
    assert torch.equal(a, leaves(0)[0]) and torch.equal(b, leaves(0)[1])  # nothing was written in place
    return block


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(saved(SHAPE), "saved.pt")
    (tmp_path / "part").mkdir()
    torch.save(saved((2, 2)), "part/saved.pt")


@pytest.mark.filterwarnings("ignore::inspector.errors.HookWarning")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("on", ["output", "input"])
@pytest.mark.parametrize("name", BY_HAND)
def test_a_kind_does_what_is_done_by_hand(
    name: str, on: str, container: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, by = BY_HAND[name]
    options = {"on": on}
    block = compare(with_options(make(), **options), on, container, lambda value: by_hand(container, value, by()))
    look(name, on, container, block, capsys.readouterr().out, "")
    monkeypatch.chdir("part")
    hook = with_options(make(), where=where_of(on, container), **options)
    block = compare(hook, on, container, lambda value: by_hand_in_part(container, value, by()))
    look(name, on, container, block, capsys.readouterr().out, "[..., 1:3]")


def with_options(hook: Hook, **options: Any) -> Hook:
    return hook.kind(**{**hook.arguments, **options})


def look(name: str, on: str, container: str, block: Any, said: str, part: str) -> None:
    """What the kinds that alter nothing saw."""
    a, b = leaves(0)
    floats = [t for t in flat(hold(container, a, b)) if isinstance(t, Tensor) and t.is_floating_point()]
    seen = [a[SLICE]] if part else floats
    if name == "record":
        kept = block.recorded["kept"]
        assert list(kept) == [f"(root):{on}{f'.{n}' * bool(n)}{part}" for n in places(container, on)[: len(seen)]]
        assert all(map(torch.equal, kept.values(), seen))
    elif name == "print":
        assert said.count("\n") == len(seen) and said.count("2×2" if part else "2×4") == len(seen)
    elif name == "observe":
        (row,) = block.calls
        means = list(means_in((row.output,) if on == "output" else (*row.inputs, row.kwargs)))
        assert means[: len(seen)] == [pytest.approx(tensor.mean().item(), abs=1e-6) for tensor in seen]
        assert len(means) == len(seen) or not part


def means_in(values: Any) -> Iterator[float]:
    """Of the floating tensors in what was recorded of a value."""
    for value in values:
        if isinstance(value, TensorValue):
            yield from [value.statistics.mean] * (value.dtype == "float32" and value.statistics is not None)
        else:
            yield from means_in(getattr(value, "items", ()))


def places(container: str, on: str) -> list[int]:
    """Which tensors of the whole value the floating ones are."""
    return {"tuple": [0, 1], "ModelOutput": [0, 1, 2], "dict": [0, 1]}.get(container, [0])


@pytest.mark.filterwarnings("ignore::inspector.errors.HookWarning")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("on", ["output", "input"])
def test_a_patch_puts_in_what_the_other_run_had_there(on: str, container: str) -> None:
    box, (a, b) = Box(), leaves(1)
    part = where_of(on, container)
    with inspector.hooks(
        box, {"": [inspector.record("clean", on=on), inspector.record("part", on=on, where=part)]}
    ) as clean:
        call(box, on, container, hold(container, a, b))
    there = [t.detach() for t in flat(hold(container, a, b)) if isinstance(t, Tensor) and t.is_floating_point()]
    whole = clean.recorded["clean"]

    def all_of_it(value: Any) -> Any:
        left = iter(there)
        return by_hand(container, value, lambda tensor: next(left).clone())

    def part_of_it(value: Any) -> Any:
        return by_hand_in_part(container, value, lambda tensor: there[0][SLICE].clone())

    compare(inspector.patch(whole, on=on), on, container, all_of_it)
    compare(inspector.patch(whole, on=on, where=part), on, container, part_of_it)
    compare(inspector.patch(clean.recorded["part"], on=on, where=part), on, container, part_of_it)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_function_of_ones_own_gets_the_container(container: str) -> None:
    def double(value: Any) -> Any:
        return by_hand(container, value, lambda tensor: tensor * 2)

    def on_input(module: nn.Module, args: Any, kwargs: Any) -> Any:
        return (args, {**kwargs, "h": double(kwargs["h"])}) if kwargs else ((double(args[0]),), kwargs)

    compare(inspector.python(lambda module, args, kwargs, output: double(output)), "output", container, double)
    compare(inspector.python(on_input, on="input"), "input", container, double)


@pytest.mark.parametrize("part", ["", "[..., 1:3]"])
@pytest.mark.parametrize("name", ["scale", "add", "zero", "clamp", "round", "clip"])
def test_a_kind_on_gradients_does_what_is_done_by_hand(name: str, part: str) -> None:
    make, by = BY_HAND[name]
    model, by_torch = (nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(2))
    by_torch.load_state_dict(model.state_dict())

    def change(gradient: Tensor) -> Tensor:
        if not part:
            return by()(gradient)
        copied = gradient.clone()
        copied[SLICE] = by()(gradient[SLICE])
        return copied

    by_torch[0].register_forward_hook(lambda module, args, output: [output.register_hook(change), None][1])
    with inspector.hooks(model, {"0": with_options(make(), on="grad", where=part)}) as block:
        model(leaves(0)[0]).square().sum().backward()
    by_torch(leaves(0)[0]).square().sum().backward()
    for ours, theirs in zip(model.parameters(), by_torch.parameters(), strict=True):
        assert ours.grad is not None and theirs.grad is not None and same_bits(ours.grad, theirs.grad)
    assert not block.faults and list(block.fired.values()) == [1]
