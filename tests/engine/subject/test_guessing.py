"""A guessed input that runs is not good enough: it has to go through the model, or that has to be said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.inputs.guess import MORE, guess
from inspector.engine.inputs.sample import Sample
from inspector.engine.session import Session
from inspector.records import Opened, Target
from inspector.report.collector import Collector
from inspector.report.json_report import render_json
from inspector.report.model import Report
from inspector.report.tree import render_tree
from inspector.tui.bars.header import TitleBar
from tests.documents import read_document


class Layers(nn.Module):
    """Takes everything optionally, as transformers' models do, and returns at once where nothing was given."""

    def __init__(self, count: int = 20) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(12, 12), nn.ReLU()) for _ in range(count))

    def forward(self, x: Tensor | None = None, mask: Tensor | None = None, scale: float = 1.0) -> Tensor | None:
        if x is None:
            return None
        for layer in self.layers:
            x = layer(x)
        return x * scale


class SecondMatters(Layers):
    def forward(self, unused: Tensor | None = None, hidden: Tensor | None = None) -> Tensor | None:
        return super().forward(hidden)


class KeywordOnly(Layers):
    def forward(self, *, hidden: Tensor | None = None) -> Tensor | None:
        return super().forward(hidden)


class WantsAnObject(Layers):
    def forward(self, thing: Any = None) -> Tensor | None:
        return torch.zeros(1) if thing is None else super().forward(thing.hidden)


class NeedsNothing(nn.Module):
    """What it computes, it computes from nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self) -> Tensor:
        return self.second(self.first(torch.ones(1, 3)))


class FewExperts(Layers):
    """A router that always takes the same few of many experts."""

    def forward(self, x: Tensor) -> Tensor:
        return self.layers[1](self.layers[0](x))


def called(model: nn.Module, *args: Any, **kwargs: Any) -> int:
    """Modules that are called, or hold one that is, by hooks of our own."""
    seen: set[str] = set()
    for path, module in model.named_modules():
        module.register_forward_pre_hook(lambda module, args, path=path: seen.add(path))
    model(*args, **kwargs)
    prefixes = {".".join(path.split(".")[:n]) for path in seen for n in range(1, path.count(".") + 2)}
    return len(seen | prefixes)


def open_guessing(build: type[nn.Module], observe: bool = True) -> tuple[Session, Opened, Report]:
    """Opened as from the command line, without an input, and run."""
    collector = Collector()
    session = Session(collector.take)
    opened = session.open(Target(f"{__file__}:{build.__name__}", observe=observe))
    assert isinstance(opened, Opened)
    collector.take(opened)
    session.announce()
    summary = session.run()
    return session, opened, collector.report(summary, summary.problem)


@pytest.mark.parametrize("build", [Layers, SecondMatters, KeywordOnly])
def test_it_goes_on_looking_where_little_of_the_model_runs(build: type[nn.Module]) -> None:
    session, opened, report = open_guessing(build)
    sample = session.subject.sample
    assert sample is not None and sample.origin == "guessed" and opened.info.reached is None
    assert called(build(), *sample.args, **sample.kwargs) == opened.info.modules == 62
    assert len(report.calls) == 61 and not [hint for hint in report.hints() if hint.kind == "input"]


def test_where_nothing_better_is_found_it_is_said_everywhere() -> None:
    session, opened, report = open_guessing(WantsAnObject)
    assert opened.info.reached == called(WantsAnObject()) == 1 and opened.info.input == "no arguments"
    words = "the guessed input (no arguments) reaches 1 of 62 modules; give one with -i (in the app, s)"
    assert words in render_tree(report)
    (hint,) = [hint for hint in read_document(render_json(report))["hints"] if hint["kind"] == "input"]
    assert hint["text"] == words
    bar = TitleBar()
    bar.info = opened.info
    assert "input reaches 1 of 62" in " ".join(part.text for part in bar._left())
    session.set_input(("1x12",))
    assert session.subject.info.reached is None, "what a person gives is theirs to judge"


def test_a_model_that_needs_nothing_is_guessed_and_fine() -> None:
    _, opened, _ = open_guessing(NeedsNothing)
    assert opened.info.input == "no arguments" and opened.info.reached is None


def test_a_few_of_many_experts_are_a_pass() -> None:
    _, opened, _ = open_guessing(FewExperts)
    assert opened.info.reached is None and opened.info.input == "1×12 float32"


def test_without_observing_nobody_knows_and_nobody_claims() -> None:
    _, opened, _ = open_guessing(WantsAnObject, observe=False)
    assert opened.info.input_origin == "guessed" and opened.info.reached is None


def test_the_tries_after_one_that_ran_are_few() -> None:
    ran: list[str] = []

    def attempt(sample: Sample) -> None:
        ran.append(sample.text)

    found = guess(Layers(), attempt, reach=lambda: 0.01)
    assert found is not None and found.text == ran[0] and 1 < len(ran) <= MORE + 2
