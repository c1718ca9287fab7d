"""Gradients in a capture: what plain PyTorch gives, with nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import inspector
from inspector.engine.values.summarize import Summarizer
from inspector.records import TensorValue, Value
from tests.fingerprint import fingerprint


def described(tensor: Tensor) -> Value:
    return Summarizer().describe_now(tensor.detach())


def made() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Dropout(0.0), nn.Linear(8, 2))


def grads(model: nn.Module) -> dict[str, Value]:
    return {name: described(p.grad) for name, p in model.named_parameters() if p.grad is not None}


X = torch.randn(3, 4)


def test_of_a_resnet_with_operations_in_place_equal_to_retain_grad() -> None:
    torch.manual_seed(0)
    model, x = torchvision.models.resnet18(num_classes=4).train(), torch.randn(2, 3, 64, 64)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    kept: dict[str, Tensor] = {}

    def retain(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(module: nn.Module, args: Any, output: Tensor) -> None:
            output.retain_grad()
            kept[name] = output

        return keep

    observed = [(name, each) for name, each in model.named_modules() if isinstance(each, (nn.Conv2d, nn.Linear))]
    handles = [module.register_forward_hook(retain(name)) for name, module in observed]
    model(x).square().sum().backward()
    truth = {name: described(output.grad) for name, output in kept.items()}  # type: ignore[arg-type]
    parameters = grads(model)
    for handle in handles:
        handle.remove()
    model.load_state_dict(state)
    model.zero_grad()
    with inspector.capture(model) as cap:
        model(x).square().sum().backward()
    assert {name: cap[name].gradient for name in truth} == truth
    assert (
        list(cap.gradients.items()) == list(parameters.items()) and parameters == grads(model) and len(parameters) == 62
    )
    assert all(call.gradient is not None for call in cap.calls)


def test_nothing_is_left_on_tensors_parameters_and_modules() -> None:
    model = made()
    before = fingerprint(model)
    with inspector.capture(model):
        output = model(X)
    after = fingerprint(model)
    assert {**after, "random": 0} == {**before, "random": 0}
    tensors = [output, *model.parameters()]
    assert all(t._backward_hooks is None and t._post_accumulate_grad_hooks is None for t in tensors)
    output.sum().backward()  # after the block: nobody listens


def test_a_backward_pass_after_the_block_is_not_seen() -> None:
    model = made()
    with inspector.capture(model) as cap:
        loss = model(X).sum()
    loss.backward()
    assert cap.gradients == {} and all(call.gradient is None for call in cap.calls)


def test_without_backward_there_are_none() -> None:
    model = made()
    with inspector.capture(model, backward=False) as cap:
        model(X).sum().backward()
    assert cap.gradients == {} and all(call.gradients == () for call in cap.calls)


def test_the_gradients_are_stolen_and_shared_as_without_a_capture() -> None:
    """AccumulateGrad takes the tensor it is given as `.grad` unless somebody else holds it."""
    model = nn.Linear(4, 4)
    arrived: list[int] = []
    with inspector.capture(model):
        output = model(X)
        torch.autograd.graph.get_gradient_edge(model.weight).node.register_hook(
            lambda inputs, outputs: arrived.append(outputs[0].data_ptr())
        )
        output.sum().backward()
    assert arrived == [model.weight.grad.data_ptr()]  # type: ignore[union-attr]


def test_several_backward_passes_through_one_graph() -> None:
    model = made()
    with inspector.capture(model) as cap:
        output = model(X)
        output.sum().backward(retain_graph=True)
        first = grads(model)
        assert cap.gradients == first
        (3 * output).sum().backward()
    ones = torch.ones(3, 2)
    assert cap["(root)"].gradients == ((described(ones), described(3 * ones)),)
    assert cap["(root)"].gradient == described(ones)
    assert cap.gradients == grads(model) != first  # as `.grad`, the sum of both


def test_accumulation_over_batches() -> None:
    model, plain = made(), made()
    batches = torch.randn(4, 3, 4).unbind()
    with inspector.capture(model) as cap:
        for batch in batches:
            model(batch).sum().backward()
    for batch in batches:
        plain(batch).sum().backward()
    assert cap.gradients == grads(plain)
    assert [cap["3", number].gradient for number in range(4)] == [described(torch.ones(3, 2))] * 4


def test_a_training_loop_in_one_block() -> None:
    def train(model: nn.Module, seen: Callable[[], Any]) -> None:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for number in range(3):
            optimizer.zero_grad()
            model(X * number).square().sum().backward()
            seen()
            optimizer.step()

    model, plain = made(), made()
    truth: list[Any] = []
    train(plain, lambda: truth.append(grads(plain)))
    told: list[Any] = []
    with inspector.capture(model) as cap:
        train(model, lambda: told.append(cap.gradients))
    assert told == truth
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), plain.parameters(), strict=True))


def test_an_optimizer_that_steps_inside_the_backward_pass() -> None:
    model = made()

    def step(parameter: Tensor) -> None:
        parameter.grad = None

    handles = [parameter.register_post_accumulate_grad_hook(step) for parameter in model.parameters()]
    with inspector.capture(model) as cap:
        model(X).sum().backward()
    for handle in handles:
        handle.remove()
    model(X).sum().backward()
    assert cap.gradients == grads(model)


def test_frozen_parameters_have_none_and_outputs_before_the_first_trained_one_neither() -> None:
    model = made()
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    with inspector.capture(model) as cap:
        model(X).sum().backward()
    assert set(cap.gradients) == {"3.weight", "3.bias"}
    assert [call.gradient is not None for call in cap.calls] == [False, False, False, True, True]
    assert cap["0"].gradients in ((), ((),))


def test_only_parameters_of_the_matching_modules_and_tied_ones_once() -> None:
    model = made()
    model.append(nn.Linear(2, 8, bias=False))
    model[4].weight = nn.Parameter(torch.randn(8, 2))
    model.append(nn.Linear(2, 8, bias=False))
    model[5] = nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 8, bias=False))
    model[5][1].weight = model[4].weight
    with inspector.capture(model, "4, 5.*") as cap:
        model(X).sum().backward()
    assert set(cap.gradients) == {"4.weight", "5.0.weight", "5.0.bias"}
    assert cap.gradients["4.weight"] == described(model[4].weight.grad)  # type: ignore[arg-type]


class Pair(nn.Module):
    """Gives several tensors, one of which no gradient reaches."""

    def forward(self, x: Tensor) -> dict[str, Any]:
        first, second, third = x.chunk(3, 1)
        return {"mask": x > 0, "parts": [first, (second,)], "third": third}


def test_of_each_tensor_of_an_output_in_order() -> None:
    model = nn.Sequential(nn.Linear(4, 6), Pair())
    with inspector.capture(model) as cap:
        found = model(X)
        (2 * found["parts"][1][0] + 5 * found["third"]).sum().backward()
    two, five = (described(torch.full((3, 2), number)) for number in (2.0, 5.0))
    assert cap["1"].gradients == ((), (), (two,), (five,)) and cap["1"].gradient == two


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_parts(reentrant: bool) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part, self.head = made(), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Any:
            return self.head(checkpoint(self.part, x, use_reentrant=reentrant))

    model, x = Net(), X.clone().requires_grad_()
    with inspector.capture(model) as cap:
        model(x).sum().backward()
    assert cap.gradients == grads(model)
    seen = [call.gradient for call in cap.calls if call.path == "part.3" and call.gradient is not None]
    assert seen == [described(torch.ones(3, 2) @ model.head.weight)]


def test_gradients_that_a_hook_altered_are_seen_as_they_went_on() -> None:
    model = made()
    with inspector.hooks(model, {"3": inspector.scale(3, on="grad")}), inspector.capture(model, "3") as cap:
        model(X).sum().backward()
    assert cap["3"].gradient == described(torch.full((3, 2), 3.0))
    assert cap.gradients == {f"3.{name}": described(p.grad) for name, p in model[3].named_parameters()}  # type: ignore[arg-type]


@pytest.mark.parametrize("hook", [inspector.scale(3, on="grad"), inspector.observe(on="grad")])
def test_hooks_on_gradients_are_off_when_their_block_is_over(hook: Any) -> None:
    model, plain = made(), made()
    with pytest.warns(inspector.HookWarning, match="never fired"), inspector.hooks(model, {"3": hook}) as on:
        output = model(X)
    output.sum().backward()
    plain(X).sum().backward()
    assert not output._backward_hooks and grads(model) == grads(plain)
    assert all(call.gradient is None for call in on.calls)


def test_observe_hooks_of_the_library_see_gradients() -> None:
    model = made()
    with inspector.hooks(model, {"3": inspector.observe(on="grad"), "0": inspector.observe(on="output")}) as on:
        model(X).sum().backward()
    assert {call.path: call.gradient for call in on.calls} == {"3": described(torch.ones(3, 2)), "0": None}


class Doubled(torch.autograd.Function):
    """A function whose backward is written in Python."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return 2 * gradient


class Custom(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return Doubled.apply(x)  # type: ignore[no-untyped-call]


class OwnParameter(nn.Module):
    """Returns a leaf."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self) -> Tensor:
        return self.weight


def test_functions_written_in_python_and_leaves() -> None:
    model = nn.Sequential(nn.Linear(4, 2), Custom())
    with inspector.capture(model) as cap:
        model(X).sum().backward()
    assert cap["1"].gradient == described(torch.ones(3, 2)) and cap["0"].gradient == described(torch.full((3, 2), 2.0))
    leaf = OwnParameter()
    with inspector.capture(leaf) as cap:
        (4 * leaf()).sum().backward()
    assert cap[""].gradient == cap.gradients["weight"] == described(torch.full((3,), 4.0))


def test_double_backward_and_transforms() -> None:
    model = nn.Sequential(nn.Linear(4, 2), nn.Tanh())
    with inspector.capture(model) as cap:
        x = X.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        gradient.square().sum().backward()
    assert cap.gradients == grads(model)
    parameters = dict(model.named_parameters())
    with inspector.capture(model) as cap:
        torch.func.grad(lambda p: torch.func.functional_call(model, p, (X,)).sum())(parameters)
        torch.func.vmap(model)(X)
    assert len(cap) == 6 and cap.gradients == {}


def test_shapes_only() -> None:
    model = made()
    with inspector.capture(model, statistics=False) as cap:
        model(X).sum().backward()
    value = cap.gradients["3.weight"]
    assert value.shape == (2, 8) and value.statistics is None
    assert isinstance(cap["3"].gradient, TensorValue) and cap["3"].gradient.statistics is None
