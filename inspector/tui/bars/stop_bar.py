"""What is said while a pass stands still: where, why, and what the values are there."""

from __future__ import annotations

from pathlib import PurePath

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...records import MappingValue, NamedValue, Paused, SequenceValue, Stop, TensorValue, Value
from ...text import visible
from ...value_text import first_tensor
from .. import format

_ON = {
    "before": "before",
    "after": "after",
    "exception": "by an error in",
    "gradient": "at the gradient of",
    "line": "in",
}


class StopBar(Widget):
    """Hidden until a pass stands still."""

    DEFAULT_CSS = """
    StopBar { height: 2; padding: 0 1; display: none; background: $warning-muted; }
    StopBar.-shown { display: block; }
    """

    event: reactive[Paused | None] = reactive(None)
    values: reactive[tuple[NamedValue, ...]] = reactive(())
    waits: reactive[bool] = reactive(False)
    """Somebody works there: a timeout is off."""
    ascii: bool = False

    def watch_event(self, event: Paused | None) -> None:
        self.set_class(event is not None, "-shown")
        self.values, self.waits = event.values if event is not None else (), False

    def render(self) -> Content:
        if self.event is None:
            return Content("")
        sign = format.STOP.ascii if self.ascii else format.STOP.sign
        who = "your program stopped" if self.event.program else "stopped"
        first = Content.assemble((f"{sign} {who} ", "bold $text-warning"), (place(self.event), "bold"))
        parts = [visible(self.event.why).replace("\n", " ")] if self.event.why else []
        parts += [f"goes on after {self.event.timeout:g} s"] if self.event.timeout and not self.waits else []
        why = self._cut("".join(f" · {part}" for part in parts), first)
        return Content("\n").join([Content.assemble(first, why), Content(self._list_values())])

    def _cut(self, text: str, before: Content) -> str:
        shown = format.ascii_only(text) if self.ascii else text
        return format.cut(shown, max(self.size.width - before.cell_length, 0))

    def _list_values(self) -> str:
        """As many as there is room for, tensors first; `args` and `kwargs` say again what is named by itself."""
        named = [each for each in self.values if each.name not in ("args", "kwargs", "self")]
        said = [describe(each) for each in sorted(named, key=lambda each: first_tensor(each.value) is None)]
        if self.event is not None and self.event.text:
            said = [visible(self.event.text), *said]
        text = "   ".join(said or [describe(each) for each in self.values if not _is_empty(each.value)])
        return format.cut("  " + (format.ascii_only(text) if self.ascii else text), self.size.width)


def _is_empty(value: Value) -> bool:
    return isinstance(value, SequenceValue | MappingValue) and not value.items


def place(event: Paused) -> str:
    """`before layer1.0.conv1 · call 1 · step 3`, `net.py:9 in layer1.0`, `train.py:16`."""
    line = f"{base_name(event.file)}:{event.line} " if event.on == "line" else ""
    if event.program and line and not event.path:  # in a script, most often, and in no call of the model
        return line.strip()
    call = f" · call {event.call}" if event.call else ""
    step = f" · step {event.step}" if event.step else ""
    again = " · computed again" if event.recomputed else ""
    return f"{line}{_ON[event.on]} {format.path(event.path)}{call}{step}{again}"


def base_name(file: str) -> str:
    """Of a file, without its folders."""
    return visible(PurePath(file).name)


def describe(named: NamedValue) -> str:
    """`input 2×4  mean 0.31  std 1.2  min -3  max 4`."""
    tensor = first_tensor(named.value)
    return f"{visible(named.name)} {format.value_brief(named.value, 40)}{_numbers(tensor) if tensor else ''}"


def _numbers(tensor: TensorValue) -> str:
    found = tensor.statistics
    if found is None:
        return ""
    numbers = {"mean": found.mean, "std": found.std, "min": found.min, "max": found.max}
    said = [f"{name} {format.number(value)}" for name, value in numbers.items() if value is not None]
    odd = [f"{name} {count:,}" for name, count in (("NaN", found.nan), ("Inf", found.inf)) if count]
    return "  " + "  ".join([*odd, *said])


def describe_stop(stop: Stop) -> str:
    """When it stops, in words: `before · call 2 · when nan > 0`."""
    words = {"exception": "at an error", "gradient": "at its gradient", "line": ""}.get(stop.on, stop.on)
    parts = [words] if words else []
    parts += [f"{'time' if stop.on == 'line' else 'call'} {stop.call}"] if stop.call is not None else []
    parts += [f"step {stop.step}"] if stop.step is not None else []
    parts += [f"when {visible(stop.when)}"] if stop.when else []
    parts += [f"goes on after {stop.timeout:g} s"] if stop.timeout else []
    parts += [f"only writes {visible(stop.log)}"] if stop.log else []
    return " · ".join(parts)
