"""The form of one kind of hook: where, what on, its arguments, and when it acts."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import Input, Static, TextArea

from ....records import HookSpec, KindArgument, KindInfo, Problem
from ....text import visible
from ...keys import frame_hints, key, key_like, key_of
from ..completions import complete_condition, complete_file
from ..fields import Cycle, Field, FieldScroll, Tick
from ..submitting import SubmittingLayer
from .code import is_template, template
from .code_box import CODE_ROWS, CodeBox
from .jobs import PARAMETERS, PYTHON, Adding
from .places import with_all_below
from .status import HookStatus
from .typed import OPTIONS, PART, Typed, default_text

EXAMPLES = {
    "where": '[0]  ["hidden"]  .logits  [:, -1]',
    "at": "",
    "step": "all;  3  2:5",
    "call": "all",
    "every": "1",
    "when": "nan > 0",
}
MEANINGS = {
    "where": "which part of it",
    "at": "when they are written to",
    "step": "from 0: batch, token",
    "call": "from 0: call in step",
    "every": "every so many steps",
    "when": "only where it holds",
}
ABOUT_ROWS, STATUS_ROWS, FRAME_ROWS = 2, 4, 2
OF_PARAMETERS = ("a name, or a glob", "weight")
MOMENTS = {"before": "the call sees it", "after": "the next one sees it"}
"""When a hook writes to parameters, and what comes of it."""


class HookForm(SubmittingLayer):
    """True when the hook was added; with a problem the form stays.

    Args:
        job: What becomes of it.
        kind: The kind of hook.
        typed: To start from.
        code: Of a Python hook, to start from.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("accept", "next"),
        key("down", "app.focus_next"),
        key("up", "app.focus_previous"),
        key_like("submit", "submit"),
    ]

    help_page = "The form of a hook"

    DEFAULT_CSS = """
    HookForm > #layer { max-width: 130; }
    HookForm FieldScroll { height: 1fr; }
    HookForm #about { color: $foreground-muted; margin-bottom: 1; height: auto; }
    HookForm Tick { margin-left: 11; }
    HookForm #in-full { height: auto; min-height: 1; max-height: 2; color: $foreground-muted; }
    HookForm HookStatus { margin-top: 0; }
    """

    def __init__(self, job: Adding, kind: KindInfo, typed: Typed | None = None, code: str = "") -> None:
        super().__init__()
        self._job = job
        self._kind = kind
        typed = typed or Typed()
        choices = job.choices(kind)
        self._where = Field("modules", job.where, "glob, class:X, ~but", "the root")
        self._on = Field("on", typed.on, choices=choices) if len(choices) > 1 else None
        self._arguments = [_argument_field(argument, typed) for argument in kind.arguments]
        options = PART if job.edits else _options_of(kind)
        self._options = [_option_field(option, typed, kind) for option in options]
        self._at = next((field for field in self._options if field.label == "at"), None)
        self._code = CodeBox(code or template(typed.on or choices[0]), job.edit) if kind.group == PYTHON else None

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(f"{self._job.title}: {visible(self._kind.name)}")
            frame.border_subtitle = frame_hints(
                {"accept": "Next", "submit": self._job.verb, "leave": "Close"}, typing=True
            )
            frame.styles.height = self._rows()
            with FieldScroll():
                yield Static(Content(visible(self._kind.title)), id="about")
                yield from self._fields()
            yield Static("", id="in-full", markup=False)
            yield HookStatus(self._job)

    def _rows(self) -> int:
        """All there is; where that is more than the screen has, the fields scroll and the rest stays."""
        shown = [widget for widget in self._fields() if widget is not self._at or self._is_on_parameters()]
        fields = sum(CODE_ROWS if widget is self._code else 1 for widget in shown)
        return ABOUT_ROWS + fields + STATUS_ROWS + FRAME_ROWS

    def _fields(self) -> ComposeResult:
        if self._job.chooses_where:
            yield self._where
            if self._job.below:
                yield Tick(f"and everything below ({key_of('tick')})", False)
        if self._on is not None:
            yield self._on
        yield from self._arguments
        if self._code is not None:
            yield self._code
        yield from self._options

    def on_mount(self) -> None:
        start = self._code or next((field.box for field in self._arguments), None) or self._on_box() or self._where.box
        start.focus()
        self._explain_where()
        self._check()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """What the field that has the keyboard means stands below all, where there is no room for it beside the box."""
        field = event.widget.parent
        self.call_after_refresh(self._say_in_full, field if isinstance(field, Field) else None)

    def _say_in_full(self, field: Field | None) -> None:
        if self.is_shown:
            self.query_one("#in-full", Static).update(Content(field.cut_meaning if field is not None else ""))

    def _on_box(self) -> Cycle | Input | None:
        return None if self._on is None else self._on.box

    def action_next(self) -> None:
        """From the last field on there is nothing but to do it."""
        last = self._options[-1].box
        if last.has_focus:
            self.action_submit()
        else:
            self.focus_next()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _typed(self) -> None:
        self._check()

    @on(Cycle.Changed)
    def _chosen(self, event: Cycle.Changed) -> None:
        if event.cycle is self._on_box():
            self._explain_where()
            self.query_one("#layer").styles.height = self._rows()
            if self._code is not None and is_template(self._code.text):
                self._code.load_text(template(event.cycle.value))
        elif self._at is not None and event.cycle is self._at.box:
            self._explain_where()
        self._check()

    @on(Tick.Ticked)
    def _below(self, event: Tick.Ticked) -> None:
        box = self._where.box
        if isinstance(box, Input):
            box.value = with_all_below(self._job.where) if event.ticked else self._job.where

    def action_submit(self) -> None:
        try:
            written, hook = self._read()
        except ValueError as error:
            self._status.fault(f"{self._kind.name}(…)", str(error))
            return
        if not self.submitting:
            self.submit(self._job.carry_out(self._where.value, hook), written)

    def show_refusal(self, what: str, problem: Problem) -> None:
        self._status.refuse(what, problem)
        if self._code is not None and problem.line:
            self._code.show_line(problem.line)

    @property
    def _status(self) -> HookStatus:
        return self.query_one(HookStatus)

    def _read(self) -> tuple[str, HookSpec]:
        """The hook as Python writes it, and itself. ValueError says what is missing."""
        values = {field.label: field.value for field in (*self._arguments, *self._options)}
        if self._at is not None and (not self._is_on_parameters() or self._at.value == self._kind.moment):
            del values["at"]
        typed = Typed(self._on.value if self._on is not None else "", values)
        code = "" if self._code is None else self._code.text
        return self._job.write(self._kind, typed), self._job.read(self._kind, typed, code)

    def _check(self) -> None:
        try:
            written, hook = self._read()
        except ValueError as error:
            self._status.fault(f"{self._kind.name}(…)", str(error))
        else:
            self._status.check(self._where.value, written, hook)

    def _explain_where(self) -> None:
        """A part of a value and a name of a parameter are written differently, and only these are written to."""
        on_parameters = self._is_on_parameters()
        said = OF_PARAMETERS if on_parameters else (MEANINGS["where"], EXAMPLES["where"])
        self._options[0].explain(*said)
        if self._at is not None:
            self._at.display = on_parameters
            self._at.explain(MOMENTS[self._at.value], "")

    def _is_on_parameters(self) -> bool:
        return (self._on.value if self._on is not None else self._job.choices(self._kind)[0]) == PARAMETERS


def _options_of(kind: KindInfo) -> list[KindArgument]:
    """Those that a hook of this kind looks at."""
    left_out = {"at"} if not kind.moment else {"when"} if kind.group == PYTHON else set()
    return [option for option in OPTIONS if option.name not in left_out]


def _argument_field(argument: KindArgument, typed: Typed) -> Field:
    default = default_text(argument)
    value = typed.values.get(argument.name, "")
    meaning = argument.meaning or argument.type
    if argument.type == "bool":
        return Field(argument.name, value or default or "False", meaning, choices=("False", "True"))
    if argument.known:
        recorded = f"recorded: {', '.join(argument.known)}"
        return Field(argument.name, value, recorded, default, suggestions=argument.known)
    example = default or (f"{argument.type}, needed" if argument.required else argument.type)
    return Field(argument.name, value, meaning, example, complete=complete_file if argument.type == "file" else None)


def _option_field(option: KindArgument, typed: Typed, kind: KindInfo) -> Field:
    value = typed.values.get(option.name, "")
    if option.name == "at":
        return Field(option.name, value or kind.moment, MEANINGS[option.name], choices=tuple(MOMENTS))
    example = EXAMPLES[option.name] + ("  last" if option.name == "step" and kind.takes_last else "")
    complete = complete_condition if option.name == "when" else None
    return Field(option.name, value, MEANINGS[option.name], example, complete=complete)
