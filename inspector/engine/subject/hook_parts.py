"""Whether what a hook is to have a part of had one in the last pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...errors import UsageError
from ...records import SequenceValue, Value
from ...text import encodable
from ..hooks.hook import Hook
from ..modules.tree import ModuleTree, Node
from ..passes.last_pass import LastPass
from ..recording.call import Call
from ..values.described_part import explain_missing

HINT = 'a part is written as [0], ["hidden"], .logits or, of a tensor, [:, -1] or [..., 16:32]'


def check_part(hook: Hook, nodes: Sequence[Node], last: LastPass, tree: ModuleTree) -> None:
    """Nothing is said of modules that were not called, or of which only a part was observed.

    Raises:
        UsageError: In no call of these modules there was such a part.
    """
    wanted = {node.index for node in nodes} if hook.steps else set()
    missing = ""
    for call in last.calls if wanted else ():
        for value in _values(hook, call) if call.index in wanted else ():
            why = explain_missing(value, hook.steps)
            if not why:
                return
            missing = missing or f"{'.'.join(tree.paths[call.index]) or '(root)'}: {why}"
    if missing:
        what = f"{hook.kind.name}: where={hook.where!r} was not there in the last pass. {missing}"
        raise UsageError(encodable(what, 400), hint=HINT)


def _values(hook: Hook, call: Call) -> Iterator[Value]:
    """What the path of a hook begins at, where all of it was seen."""
    if call.observe_filter is not None or call.status != "ok":
        return
    if hook.on != "input":
        yield from () if call.output is None else (call.output,)
    elif isinstance(hook.steps[0].key, str):
        yield call.kwargs
    else:
        yield SequenceValue("tuple", call.inputs, len(call.inputs), is_tuple=True)
