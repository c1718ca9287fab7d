"""Where NaN and Inf came from, and what is dead, against the truth that plain hooks see."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.report.calls import render_calls
from inspector.report.findings import find_dead, find_first_bad, find_producers
from inspector.report.json_report import render_json
from inspector.report.model import Report
from inspector.report.tree import render_tree
from tests.documents import read_document
from tests.reports import make_report

X = torch.rand(3, 8, generator=torch.Generator().manual_seed(0)) + 0.5


class Net(nn.Module):
    """Two blocks; `between` acts on what goes from one to the other."""

    def __init__(self, between: Any = torch.tanh) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
        self.two = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)
        self.between = between

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.head(self.two(self.between(self.one(x))))


def bad(value: Any) -> bool:
    return isinstance(value, Tensor) and not bool(value.isfinite().all())


def watch(model: nn.Module, *args: Tensor) -> list[tuple[str, bool, bool]]:
    """(path, input not finite, output not finite) in completion order, by hooks of our own."""
    seen: list[tuple[str, bool, bool]] = []
    handles = [
        module.register_forward_hook(
            lambda module, args, output, path=path: seen.append((path, any(map(bad, args)), bad(output)))
        )
        for path, module in model.named_modules()
    ]
    model(*args)
    for handle in handles:
        handle.remove()
    return seen


def first_hint(report: Report) -> Any:
    found = [hint for hint in read_document(render_json(report))["hints"] if hint["kind"] == "first bad"]
    return found[-1]


def test_every_call_says_what_its_input_and_output_hold() -> None:
    for between in (torch.tanh, lambda x: x / 0, lambda x: x * float("nan")):
        model = Net(between)
        report = make_report(model, (X,))
        seen = [(report.paths[call.module], call.input_nan, call.nan) for call in report.calls]
        assert seen == watch(model, X)


def test_a_module_that_made_it() -> None:
    model = Net()
    with torch.no_grad():
        model.two[0].weight[0, 0] = float("nan")
    report = make_report(model, (X,))
    hint = first_hint(report)
    producer = next(path for path, given, gave in watch(model, X) if gave and not given)
    assert (hint["path"], hint["call"]) == (producer, 0) == ("two.0", 0)
    assert hint["text"] == "first NaN: two.0, call 0: its input is finite, its output is not; its weight holds it"
    made = {report.paths[call.module] for call in report.calls if call.start in find_producers(report.calls)}
    assert made == {"two.0"}
    rows = {line.split()[0]: line for line in render_tree(report).splitlines()[:8]}
    assert rows["(root)"].endswith("NaN") and "NaN" not in rows["one"]
    assert sum("NaN made here" in line for line in render_tree(report).splitlines()) == 1
    calls = {line.split()[1]: line for line in render_calls(report).splitlines()[1:9]}
    assert calls["two.0"].endswith("NaN made here") and calls["two.1"].endswith("NaN") and calls["one"][-1].isdigit()
    for text in (render_tree(report), render_calls(report)):
        assert hint["text"] in text and "note: two.0.weight holds 1 NaN" in text


def test_what_the_forward_around_them_made() -> None:
    report = make_report(Net(lambda x: x * float("nan")), (X,))
    hint = first_hint(report)
    assert hint["path"] == "two" and "made between modules in the forward of (root)" in hint["text"]
    made = {report.paths[call.module] for call in report.calls if call.start in find_producers(report.calls)}
    assert made == {""}


def test_what_came_with_the_sample() -> None:
    x = X.clone()
    x[0, 0] = float("inf")
    report = make_report(Net(), (x,))
    hint = next(hint for hint in report.hints() if hint.kind == "first bad")
    assert (hint.path, hint.text) == ("", "first Inf: (root), call 0: in its input, which no module gave")
    assert watch(Net(), x)[-1][1]
    x[0, 0] = float("nan")
    report = make_report(Net(), (x,))
    assert first_hint(report)["text"] == "first NaN: (root), call 0: in its input, which no module gave"
    assert not find_producers(report.calls)


def test_inf_before_nan_is_told_first() -> None:
    class Overflows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.exp, self.norm = Exp(), Exp(minus=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.norm(self.exp(x * 1000))

    class Exp(nn.Module):
        def __init__(self, minus: bool = False) -> None:
            super().__init__()
            self.minus = minus

        def forward(self, x: Tensor) -> Tensor:
            return x - x if self.minus else x.exp()

    report = make_report(Overflows(), (X,))
    inf, nan = find_first_bad(report.calls)
    assert (inf.holds, inf.given, nan.holds, nan.given) == ("Inf", False, "NaN", False) and inf.call.end < nan.call.end
    assert [hint.text for hint in report.hints() if hint.kind == "first bad"] == [
        "first Inf: exp, call 0: its input is finite, its output is not",
        "first NaN: norm, call 0: its input holds Inf, its output NaN",
    ]


def test_a_mask_full_of_inf_is_no_finding() -> None:
    report = make_report(Net(), (X, torch.full((3, 3), float("-inf"))))
    assert not find_first_bad(report.calls) and not find_producers(report.calls)
    assert not [hint for hint in report.hints() if hint.kind == "first bad"]


def test_dead_modules() -> None:
    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu, self.twice, self.index = nn.ReLU(), nn.ReLU(), Index()

        def forward(self, x: Tensor) -> Tensor:
            self.index(x)
            return self.relu(-x) + self.twice(-x) + self.twice(x)

    class Index(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.zeros(3, dtype=torch.int64)

    report = make_report(Dead(), (X,))
    assert [report.paths[index] for index in find_dead(report.calls)] == ["relu"]
    assert "dead, nothing but zeros: relu\n" in render_tree(report)
    (hint,) = [hint for hint in read_document(render_json(report))["hints"] if hint["kind"] == "dead"]
    assert hint["path"] == "relu"
    assert next(line for line in render_calls(report).splitlines() if " relu " in line).endswith("dead")


def test_many_are_told_in_a_bounded_way() -> None:
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(30)))
    with torch.no_grad():
        for layer in model:
            layer.weight.zero_()
            layer.bias.zero_()
    report = make_report(model, (torch.ones(1, 2),))
    hints = [hint for hint in report.hints() if hint.kind == "dead"]
    assert len(hints) == 21 and hints[-1].text == "and 11 more modules that gave nothing but zeros"
    assert "dead, nothing but zeros: (root), 0, 1, 2 and 27 more\n" in render_tree(report)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_parameters_that_hold_nan_or_inf(dtype: torch.dtype) -> None:
    model = nn.ModuleDict({"a": nn.Linear(3, 3, dtype=dtype), "b": nn.Linear(3, 3, dtype=dtype)})
    model["tied"] = nn.Linear(3, 3)
    model["tied"].weight = model["b"].weight
    with torch.no_grad():
        model["a"].weight.fill_(torch.finfo(dtype).max)  # their sum is no number, and each of them is
        model["b"].weight[0, :2] = float("nan")
        model["b"].bias[1], model["b"].weight[2, 2] = float("inf"), float("-inf")
    report = make_report(Holder(model), (X,))
    expected = {
        name: (int(each.isnan().sum()), int(each.isinf().sum()))
        for name, each in report_parameters(model)
        if not bool(each.isfinite().all())
    }
    found = {".".join((*bad.path, bad.name)): (bad.nan, bad.inf) for bad in report.info.bad_parameters}
    assert found == expected == {"held.b.weight": (2, 1), "held.b.bias": (0, 1)}
    texts = [hint.text for hint in report.hints() if hint.kind == "weights"]
    assert texts == ["held.b.weight holds 2 NaN and 1 Inf", "held.b.bias holds 1 Inf"]


class Holder(nn.Module):
    def __init__(self, held: nn.Module) -> None:
        super().__init__()
        self.held = held

    def forward(self, x: Tensor) -> Tensor:
        return x


def report_parameters(model: nn.Module) -> list[tuple[str, Tensor]]:
    return [(f"held.{name}", each) for name, each in model.named_parameters()]


def test_the_step_is_said_where_there_are_several() -> None:
    class Overflows(nn.Linear):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return super().forward(x) / (0 if self.calls == 3 else 1)

    model = nn.Sequential(Overflows(8, 8))
    (hint,) = [hint for hint in make_report(model, (X,), batches=3).hints() if hint.kind == "first bad"]
    assert hint.text.startswith("first Inf: 0, step 2, call 0: its input is finite")
    assert (hint.path, hint.call, hint.step) == ("0", 2, 2)
