"""What went in and came out of the selected module in the last pass, call by call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from ...client.model import REFUSED, Model
from ...records import (
    AnyEvent,
    CallDetail,
    Calls,
    GetCalls,
    Missing,
    PassSummary,
    Path,
    Problem,
    TensorValue,
    Value,
    Window,
)
from ...shown_path import shown_path
from ...text import visible
from .. import format
from ..drawing.before_after import draw_comparison, top_classes
from ..drawing.compare import has_statistics, same, tensors
from ..drawing.lines import LineView, Page
from ..drawing.problem import label_line, message
from ..drawing.styles import ACCENT, DIM, ERROR, HEADING, WARN, draw_hints
from ..drawing.values import Space, part_lines, value_lines
from ..drawing.window import Step, has_slices, how_to_move, is_cut, movable, move
from ..drawing.wrap import Line
from ..keys import bind_own, bindings, key_of, say_key
from .line_panel import LinePanel, say_way

PREVIEWS = 16  # tensors; past that their elements are left out
COLUMNS = 32  # asked for of each tensor; as many are drawn as there is room for
TALL = 24  # lines of a panel in which a histogram takes two
FETCHED = ("slow", "busy")
"""Why there may be no values that a key brings."""
FETCHING = f"running it again … ({key_of('interrupt')} or another module stops it)"
HOOK_OFF = f"the observe hook of this module is off: press {key_of('observe')} to turn it on"


class ValuesView(LineView, inherit_bindings=False):
    """Its arrows are for the elements that are shown: up and down do not scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [*bind_own("values-up", "values-down"), *bindings("move")]

    def __init__(self, build: Callable[[int], Page], move: Callable[[int, int, int], None]) -> None:
        super().__init__(build)
        self.action_move_values = move


class OutputsPanel(LinePanel):
    """One call at a time: its output first, then its inputs."""

    TITLE = "Outputs"
    TAB = "Out"
    REPLY_MAY_TAKE_A_PASS = True
    CONTEXT = "outputs"
    NAMES_OWN_KEYS = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    class Chosen(Message):
        """A call of its module was chosen, by its number in the step."""

        def __init__(self, index: int, number: int) -> None:
            self.index = index
            self.number = number
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self.calls: Calls | None = None
        self.call = 0  # which of them is shown
        self._number = 0  # which call of the step is wanted
        self.window = Window(columns=COLUMNS)
        self._width = 0  # of the page
        self._forced = False  # values are fetched however long that takes

    def make_view(self) -> ValuesView:
        return ValuesView(self.build, self.action_move_values)

    def request(self, generation: int, path: Path) -> GetCalls:
        return GetCalls(generation, path, values=True, force=self._forced, window=self.window, call=self._number)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Calls):
            self.calls = event
            self._forced = self._forced and not event.missing and not _has_values(event)
            found = _find(event, self._number)
            self.call = max(min(self.call, len(event.calls) - 1), 0) if found is None else found
            self.draw_reply()

    def forget(self) -> None:
        self.calls, self.call = None, 0

    def holds_anything(self, model: Model, index: int) -> bool:
        return model.count_calls(index) > 0

    def select(self, model: Model, index: int) -> None:
        if index != self.index or model is not self.model:
            self.call, self._number, self._forced, self.window = 0, 0, False, Window(columns=COLUMNS)
        super().select(model, index)
        looked_at = model.call_of(index)
        if looked_at is not None and looked_at.in_step != self._number:
            self._want(looked_at.in_step)

    def action_next_call(self, delta: int) -> None:
        """Show the next or previous call of the module."""
        number = min(max(self._number + delta, 0), max(self.calls.total - 1 if self.calls else 0, 0))
        if number != self._number:
            self._want(number)
            self.post_message(self.Chosen(self.index, number))

    def _want(self, number: int) -> None:
        """Show this call of the step, now or when it has come."""
        self._number = number
        if self.calls is not None and (found := _find(self.calls, number)) is not None:
            self.call = found
            self.view.renew(0)

    def action_fetch_values(self) -> None:
        """Run the pass again for histogram and values, although it takes long."""
        if self.calls is not None and self.calls.missing in FETCHED:
            self._forced = True
            self.view.renew()
            self.post_message(self.Again(self))

    def idle_commands(self) -> tuple[str, ...]:
        calls, shown = self.calls, list(self._movable())
        there_is = {
            "call-next": calls is not None and len(calls.calls) > 1,
            "fetch-values": calls is not None and calls.missing in FETCHED,
            "slice-next": has_slices(shown),
            "values-right": is_cut(shown, self.window),
            "values-down": is_cut(shown, self.window),
        }
        return tuple(id for id, is_there in there_is.items() if not is_there)

    def action_move_values(self, planes: int, rows: int, columns: int) -> None:
        """Show other elements: so many slices further on, or rows or columns, as many as are shown. Where nothing can
        be moved, up and down scroll."""
        shown = list(self._movable())
        if not shown:
            self.view.action_scroll_rows(rows)
            return
        window = move(self.window, shown, Step(planes, rows, columns), self._space(self._width).deeper())
        if window != self.window:
            self.window = window
            self.post_message(self.Again(self))

    def _movable(self) -> Iterator[TensorValue]:
        """The tensors of which any part can be shown, the output's first."""
        if self.calls is not None and self.calls.calls:
            detail = self.calls.calls[self.call]
            yield from movable((detail.output, *detail.inputs, detail.kwargs))

    def _space(self, width: int) -> Space:
        tall = self.view.size.height >= TALL
        how = how_to_move(list(self._movable()), self.window, say_way(self, "arrows: move"))
        return Space(width, self.ascii, 1, tall=tall, how_to_move=how)

    def page(self, width: int) -> Page | None:
        if self.calls is None:
            return None
        if not self.calls.calls:
            return Page(message(*_why_nothing(self.model, self.index, self.calls)))
        detail, self._width = self.calls.calls[self.call], width
        return Page(list(self._body(detail, self._space(width))), [*self._head(self.calls, detail), Line()])

    def _head(self, calls: Calls, detail: CallDetail) -> Iterator[Line]:
        row = detail.row
        which = f"call #{row.in_step} of {calls.total}" if calls.total > 1 else "called once"
        status = {"raised": ("raised", f"{ERROR} bold"), "unfinished": ("did not return", WARN)}
        facts = [Content.styled(which, HEADING), Content(format.ms(row.ms))]
        facts.append(Content.styled(*status.get(row.status, ("ok", DIM))))
        if self.model.step_words:
            facts.insert(0, Content.styled(self.model.step_words, HEADING))
        if row.altered:
            summary = self.model.summary
            by_hand = summary is not None and any(each.is_in(detail.path, row) for each in summary.put_in)
            facts.append(Content.styled(f"altered by {'hand' if by_hand else 'a hook'}", ACCENT))
        place = f"{PurePath(visible(row.file)).name}:{row.line}" if row.file else ""
        yield Line(Content.styled(" · ", DIM).join(facts), aside=Content.styled(place, DIM))
        yield from self._remarks(calls)

    def _remarks(self, calls: Calls) -> Iterator[Line]:
        held = len(calls.calls)
        if calls.total > 1:
            kept = f"  the first {held:,} are kept" if held < calls.total else ""
            keys = draw_hints({"call-previous": "previous call", "call-next": "next, from #0 on"})
            yield Line(Content.assemble(keys, (kept, DIM)))
        if calls.note:
            yield label_line("note", calls.note)
        if self._forced or calls.missing:
            yield Line(Content.styled(FETCHING if self._forced else say_missing(calls.missing), DIM))
        if self.model.rows and not self.model.mark_of(self.index):
            yield Line(Content.styled(HOOK_OFF, WARN))

    def _body(self, detail: CallDetail, space: Space) -> Iterator[Line]:
        if detail.output is None:
            yield from _no_output(detail, self.model.summary)
        else:
            yield from _output(detail, detail.output, space)
        yield from self._beside_output(detail, space)
        if detail.output is not None:
            space = replace(space, how_to_move="")  # it is said once
        yield Line()
        yield from _section("inputs", f"{len(detail.inputs)}" if detail.inputs else "none")
        for number, value in enumerate(detail.inputs):
            yield from value_lines(str(number), value, _fair(space, detail.inputs))
        if detail.kwargs.length:
            yield Line()
            yield from _section("keyword inputs", f"{detail.kwargs.length}")
            yield from part_lines(detail.kwargs, _fair(space, (detail.kwargs,)))

    def _beside_output(self, detail: CallDetail, space: Space) -> Iterator[Line]:
        """What a classifier made of it, and the gradient that came back."""
        summary = self.model.summary
        if detail.path == () and summary is not None and summary.ranking:
            yield Line()
            yield from _section("top classes", "first item, baseline → now")
            yield from top_classes(summary.ranking, space)
        if detail.gradients:
            yield Line()
            yield from _section("gradient of the output", "")
            for number, value in enumerate(detail.gradients):
                name = str(number) if len(detail.gradients) > 1 else ""
                yield from value_lines(name, value, _fair(space, detail.gradients))


def _why_nothing(model: Model, index: int, calls: Calls) -> Iterator[str]:
    state = model.mark_of(index) if model.rows else 0
    if calls.note:
        yield calls.note
    elif state == REFUSED:
        reason = model.marks.refused.get(model.object_of(index), "")
        yield f"this module cannot be hooked: {reason}" if reason else "this module cannot be hooked"
    elif state == 0:
        yield HOOK_OFF
    elif calls.number == 0:
        yield f"no pass yet: press {key_of('run')} to run one"
    else:
        yield "not called in this pass"
        yield f"press {key_of('order')} in the tree for the calls that there were"


def say_missing(missing: Missing, by: str = "fetch-values") -> str:
    """Why there are no values, and which key brings them."""
    fetch, run = say_key(by), say_key("run")
    return {
        "slow": f"the pass is slow: {fetch} fetches histogram and values",
        "busy": f"{fetch} fetches histogram and values",
        "changed": f"{run} runs a pass and brings histogram and values",
    }.get(missing, "")


def _find(calls: Calls, number: int) -> int | None:
    """Where the call with this number in the step is among those that came."""
    return next((place for place, call in enumerate(calls.calls) if call.row.in_step == number), None)


def _has_values(calls: Calls) -> bool:
    outputs = (call.output for call in calls.calls)
    return any(isinstance(output, TensorValue) and output.histogram is not None for output in outputs)


def _output(detail: CallDetail, value: Value, space: Space) -> Iterator[Line]:
    """Against the baseline where there is one, else against the last run."""
    if detail.baseline is not None:
        yield from _section("output", "against the baseline")
        yield from draw_comparison(detail, space)
    else:
        yield from _since_last_run(value, detail.previous, space)


def _no_output(detail: CallDetail, summary: PassSummary | None) -> Iterator[Line]:
    yield from _section("output", "none: the call did not return")
    if detail.row.status == "raised" and summary is not None and summary.problem is not None:
        yield from _explain_raise(summary.problem, detail.path)


def _since_last_run(value: Value, previous: Value | None, space: Space) -> Iterator[Line]:
    unchanged = previous is not None and same(value, previous)
    kept = "same statistics as in the last run" if has_statistics(value) else "same shapes as in the last run"
    yield from _section("output", kept if unchanged else "")
    yield from value_lines("", value, _fair(space, (value,)), before=None if unchanged else previous)


def _fair(space: Space, values: tuple[Value, ...]) -> Space:
    """Without previews where there are too many tensors for anyone to read them."""
    return replace(space, elements=sum(map(tensors, values)) <= PREVIEWS)


def _explain_raise(problem: Problem, path: Path) -> Iterator[Line]:
    yield Line(Content.styled(f"  {visible(problem.what)}", ERROR), indent=2)
    if problem.path is not None and problem.path != path:
        yield Line(Content.assemble(("  in  ", DIM), format.path(problem.path)), indent=6)
    if problem.where:
        yield Line(Content.assemble(("  at  ", DIM), visible(shown_path(problem.where))), indent=6)
    yield Line(Content.styled("  the traceback is in the Log panel", DIM))


def _section(title: str, remark: str) -> Iterator[Line]:
    yield Line(Content.assemble((title, f"{ACCENT} bold"), (f"  {remark}" if remark else "", DIM)), indent=2)
