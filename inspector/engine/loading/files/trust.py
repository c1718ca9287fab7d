"""Files that hold code: what they would run is told, and they are opened only where a person said to trust them."""

from __future__ import annotations

from collections.abc import Sequence

from ....errors import UsageError
from ....text import encodable
from ..target import Wanted

_SHOWN = 8


def demand(wanted: Wanted, what: str, reasons: Sequence[str]) -> None:
    """Raise `UsageError` where there are `reasons` not to open the target and `--trust-pickle` was not given.

    Args:
        wanted: The target and its options.
        what: What opening it does, as the end of a sentence: "is a pickled module, which runs code".
        reasons: What opening it would do, in a few words each.
    """
    if not reasons or wanted.target.trust_pickle:
        return
    raise UsageError(
        encodable(f"{wanted.text} {what}; nothing of it was run", 500),
        where=encodable("\n".join(_some(reasons)), 2_000),
        hint=encodable(f"if you trust where it comes from: inspector {wanted.text} --trust-pickle", 400),
        kind="NotTrusted",
    )


def _some(reasons: Sequence[str]) -> list[str]:
    more = len(reasons) - _SHOWN
    return [*reasons[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
