"""What is told of a hook after a pass: how often it fired, whether it changed anything, what went wrong, or why not."""

from __future__ import annotations

from ...raised import kind_of, message_of
from ...records import HookOutcome
from ...text import encodable
from ..modules.tree import Node
from .hook import Hook
from .never_fired import Circumstances, explain_never_fired, was_dropped
from .python_code import line_of
from .tally import Tally


def conclude(hook: Hook, node: Node, tally: Tally, known: Circumstances) -> HookOutcome:
    """What became of `hook` on a module, in the pass that `known` tells of. Waits for what devices compared."""
    fault = describe_error(tally.fault) if tally.fault is not None else ""
    tally.effect.settle()
    fired = 0 if was_dropped(hook, tally, known) else tally.fired
    return HookOutcome(
        known.tree.paths[node.index],
        encodable(str(hook), 300),
        hook.on,
        fired,
        tally.effect.changed if hook.alters else None,
        fault,
        "" if fault or fired else encodable(explain_never_fired(hook, node, tally, known), 400),
    )


def describe_error(error: BaseException) -> str:
    """`line 3: TypeError: …`, with the line where it came out of a person's own code."""
    line = line_of(error)
    return encodable(f"{f'line {line}: ' if line else ''}{kind_of(error)}: {message_of(error)}", 600)
