"""A part of a tensor as a hook's `where`: how it is written, what is refused, and that nothing is written in place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.hooks.spec import describe_hook, parse_hook, resolve_hook
from inspector.engine.session import Session
from inspector.engine.values.value_path import parse_steps, part_at, replace_at, write_steps
from inspector.errors import UsageError
from inspector.records import AddHook, HookSpec, Run
from tests.models import build

X = torch.arange(24.0).reshape(2, 3, 4)
PARTS: dict[str, Any] = {
    "[1]": (1,), "[-1][0]": (-1, 0), "[..., 1:3]": (..., slice(1, 3)), "[:, -1]": (slice(None), -1),
    "[0, :, ::2]": (0, slice(None), slice(None, None, 2)), "[:,1]": (slice(None), 1), "[0:1, ...]": (slice(0, 1), ...),
    "[...]": (...,), "[1, 2, 3]": (1, 2, 3), "[-2:]": (slice(-2, None),), "[0,]": (0,),
}  # fmt: skip


@pytest.mark.parametrize("text", PARTS)
def test_a_part_is_what_python_would_take(text: str) -> None:
    steps = parse_steps(text)
    assert torch.equal(part_at(X, steps), X[PARTS[text]]) and parse_steps(write_steps(steps)) == steps
    given = X.clone()
    altered = replace_at((given, 1), parse_steps(f"[0]{text}"), lambda part: part + 100)
    expected = X.clone()
    expected[PARTS[text]] += 100
    assert torch.equal(altered[0], expected) and torch.equal(given, X)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[..., None]", "'None' is no number, slice or ..."), ("[:, ::-1]", "no slice with a step of -1"),
     ("[..., ...]", "can be there once"), ("[:, 1].x", "nothing comes behind it"), ("[:, 1][0]", "nothing comes"),
     ("[True, 0]", "'True' is no number"), ("[1:2:3:4]", "no index"), ("[:, x]", "'x' is no"), ("[]", "is no"),
     ("[1, 0", "no path"), ("[[0, 1]]", "no path"), ("[::0]", "step of 0"), ("[0.5, 1]", "'0.5' is no")],
)  # fmt: skip
def test_what_is_no_part_is_refused_when_it_is_typed(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        inspector.scale(2, where=text)
    assert said in refused.value.problem.what and "[..., 16:32]" in refused.value.problem.hint


@pytest.mark.parametrize(
    ("where", "said"),
    [("[7]", "there is no [7] in a tensor of 2×3×4"), ("[0, 0, 0, 0]", "there is no [0, 0, 0, 0] in a tensor of 2×3×4"),
     ("[:, 5:9]", "[:, 5:9] is no element of a tensor of 2×3×4"), (".logits", "there is no .logits in a tensor"),
     ('["h"]', "there is no ['h'] in a tensor")],
)  # fmt: skip
def test_a_part_that_is_not_there_is_a_fault_and_refused_after_a_pass(where: str, said: str) -> None:
    model = nn.Sequential(nn.Identity())
    with pytest.warns(UserWarning), inspector.hooks(model, {"0": inspector.zero(where=where)}) as on:
        assert torch.equal(model(X), X)
    assert said in str(on.faults[0])
    session = opened(model, X)
    session.run()
    for asked in (
        f"zero(where={where!r})",
        HookSpec("observe", where=where),
        HookSpec("scale", {"factor": 2}, "grad", where),
    ):
        problem = session.queries.check_hook("0", asked, edits=False).problem
        assert problem is not None and said in problem.what and "[:, -1]" in problem.hint
        with pytest.raises(UsageError):
            answer(session, AddHook(1, "0", asked))
    assert session.queries.check_hook("0", "zero(where='[..., 1:3]')", edits=False).problem is None
    session.close()


def opened(model: nn.Module, *args: Any, **kwargs: Any) -> Session:
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "toy")
    return session


class Parts(nn.Module):
    """Gives a dict with a tuple in it."""

    def forward(self, x: Tensor, *, scale: Tensor) -> dict[str, Any]:
        return {"h": (x * scale, None), "n": 3}


@pytest.mark.parametrize(
    ("hook", "said"),
    [("zero(where='[\"h\"][0][:, -1]')", ""),
     ("zero(where='[\"x\"]')", "there is no ['x'] in a dict with the keys h, n"),
     ("zero(where='[\"h\"][2]')", "there is no [2] in a tuple of 2"), ("zero(where='[\"h\"][1][0]')", "no [0] in None"),
     ("zero(where='[\"n\"][0]')", "no [0] in a int"), ("zero(where='[:, 1]')", "[:, 1] is an index into a tensor"),
     ("zero(on='input', where='[0][:, -1]')", ""), ("zero(on='input', where='[1]')", "there is no [1] in a tuple of 1"),
     ("zero(on='input', where='[\"scale\"][0]')", ""), ("zero(on='input', where='[\"bias\"]')", "with the keys scale")],
)  # fmt: skip
def test_the_last_pass_says_what_parts_there_are(hook: str, said: str) -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = Parts()

        def forward(self, x: Tensor) -> Tensor:
            return self.parts(x, scale=torch.ones(4))["h"][0]

    session = opened(Root(), X)
    assert session.queries.check_hook("parts", hook, edits=False).problem is None  # nobody knows before a pass
    session.run()
    problem = session.queries.check_hook("parts", hook, edits=False).problem
    assert (problem is None and not said) or (problem is not None and said and said in problem.what), problem
    session.close()


def test_of_several_modules_one_with_the_part_is_enough() -> None:
    model, args, kwargs = build("mlp")
    session = opened(model, *args, **kwargs)
    session.run()
    widths = sorted({module.out_features for module in model.modules() if isinstance(module, nn.Linear)})
    assert len(widths) > 1
    check = session.queries.check_hook
    assert check("class:Linear", f"zero(where='[:, {widths[-1] - 1}]')", edits=False).problem is None
    assert check("class:Linear", f"zero(where='[:, {widths[-1]}]')", edits=False).problem is not None
    session.close()


def test_it_crosses_as_text() -> None:
    hook = parse_hook("scale(2, on='grad', where='[0][..., 16:32]')")
    assert describe_hook(hook).where == "[0][..., 16:32]" and resolve_hook(describe_hook(hook)) == hook
    assert str(hook) == "scale(2, on='grad', where='[0][..., 16:32]')"


def test_what_is_observed_of_a_part_is_the_part() -> None:
    model = nn.Sequential(nn.Identity())
    session = opened(model, X)
    answer(session, AddHook(1, "0", "observe(on='output', where='[:, -1]', when='max > 22')"))
    session.run()
    (call,) = session.calls_of(("0",)).calls
    assert call.output.shape == (2, 4) and call.output.statistics.max == 23 and call.output.statistics.min == 8
    session.close()


def test_a_condition_is_about_the_part() -> None:
    model = nn.Identity()
    with inspector.hooks(model, {"": inspector.zero(where="[0]", when="max < 12")}):
        expected = X.clone()
        expected[0] = 0
        assert torch.equal(model(X), expected)
    with pytest.warns(UserWarning), inspector.hooks(model, {"": inspector.zero(where="[0]", when="max > 12")}):
        assert torch.equal(model(X), X)


def test_a_gradient_hook_on_a_part_leaves_the_rest() -> None:
    model, x = nn.Sequential(nn.Linear(4, 4), nn.Tanh()), X.clone().requires_grad_()
    other = X.clone().requires_grad_()
    with inspector.hooks(model, {"0": inspector.zero(on="grad", where="[:, -1]")}) as on:
        model(x).sum().backward()
    model(other).sum().backward()
    assert x.grad is not None and other.grad is not None and not on.faults
    assert torch.equal(x.grad[:, :-1], other.grad[:, :-1]) and not x.grad[:, -1].any()


def test_a_part_of_a_backward_pass_of_the_app() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    session = opened(model, X)
    answer(session, AddHook(1, "0", "zero(on='grad', where='[:, -1]')"))
    assert not session.run(Run(1, backward=True)).faults
    session.close()


def test_a_recording_of_another_part_is_not_taken_for_this_one() -> None:
    model = nn.Identity()
    with inspector.hooks(model, {"": inspector.record("clean", where="[:, 0]")}) as on:
        model(X)
    assert list(on.recorded["clean"]) == ["(root):output[:, 0]"]
    with (
        pytest.warns(UserWarning),
        inspector.hooks(model, {"": inspector.patch(on.recorded["clean"], where="[:, 1]")}) as late,
    ):
        assert torch.equal(model(X + 1), X + 1)
    assert "has nothing of (root):output" in str(late.faults[0])
