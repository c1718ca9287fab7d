"""Stacks described, against the frames and tensors that Python itself has."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from inspector.engine.frames.code_frame import CodeFrame, frames_around, frames_of_traceback
from inspector.engine.frames.modules import find_root
from inspector.engine.frames.stack import CodeStack, OpenCall
from inspector.engine.modules.tree import walk
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AnyEvent, FrameRow, GetLocals, GetStack, LocalRow, Locals, Stack, TensorValue


class Inner(nn.Module):
    def forward(self, x: Tensor, factor: float = 2.0) -> Tensor:
        doubled = x * factor
        if doubled.sum() > 100:
            raise ValueError("too large")
        return doubled


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Inner(), Inner()

    def forward(self, x: Tensor) -> Tensor:
        return self.second(helper(self.first, x))


def helper(module: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = module(x)
    return y + 1000


def raised_by(act: Callable[[], object]) -> list[CodeFrame]:
    try:
        act()
    except Exception as error:
        return frames_of_traceback(error.__traceback__)
    raise AssertionError("nothing was raised")


def described(frames: list[CodeFrame], model: nn.Module) -> tuple[CodeStack, Stack]:
    """As it comes over the channel."""
    stack = CodeStack(frames, walk(model))
    return stack, sent(stack.describe())


def sent(event: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=AnyEvent)


def locals_in(frame: FrameType | None, model: nn.Module | None = None) -> dict[str, LocalRow]:
    stack = CodeStack(frames_around(frame), walk(model or nn.Identity()))
    found: Locals = sent(stack.locals_of(len(stack.frames) - 1))
    return {row.name: row for row in found.rows}


def frame_of(*used: object) -> FrameType:
    """The caller's."""
    return sys._getframe(1)


def named(stack: Stack, function: str) -> list[FrameRow]:
    return [row for row in stack.frames if row.function.endswith(function)]


def test_an_error_leads_to_the_module_and_the_line() -> None:
    model = Outer()
    frames = raised_by(lambda: model(torch.ones(3)))
    stack, shown = described(frames, model)
    assert find_root(frames) is model
    start = shown.frames[shown.start]
    assert (start.path, start.origin) == (("second",), "yours")
    assert start.text == 'raise ValueError("too large")' and start.function.endswith("forward")
    assert [row.path for row in named(shown, "forward")] == [(), ("second",)]
    assert {row.origin for row in shown.frames if row.function.endswith("_call_impl")} == {"plumbing"}
    rows = {row.name: row for row in stack.locals_of(start.number).rows}
    assert list(rows) == ["self", "x", "factor", "doubled"]
    assert [row.role for row in rows.values()] == ["argument", "argument", "argument", "variable"]
    assert rows["self"].path == ("second",)
    value = rows["doubled"].value
    assert isinstance(value, TensorValue) and value.statistics is not None and value.statistics.max == 2 * 1002.0


def test_a_function_that_a_forward_calls_is_part_of_that_call() -> None:
    model = Outer()
    seen: list[Stack] = []
    model.first.register_forward_hook(
        lambda *_: seen.append(
            CodeStack(frames_around(sys._getframe()), walk(model), None, (OpenCall(0, 2, 7),)).describe()
        )
    )
    model(torch.full((3,), -2000.0))
    (helping,) = named(seen[0], "helper")
    assert (helping.path, helping.call, helping.step) == ((), 7, 2)
    assert seen[0].frames[-1].path == ("first",) and seen[0].frames[0].path is None


def test_the_root_is_the_model_whose_method_was_at_work() -> None:
    class Training(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = Outer()

        def training_step(self) -> Tensor:
            loss: Tensor = self.net(torch.ones(3))
            return loss

    training = Training()
    assert find_root(raised_by(training.training_step)) is training
    assert find_root(raised_by(lambda: 1 // 0)) is None
    assert find_root(raised_by(lambda: training.net.forward(torch.ones(3)))) is training.net


def test_a_recursion_of_ten_thousand_frames_is_told_of_at_both_ends() -> None:
    class Deep(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return self.dive(x, 10_000)

        def dive(self, x: Tensor, left: int) -> Tensor:
            return self.dive(x, left - 1) if left else x[99]

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        model = Deep()
        frames = raised_by(lambda: model(torch.ones(3)))
    finally:
        sys.setrecursionlimit(before)
    stack, shown = described(frames, model)
    assert shown.total == len(frames) > 10_000 and len(shown.frames) == 100
    assert shown.frames[0].number == 0 and shown.frames[-1].number == shown.total - 1
    assert shown.frames[shown.start].path == ()
    left = {row.name: row.value for row in stack.locals_of(shown.total - 2).rows}["left"]
    assert left.value == 1  # type: ignore[union-attr]


def test_variables_of_hostile_classes_run_none_of_their_code() -> None:
    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise SystemExit("asked for an attribute")

        def __repr__(self) -> str:
            raise SystemExit("asked for its text")

        __str__ = __len__ = __iter__ = __eq__ = __bool__ = __repr__  # type: ignore[assignment]

        @property
        def __class__(self) -> Any:
            raise SystemExit("asked for its class")

    def paused(self: Any, many: list[Any]) -> FrameType:
        lazy = (number for number in many)
        return frame_of(lazy)

    hostile = Hostile()
    rows = locals_in(paused(hostile, [hostile] * 5000))
    assert {"self", "many", "lazy"} == set(rows)
    assert len(msgspec.msgpack.encode(rows["many"])) < 20_000


def test_names_and_files_may_be_anything() -> None:
    def forward(self: object) -> FrameType:
        return sys._getframe()

    code = forward.__code__.replace(co_name="\ud800\x1b[31m" * 500, co_filename="\x1b]0;\ud800" * 900)
    forward.__code__ = code
    row = CodeStack([CodeFrame(forward(None), 10**6)], walk(nn.Identity())).describe().frames[0]
    assert msgspec.msgpack.encode(row) and len(row.file) <= 8_000 and row.text == ""
    frame: list[FrameType] = []
    exec("seize(sys._getframe())", {"seize": frame.append, "sys": sys, "\ud800" * 3000: 1, 7: 2, "__x__": 3})
    stack = CodeStack([CodeFrame(frame[0], 1)], walk(nn.Identity()))
    found: Locals = sent(stack.locals_of(0))
    assert {row.role for row in found.rows} == {"global"} and found.total == 3


def test_a_mapping_of_somebody_in_the_place_of_variables_is_not_asked() -> None:
    class Names(dict[str, Any]):
        armed = False

        def __getitem__(self, name: str) -> Any:
            assert not self.armed, "asked"
            return super().__getitem__(name)

        def __iter__(self) -> Any:
            raise AssertionError("asked")

        keys = items = __iter__  # type: ignore[assignment]

    frame: list[FrameType] = []
    names = Names(seize=frame.append, sys=sys)
    exec("seize(sys._getframe())", {}, names)
    names.armed = True
    found = CodeStack([CodeFrame(frame[0], 1)], walk(nn.Identity())).locals_of(0)
    assert found.rows == () and "Names" in found.note


def test_tensors_of_all_kinds_are_described() -> None:
    def paused() -> FrameType:
        half = torch.tensor([1.0, float("nan")], dtype=torch.bfloat16)
        meta = torch.empty(3, device="meta")
        sparse = torch.eye(3).to_sparse()
        lazy = nn.LazyLinear(3).weight
        nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
        shifted = torch.ones(3, dtype=torch.complex64).conj()
        return frame_of(half, meta, sparse, lazy, nested, shifted)

    rows = locals_in(paused())
    assert all(isinstance(row.value, TensorValue) for row in rows.values()) and len(rows) == 6
    half = rows["half"].value
    assert isinstance(half, TensorValue) and half.statistics is not None and half.statistics.nan == 1
    assert isinstance(rows["meta"].value, TensorValue) and rows["meta"].value.why


def test_a_file_that_is_gone_or_was_edited_shows_no_other_line(tmp_path: Path) -> None:
    file = tmp_path / "gone.py"
    file.write_text("def fail(x):\n    y = x\n    return y[9]\n")
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    frames = raised_by(lambda: names["fail"]([]))[-1:]
    assert described(frames, nn.Identity())[1].frames[0].text == "return y[9]"
    file.write_text("# a line more\ndef fail(x):\n    y = x\n    return y[9]\n")
    assert described(frames, nn.Identity())[1].frames[0].text == "return y[9]"
    file.write_text("def fail(x):\n    return 'something else'\n    # and more\n")
    assert described(frames, nn.Identity())[1].frames[0].text != "# and more"
    file.unlink()
    row = described(frames, nn.Identity())[1].frames[0]
    assert (row.file, row.line) == (str(file), 3)


def test_a_frame_that_is_not_there_is_refused() -> None:
    stack = CodeStack(frames_around(sys._getframe()), walk(nn.Identity()))
    with pytest.raises(UsageError, match="no frame"):
        stack.locals_of(len(stack.frames))
    assert CodeStack([], walk(nn.Identity())).describe() == Stack()


def test_a_session_tells_of_the_stack_that_its_model_has() -> None:
    model = Outer()
    session = Session(lambda event: None)
    session.adopt(model, (), {}, "Outer")
    try:
        assert session.queries.answer(GetStack(1)) == Stack()
        frames = raised_by(lambda: model(torch.ones(3)))
        session.subject.stack = CodeStack(frames, session.subject.tree)
        shown = session.queries.answer(GetStack(1))
        assert isinstance(shown, Stack) and shown.total == len(frames)
        found = session.queries.answer(GetLocals(1, shown.frames[shown.start].number))
        assert isinstance(found, Locals) and found.total == 4
    finally:
        session.close()
    assert session.subject.stack is None
