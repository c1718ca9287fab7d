"""What the selected module is: class, signature, hyper-parameters, flags, plain attributes, docstring."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from msgspec.structs import replace
from textual.content import Content

from ...records import AnyEvent, Attributes, GetAttributes, MappingValue, OtherValue, Path, ScalarValue
from ...text import lines, visible
from ..drawing.lines import Page
from ..drawing.styles import ACCENT, DIM, HEADING
from ..drawing.values import Space, part_lines
from ..drawing.wrap import Line
from .line_panel import LinePanel


class AttributesPanel(LinePanel):
    """The parts of the instance that are neither modules nor tensors of their own panel."""

    TITLE = "Attributes"
    TAB = "Attr"
    SHORT = "Att"

    def __init__(self) -> None:
        super().__init__()
        self.attributes: Attributes | None = None

    def request(self, generation: int, path: Path) -> GetAttributes:
        return GetAttributes(generation, path)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Attributes):
            self.attributes = event
            self.draw_reply()

    def forget(self) -> None:
        self.attributes = None

    def page(self, width: int) -> Page | None:
        if self.attributes is None:
            return None
        found, space = self.attributes, Space(width, self.ascii, 1)
        body = [
            *_signature(found.signature),
            *_section("hyper-parameters", found.hyperparameters, space),
            *_section("flags", _unquote(found.flags), space),
            *_section("other attributes", found.others, space),
            *_docstring(found.docstring),
        ]
        return Page(body[1:], [_class(found.class_name), Line()])


def _class(name: str) -> Line:
    module, dot, own = visible(name).rpartition(".")
    return Line(Content.assemble((module + dot, DIM), (own, HEADING)), indent=2)


def _title(text: str) -> list[Line]:
    return [Line(), Line(Content.styled(text, f"{ACCENT} bold"))]


def _signature(signature: str) -> Iterator[Line]:
    if signature:
        yield from _title("forward")
        yield Line(Content("  " + visible(signature)), indent=6)


def _section(title: str, values: MappingValue, space: Space) -> Iterator[Line]:
    if values.length:
        yield from _title(title)
        yield from part_lines(values, space)


def _unquote(values: MappingValue) -> MappingValue:
    """A text among the flags is said of the module, and is no attribute that holds one."""
    items = tuple(
        OtherValue("", item.value) if isinstance(item, ScalarValue) and isinstance(item.value, str) else item
        for item in values.items
    )
    return replace(values, items=items)


def _docstring(text: str) -> Iterator[Line]:
    if text.strip():
        yield from _title("docstring")
        for line in lines(inspect.cleandoc(text)):
            blanks = len(line) - len(line.lstrip())
            yield Line(Content("  " + line), indent=2 + blanks)
