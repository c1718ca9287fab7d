"""When hooks on parameters write: before a call, which sees it, or after it. Truth is a hook written by hand."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import inspector
from inspector.engine.answers import answer
from inspector.engine.hooks.hook import Hook
from inspector.engine.hooks.kinds import BY_NAME
from inspector.engine.hooks.spec import describe_hook, parse_hook, resolve_hook
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AddHook, EditParameters, HookSpec, ReplaceHook, Run, Undo
from tests.fingerprint import fingerprint

X = torch.linspace(-1, 1, 8).reshape(2, 4)
DOUBLE = "scale(2, on='parameters')"


class Twice(nn.Module):
    """Calls one layer two times."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x))


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def twice() -> Twice:
    torch.manual_seed(0)
    return Twice()


def double_by_hand(module: nn.Module, *given: Any) -> None:
    with torch.no_grad():
        for parameter in module.parameters(recurse=False):
            parameter.mul_(2)


def test_the_call_that_a_hook_writes_before_sees_it() -> None:
    model = linear()
    weight = model.weight.detach().clone()
    smallest = weight.abs().flatten().argsort()[:6]
    pruned = weight.flatten().index_fill(0, smallest, 0).reshape(3, 4)
    with torch.no_grad(), inspector.hooks(model, {"": inspector.prune(0.5, on="parameters", where="weight")}):
        assert torch.equal(model(X), F.linear(X, pruned, model.bias))
    assert torch.equal(model.weight, weight)


@pytest.mark.parametrize("at", ["before", "after"])
def test_every_call_writes_again_as_a_hook_by_hand_does(at: str) -> None:
    model, other = linear(), linear()
    register: Any = other.register_forward_pre_hook if at == "before" else other.register_forward_hook
    register(double_by_hand)
    with torch.no_grad(), inspector.hooks(model, {"": inspector.scale(2, on="parameters", at=at)}) as on:
        for _ in range(3):
            assert torch.equal(model(X), other(X))
        assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, other.bias)
    assert list(on.fired.values()) == [6] and not on.faults


def test_what_is_said_of_no_moment_is_that_of_the_kind() -> None:
    assert inspector.prune(0.5, on="parameters").at == "before" == inspector.noise(on="parameters").at
    assert inspector.python(double_by_hand, on="parameters").at == "after"
    assert inspector.python(double_by_hand, on="parameters", at="before").at == "before"
    assert inspector.scale(2).at == "" == inspector.observe().at
    for name, kind in BY_NAME.items():
        assert kind.moment == ("" if "parameters" not in kind.on else "after" if name == "python" else "before")
        assert kind.info().moment == kind.moment and ("at='before' or 'after'" in kind.usage) == bool(kind.moment)


def test_it_is_told_and_made_again() -> None:
    for text in (DOUBLE, "scale(2, on='parameters', at='after')", "python(on='parameters', at='before')"):
        hook = parse_hook(text)
        assert str(hook) == text and parse_hook(str(hook)) == hook == resolve_hook(describe_hook(hook))
        assert describe_hook(hook).at == hook.at
    assert str(parse_hook("scale(2, on='parameters', at='before')")) == DOUBLE
    assert resolve_hook(HookSpec("scale", {"factor": 2}, on="parameters")).at == "before"


@pytest.mark.parametrize(
    ("text", "said"),
    [("scale(2, at='after')", "at is for on='parameters'"), ("scale(2, on='grad', at='before')", "at is for"),
     ("scale(2, on='parameters', at='during')", "must be 'before' or 'after', not 'during'"),
     ("scale(2, on='parameters', at=3)", "not 3"), ("record(at='before')", "at is for")],
)  # fmt: skip
def test_a_moment_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_hook(text)


@pytest.mark.parametrize("options", [{"when": "nan > 0"}, {"where": "[0]"}, {"where": "weight", "on": "parameters"}])
def test_a_function_of_ones_own_takes_no_option_that_nobody_would_look_at(options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="would not be looked at"):
        inspector.python(double_by_hand, **options)


def test_an_edit_has_no_moment() -> None:
    session = opened(linear())
    with pytest.raises(UsageError, match="an edit is made now"):
        answer(session, EditParameters(1, "", "scale(2, at='after')"))
    answer(session, EditParameters(1, "", "scale(2)"))
    session.close()


def gradients(model: nn.Module, loss: Any) -> list[Tensor]:
    x = X.clone().requires_grad_()
    loss(model, x).backward()
    return [x.grad, *(parameter.grad for parameter in model.parameters())]  # type: ignore[list-item]


def one(model: nn.Module, x: Tensor) -> Tensor:
    return model(x).square().sum()


def siamese(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) * model(x.flip(0))).sum()


def test_gradients_are_those_of_a_hook_by_hand() -> None:
    model, other = linear(), linear()
    other.register_forward_pre_hook(double_by_hand)
    with inspector.hooks(model, {"": DOUBLE}) as on:
        for _ in range(2):  # in the second step the graph of the first one ran backward
            model.zero_grad(), other.zero_grad()
            assert all(map(torch.equal, gradients(model, one), gradients(other, one)))
    assert not on.faults and list(on.fired.values()) == [4]


@pytest.mark.parametrize(("make", "where", "loss"), [(twice, "layer", one), (linear, "", siamese)])
def test_where_a_graph_needs_the_parameter_that_is_a_fault_and_no_wrong_gradient(
    make: Any, where: str, loss: Any
) -> None:
    by_hand = make()
    by_hand.get_submodule(where).register_forward_pre_hook(double_by_hand)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        gradients(by_hand, loss)
    model, once = make(), make()
    double_by_hand(once.get_submodule(where))
    with inspector.hooks(model, {where: DOUBLE}) as on:
        assert all(map(torch.equal, gradients(model, loss), gradients(once, loss)))
    (fault,) = on.faults
    assert "still needs weight as it is" in str(fault) and list(on.fired.values()) == [2]
    with inspector.hooks(model, {where: "scale(2, on='parameters', call=0)"}) as on:
        if loss is one:
            model.zero_grad()
            assert all(map(torch.equal, gradients(model, loss), gradients(once, loss)[:1])) and not on.faults


def test_what_no_graph_saved_may_be_written_to() -> None:
    """A layer's bias is in no graph, and a graph that ran backward needs nothing any more."""
    model, other = twice(), twice()
    other.layer.register_forward_pre_hook(lambda module, args: [module.bias.data.mul_(2), None][1])
    with inspector.hooks(model, {"layer": "scale(2, on='parameters', where='bias')"}) as on:
        assert all(map(torch.equal, gradients(model, one), gradients(other, one)))
    assert not on.faults
    with inspector.hooks(model, {"layer": DOUBLE}) as on, torch.no_grad():
        model(X), model(X)
    assert not on.faults and list(on.fired.values()) == [8]


def test_a_graph_that_is_gone_needs_nothing() -> None:
    model = linear()
    with inspector.hooks(model, {"": DOUBLE}) as on:
        x = X.clone().requires_grad_()
        for _ in range(2):
            model(x)
        kept = model(x)
        model(x)
    assert kept.requires_grad and len(on.faults) == 1 and list(on.fired.values()) == [6]


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_function_of_ones_own_that_writes_to_what_a_graph_needs_is_told(at: str) -> None:
    model = linear()
    with inspector.hooks(model, {"": inspector.python(double_by_hand, on="parameters", at=at)}) as on:
        loss = siamese(model, X.clone().requires_grad_())
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):  # as with a hook by hand
            loss.backward()
    assert "weight was written to" in str(on.faults[0])
    with inspector.hooks(model, {"": inspector.python(lambda module: None, on="parameters", at=at)}) as on:
        siamese(model, X.clone().requires_grad_()).backward()
    assert not on.faults


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_call_that_is_computed_again_for_its_gradients_is_not_edited_again(reentrant: bool) -> None:
    def recomputed(model: nn.Module, x: Tensor) -> Tensor:
        return checkpoint(model, x, use_reentrant=reentrant).square().sum()

    model, doubled = linear(), linear()
    double_by_hand(doubled)
    with inspector.hooks(model, {"": DOUBLE}) as on:
        assert all(map(torch.equal, gradients(model, recomputed), gradients(doubled, one)))
    assert not on.faults
    late = twice()
    with inspector.hooks(late, {"layer": DOUBLE}) as on:
        gradients(late, recomputed)
    assert len(on.faults) == 1


def test_a_cast_that_is_kept_is_made_anew() -> None:
    model, other = twice(), twice()
    other.layer.register_forward_pre_hook(lambda *given: (double_by_hand(*given), torch.clear_autocast_cache())[0])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        plain = model(X)
        with inspector.hooks(model, {"layer": DOUBLE}):
            assert torch.equal(model(X), other(X))
        assert torch.equal(model(X), plain)


def test_without_a_step_of_backward_what_waits_is_written_at_the_next_step() -> None:
    model = linear()
    weight = model.weight.detach().clone()
    with inspector.hooks(model, {"": "scale(2, on='parameters', at='after')"}):
        model(X).sum().backward()
        assert torch.equal(model.weight, weight)  # the graph was there when the call was over
        model(X)
        assert torch.equal(model.weight, weight * 2)


HOOKS: dict[str, Hook | str] = {
    "scale": DOUBLE,
    "after": "scale(2, on='parameters', at='after')",
    "in place": inspector.python(double_by_hand, on="parameters"),
    "data": inspector.python(lambda m: setattr(m.weight, "data", m.weight.data * 2), on="parameters"),
    "replaced": inspector.python(lambda m: setattr(m, "weight", nn.Parameter(m.weight * 2)), on="parameters"),
    "replaced before": inspector.python(
        lambda m: setattr(m, "weight", nn.Parameter(m.weight * 2)), on="parameters", at="before"
    ),
}


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", HOOKS)
def test_afterwards_the_weights_are_back(name: str, grad: bool, recwarn: pytest.WarningsRecorder) -> None:
    model = linear()
    weight, bytes_before = model.weight, model.weight.detach().clone()
    place, names = weight.data_ptr(), list(model._parameters)
    with torch.set_grad_enabled(grad), inspector.hooks(model, {"": HOOKS[name]}) as on:
        for _ in range(3):
            output = model(X)
            if grad:
                output.sum().backward()
        assert not torch.equal(model.weight, bytes_before)
    assert model.weight is weight and torch.equal(weight, bytes_before) and weight.data_ptr() == place
    assert list(model._parameters) == names and not on.faults and not recwarn.list
    assert (weight.grad is not None) == grad
    with torch.set_grad_enabled(grad), inspector.hooks(model, {"": HOOKS[name]}, keep=True):
        model(X), model(X), model(X)
    assert not torch.equal(model.weight, bytes_before)


def test_a_block_that_raises_puts_them_back_too() -> None:
    model = linear()
    weight = model.weight.detach().clone()
    with pytest.raises(KeyError), inspector.hooks(model, {"": DOUBLE}), torch.no_grad():
        model(X)
        raise KeyError
    assert torch.equal(model.weight, weight) and not model._forward_pre_hooks and not model._forward_hooks


def test_tied_and_parametrized_parameters_are_put_back() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))
    model[1].weight = model[0].weight
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    wanted = {"*": [DOUBLE, inspector.python(double_by_hand, on="parameters", at="before")]}
    with torch.no_grad(), inspector.hooks(model, wanted) as on:
        model(X), model(X)
        assert any(not torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert not on.faults
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert model[1].weight is model[0].weight


@pytest.mark.parametrize("name", ["scale", "in place"])
def test_what_an_optimizer_wrote_is_not_lost(name: str) -> None:
    model, trained = linear(), linear()
    optimizer = torch.optim.SGD([model.bias], lr=0.1)
    weight = model.weight.detach().clone()
    with pytest.warns(UserWarning) as said, inspector.hooks(model, {"": HOOKS[name]}):
        for _ in range(2):
            optimizer.zero_grad()
            model(X).sum().backward()
            optimizer.step()
            with torch.no_grad():
                model.bias.add_(1)
    texts = [str(each.message) for each in said]
    assert texts == ["bias was also written by something else than a hook: it is left as it is"]
    assert torch.equal(model.weight, weight) and not torch.equal(model.bias, trained.bias)


def test_training_in_a_block_without_writing_hooks_says_nothing(recwarn: pytest.WarningsRecorder) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    looks = inspector.python(lambda module: None, on="parameters", looks=True)
    other = copy.deepcopy(model)
    with inspector.hooks(model, {"*": looks, "0": "scale(1, on='parameters')"}):
        for _ in range(2):
            model(X).sum().backward()
            optimizer.step()
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(2):
        other(X).sum().backward()
        optimizer.step()
    assert all(map(torch.equal, model.state_dict().values(), other.state_dict().values()))
    assert ["changed nothing" in str(each.message) for each in recwarn.list] == [True]


def test_names_that_a_function_adds_or_removes_are_left_and_told() -> None:
    from torch.nn.utils import prune

    model = linear()
    once = inspector.python(lambda module: prune.l1_unstructured(module, "weight", 0.5), on="parameters", call=0)
    with pytest.warns(UserWarning) as said, torch.no_grad(), inspector.hooks(model, {"": once}):
        model(X)
    assert "added or removed weight, weight_orig of (root)" in str(said[0].message)
    assert (model(X) == F.linear(X, model.weight_orig * model.weight_mask, model.bias)).all()


def test_a_graph_of_the_block_cannot_take_what_was_put_back_for_its_own() -> None:
    model = linear()
    x = X.clone().requires_grad_()
    with inspector.hooks(model, {"": DOUBLE}):
        loss = model(x).sum()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def opened(model: nn.Module) -> Session:
    session = Session(lambda event: None)
    session.adopt(model, (X,), {}, "toy")
    return session


@pytest.mark.parametrize("backward", [False, True])
def test_a_pass_of_the_app_sees_it_and_puts_it_back(backward: bool) -> None:
    model = twice()
    before = fingerprint(model)
    session = opened(model)
    answer(session, AddHook(1, "layer", HookSpec("scale", {"factor": 2}, on="parameters", call=0)))
    expected = twice()
    double_by_hand(expected.layer)
    seen: list[Tensor] = []
    handle = model.register_forward_hook(lambda module, args, output: seen.append(output.detach().clone()))
    summary = session.run(Run(1, backward=backward))
    handle.remove()
    assert torch.equal(seen[-1], expected(X)) and not summary.faults and summary.problem is None
    (row,) = [row for row in session.queries.hooks(("layer",)).rows if row.spec]
    assert row.kind == "forward_pre" and row.spec is not None and row.spec.at == "before" and row.fired == 2
    answer(session, ReplaceHook(1, ("layer",), row.kind, row.id, "scale(2, on='parameters', at='after')"))
    (row,) = [row for row in session.queries.hooks(("layer",)).rows if row.spec]
    assert row.kind == "forward" and row.spec is not None and row.spec.at == "after"
    answer(session, Undo(1)), answer(session, Undo(1, redo=True)), answer(session, Undo(1)), answer(session, Undo(1))
    session.close()
    assert fingerprint(model) == before


def test_batches_of_the_app_with_gradients_write_in_each() -> None:
    model = linear()
    session = opened(model)
    answer(session, AddHook(1, "", DOUBLE))
    weight = model.weight.mean().item()
    for backward in (False, True):
        summary = session.run(Run(1, batches=3, backward=backward))
        series = {each.name: each.values for each in session.queries.history(()).series}
        assert series["weight mean"] == pytest.approx((2 * weight, 4 * weight, 8 * weight)) and not summary.faults
    session.close()
