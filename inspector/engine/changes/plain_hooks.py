"""Hooks that a script puts on as anybody would, on whatever a module takes or gives, on parameters, or on state dicts.

What acts is a function of one tensor. `script_skeleton.txt` has those that bring it to the tensors of a value: `at` a
part of it, on `each` of them, on a part of a tensor, or on its gradient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from torch import Tensor

from ...records import Path
from ..hooks.hook import PARAMETERS, Hook
from ..modules.selector import INNER
from ..modules.tree import Node, own_tensors
from ..recording.call import Call
from ..values.value_path import Step, write_steps
from .applied import AppliedHook
from .reach import ARGS, Reach, find_reach
from .written_call import WrittenCall, write

CallsOf = Callable[[int], Sequence[Call]]
"""The calls of a node that were seen last."""
Written: TypeAlias = "str | WrittenCall"
Make = Callable[[Hook, bool], str]
"""Gives the function of a kind, as text; it is told whether all tensors that it sees are of floating numbers."""
_STATE_DICTS = ("state_dict", "load_state_dict")


class Put(NamedTuple):
    """A hook, the module that it is put on, and how a script calls it. `own` is the name of a person's function."""

    hook: Hook
    node: Node
    path: Path
    calls: Sequence[Call]
    make: Make
    own: str

    @property
    def module(self) -> str:
        return find_module(self.path)

    @property
    def place(self) -> str:
        """As it is in the keys of recorded tensors."""
        return ".".join(key for key in self.path if key != INNER)


def put_hooks(
    active: Sequence[tuple[Hook, AppliedHook]], paths: Sequence[Path], codes: list[str], make: Make, calls_of: CallsOf
) -> list[str]:
    """The lines of `add_hooks`. `codes` are those of a person's own functions, which the script calls `hook`, or
    `hook_0`, ..."""
    puts = [
        Put(hook, member.node, paths[member.node.index], calls_of(member.node.index), make, _name(hook, codes))
        for hook, member in active
        if hook.kind.acts != "observe"
    ]
    lines = [write(_put(put), 8) for put in puts]
    counts = any(re.search(r"\bsteps\b", line) for line in lines)
    steps = "OuterSteps" if any(call.depth for call in calls_of(0)) else "Steps"
    first, handles = ([f"steps = {steps}(model)"], ["*steps.handles"]) if counts else ([], [])
    return [*first, "return [", *(f"    {each}," for each in [*handles, *lines]), "]"]


def find_module(path: Path) -> str:
    """The expression that finds a module of the model."""
    if any("." in key for key in path):
        return f"module_at(model, {path!r})"
    return f"model.get_submodule({'.'.join(path)!r})" if path else "model"


def _name(hook: Hook, codes: list[str]) -> str:
    if hook.kind.acts != "python":
        return ""
    return f"hook_{codes.index(hook.code)}" if len(codes) > 1 else "hook"


def _put(put: Put) -> Written:
    hook = put.hook
    if hook.on in _STATE_DICTS:
        return WrittenCall(f"on_{hook.on}", put.module, _of_module(put) if put.own else put.make(hook, False))
    if hook.on == PARAMETERS:
        return _put_on_parameters(put)
    if put.own and hook.on != "grad":
        which = "register_forward_hook" if hook.on == "output" else "register_forward_pre_hook"
        due = _due(hook)
        act = WrittenCall("when_due", put.own, *due) if due else put.own
        return WrittenCall(f"{put.module}.{which}", act, "with_kwargs=True")
    return _put_on_values(put, find_reach(hook, put.calls))


def _put_on_values(put: Put, reach: Reach) -> WrittenCall:
    hook = put.hook
    where, alone = _choose_function(hook, reach)
    act = _of_module(put) if put.own else _act(put, reach.whole)
    if hook.kind.acts == "context":
        if not alone or _needs_turns(put, reach):
            return WrittenCall(where, put.module, _placed(put, reach, act, alone))
        act = WrittenCall("told", act, _place(put, reach))
    act = _inner(hook, reach, act)
    return WrittenCall(where, put.module, act if alone else _outer(hook, reach, act), *_due(hook))


def _choose_function(hook: Hook, reach: Reach) -> tuple[str, bool]:
    """That of the script which puts it on, and whether it acts on one tensor, not on what may hold several."""
    if hook.on != "input":
        return "on_output", reach.alone
    alone = reach.alone and reach.outside in ((), (ARGS, Step(0)))
    return "on_input" if alone else "on_call", alone


def _needs_turns(put: Put, reach: Reach) -> bool:
    """Whether it has to be counted which call of its module it is that it sees."""
    return not reach.once or put.hook.choice.last or bool(_due(put.hook))


def _placed(put: Put, reach: Reach, act: Written, alone: bool) -> WrittenCall:
    """A hook that is told which tensor it sees, of a value that holds several, or in which of several calls."""
    hook = put.hook
    turns = " and ".join(_list_turns(hook))
    told = [act, _place(put, reach), "steps.turns()" if _needs_turns(put, reach) else "lambda: (0, 0)"]
    told += [f"due=lambda step, call: {turns}"] if turns else []
    if not alone:
        told.append(f"outer={_as_function(_outer(hook, reach, 'act'))}")
        told.append(
            "tensors=tensors_in" if _caches(hook, reach) else "tensors=lambda value: tensors_in(value, caches=False)"
        )
    inner = _inner(hook, reach, "act")
    told += [f"inner={_as_function(inner)}"] if inner != "act" else []
    return WrittenCall("placed", *told)


def _as_function(written: Written) -> str:
    """Of `act`: `each(act)` is what `each` gives."""
    text = str(written)
    return text[: -len("(act)")] if re.fullmatch(r"\w+\(act\)", text) else f"lambda act: {text}"


def _place(put: Put, reach: Reach) -> WrittenCall:
    inside = write_steps(reach.inside)
    told = [repr(put.place), repr(put.hook.on), *([repr(inside)] if inside else [])]
    told += [f"lambda tensor: tensor{inside}"] if inside and put.hook.alters else []
    return WrittenCall("PassingPlace", "steps", *told) if put.hook.choice.last else WrittenCall("Place", *told)


def _inner(hook: Hook, reach: Reach, act: Written) -> Written:
    """From the tensor that is reached to what it acts on."""
    if reach.inside and hook.kind.acts != "python":
        act = WrittenCall("on_part", act, f"lambda tensor: tensor{write_steps(reach.inside)}")
    return WrittenCall("on_gradient", act) if hook.on == "grad" else act


def _outer(hook: Hook, reach: Reach, act: Written) -> Written:
    """From a value to the tensors in it."""
    caches = [] if _caches(hook, reach) else ["caches=False"]
    if (hook.on == "grad" or not hook.alters) and not reach.whole:
        part = [f"lambda value: value{write_steps(reach.outside)}"] if reach.outside else []
        return WrittenCall("looking", act, *part, *caches)
    inside = act if reach.named else WrittenCall("each", act, *caches)
    return WrittenCall("at", _write_way(reach.outside), inside) if reach.outside else inside


def _caches(hook: Hook, reach: Reach) -> bool:
    """Whether objects are looked into. Those that come in are the caller's: what a module puts into a copy is lost."""
    return hook.on != "input" or bool(reach.outside)


def _put_on_parameters(put: Put) -> WrittenCall:
    hook = put.hook
    whole = hook.where and not all(_floats(tensor) for _, tensor in own_tensors(put.node.module, "_parameters"))
    act = (
        f"torch.no_grad()({put.own})"
        if put.own
        else WrittenCall("writer", _act(put, bool(whole)), *([repr(hook.where)] if hook.where else []))
    )
    if hook.at == "before":
        return WrittenCall("before_call", put.module, act, *_due(hook))
    alone = find_reach(hook, put.calls).alone
    return WrittenCall("after_call", "steps", put.module, act, *_due(hook), *([] if alone else ["tensors=tensors_in"]))


def _floats(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _of_module(put: Put) -> str:
    return f"functools.partial({put.own}, {put.module})"


def _act(put: Put, whole: bool) -> Written:
    """The function of one tensor."""
    made: Written = put.make(put.hook, not whole)
    made = WrittenCall("keep_whole", made) if whole and put.hook.alters else made
    condition = put.hook.condition
    if condition is None:
        return made
    names, function = condition.write()
    held = WrittenCall("as_far_as_there_is", function) if "shape" in condition.names else function
    return WrittenCall("only_when", made, repr(names), held)


def _write_way(steps: Sequence[Step]) -> str:
    """`['h', 1, Attribute('keys')]`."""
    return f"[{', '.join(f'Attribute({step.key!r})' if step.attribute else repr(step.key) for step in steps)}]"


def _due(hook: Hook) -> list[str]:
    """In which steps and calls it acts; nothing where it does in all."""
    turns = " and ".join(_list_turns(hook))
    return [f"steps.due(lambda step, call: {turns})"] if turns else []


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
