"""One hook of ours on one module: what torch calls, and how it acts on nested values, gradients and parameters.

It never raises into the model's call: what goes wrong is told as a fault, and the call goes on as if the hook were off.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..modules.tree import own_tensors
from ..torch_hooks.outputs import Watch
from ..values.nested import map_tensors
from .hook import Hook
from .python_code import PythonHook
from .turns import Turns
from .value_path import changed_at


class Surroundings(Protocol):
    """What the hooks of one model share."""

    batch: int  # number of the running batch, from 0

    def say(self, text: str) -> None: ...
    def keep(self, run: str, key: str, tensor: Tensor, budget: int) -> None: ...
    def recorded(self, run: str, key: str) -> Tensor: ...
    def took(self, attached: Attached, seconds: float, altered: bool) -> None: ...
    def later(self, edit: Callable[[], None]) -> None: ...  # when the batch's backward pass is over


class Here:
    """The place a tensor is seen at: see `hook.Place`."""

    def __init__(self, attached: Attached, call: int, leaf: int) -> None:
        self.path = attached.path
        self.on = attached.hook.on
        self.call = call
        self.leaf = leaf
        self._around = attached.around

    @property
    def key(self) -> str:
        """What recorded tensors of this place are called."""
        call = f"#{self.call}" if self.call else ""
        leaf = f".{self.leaf}" if self.leaf else ""
        return f"{self.path or '(root)'}{call}:{self.on}{leaf}"

    def say(self, text: str) -> None:
        self._around.say(text)

    def keep(self, run: str, tensor: Tensor, budget: int) -> None:
        self._around.keep(run, self.key, tensor, budget)

    def recorded(self, run: str) -> Tensor:
        return self._around.recorded(run, self.key)


class Attached:
    """A hook on a module. `fired` and `seconds` are of the pass since `start`, `fault` is what went wrong in it."""

    def __init__(self, hook: Hook, module: nn.Module, path: str, around: Surroundings) -> None:
        self.hook = hook
        self.module = module
        self.path = path
        self.around = around
        self.fired = 0
        self.seconds = 0.0
        self.fault: Exception | None = None
        self.muted = False  # on its module, and doing nothing
        self._act: Any = None
        self._turns = Turns(hook, around)
        self.start()

    def start(self) -> None:
        """Another pass, or run of batches, begins: counts and generators start again.

        Raises:
            UsageError: The kind cannot be made of these arguments.
        """
        self.fired, self.seconds, self.fault = 0, 0.0, None
        self._turns.start()
        python = self.hook.kind.acts == "python"
        self._act = PythonHook.of(self.hook) if python else self.hook.kind.make(**self.hook.arguments)

    def register(self) -> RemovableHandle:
        """Put it on its module, behind the hooks that are there."""
        module, on = self.module, self.hook.on
        untyped: Any = module
        if on == "input":
            return module.register_forward_pre_hook(Trigger(self, Attached._before), with_kwargs=True)
        if on == "state_dict":
            return cast(RemovableHandle, untyped.register_state_dict_post_hook(Trigger(self, Attached._saved)))
        if on == "load_state_dict":
            return cast(RemovableHandle, untyped.register_load_state_dict_pre_hook(Trigger(self, Attached._loading)))
        after = {"parameters": Attached._edit, "grad": Attached._watch}.get(on, Attached._after)
        return module.register_forward_hook(Trigger(self, after), with_kwargs=True)

    def call(self, work: Callable[..., Any], values: tuple[Any, ...]) -> Any:
        """What torch calls, timed and kept from raising."""
        if self.muted or torch._C._get_tracing_state() is not None:  # while tracing, values are not values
            return None
        began = perf_counter()
        altered = None
        try:
            altered = work(self, *values)
        except Exception as error:  # a hook is arithmetic on whatever comes, and a person's own code
            self.fault = error
        finally:
            took = perf_counter() - began
            self.seconds += took
            self.around.took(self, took, altered is not None)
        return altered

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        number = self._turns.next()
        if number is None:
            return None
        if isinstance(self._act, PythonHook):
            self.fired += 1
            return self._act.inputs(module, args, kwargs)
        keyed = bool(self.hook.steps) and isinstance(self.hook.steps[0].key, str)
        which = kwargs if keyed else args if self.hook.steps else (args, kwargs)
        new = self._changed(which, number)
        if new is which:
            return None
        return (args, new) if keyed else (new, kwargs) if self.hook.steps else (tuple(new[0]), dict(new[1]))

    def _after(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        number = self._turns.next()
        if number is None:
            return None
        if isinstance(self._act, PythonHook):
            self.fired += 1
            return self._act.output(module, args, kwargs, output)
        new = self._changed(output, number)
        return None if new is output else new

    def _watch(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """Gradients are taken from the output's tensors: module backward hooks refuse in-place operations."""
        number = self._turns.next()
        if number is None:
            return
        leaves = iter(range(1 << 30))

        def watch(tensor: Tensor) -> Tensor:
            if tensor.requires_grad and (self.hook.steps or _floats(tensor)):
                leaf = next(leaves)
                see = Watch(lambda gradient: self.call(Attached._gradient, (gradient, number, leaf)))
                cast(Any, tensor).register_hook(see)
            return tensor

        changed_at(output, self.hook.steps, lambda part: map_tensors(part, watch))

    def _gradient(self, gradient: Tensor, number: int, leaf: int) -> Tensor | None:
        if isinstance(self._act, PythonHook):
            self.fired += 1
            return self._act.gradient(self.module, gradient)
        with torch.no_grad():
            new = self._one(gradient, number, leaf)
        return None if new is gradient else new

    def _edit(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        number = self._turns.next()
        if number is None:
            return
        if torch.is_grad_enabled() and _requires_grad(output):
            self.around.later(
                lambda: self.call(Attached._edit_now, (number,))
            )  # the graph still needs the parameters as they are
        else:
            self._edit_now(number)

    def _edit_now(self, number: int) -> None:
        if isinstance(self._act, PythonHook):
            self.fired += 1
            self._act.parameters(self.module)
            return
        for leaf, (_, parameter) in enumerate(parameters_named(self.module, self.hook.where)):
            with torch.no_grad():
                new = self._one(parameter, number, leaf)
                if new is not parameter:
                    parameter.copy_(new)

    def _saved(self, module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
        self._keys(state, prefix)

    def _loading(self, module: nn.Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        self._keys(state, prefix)

    def _keys(self, state: dict[str, Any], prefix: str) -> None:
        self.fired += 1
        if isinstance(self._act, PythonHook):
            self._act.keys(self.module, state, prefix)
        elif self._act is not None:
            self._act(state, prefix)

    def _changed(self, value: Any, number: int) -> Any:
        leaves = iter(range(1 << 30))
        touched = False

        def one(tensor: Tensor) -> Tensor:
            nonlocal touched
            if not _floats(tensor):
                return tensor
            new = self._one(tensor, number, next(leaves))
            touched |= new is not tensor
            return new

        def part(value: Any) -> Any:
            if isinstance(value, Tensor) and self.hook.steps:  # named: its dtype is no reason to leave it
                nonlocal touched
                new = self._one(value, number, next(leaves))
                touched |= new is not value
                return new
            return map_tensors(value, one)

        new = changed_at(value, self.hook.steps, part)
        return new if touched else value

    def _one(self, tensor: Tensor, number: int, leaf: int) -> Tensor:
        if self.hook.condition is not None and not self.hook.condition.holds(tensor):
            return tensor
        self.fired += 1
        placed = self.hook.kind.acts == "place"
        new = self._act(tensor, Here(self, number, leaf)) if placed else self._act(tensor)
        return tensor if new is None else new


class Trigger:
    """What stands in torch's hook dict. A copy of the module takes it along, and it does nothing there."""

    def __init__(self, attached: Attached | None, work: Callable[..., Any] | None) -> None:
        self.attached = attached
        self._work = work

    def __call__(self, module: nn.Module, *values: Any) -> Any:
        if self.attached is None or self._work is None or module is not self.attached.module:
            return None
        return self.attached.call(self._work, (module, *values))

    def __deepcopy__(self, memo: dict[int, Any]) -> Trigger:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A model that is pickled meanwhile takes along a hook that does nothing."""
        return Trigger, (None, None)


def parameters_named(module: nn.Module, pattern: str) -> list[tuple[str, Tensor]]:
    """The module's own parameters whose name matches the glob; without one, those of floating numbers."""
    own = own_tensors(module, "_parameters")
    if not pattern:
        return [(name, tensor) for name, tensor in own if _floats(tensor)]
    found = [(name, tensor) for name, tensor in own if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        raise LookupError(f"{type(module).__name__} has no parameter {pattern!r} of its own")
    return found


def _floats(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _requires_grad(value: Any) -> bool:
    found = False

    def look(tensor: Tensor) -> Tensor:
        nonlocal found
        found |= tensor.requires_grad
        return tensor

    map_tensors(value, look)
    return found
