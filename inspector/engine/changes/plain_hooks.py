"""Hooks that a script puts on as anybody would: `act` on the one tensor that a module takes or gives, on a gradient of
it, on parameters, or on the keys of a state dict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ...records import Path, TensorValue, Value
from ..hooks.hook import PARAMETERS, Hook
from ..modules.tree import Node, own_tensors
from ..recording.call import Call
from .applied import Addition, AppliedHook

CallsOf = Callable[[int], Sequence[Call]]
"""The calls of a node that were seen last."""
WIDTH = 110
"""Of a line of the script."""
Make = Callable[[Hook], str]
"""What makes the function of a kind, as text."""


def are_plain(additions: Sequence[Addition], calls_of: CallsOf) -> bool:
    """Whether all that are on are such hooks, as far as the last pass tells."""
    active = [(each.hook, member.node) for each in additions for member in each.members if member.active]
    counted = any(_turns(hook) for hook, _ in active) and any(call.depth for call in calls_of(0))
    return not counted and all(_is_plain(hook, node, calls_of) for hook, node in active)


def _is_plain(hook: Hook, node: Node, calls_of: CallsOf) -> bool:
    if hook.on in ("state_dict", "load_state_dict"):
        return not hook.options()
    calls = calls_of(node.index)
    gives_tensors = bool(calls) and all(_gives_tensor(call) for call in calls)
    if hook.on == PARAMETERS:
        return _writes_floats(hook, node) and (hook.at == "before" or gives_tensors)
    if hook.kind.acts == "python":
        return hook.on != "grad" or gives_tensors
    if hook.kind.acts != "tensor" or not _is_index(hook):
        return False
    return gives_tensors if hook.on != "input" else bool(calls) and all(map(_takes_tensors, calls))


def _is_index(hook: Hook) -> bool:
    """The part that it acts on, if any, is written as Python indexes a tensor."""
    return not hook.where or (hook.on != "input" and re.fullmatch(r"(\[[-\d:., ]+\])+", hook.where) is not None)


def _writes_floats(hook: Hook, node: Node) -> bool:
    """Those of whole numbers have checks of their own."""
    return hook.kind.acts == "python" or all(
        tensor.is_floating_point() or tensor.is_complex() for _, tensor in own_tensors(node.module, "_parameters")
    )


def _gives_tensor(call: Call) -> bool:
    return _was_seen(call) and _is_floating(call.output)


def _takes_tensors(call: Call) -> bool:
    return _was_seen(call) and not call.kwargs.length and bool(call.inputs) and all(map(_is_floating, call.inputs))


def _was_seen(call: Call) -> bool:
    return call.observe_filter is None and call.status == "ok"


def _is_floating(value: Value | None) -> bool:
    return isinstance(value, TensorValue) and value.dtype.startswith(("float", "bfloat", "complex"))


def put_plainly(
    active: Sequence[tuple[Hook, AppliedHook]], paths: Sequence[Path], codes: list[str], make: Make
) -> list[str]:
    """The lines of `add_hooks`. `codes` are those of a person's own functions, which the script calls `hook_0`, ..."""
    puts = [_put(hook, paths[member.node.index], codes, make) for hook, member in active]
    counts = any(_turns(hook) or hook.at == "after" for hook, _ in active)
    first = ["steps = Steps(model)"] if counts else []
    handles = ["steps.handle", *puts] if counts else puts
    return [*first, "return [", *(f"    {each}," for each in handles), "]"]


def _put(hook: Hook, path: Path, codes: list[str], make: Make) -> str:
    """A call, which is broken where it is long."""
    dotted = ".".join(path)
    module = f"at(model, {path!r})" if any("." in key for key in path) else f"model.get_submodule({dotted!r})"
    turns = _turns(hook)
    due = [f"steps.due(lambda step, call: {turns})"] if turns else []
    own = f"hook_{codes.index(hook.code)}" if hook.kind.acts == "python" else ""
    if own and hook.on in ("output", "input"):
        which = "register_forward_hook" if hook.on == "output" else "register_forward_pre_hook"
        return f"{module}.{which}({f'when_due({own}, {due[0]})' if due else own}, with_kwargs=True)"
    if hook.on == PARAMETERS:
        write = f"torch.no_grad()({own})" if own else f"writer({_conditional(hook, make)}, {hook.where!r})"
        called, first = ("before_call", []) if hook.at == "before" else ("after_call", ["steps"])
        return _break(called, [*first, module, write, *due])
    act = f"functools.partial({own}, {module})" if own else _on_part(_conditional(hook, make), hook.where)
    return _break(f"on_{hook.on}", [module, act, *due])


def _break(function: str, given: list[str]) -> str:
    line = f"{function}({', '.join(given)})"
    if len(line) <= WIDTH:
        return line
    return f"{function}(\n" + "".join(f"            {each},\n" for each in given) + "        )"


def _conditional(hook: Hook, make: Make) -> str:
    if hook.condition is None:
        return make(hook)
    return f"only_when({make(hook)}, Condition({hook.condition.text!r}, {hook.condition.names!r}))"


def _on_part(act: str, where: str) -> str:
    return f"on_part({act}, lambda tensor: tensor{where})" if where else act


def _turns(hook: Hook) -> str:
    """In which steps and calls it acts, as an expression of Python; "" in all."""
    return " and ".join(_list_turns(hook))


def _list_turns(hook: Hook) -> Iterator[str]:
    first, end = hook.choice.first, hook.choice.end
    if end == first + 1:
        yield f"step == {first}"
    elif end is not None:
        yield f"{f'{first} <= ' if first else ''}step < {end}"
    elif first:
        yield f"step >= {first}"
    if hook.every > 1:
        yield f"step % {hook.every} == 0"
    if hook.call is not None:
        yield f"call == {hook.call}"
