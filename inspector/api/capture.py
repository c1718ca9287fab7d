"""The library without the app: record what passes through a model's modules."""

from __future__ import annotations

import difflib
import warnings
from shutil import get_terminal_size
from types import TracebackType

from torch import nn

from ..engine.hooks.recording import Recording
from ..engine.hooks.steps import StepCounter
from ..engine.modules.selector import ROOT, index_of_path, select
from ..engine.modules.tree import walk
from ..engine.recording.kept import collect_kept, key_of
from ..engine.recording.observers import Observers
from ..engine.recording.parameter_gradients import ParameterGradients
from ..engine.recording.recorder import Recorder
from ..engine.source.class_name import class_name
from ..engine.torch_hooks.blocks import Block
from ..engine.torch_hooks.eager import untraced
from ..engine.torch_hooks.graph import GraphHooks
from ..engine.torch_hooks.ours import OurHandle
from ..errors import UsageError
from ..records import TensorValue
from ..report.captured import render_captured
from ..report.footer import say_left_out
from .captured import CapturedCall
from .check_model import check_budget, check_model

KEEP_BYTES = 1 << 30
"""Outputs kept as they are (`keep=True`) up to this many bytes."""


class Capture:
    """What passed through the matching modules while the `with` block ran, in completion order.

    All of it is kept, some 2 KB a call: in a long loop open a block for each batch, or for each hundredth.
    """

    def __init__(
        self, model: nn.Module, pattern: str, statistics: bool, keep: bool, backward: bool, budget: float
    ) -> None:
        self._tree = walk(model)
        self._keep = keep
        self._block = Block(self._tree)
        self._observers = Observers(self._tree, self._block)
        self._steps = StepCounter(block=self._block)
        self._step_hook: OurHandle | None = None
        self._nodes = select(self._tree, pattern, looking=True)
        self._graph_hooks = GraphHooks()
        self._parameters = ParameterGradients(self._tree, self._nodes if backward else (), statistics, self._block.sees)
        self._recorder = Recorder(
            self._tree,
            statistics=statistics,
            keep=KEEP_BYTES if keep else 0,
            gradients=backward,
            graph_hooks=self._graph_hooks,
            steps=self._steps,
            budget=budget,
        )

    @untraced
    def __enter__(self) -> Capture:
        self._block.enter()
        try:
            self._start()
        except BaseException:  # a warning may be an error
            self._stop()
            raise
        return self

    def _start(self) -> None:
        self._step_hook = self._steps.register(self._tree.root)
        for node in self._nodes:
            self._observers.add(node)
        self._observers.recorder = self._recorder
        self._parameters.watch()
        if self.refused:
            path, why = next(iter(self.refused.items()))
            words = f"{len(self.refused)} of {len(self._nodes)} modules cannot be observed: {path or ROOT}: {why}"
            warnings.warn(words, RuntimeWarning, stacklevel=3)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._recorder.finish(error)
        faults = self._recorder.faults + self._parameters.faults
        if faults:
            words = f"not all could be recorded: {'; '.join(faults[:3])}"
            warnings.warn(words, RuntimeWarning, stacklevel=2)

    def _stop(self) -> None:
        self._block.close()
        self._observers.recorder = None
        self._observers.remove_all()
        self._graph_hooks.remove()
        self._parameters.end()
        if self._step_hook is not None:
            self._step_hook.remove()
        self._block.leave()

    @property
    def refused(self) -> dict[str, str]:
        """The modules that cannot be observed, by path, and why: torch lets no hook on compiled TorchScript."""
        return {".".join(self._tree.paths[index]): why for index, why in self._observers.refused.items()}

    @property
    def calls(self) -> list[CapturedCall]:
        """In completion order, a child before its parent: the order in which forward hooks fire."""
        self._recorder.settle()
        return [CapturedCall.of(self._tree, call) for call in self._recorder.calls]

    @property
    def gradients(self) -> dict[str, TensorValue]:
        """Of every parameter of the matching modules that a backward pass in the block reached: what `.grad` was when
        the last such pass had added to it, by the name that `named_parameters` gives. Those of outputs are in each
        call."""
        return self._parameters.collect()

    @property
    def recordings(self) -> Recording:
        """The outputs themselves, with `keep=True`: `cap.recordings["layer4.0:output"]`. See `Recording`.

        Raises:
            UsageError: Nothing was to be kept.
        """
        if not self._keep:
            raise UsageError("no outputs were kept", hint="capture(model, pattern, keep=True)")
        left_out = [key_of(self._tree, call) for call in self._recorder.left_out]
        if left_out:
            words = f"outputs past {KEEP_BYTES >> 20} MB were not kept, from {left_out[0]} on: capture fewer modules"
            warnings.warn(words, RuntimeWarning, stacklevel=2)
        tensors = collect_kept(self._tree, self._recorder.calls)
        return Recording(tensors, class_name(self._tree.root), left_out=tuple(left_out))

    def __getitem__(self, key: str | tuple[str, int]) -> CapturedCall:
        """The first call of the module at this dotted path, or with `(path, n)` its call n of all
        steps, counted from 0.

        Raises:
            KeyError: There was none; the error names paths that are near, or how often this one was called.
        """
        path, number = key if isinstance(key, tuple) else (key, 0)
        index = index_of_path(self._tree, path)
        of_module = [call for call in self._recorder.calls if call.index == index]
        found = next((call for call in of_module if call.number == number), None)
        if found is None:
            raise KeyError(f"no call {number} of {path!r} was captured{self._near(path, len(of_module))}")
        self._recorder.settle()
        return CapturedCall.of(self._tree, found)

    def _near(self, path: str, calls: int) -> str:
        if calls:
            return f": it was called {calls} time{'s' * (calls > 1)}, counted from 0"
        paths = {".".join(self._tree.paths[call.index]) or ROOT for call in self._recorder.calls}
        near = difflib.get_close_matches(path, paths, 3)
        return f"; near: {', '.join(near)}" if near else ""

    @property
    def left_out(self) -> int:
        """Tensors without statistics, since those would have taken more than the budget; their value says so."""
        return self._recorder.values.left_out

    @property
    def steps(self) -> int:
        """How many calls of the model itself began; each is a step."""
        return self._steps.count

    def step(self, number: int) -> list[CapturedCall]:
        """The calls of one step, counted from 0. A call outside of any step belongs to the one before it."""
        return [call for call in self.calls if call.step == number]

    def __len__(self) -> int:
        return len(self._recorder.calls)

    def __repr__(self) -> str:
        """A table of the first and last calls."""
        calls = self.calls
        milliseconds = sum(call.ms for call in calls if call.depth == 0)
        count = f"{len(calls):,} call{'' if len(calls) == 1 else 's'}"
        what = f"{count} of {class_name(self._tree.root)} in {milliseconds:.1f} ms"
        if not calls:
            return f"{what}: the model was not called in the block"
        what = f"{what}\n{say_left_out(self.left_out)}" if self.left_out else what
        return f"{what}\n{render_captured([call.row() for call in calls], get_terminal_size((120, 24)).columns)}"

    def view(self) -> None:
        """Open the app on what was captured; without a terminal, print it."""
        from .app import view_calls  # brings the whole engine, which a capture does without

        view_calls(self._tree.root, self._recorder.calls)


@untraced
def capture(
    model: nn.Module,
    pattern: str = "*",
    *,
    statistics: bool = True,
    keep: bool = False,
    backward: bool = True,
    budget: float | str = 0.0,
) -> Capture:
    """Record every call of the matching modules while a `with` block runs.

    Only observes: forward and backward run as they would, on the caller's thread, and nothing is put back. A backward
    pass in the block is seen as well: `call.gradient`, `cap.gradients`.

    Compiled models, and compiled functions that call this one, run eagerly while a block is open, in the whole process
    (`torch.compiler.set_stance`); afterwards their compiled code is used again as it is. A thread or an asyncio task
    with open blocks of its own is seen by those alone; whoever has none, such as a worker that the model starts, is
    seen by every block. Blocks, those of `hooks` too, nest and overlap freely.

    Args:
        model: Any module.
        pattern: Modules as in `inspector.hooks`: a dotted path, a glob (`"layer4.*"`), `"class:Conv2d"`, several of
            these with commas, and behind `~` what is left out: `"layer4.*, ~class:BatchNorm2d"`. `"(root)"` and `""`
            are the model itself, which `"*"` holds too.
        statistics: Statistics of every tensor, or shapes only (much cheaper).
        keep: Also keep copies of the outputs themselves, up to `KEEP_BYTES`: `cap.recordings`.
        backward: Also describe the gradients of outputs and parameters, should there be a backward pass.
        budget: What observing may take, as a share of what the block takes without it from its first call on: 0.1 or
            "10%". Statistics are left out for it (`cap.left_out`), and shapes never; 0 for whatever they take.

    Raises:
        UsageError: The budget is no share.
        ValueError: No module matches a part of the pattern; the error names modules that are near.
        InspectorError: On entering: the block is inside compiled code, or torch is too old for a compiled model.
    """
    check_model(model, "capture")
    return Capture(model, pattern, statistics, keep, backward, check_budget(budget))
