"""What stands on a line of the tree, explained: where the mouse rests on it, and by the help."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from ...client.model import Model
from ...text import visible
from ..format import MARKS, MOVED, REPEATED, ascii_only, cut
from ..keys import key_of
from .cells import Piece
from .heat import ROLES as HEATS
from .lines import DisplayOptions

PARAMETERS = "parameters: elements of the module's own and of all in it; – is none"
SHAPE = "the shape of its output in the last call; in Calls, of this call"
TIME = "in Calls: how long the call took, with all that it called; in the call tree, without the calls shown below it"
COST = "costs of a warm pass, of all calls together, in Calls of this one; the frame above names the columns"
CALL = "in Calls: which call of the module in the pass, from #0 on"

IN_TREE = {
    "11.7M": PARAMETERS,
    "1×64×56×56": SHAPE,
    "28²": "two equal dimensions at the end of a shape: 28×28",
    "2×10 +4": "of several tensors the first one's shape, and how many more there are",
    "23.4 ms": TIME,
    "#1": CALL,
    "cold": "times are of the first pass, which takes longer than any other",
    "own, share": COST,
    "old": f"in the title: costs were measured before something was changed; {key_of('costs')} m measures them anew",
    "a": "before a line: the letter that M marked the module with",
    "Δ": "in the tree's title: how far outputs are from the baseline is shown, as ▆ 0.32",
}
"""For the help."""

_BY_SIGN = {sign: mark.meaning for mark in MARKS for sign in (mark.ascii, mark.sign)}
_BY_ROLE = {
    "arrow": "▸ has modules in it, which are hidden; ▾ they are shown",
    "class": "the class of the module",
    "root": "the class of the model",
    "shape": SHAPE,
    "quiet": "observed, and not called in the last pass; under a filter: it is above a match",
    "cost": COST,
    "cost-warm": COST,
    **dict.fromkeys(HEATS, MOVED.meaning),
}


def explain_piece(pieces: Sequence[Piece], x: int) -> str:
    """What stands in this cell of a line means; "" for blanks and names."""
    for text, role in pieces:
        if x < cell_len(text):
            return _explain(text.strip(), role)
        x -= cell_len(text)
    return ""


def _explain(text: str, role: str) -> str:
    if not text:
        return ""
    if role == "number":
        return TIME.removeprefix("in Calls: ") if " " in text else PARAMETERS
    if role == "calls":
        return CALL.removeprefix("in Calls: ") if text.startswith("#") else REPEATED.meaning
    if role == "foreign":
        return f"{text}: hooks that are not ours"
    return _BY_ROLE.get(role) or _BY_SIGN.get(text[:1], "")


_FILTER_HELP = (
    "A word is in a path, a class or a badge,",
    "or is letters of a path, in order;",
    "* ? [ make it a glob: layer4.*.conv1;",
    "class:Conv2d asks for a class.",
)

BEING_MADE = "the tree is being made"
"""What a search finds in it is not known yet."""


def write_explanation(y: int, model: Model, options: DisplayOptions, width: int) -> str:
    """A line of why none is shown."""
    words = _explain_nothing(model, options)
    text = cut(f" {visible(words[y])}" if y < len(words) else "", width)
    return ascii_only(text) if options.ascii else text


def _explain_nothing(model: Model, options: DisplayOptions) -> tuple[str, ...]:
    """Why no line is shown, and what to press."""
    if model.awaited and not model.rows:
        return "No modules yet: the model is being loaded.", f"Press {key_of('interrupt')} to stop that."
    if not model.rows:
        return "No modules yet.", f"Press {key_of('open')} to open a model."
    if model.orders_due and not (options.filter and not options.matches):
        return (f"The tree of {len(model.calls):,} calls is being made.",)
    if not options.filter:
        return "No calls: no pass is over yet.", f"Press {key_of('run')} to run one."
    all_again = f"Press {key_of('leave')} to show all again."
    if options.matches:
        return "No calls of the modules that match.", all_again, *_FILTER_HELP
    return f"No module matches “{options.filter}”.", all_again, *_FILTER_HELP
