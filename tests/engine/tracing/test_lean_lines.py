"""What makes recording lines cheap changes nothing of what is recorded: held against the same without it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.recording.call import Call
from inspector.engine.tracing import line_recording, running
from inspector.engine.tracing.contents import describe_looks, look_at
from inspector.engine.tracing.descriptions import Describer
from inspector.engine.tracing.forwards import OneForward
from inspector.engine.tracing.in_place import Writes
from inspector.engine.tracing.statements import NO_EFFECT, read_instructions
from inspector.engine.values.summarize import Summarizer
from inspector.records import CallLines

from .line_models import Attention, Expressions, Functional, Helpers, Inference, Loop, Raises
from .test_lines import lines, opened, values


class Twisted(nn.Module):
    """Binds and changes variables in ways of all kinds."""

    def forward(self, x: Tensor) -> Tensor:
        count, kept = 0, {"x": x}

        def rebind() -> None:
            nonlocal count, x
            count += 1
            x = x + 1

        rebind()
        pair = (x, x.clone())
        pair[1].add_(1)
        with torch.no_grad() as nothing:
            kept["y"] = pair[0] * 2
        try:
            y = kept["z"]
        except KeyError as error:
            y = kept.pop("y")
            message = str(error)
        y += len(message)
        first, *rest = y, x, nothing
        del first
        while (count := count + 1) < 4:
            rest.append(count)
        for row in self.rows(y):
            row.mul_(2)
        x, y = y, x
        y = y
        return x + y

    def rows(self, y: Tensor) -> Iterator[Tensor]:
        for row in y:
            row.add_(1)
            yield row


class Tuples(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        for _ in range(600):
            pair = x + 1, x
            pair = x, x, x  # of another length, again and again
        pair[0].add_(1)
        return x


class Containers(nn.Module):
    """Changes what is in dicts, lists and tuples, of which a tensor may get the address of one that is gone."""

    def forward(self, x: Tensor) -> Tensor:
        kept: dict[str, Any] = {"x": x + 1, "n": 1_000}
        several = [x + 1, None]
        pair = (x + 1, None)
        for count in range(4):
            kept["x"] = None
            kept["x"] = x + count
            kept["n"] = kept["n"] + 1
            several[0] = x * count
            self.write(kept["x"], several[0], pair[0])
            several.append(count)
        kept.clear()
        return pair[0]

    def write(self, *tensors: Tensor) -> None:
        for each in tensors:
            each.add_(1)


MODELS: list[tuple[nn.Module, Tensor]] = [
    (Twisted(), torch.randn(2, 3)), (Tuples(), torch.ones(2)), (Functional(), torch.randn(2, 4)),
    (Expressions(), torch.randn(3, 4)), (Inference(), torch.ones(2, 3)), (Helpers(), torch.randn(3, 2)),
    (Loop(bad=-1), torch.rand(1, 3)), (Raises(), torch.ones(2, 3)), (Attention(), torch.randn(2, 3, 4)),
    (Containers(), torch.ones(2)),
]  # fmt: skip


def recorded(model: nn.Module, x: Tensor) -> list[CallLines]:
    """Of its forward and of all that was entered."""
    session = opened(model, x.clone())
    found = [lines(session)]
    frames = {call.frame for run in found[0].lines for visit in run.kept for call in visit.calls if call.frame}
    return found + [lines(session, frame=frame) for frame in sorted(frames)]


@pytest.mark.parametrize(("model", "x"), MODELS, ids=[type(model).__name__ for model, _ in MODELS])
def test_looking_where_a_line_may_change_something_finds_what_looking_everywhere_does(
    model: nn.Module, x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lean = recorded(model, x)
    monkeypatch.setattr(running, "_about", {})
    read = running.read_instructions
    monkeypatch.setattr(running, "read_instructions", lambda code: read(code)._replace(effects={}))
    everywhere = recorded(model, x)
    monkeypatch.setattr(running, "_about", {})
    assert [by_name(each) for each in lean] == [by_name(each) for each in everywhere]


def by_name(found: CallLines) -> dict[tuple[int, int], Any]:
    return {
        (run.line, visit.number): (sorted(visit.values, key=lambda value: value.name), visit.calls, visit.error)
        for run in found.lines
        for visit in run.kept
    }


def test_what_a_line_may_bind_is_read_from_its_instructions() -> None:
    def example(x: Any, *rest: Any) -> Any:
        a, (b, c) = x
        a.d = b
        if a is b:
            c += 1
        for d in rest:
            d[0] = a
        return lambda: c

    begin = example.__code__.co_firstlineno
    effects, attributes, _ = read_instructions(example.__code__)
    told = {line - begin: (set(names), writes) for line, (names, writes) in effects.items() if line > begin}
    assert told[1] == ({"a", "b", "c"}, False) and attributes == {"d"}
    assert told[2] == ({"c"}, True)  # which an inner function may bind
    assert effects[begin + 3] is NO_EFFECT
    assert "c" in told[4][0] and told[4][1]
    assert "d" in told[5][0] and told[5][1] and told[6][1]


def test_a_long_log_is_read_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recorded(Loop(steps=50, bad=-1), x := torch.rand(1, 3))[0]
    monkeypatch.setattr(line_recording, "LONGEST_LOG", 3)
    in_pieces = recorded(Loop(steps=50, bad=-1), x)[0]
    assert [(run.line, run.visits, len(run.kept)) for run in whole.lines] == [
        (run.line, run.visits, len(run.kept)) for run in in_pieces.lines
    ]
    assert values(in_pieces.lines[-1].kept[-1])


class Nested(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x + 1
        nested = torch.nested.as_nested_tensor([y, y[:1]])
        return torch.nested.to_padded_tensor(nested * 2, 0.0)


def test_what_has_no_shape_goes_through_where_shapes_alone_are_told() -> None:
    model, x = Nested(), torch.ones(2, 3)
    recording = line_recording.LineRecording(
        OneForward(model, Nested.forward, lambda: Call(0, 0, 0, 0)), statistics=False
    )
    with recording:
        assert torch.equal(model(x)[1, 1], torch.zeros(3))
    (lines_of_forward,) = recording.roots.values()
    shown = {value.name: value.value for run in lines_of_forward.records() for value in run.kept[0].values}
    assert not recording.faults and {"x", "y", "nested", "return"} == set(shown)
    assert shown["y"] == Summarizer(statistics=False).describe(x)


def test_what_is_described_from_how_it_looked_is_described_as_ever() -> None:
    plain = [
        torch.ones(2, 3), torch.ones(()), torch.ones(0, 2).half(), torch.ones(2, dtype=torch.complex64),
        torch.ones(1, device="meta"), torch.ones(2).expand(4, 2), torch.ones(2, requires_grad=True),
        torch.tensor([True]), nn.Parameter(torch.ones(2, 2)),
        nn.Parameter(torch.ones(3, dtype=torch.int8), requires_grad=False),
    ]  # fmt: skip
    for tensor in plain:
        looks = look_at(tensor)
        assert looks is not None
        assert describe_looks(looks) == Summarizer(statistics=False).describe(tensor)
    others = torch.ones(2, 2).to_sparse(), nn.Parameter(torch.eye(2).to_sparse()), torch.eye(2).to_sparse_csr()
    assert not any(map(look_at, others))


class Cache:
    """As models keep one: objects in a list, with tensors that others take the place of."""

    def __init__(self) -> None:
        self.layers: list[Any] = [SimpleNamespace(keys=None, seen=0)]
        self.kind = type(self)


def test_what_holds_the_same_is_described_once_and_as_ever() -> None:
    describer, cache = Describer(Writes(), False), Cache()
    config = SimpleNamespace(sizes=[1, 2], nested={"a": (None, "b")})
    loop: list[Any] = [torch.ones(2)]
    loop.append(loop)
    shown: list[Any] = []

    def check(value: object) -> None:
        shown.append(describer.describe(value, True))
        assert shown[-1] == Summarizer(statistics=False).describe(value)

    check(cache)
    for keys in (torch.ones(1, 2), torch.ones(2, 2), torch.ones(2, 2).half(), nn.Parameter(torch.ones(2, 2))):
        cache.layers[0].keys = keys
        check(cache)
        cache.layers[0].seen += 1
        check(cache)
    check(cache)
    assert shown[-1] is shown[-2]
    for value in (config, loop, (1, True), (True, 1), {"x": torch.ones(3)}, {3: torch.ones(3)}, [torch.ones(1)] * 99):
        check(value), check(value)
    tensor = torch.ones(2, requires_grad=True)
    check((tensor,)), check((tensor.requires_grad_(False),))
    check(torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]))
    check((torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]),))
