"""What stands on a line of the tree, explained: where the mouse rests on it, and by the help."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from ..format import MARKS, MOVED, REPEATED
from ..keys import key_of
from .cells import Piece
from .heat import ROLES as HEATS

PARAMETERS = "parameters: elements of the module's own and of all in it; – is none"
SHAPE = "the shape of its output in the last call; in Calls, of this call"
TIME = "in Calls: how long the call took, with all that it called"
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
