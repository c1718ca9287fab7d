"""What is said of a hook: failed, never fired and why, changed nothing. The truth is what plain PyTorch computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.hooks import effect
from inspector.engine.session import Session
from inspector.records import AddHook, HookOutcome, Run

X = torch.tensor([[1.0, -2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 2.0]])


class Held(nn.Module):
    """Every way of not being called: in a list, past __call__, by its weights alone."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.spare = nn.Linear(4, 4)
        self.parts = nn.ModuleList([nn.Linear(4, 4)])
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.parts[0](self.act(self.a(x))))
        return self.attention(x[:, None], x[:, None], x[:, None])[0]


def opened(model: nn.Module, args: tuple[Any, ...]) -> Session:
    session = Session(lambda event: None)
    session.adopt(model, args, {}, "toy")
    return session


def run(model: nn.Module, wanted: dict[str, Any], x: Tensor = X, **options: Any) -> tuple[HookOutcome, ...]:
    """What became of hooks in one call of the model, without the warning."""
    with pytest.warns(inspector.HookWarning), inspector.hooks(model, wanted, **options) as on:
        model(x)
    return tuple(on.outcomes)


REASONS = [
    ("a", "scale(2, call=3)", "call=3, counted from 0, and it was called once"),
    ("act", "scale(2, call=2)", "call=2, counted from 0, and it was called 2 times"),
    ("a", "zero(when='nan > 0')", "when='nan > 0' never held (1 tensor looked at)"),
    ("act", "zero(when='nan > 0')", "when='nan > 0' never held (2 tensors looked at)"),
    ("spare", "scale(2)", "it was not called"),
    ("parts", "scale(2)", "ModuleList has no forward of its own, and is never called"),
    ("attention.out_proj", "scale(2)", "MultiheadAttention uses its parameters without calling it"),
    ("a", "scale(2, on='grad')", "no backward pass came to its output"),
    ("act", "scale(2, on='parameters')", "ReLU has no parameters of its own"),
    ("a", "rename('a', 'b')", "no state dict was made"),
    ("a", "rename('a', 'b', on='load_state_dict')", "no state dict was loaded"),
    ("a", "record('run', call=1)", "call=1, counted from 0, and it was called once"),
    ("a", "observe(call=1)", "call=1, counted from 0, and it was called once"),
    ("a", "observe(when='nan > 0')", "when='nan > 0' never held"),
]


@pytest.mark.parametrize(("where", "hook", "why"), REASONS)
def test_a_hook_that_never_fired_says_why(where: str, hook: str, why: str) -> None:
    model = Held().eval()
    model.attention.register_forward_hook(lambda *_: None)  # no fast path: torch's own, whoever is asked
    (outcome,) = run(model, {where: hook})
    assert outcome.kind == "never fired" and outcome.fired == 0 and outcome.changed is None
    assert outcome.unfired.startswith(why) and outcome.sentence == f"never fired: {outcome.unfired}"


def test_in_the_app_it_says_so_as_well() -> None:
    session = opened(Held().eval(), (X,))
    reasons = [each for each in REASONS if each[1] != "observe(call=1)"]  # a module has one observing hook
    for where, hook, _ in reasons:
        answer(session, AddHook(1, where, hook))
    summary = session.run(Run(1))
    told = {(".".join(each.path), each.hook): each.unfired for each in summary.idle}
    assert summary.hook_counts.never_fired == len(reasons) == len(told) and not summary.faults
    for where, hook, why in reasons:
        if "grad" not in hook:
            assert told[where, hook].startswith(why), (where, hook)
    assert told["a", "scale(2, on='grad')"] == "the pass had no backward pass"
    rows = session.queries.hooks(("spare",)).rows
    assert [row.outcome.unfired for row in rows if row.outcome] == ["it was not called"]
    session.close()


def test_a_hook_of_the_app_has_no_outcome_before_a_pass() -> None:
    session = opened(Held().eval(), (X,))
    answer(session, AddHook(1, "spare", "scale(2)"))
    assert not any(row.outcome for row in session.queries.hooks(("spare",)).rows)
    assert [each.unfired for each in session.queries.outcomes(0, 10).rows] == ["the model was not called"]
    session.run(Run(1))
    (outcome,) = session.queries.outcomes(0, 10).rows
    assert outcome.place == "scale(2) on spare"
    session.close()


class Late(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(3, 3)
        self.c = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.b(self.a(x)))


def test_a_pass_that_ended_before_it_says_so() -> None:
    session = opened(Late(), (X,))
    answer(session, AddHook(1, "c", "scale(2)"))
    summary = session.run(Run(1))
    assert summary.problem is not None
    assert [each.unfired for each in summary.idle] == ["the pass ended before it was called"]
    session.close()


class Lora(nn.Module):
    """As `peft` has them."""

    def __init__(self) -> None:
        super().__init__()
        self.base_layer = nn.Linear(4, 4)
        self.lora_A = nn.ModuleDict({name: nn.Linear(4, 2, bias=False) for name in ("default", "other")})
        self.lora_B = nn.ModuleDict({name: nn.Linear(2, 4, bias=False) for name in ("default", "other")})
        self.merged, self.disable_adapters, self.active_adapters = False, False, ["default"]

    def forward(self, x: Tensor) -> Tensor:
        out = self.base_layer(x)
        if self.merged or self.disable_adapters:
            return out
        return out + sum(self.lora_B[name](self.lora_A[name](x)) for name in self.active_adapters)


@pytest.mark.parametrize(
    ("attribute", "module", "why"),
    [
        ("merged", "0.lora_A.default", "the adapter is merged into the weight of its Lora, which does not call it"),
        ("merged", "0.lora_B.default", "the adapter is merged into the weight of its Lora, which does not call it"),
        ("disable_adapters", "0.lora_A.default", "the adapters of its Lora are disabled"),
        ("", "0.lora_A.other", "the adapter 'other' is not active"),
    ],
)
def test_an_adapter_that_is_not_called_says_why(attribute: str, module: str, why: str) -> None:
    model = nn.Sequential(Lora())
    if attribute:
        setattr(model[0], attribute, True)
    (outcome,) = run(model, {module: "scale(2)"})
    assert outcome.unfired == why


class Direct(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.b.forward(self.a(x))


def test_a_forward_that_ran_past_hooks_is_not_called_uncalled() -> None:
    (outcome,) = run(Direct(), {"b": "scale(2)"})
    assert outcome.unfired.startswith("no call of it was seen: what holds it may run its forward past __call__")
    with torch.no_grad():
        session = opened(Direct(), (X,))
    session.run(Run(1))  # the pass that looks without hooks sees it run
    answer(session, AddHook(1, "b", "scale(2)"))
    (idle,) = session.run(Run(1)).idle
    assert idle.unfired == "its forward ran past __call__, where no hook fires"
    session.close()


def test_what_a_graph_took_in_says_so() -> None:
    traced = torch.fx.symbolic_trace(nn.Sequential(Direct(), nn.Linear(4, 4)))
    (outcome,) = run(traced, {"0": "scale(2)"})
    assert outcome.unfired == "a graph above it took its code in and never calls it"


def test_in_several_steps_it_says_how_often_it_was_called_in_one() -> None:
    model = Held().eval()
    hooks = ["scale(2, call=2)", "scale(2, step=5)", "scale(2, every=9, call=1)"]
    with pytest.warns(inspector.HookWarning), inspector.hooks(model, {"act": hooks}) as on:
        model(X)
        model(X)
    assert [each.unfired for each in on.outcomes] == [
        "call=2, counted from 0, and it was called 2 times at most in a step",
        "step=5, counted from 0, and step 1 was the last that it was called in",
        "",
    ]


def test_a_model_that_was_not_called_is_no_modules_fault() -> None:
    said = r"scale\(2\) on a never fired: the model was not called"
    with pytest.warns(inspector.HookWarning, match=said), inspector.hooks(Held(), {"a": "scale(2)"}):
        pass


def test_where_only_parts_of_a_model_are_called_that_is_the_reason() -> None:
    model = Held()
    with pytest.warns(inspector.HookWarning), inspector.hooks(model, PARTLY) as on:
        model.a(X)
    assert [each.unfired for each in on.outcomes] == [
        "",
        "step=2: a step is a call of the model itself, and only parts of it were called",
        "neither it nor the model itself was called, only parts of the model",
        "ModuleList has no forward of its own, and is never called",
    ]


PARTLY = {"a": ["scale(2)", "scale(3, step=2)"], "spare": "scale(2)", "class:ModuleList": "scale(2)"}


def test_the_root_whose_forward_is_called_past_hooks_is_not_said_to_rest() -> None:
    model = Held()
    with pytest.warns(inspector.HookWarning), inspector.hooks(model, {"(root)": "scale(2)", "a": "scale(2)"}) as on:
        model.forward(X)
    assert [each.unfired for each in on.outcomes] == ["its forward ran past __call__, where no hook fires", ""]


def test_a_module_that_refuses_to_be_observed_is_not_said_to_rest() -> None:
    class Refusing(nn.Linear):
        def register_forward_hook(self, *args: Any, **options: Any) -> Any:
            raise RuntimeError("no hooks here")

    model = nn.Sequential(Refusing(4, 4))
    (outcome,) = run(model, {"0": "observe()"})
    assert outcome.unfired == "it cannot be observed: no hooks here"


@pytest.mark.parametrize("hook", ["record(step='last')", "observe(step='last')"])
def test_what_is_not_called_in_the_last_step_did_not_fire_there(hook: str) -> None:
    class Once(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            decoded: Tensor = self.decoder(x)
            return decoded

    model = Once()
    on = inspector.hooks(model, {"encoder": hook, "decoder": hook})
    with pytest.warns(inspector.HookWarning, match="encoder never fired"), on:
        encoded = model.encoder(X)
        for _ in range(3):
            model(encoded)
    first, second = on.outcomes
    assert first.unfired == "step='last', and step 0 of 0 to 2 was the last that it was called in"
    assert next(iter(on.fired.values())) == 0 and second.kind == "fine"


def test_a_pattern_does_not_mean_containers() -> None:
    model = Held().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with inspector.hooks(model, {"part*": "scale(2)"}) as on:
            model(X)
    assert on.fired == {"parts.0: scale(2)": 1}
    (outcome,) = run(model, {"class:ModuleList": "scale(2)"})  # it meets nothing else
    assert outcome.path == ("parts",)


def double(module: nn.Module, args: Any, kwargs: Any, output: Tensor) -> Tensor:
    return output * 2


def double_in_place(module: nn.Module, args: Any, kwargs: Any, output: Tensor) -> None:
    output.mul_(2)


def forget_to_return(module: nn.Module, args: Any, kwargs: Any, output: Tensor) -> None:
    output * 2


def clamp_nothing(module: nn.Module, args: Any, kwargs: Any, output: Tensor) -> Tensor:
    return output.clamp_(-1e9, 1e9)


def halve_weight(module: nn.Module) -> None:
    module.weight.mul_(0.5)  # type: ignore[operator, union-attr]


def read_weight(module: nn.Module) -> None:
    module.weight.sum()  # type: ignore[operator, union-attr]


def other_input(module: nn.Module, args: Any, kwargs: Any) -> Any:
    return (args[0] + 1,), kwargs


def same_input(module: nn.Module, args: Any, kwargs: Any) -> Any:
    return (args[0].clone(),), kwargs


CHANGES: list[tuple[Any, bool]] = [
    ("scale(2)", True), ("scale(1)", False), ("add(0.0)", False), ("clamp(-1e9, 1e9)", False), ("zero()", True),
    ("scale(1, on='input')", False), ("scale(2, on='input')", True), ("prune(0.0)", False),
    ("scale(1, on='parameters')", False), ("scale(2, on='parameters')", True), ("prune(0.0, on='output')", False),
    (inspector.python(double), True), (inspector.python(double_in_place), True),
    (inspector.python(forget_to_return), False), (inspector.python(clamp_nothing), False),
    (inspector.python(halve_weight, on="parameters"), True), (inspector.python(read_weight, on="parameters"), False),
    (inspector.python(other_input, on="input"), True), (inspector.python(same_input, on="input"), False),
]  # fmt: skip


@pytest.mark.parametrize(("hook", "changed"), CHANGES, ids=str)
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_whether_a_bit_was_changed(hook: Any, changed: bool, mode: Callable[[], Any]) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with mode(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with inspector.hooks(model, {"0": hook}) as on:
            model(X)
    assert list(on.changed.values()) == [changed], on
    assert [each.kind for each in on.outcomes] == ["fine" if changed else "changed nothing"]
    assert [w.category for w in caught] == ([] if changed else [inspector.HookWarning])


@pytest.mark.parametrize(("factor", "changed"), [(1, False), (2, True)])
def test_whether_a_gradient_was_changed(factor: int, changed: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", inspector.HookWarning)
        with inspector.hooks(model, {"0": f"scale({factor}, on='grad')"}) as on:
            model(X).sum().backward()
    assert list(on.changed.values()) == [changed] and list(on.fired.values()) == [1]


def test_not_a_number_is_equal_to_itself_and_the_sign_of_zero_counts() -> None:
    model = nn.Identity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", inspector.HookWarning)
        for x, hook, changed in [
            (torch.tensor([float("nan"), float("inf")]), "scale(1)", False),
            (torch.tensor([0.0]), "scale(-1)", True),
            (torch.tensor([0.0]), "scale(3)", False),
            (torch.tensor([1 + 2j]), "scale(1)", False),
            (torch.tensor([1 + 2j]), "scale(2)", True),
            (torch.ones(3, dtype=torch.bfloat16), "scale(1)", False),
            (torch.ones(4, 4)[:, ::2].t(), "scale(1)", False),
            (torch.ones(5)[1:], "scale(1)", False),
            (torch.ones(5)[1:], "assign(2.0, '3', on='output')", True),
            (torch.ones(3, dtype=torch.float64), "assign(2.0, '2', on='output')", True),
            (torch.ones(4, 2, dtype=torch.float16).t(), "assign(2.0, '1, 3', on='output')", True),
            (torch.ones(0), "scale(2)", False),
        ]:
            with inspector.hooks(model, {"": hook}) as on:
                model(x)
            assert list(on.changed.values()) == [changed], (x, hook)


@pytest.mark.parametrize(("hook", "changed"), [("scale(1)", False), ("scale(2)", True)])
def test_a_device_that_answers_late_is_asked_once_at_the_end(
    hook: str, changed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Tensor] = []
    monkeypatch.setattr(effect, "_answers_at_once", lambda tensor: False)
    monkeypatch.setattr(Tensor, "item", lambda tensor: asked.append(tensor) or tensor.tolist())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", inspector.HookWarning)
        with inspector.hooks(nn.Sequential(nn.Linear(4, 4)), {"0": hook}) as on:
            for _ in range(3):
                on._tree.root(X)
            assert not asked
    assert list(on.changed.values()) == [changed] and len(asked) == 1


def test_what_has_no_values_cannot_be_compared() -> None:
    model = nn.Linear(4, 4, device="meta")
    with inspector.hooks(model, {"": "scale(2)"}) as on:
        model(torch.ones(1, 4, device="meta"))
    assert on.changed == {"(root): scale(2)": None} and list(on.fired.values()) == [1]


def test_what_cannot_be_copied_is_no_reason_to_leave_the_hook_out() -> None:
    ran: list[int] = []
    model = nn.Sequential(nn.LazyLinear(3))
    hook = inspector.python(lambda module: ran.append(1), on="parameters", at="before")
    with inspector.hooks(model, {"": hook}) as on:
        model(X)
    assert ran == [1] and not on.faults and list(on.changed.values()) == [None]


def test_of_what_only_looks_nothing_is_said() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with inspector.hooks(model, {"0": ["record('r')", "observe()"]}) as on:
            model(X)
    assert on.changed == {"0: record('r')": None, "0: observe()": None}
    assert on.fired == {"0: record('r')": 1, "0: observe()": 1}


def test_a_state_dict_hook_that_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    plain = list(model.state_dict())
    said, hooks = "changed nothing: the state dict is bit", ["rename('nothing', 'x')", "rename('weight', 'w')"]
    with pytest.warns(inspector.HookWarning, match=said), inspector.hooks(model, {"0": hooks}) as on:
        assert list(model.state_dict()) != plain
    assert on.changed == {"0: rename('nothing', 'x')": False, "0: rename('weight', 'w')": True}


def test_one_call_that_changed_something_is_enough() -> None:
    model = nn.Identity()
    with inspector.hooks(model, {"": "clamp(0.0, 1.0)"}) as on:
        for x in (torch.zeros(3), torch.full((3,), 2.0), torch.zeros(3)):
            model(x)
    assert list(on.changed.values()) == [True] and list(on.fired.values()) == [3]


def test_what_a_failed_hook_made_before_is_no_change() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, x.sum()

    (outcome,) = run(Two(), {"": "mean(1)"})  # the second output has no dimension 1
    assert (outcome.kind, outcome.changed, outcome.fired) == ("failed", None, 0)
    assert outcome.fault.startswith("IndexError")


def test_one_warning_names_each_hook_at_the_callers_line_the_worst_first() -> None:
    model = Held().eval()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with inspector.hooks(model, {"a": ["scale(1)", "mean(9)"], "spare": "zero()"}):
            model(X)
    (warning,) = caught
    assert warning.category is inspector.HookWarning and warning.filename == __file__
    said = str(warning.message).split("\n")
    assert said[0].startswith("mean(9) on a failed: IndexError")
    assert said[1:] == [
        "zero() on spare never fired: it was not called",
        "scale(1) on a changed nothing: the output is bit for bit as without it",
    ]


@pytest.mark.parametrize("hook", ["scale(2, call=3)", "mean(9)"])
def test_strict_raises_at_the_end_of_the_block(hook: str) -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    said = r"never fired: call=3|failed: IndexError"
    with pytest.raises(inspector.HookError, match=said), inspector.hooks(model, {"0": hook}, strict=True):
        model(X)
    assert not model[0]._forward_hooks


def test_strict_leaves_the_error_of_the_block_and_what_changed_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(ZeroDivisionError), inspector.hooks(model, {"0": "scale(2, call=3)"}, strict=True):
        raise ZeroDivisionError
    warned = pytest.warns(inspector.HookWarning, match="changed nothing")
    with warned, inspector.hooks(model, {"0": "scale(1)"}, strict=True):
        model(X)


def test_a_function_that_is_only_to_look_is_not_told_to_change_nothing() -> None:
    seen: list[int] = []
    model = nn.Sequential(nn.Linear(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with inspector.hooks(model, {"0": inspector.python(lambda *_: seen.append(1), looks=True)}) as on:
            model(X)
    assert seen == [1] and list(on.changed.values()) == [None] and list(on.fired.values()) == [1]
    wanted = {"0": inspector.python(forget_to_return)}
    with pytest.warns(inspector.HookWarning, match=r"python\(f, looks=True\)"), inspector.hooks(model, wanted):
        model(X)


def test_where_the_block_raised_only_faults_are_told() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with warnings.catch_warnings(record=True) as caught, pytest.raises(ZeroDivisionError):
        warnings.simplefilter("always")
        with inspector.hooks(model, {"0": ["mean(9)", "scale(2, call=3)"]}):
            model(X)
            raise ZeroDivisionError
    (warning,) = caught
    assert "mean(9) on 0 failed" in str(warning.message) and "never fired" not in str(warning.message)


def test_hooks_that_are_written_alike_are_told_apart() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", inspector.HookWarning)
        with inspector.hooks(model, {"0": [inspector.python(double), inspector.python(forget_to_return)]}) as on:
            model(X)
    assert on.changed == {"0: python()": True, "0: python() (2)": False}
    assert repr(on).split("\n")[0] == "python() on 0: fired once"


def test_fetching_histograms_does_not_change_what_is_said() -> None:
    session = opened(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (X,))
    answer(session, AddHook(1, "0", "scale(2)"))
    session.run(Run(1))
    before = session.queries.hooks(("0",)).rows
    session.runner.fetch_values(1)
    after = session.queries.hooks(("0",)).rows
    assert [(row.fired, row.outcome) for row in before] == [(row.fired, row.outcome) for row in after]
    session.close()


def test_many_are_counted_and_the_first_are_named() -> None:
    model = nn.Sequential(*[nn.Identity() for _ in range(30)])
    session = opened(model, (X,))
    answer(session, AddHook(1, "*", "scale(2, call=5)"))
    summary = session.run(Run(1))
    assert summary.hook_counts.never_fired == 30 and len(summary.idle) == 20
    assert session.queries.outcomes(20, 500).total == 30 and len(session.queries.outcomes(20, 500).rows) == 10
    session.close()
