"""Asks for the sample input of a model whose `forward` gives no hint: one line for each of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from ...records import InputField, Problem
from ...text import lines, visible
from ..completing_box import CompletingBox
from ..format import cut
from ..keys import frame_hints, key, key_like
from .completing_layer import CompletingLayer
from .completions import complete_specs
from .fields import FieldScroll
from .specs import EXAMPLES, collect, obvious_fault

_KEYS = {"accept": "Next, then run", "complete": "Complete", "leave": "Without a pass"}


class InputForm(CompletingLayer[tuple[str, ...] | None]):
    """Gives the specifications, as after `-i`.

    Args:
        fields: The parameters of `forward`.
        problem: Why what was tried before did not work.
    """

    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012 (Textual's type)
    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("accept", "next"),
        key("down", "step(1)"),
        key("up", "step(-1)"),
        key_like("submit", "submit"),
    ]

    help_page = "The sample input"

    DEFAULT_CSS = """
    InputForm FieldScroll { height: auto; max-height: 1fr; }
    InputForm .field { height: auto; margin-top: 1; }
    InputForm .why { height: auto; margin-top: 1; }
    InputForm.-low .field, InputForm.-low .why { margin-top: 0; }
    InputForm Input { background: $surface; }
    """

    def __init__(self, fields: Sequence[InputField], problem: Problem | None = None) -> None:
        super().__init__()
        self._fields = tuple(fields)
        self._problem = problem

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = "Sample input"
            frame.border_subtitle = frame_hints(_KEYS, typing=True)
            with FieldScroll():
                yield Static(explanation())
                if self._problem is not None:
                    yield Static(explain_failure(self._problem), classes="why")
                for field in self._fields:
                    yield from self._rows(field)
            yield from self.below()

    def on_mount(self) -> None:
        boxes = self._boxes()
        empty = [box for box, field in zip(boxes, self._fields, strict=True) if field.required and not box.value]
        for box in (*empty, *boxes)[:1]:
            box.focus()

    def action_step(self, delta: int) -> None:
        boxes = self._boxes()
        now = next((n for n, box in enumerate(boxes) if box.has_focus), 0)
        boxes[min(max(now + delta, 0), len(boxes) - 1)].focus()

    def action_next(self) -> None:
        boxes = self._boxes()
        if not boxes or boxes[-1].has_focus:
            self.action_submit()
        else:
            self.action_step(1)

    def action_submit(self) -> None:
        fault = self._first_fault(final=True)
        self.say_fault(fault)
        if fault:
            return
        try:
            self.dismiss(collect(self._fields, [box.value for box in self._boxes()]))
        except ValueError as error:
            self.say_fault(str(error))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.say_fault(self._first_fault(final=False))

    def _rows(self, field: InputField) -> ComposeResult:
        with Vertical(classes="field"):
            yield Static(title(field))
            yield CompletingBox(value=field.proposal, complete=complete_specs)

    def _boxes(self) -> list[Input]:
        return list(self.query(Input))

    def _first_fault(self, final: bool) -> str:
        for field, box in zip(self._fields, self._boxes(), strict=True):
            value = box.value.strip()
            fault = obvious_fault(value) if not field.kind.startswith("*") else ""
            if final and field.required and not value:
                fault = "is needed"
            if fault:
                return f"{visible(field.name)}: {fault}"
        return ""


def explanation() -> Content:
    """What may be typed."""
    width = max(len(spec) for spec, _ in EXAMPLES) + 2
    head = Content("The first pass needs a sample input. Give one for each argument of forward:")
    rows = [
        Content.assemble((f"  {spec.ljust(width)}", "bold"), (words, "$foreground-muted")) for spec, words in EXAMPLES
    ]
    return Content("\n").join([head, *rows])


def explain_failure(problem: Problem) -> Content:
    """Why what was tried did not run, with what the module takes and what it got."""
    failed = Content.styled(f"The guess failed: {visible(problem.what)}", "$text-error")
    return Content("\n").join([failed, *map(Content, lines(problem.why))]) if problem.why else failed


def title(field: InputField) -> Content:
    """The parameter as its signature has it."""
    name = {"*args": "*", "**kwargs": "**"}.get(field.kind, "") + visible(field.name)
    annotation = f": {cut(visible(field.annotation), 40)}" if field.annotation else ""
    default = f" = {cut(visible(field.default), 30)}" if field.default else ""
    wanted = "" if field.required else "  may stay empty"
    return Content.assemble((name, "bold"), annotation, default, (wanted, "$foreground-muted"))
