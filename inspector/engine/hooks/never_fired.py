"""Why a hook was never carried out, from what was counted of it and what is known of the pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from ...records.badges import NO_FORWARD, NO_HOOK_CALL, UNSEEN, Badge, explain_uncalled, has_badge
from ...text import encodable
from ..modules.tree import ModuleTree, Node
from ..source.class_name import class_name
from .hook import Hook
from .tally import Tally


@dataclass(frozen=True)
class Circumstances:
    """What is known of a pass, or of a block of the library.

    Args:
        tree: The model.
        badges: What is unusual about a module.
        called: The modules (nodes) whose calls were seen, or whose forward was.
        entered: The model itself was called.
        ended: It raised before its end.
        backward: Whether there was a backward pass; None where nobody knows.
        last_step: That began; -1 where that is not known.
        refused: Modules (nodes) that cannot be observed, and why.
        may_run_unseen: Whether what holds a module may run its forward past `__call__`.
    """

    tree: ModuleTree
    badges: Callable[[Node], tuple[Badge, ...]]
    called: Collection[int] = ()
    entered: bool = True
    ended: bool = False
    backward: bool | None = None
    last_step: int = -1
    refused: Mapping[int, str] = field(default_factory=dict)
    may_run_unseen: Callable[[Node], bool] = lambda node: False


def explain_never_fired(hook: Hook, node: Node, tally: Tally, known: Circumstances) -> str:
    """What comes after "never fired: ", of a hook that was not carried out and did not fail."""
    if hook.on in ("state_dict", "load_state_dict"):
        return "no state dict was made" if hook.on == "state_dict" else "no state dict was loaded"
    if hook.kind.acts == "observe" and node.index in known.refused:
        return f"it cannot be observed: {known.refused[node.index]}"
    if not tally.calls:
        return _explain_uncalled(node, known)
    if was_dropped(hook, tally, known):
        return f"step='last', and step {tally.last_step} of 0 to {known.last_step} was the last that it was called in"
    if not tally.chosen:
        return _explain_turns(hook, tally, known)
    if tally.tested:
        return f"when={hook.when!r} never held ({_count(tally.tested, 'tensor')} looked at)"
    if hook.on == "grad":
        return _explain_gradient(tally, known)
    if hook.on == "parameters":
        return f"{_name(node)} has no parameters of its own"
    return f"its {'input' if hook.on == 'input' else 'output'} holds no tensor of floating numbers"


def was_dropped(hook: Hook, tally: Tally, known: Circumstances) -> bool:
    """Whether what it saw of the last step that there was by then was of another one in the end."""
    return hook.choice.last and -1 < tally.last_step < known.last_step


def _explain_turns(hook: Hook, tally: Tally, known: Circumstances) -> str:
    called = "once" if tally.most_calls == 1 else f"{tally.most_calls:,} times"
    called += " at most in a step" if tally.last_step > 0 else ""
    if hook.call is not None and hook.call >= tally.most_calls:
        return f"call={hook.call}, counted from 0, and it was called {called}"
    if hook.choice.first > tally.last_step and not known.entered:
        return f"step={hook.step!r}: a step is a call of the model itself, and only parts of it were called"
    if hook.choice.first > tally.last_step:
        return f"step={hook.step!r}, counted from 0, and step {tally.last_step} was the last that it was called in"
    asked = [("step", hook.step, None), ("call", hook.call, None), ("every", hook.every, 1)]
    options = ", ".join(f"{name}={value!r}" for name, value, default in asked if value != default)
    return f"{options}, counted from 0, and no call of it was such a one"


def _explain_gradient(tally: Tally, known: Circumstances) -> str:
    if known.backward is False:
        return "the pass had no backward pass"
    if not tally.awaited:
        return "nothing in its output requires a gradient"
    return "no backward pass came to its output"


def _explain_uncalled(node: Node, known: Circumstances) -> str:
    """Why no call of the module was seen."""
    if not known.entered and not known.called:
        return "the model was not called"
    why = _explain_place(node, known) or _explain_badges(node, known)
    if why:
        return why
    if not known.entered:
        return "neither it nor the model itself was called, only parts of the model"
    if known.ended:
        return "the pass ended before it was called"
    if known.may_run_unseen(node):
        return "no call of it was seen: what holds it may run its forward past __call__, where no hook fires"
    return "it was not called"


def _explain_place(node: Node, known: Circumstances) -> str:
    """By what holds the module."""
    below = node
    for holder in _list_holders(known.tree, node):
        if holder is not node and below.key.startswith("lora_") and (why := _explain_adapter(node, holder)):
            return why
        if below is node and issubclass(type(holder.module), nn.MultiheadAttention) and holder is not node:
            return f"{_name(holder)} uses its parameters without calling it"
        if holder.index in known.called and has_badge(known.badges(holder), "fused path"):
            return f"a fused kernel of {_path(known.tree, holder)} ran in its place"
        below = holder
    return ""


def _explain_badges(node: Node, known: Circumstances) -> str:
    """By what is unusual about the module."""
    badges = known.badges(node)
    if has_badge(badges, "inlined"):
        return "a graph above it took its code in and never calls it"
    if has_badge(badges, "own __call__"):
        return f"{_name(node)} overrides __call__, and goes past hooks"
    ran = any(index in known.called for index in known.tree.subtree(node.index))
    return {
        NO_FORWARD: f"{_name(node)} has no forward of its own, and is never called",
        UNSEEN: f"{_name(node)} is TorchScript, where no hook fires",
        NO_HOOK_CALL: "its forward ran past __call__, where no hook fires",
    }.get(explain_uncalled(badges, ran), "")


def _explain_adapter(node: Node, layer: Node) -> str:
    """Of a part of a LoRA adapter, whose `layer` computes without it; as `peft` has them."""
    if _read(layer.module, "merged"):
        return f"the adapter is merged into the weight of its {_name(layer)}, which does not call it"
    if _read(layer.module, "disable_adapters"):
        return f"the adapters of its {_name(layer)} are disabled"
    active = _read(layer.module, "active_adapters")
    if active and node.parent != layer.index and node.key not in active:
        return f"the adapter {encodable(node.key, 80)!r} is not active"
    return ""


def _read(module: nn.Module, name: str) -> Any:
    try:
        return getattr(module, name, None)
    except Exception:  # a property of somebody else's class may raise anything
        return None


def _list_holders(tree: ModuleTree, node: Node) -> list[Node]:
    """The module and those that hold it, itself first."""
    found = [node]
    while found[-1].parent >= 0:
        found.append(tree.nodes[found[-1].parent])
    return found


def _path(tree: ModuleTree, node: Node) -> str:
    return encodable(".".join(tree.paths[node.index]), 200) or "the model"


def _name(node: Node) -> str:
    return encodable(class_name(node.module), 80)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
