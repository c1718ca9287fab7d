"""The library's hooks: put on a model for the length of a `with` block, and always taken off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from torch import nn

from ..engine.hooks.attached import Attached
from ..engine.hooks.hook import Hook
from ..engine.hooks.kinds import BY_NAME
from ..engine.hooks.recording import Recording
from ..engine.hooks.session_state import HookState
from ..engine.hooks.spec import parse_hook
from ..engine.hooks.turns import ObserveFilter
from ..engine.modules.selector import select
from ..engine.modules.tree import Node, walk
from ..engine.recording.observers import Observers
from ..engine.recording.recorder import Recorder
from ..engine.source.class_name import class_name
from .captured import CapturedCall

Wanted = Mapping[str, "Hook | str | Sequence[Hook | str]"]


class Hooks:
    """Hooks on the modules that were named, while the `with` block runs.

    `calls` are those of modules with `observe()`, `recorded` the tensors of `record()` by run and place, and `faults`
    what went wrong in a hook: the model's call went on as if that hook were off. A batch is a call of the model itself.
    """

    def __init__(self, model: nn.Module, wanted: Wanted, say: Callable[[str], object] = print) -> None:
        self._tree = walk(model)
        self._observers = Observers(self._tree)
        self._state = HookState(lambda text: _ignore(say(text)))
        self._recorder = Recorder(self._tree, filters=self._observers.filters)
        self._attached: list[Attached] = []
        self._observed: list[tuple[Node, ObserveFilter]] = []
        self._handles: list[Any] = []
        for where, hooks in wanted.items():
            nodes = select(self._tree, where)
            for hook in [hooks] if isinstance(hooks, (Hook, str)) else hooks:
                self._take(parse_hook(hook) if isinstance(hook, str) else hook, nodes)

    def _take(self, hook: Hook, nodes: list[Node]) -> None:
        if hook.kind.acts == "observe":
            self._observed += [(node, ObserveFilter(hook, self._state)) for node in nodes]
            return
        paths = self._tree.paths
        self._attached += [Attached(hook, n.module, ".".join(paths[n.index]), self._state) for n in nodes]

    def __enter__(self) -> Hooks:
        try:
            self._handles.append(self._tree.root.register_forward_pre_hook(_Batches(self._state)))
            self._handles += [attached.register() for attached in self._attached]
            for node, observe_filter in self._observed:
                self._observers.add(node, observe_filter)
        except BaseException:
            self._remove()
            raise
        self._observers.recorder = self._state.recorder = self._recorder
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observers.recorder = self._state.recorder = None
        self._remove()
        self._state.end_batch()
        self._recorder.finish(error)

    def _remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._observers.remove_all()

    @property
    def calls(self) -> list[CapturedCall]:
        """Of the modules with `observe()`, in completion order."""
        self._recorder.settle()
        return [CapturedCall.of(self._tree, call) for call in self._recorder.calls]

    @property
    def recorded(self) -> dict[str, Recording]:
        """What `record` hooks kept, by the name they were given."""
        model = class_name(self._tree.root)
        return {run: Recording(tensors, model) for run, tensors in self._state.recordings.items()}

    @property
    def faults(self) -> list[Exception]:
        """The last exception of each hook that raised, or whose `where` is not there: the model's call went on as if
        that hook were off."""
        found = [*(attached.fault for attached in self._attached), *(each.fault for _, each in self._observed)]
        return [fault for fault in found if fault is not None]

    @property
    def fired(self) -> dict[str, int]:
        """How often each hook was carried out: `{"fc: scale(2)": 1}`."""
        return {f"{each.path or '(root)'}: {each.hook}": each.fired for each in self._attached}


class _Batches:
    """On the model itself: a call of it begins a batch."""

    def __init__(self, state: HookState) -> None:
        state.batch = -1
        self._state = state

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._state.end_batch()
        self._state.batch += 1

    def __deepcopy__(self, memo: dict[int, Any]) -> _Batches:
        return self


def _ignore(value: object) -> None:
    return None


def hooks(model: nn.Module, wanted: Wanted) -> Hooks:
    """Put hooks on modules for the length of a `with` block.

    Args:
        model: Any module.
        wanted: What is put where: `{"fc": inspector.scale(2), "class:Conv2d": inspector.noise(0.1, on="input")}`. A
            module is named by its dotted path, a glob, `class:NAME`, or several of these with commas, and behind `~`
            what is left out: `"layer4.*, ~class:ReLU"`. `"(root)"` and `""` are the model itself, which `"*"` leaves
            out. Several hooks on the same modules are a list; each may be text, as in `"scale(2)"`.

    Raises:
        UsageError: A module or a hook cannot be understood.
    """
    return Hooks(model, wanted)


def python(function: Callable[..., Any], **options: Any) -> Hook:
    """A hook that is a function of one's own: called as `function(module, args, kwargs, output)` on the output,
    `(module, args, kwargs)` on the input, `(module)` on parameters, `(module, gradient)` on the gradient and
    `(module, state_dict, prefix)` on state dicts."""
    from dataclasses import replace

    return replace(BY_NAME["python"](**options), function=function)
