"""A reentrant checkpoint runs its part again in the backward pass: what goes wrong there is named as well."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from inspector.engine.passes.training import loss_of
from inspector.records import FirstBadValue

from .faults import line_of
from .test_first_bad import look

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


class Root(nn.Module):
    """Infinitely steep where its input is 0."""

    def forward(self, x: Tensor, by: float = 0.0) -> Tensor:
        return torch.sqrt(x.pow(2) * by)  # here


class Part(nn.Module):
    """Calls its root three times; the second is at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.root, self.behind = nn.Linear(4, 4), Root(), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        out: Tensor = self.behind(self.root(x, 1.0) + self.root(x) + self.root(x, 2.0))
        return out


class Checkpoints(nn.Module):
    """Args:
    part: Is run in so many checkpoints, one in the other.
    depth: How many.
    """

    def __init__(self, part: nn.Module, depth: int = 1) -> None:
        super().__init__()
        self.first, self.part, self.last, self.depth = nn.Linear(4, 4), part, nn.Linear(4, 1), depth

    def forward(self, x: Tensor) -> Tensor:
        run: Callable[[Tensor], Tensor] = self.part
        for _ in range(self.depth):
            run = self.put(run)
        out: Tensor = self.last(run(self.first(x)))
        return out

    def put(self, run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda x: checkpoint(run, x, use_reentrant=True)


def ask(model: nn.Module) -> FirstBadValue:
    torch.manual_seed(0)
    return look(model, (X,), loss_of("mean"))


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_operation_is_named_with_its_call(depth: int) -> None:
    answer = ask(Checkpoints(Part(), depth))
    assert (answer.phase, answer.op, ".".join(answer.path)) == ("backward", "SqrtBackward0", "part.root")
    assert answer.call == 1 and answer.place is not None and answer.place.line == line_of(Root)
    assert "infinitely steep at 0" in answer.explanation


class Steep(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.sqrt(x.detach() * 0 + x * 0)  # here


def test_the_second_of_two_calls_of_a_part_that_is_run_again() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.root = nn.Linear(4, 4), Root()

        def forward(self, x: Tensor) -> Tensor:
            x = checkpoint(self.root, self.first(x), 1.0, use_reentrant=True)
            out: Tensor = checkpoint(self.root, x, 0.0, use_reentrant=True)
            return out

    answer = ask(Twice())
    assert (".".join(answer.path), answer.call, answer.op) == ("root", 1, "SqrtBackward0")


def test_what_comes_from_behind_the_checkpoint_is_named_there() -> None:
    answer = ask(nn.Sequential(Checkpoints(nn.Linear(4, 4)), Steep()))
    assert ".".join(answer.path) == "1" and answer.place is not None and answer.place.line == line_of(Steep)


def test_a_part_that_is_fine_is_fine() -> None:
    assert not ask(Checkpoints(nn.Sequential(nn.Linear(4, 4), nn.Tanh()), 2)).found
    assert not torch._C._len_torch_function_stack()


def test_a_part_that_fails_when_it_is_run_again_leaves_nothing_behind() -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if torch.is_grad_enabled():
                raise ValueError("not again")
            return x * 1

    assert not look(Checkpoints(Fails()), (X,), loss_of("mean"), raises=True).found
    assert not torch._C._len_torch_function_stack() and not torch.nn.modules.module._global_forward_hooks


def test_the_layers_of_a_transformer() -> None:
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, vocab_size=99, use_cache=False
    )
    model = transformers.LlamaForCausalLM(config).train()
    model.gradient_checkpointing_enable({"use_reentrant": True})
    model.model.layers[1].mlp.act_fn = Steep()
    answer = look(model, (torch.ones(1, 4, dtype=torch.long),), lambda output, sample: output.logits.mean())
    assert (".".join(answer.path), answer.phase) == ("model.layers.1.mlp.act_fn", "backward")


@pytest.mark.parametrize("depth", [1, 2])
def test_a_backward_pass_on_another_thread(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a GPU is: it counts nodes from 0."""
    backward = Tensor.backward

    def run(loss: Tensor) -> None:
        thread = threading.Thread(target=backward, args=(loss,))
        thread.start()
        thread.join()

    monkeypatch.setattr(Tensor, "backward", run)
    answer = ask(Checkpoints(Part(), depth))
    assert (answer.op, ".".join(answer.path), answer.call) == ("SqrtBackward0", "part.root", 1)
