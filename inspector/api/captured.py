"""One call of one module, as the library gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..engine.modules.tree import ModuleTree
from ..engine.recording.call import Call, gradient_size
from ..records import CallStatus, MappingValue, Value
from ..report.captured import CapturedRow, describe_output, name_call
from ..text import visible


@dataclass(frozen=True, repr=False)
class CapturedCall:
    """One call of one module, as it was at that moment.

    `output` is None when the call did not return; `value` is a copy of the output itself where `keep=True` asked for
    one. `gradients` are, for each tensor of the output, those that reached it in the block, one for each backward pass;
    empty where none did. `call` counts the module's calls in the whole block or pass, `call_in_step` those in its
    `step`, which is a call of the model itself; all from 0.
    """

    path: str
    class_name: str
    call: int
    step: int
    call_in_step: int
    start: int
    end: int
    depth: int
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    output: Value | None
    ms: float
    status: CallStatus
    value: Any = None
    gradients: tuple[tuple[Value, ...], ...] = ()

    @property
    def gradient(self) -> Value | None:
        """Of `gradients` the first one there is."""
        return next((value for values in self.gradients for value in values), None)

    def __repr__(self) -> str:
        row = self.row()
        gradient = f", gradient {row.gradient:.3g}" if row.gradient is not None else ""
        return f"<{name_call(row)} {visible(self.class_name)}: {describe_output(row)}{gradient}, {self.ms:.2f} ms>"

    def row(self) -> CapturedRow:
        """What a table of calls shows of it."""
        gradients = [value for values in self.gradients for value in values]
        return CapturedRow(
            self.path,
            self.class_name,
            self.call_in_step,
            self.step,
            self.status,
            self.output,
            self.ms,
            gradient_size(gradients),
        )

    @classmethod
    def of(cls, tree: ModuleTree, call: Call) -> CapturedCall:
        """One recorded call as the library gives it."""
        return cls(
            ".".join(tree.paths[call.index]),
            type(tree.nodes[call.index].module).__name__,
            call.number,
            call.step,
            call.in_step,
            call.start,
            call.end,
            call.depth,
            call.inputs,
            call.kwargs,
            call.output,
            call.ms,
            call.status,
            call.kept,
            tuple(map(tuple, call.by_tensor)),
        )
