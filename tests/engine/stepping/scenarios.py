"""What a tracer of lines has to tell, on a Python that need not have torch or pytest: run it as a module."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from inspector.engine.stepping.monitoring import Monitoring, find_free_id
from inspector.engine.stepping.settrace import SetTrace
from inspector.engine.stepping.tracer import LineTracer

BACKENDS: list[Any] = [SetTrace, *([Monitoring] if find_free_id() is not None else [])]


class Notebook:
    """Writes down what it is told, lines counted from the first of their function."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.threads: set[int] = set()
        self.at_line: Callable[[FrameType], object] = lambda frame: None

    def entered(self, frame: FrameType) -> bool:
        self.told.append(("entered", frame.f_code.co_name))
        return True

    def line(self, frame: FrameType, number: int) -> None:
        self.threads.add(threading.get_ident())
        self.told.append(("line", number - frame.f_code.co_firstlineno))
        self.at_line(frame)

    def left(self, frame: FrameType, value: object) -> None:
        self.told.append(("left", value))

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        self.told.append(("raised", type(error).__name__))

    @property
    def lines(self) -> list[object]:
        return [each[1] for each in self.told if each[0] == "line"]


def loop(count: int) -> int:
    total = 0
    for each in range(count):
        total += helper(each)
    return total


def helper(value: int) -> int:
    return value + 1


def divide(by: float) -> float:
    try:
        return 1 / by
    finally:
        by = 2


def recover(by: float) -> object:
    try:
        return 1 / by
    except ZeroDivisionError:
        return None


def numbers() -> Iterator[int]:
    yield 1
    yield from (2,)


def outer(ready: Callable[[], object]) -> int:
    inner(ready)
    found = 1
    return found


def inner(ready: Callable[[], object]) -> None:
    ready()


def tracing(backend: Any, *codes: CodeType) -> tuple[Notebook, LineTracer]:
    notebook = Notebook()
    return notebook, LineTracer(notebook, codes, backend)


def tells_every_round_of_a_loop_and_only_of_what_was_chosen(backend: Any) -> None:
    notebook, tracer = tracing(backend, loop.__code__)
    with tracer:
        loop(3)
    loop(1)
    assert notebook.lines == [1, 2, 3, 2, 3, 2, 3, 2, 4], notebook.lines
    assert notebook.told[0] == ("entered", "loop") and notebook.told[-1] == ("left", 6)


def tells_an_error_from_a_result(backend: Any) -> None:
    notebook, tracer = tracing(backend, divide.__code__, recover.__code__)
    with tracer, contextlib.suppress(ZeroDivisionError):
        divide(0)
    assert notebook.told[-1] == ("raised", "ZeroDivisionError"), notebook.told
    with tracer:
        recover(0)
    assert notebook.told[-1] == ("left", None), notebook.told


def tells_of_generators(backend: Any) -> None:
    notebook, tracer = tracing(backend, numbers.__code__)
    with tracer:
        assert list(numbers()) == [1, 2]
    given = [each[1] for each in notebook.told if each[0] == "left"]
    assert given == [1, 2, None], notebook.told
    assert notebook.told.count(("entered", "numbers")) == 3 and not notebook.told.count(("raised", "NoneType"))


def hears_threads(backend: Any) -> None:
    """Those that begin meanwhile, and those that ran before, where they say so."""
    begin, done = threading.Event(), threading.Event()
    notebook, tracer = tracing(backend, loop.__code__)

    def early() -> None:
        begin.wait()
        tracer.follow_thread()
        loop(1)
        done.set()
        ended.wait()
        loop(1)
        after.append(sys.gettrace())

    ended, after = threading.Event(), [None]
    first = threading.Thread(target=early)
    first.start()
    with tracer:
        late = threading.Thread(target=loop, args=(1,))
        late.start()
        late.join()
        begin.set()
        done.wait()
    ended.set()
    first.join()
    assert notebook.lines == [1, 2, 3, 2, 4] * 2, notebook.lines
    assert len(notebook.threads) >= 1 and after == [None, None], after


def can_be_changed_while_it_runs(backend: Any) -> None:
    """Also from inside a line, for a frame that runs already."""
    notebook, tracer = tracing(backend, inner.__code__)
    with tracer:
        outer(lambda: tracer.add(outer.__code__))
        assert notebook.lines == [1, 2, 3], notebook.lines
        notebook.told.clear()
        tracer.remove(inner.__code__)
        notebook.at_line = lambda frame: tracer.remove(outer.__code__)
        outer(lambda: None)
    assert notebook.lines == [1], notebook.lines


def raises_what_the_observer_raises_and_is_gone_afterwards(backend: Any) -> None:
    before = sys.gettrace(), threading.gettrace(), find_free_id()

    def stop(frame: FrameType) -> None:
        raise KeyboardInterrupt

    notebook, tracer = tracing(backend, loop.__code__)
    notebook.at_line = stop
    with contextlib.suppress(KeyboardInterrupt), tracer:
        loop(3)
    assert notebook.lines == [1], notebook.lines
    assert (sys.gettrace(), threading.gettrace(), find_free_id()) == before
    loop(1)
    assert notebook.lines == [1], notebook.lines


def leaves_other_tracers_what_they_hear(backend: Any) -> None:
    heard: list[tuple[str, str]] = []

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code is loop.__code__ or frame.f_code is helper.__code__:
            heard.append((frame.f_code.co_name, event))
        return trace

    former = sys.gettrace()
    sys.settrace(trace)
    try:
        loop(2)
        alone = heard[:]
        heard.clear()
        notebook, tracer = tracing(backend, loop.__code__)
        with tracer:
            loop(2)
        assert heard == alone, (heard, alone)
        assert sys.gettrace() is trace
        assert notebook.lines == [1, 2, 3, 2, 3, 2, 4], notebook.lines
        assert bool(tracer.notes) == (backend is SetTrace)
    finally:
        sys.settrace(former)


def hears_two_at_once(backend: Any) -> None:
    one, outside = tracing(backend, loop.__code__)
    two, inside = tracing(backend, loop.__code__)
    with outside:
        with inside:
            loop(1)
        loop(1)
    assert one.lines == [1, 2, 3, 2, 4] * 2 and two.lines == [1, 2, 3, 2, 4], (one.lines, two.lines)


def makes_way_for_another_where_it_stands(backend: Any) -> None:
    """Whoever is told of a line may end it, have other code traced, and begin anew."""
    inner, outer = Notebook(), Notebook()
    begun: list[LineTracer] = []

    def begin() -> None:
        begun.append(LineTracer(outer, [loop.__code__], backend).__enter__())

    def trace_inside() -> None:
        with LineTracer(inner, [helper.__code__], backend):
            helper(1)

    def go_on(frame: FrameType) -> None:
        begun.pop().__exit__()
        sys.call_tracing(trace_inside, ())
        if len(outer.lines) < 3:
            begin()

    outer.at_line = go_on
    begin()
    loop(2)
    assert (outer.lines, inner.lines) == ([1, 2, 3], [1, 1, 1]), (outer.lines, inner.lines)
    assert not begun and sys.gettrace() is None


SCENARIOS = (
    tells_every_round_of_a_loop_and_only_of_what_was_chosen,
    tells_an_error_from_a_result,
    tells_of_generators,
    hears_threads,
    can_be_changed_while_it_runs,
    raises_what_the_observer_raises_and_is_gone_afterwards,
    leaves_other_tracers_what_they_hear,
    hears_two_at_once,
    makes_way_for_another_where_it_stands,
)


def run(scenario: Callable[[Any], None], backend: Any) -> str:
    """What went wrong."""
    try:
        scenario(backend)
    except AssertionError as error:
        return f"{scenario.__name__}({backend.__name__}): {error}"
    return ""


if __name__ == "__main__":
    failed = [words for backend in BACKENDS for scenario in SCENARIOS if (words := run(scenario, backend))]
    assert "torch" not in sys.modules
    print(*[each.__name__ for each in BACKENDS])
    sys.exit("\n".join(failed) or 0)
