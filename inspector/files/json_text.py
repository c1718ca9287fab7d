"""JSON from files, which may be made to take far more memory than it has bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_FREE = 100_000
_BYTES_EACH = 12
"""An entry of any file that we read has a list or object for every twelve bytes at most; an empty one takes sixty-four
in memory and three in the file."""


def parse_json(data: bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value. Raises `ValueError` where it is no JSON, nests too deep, or is little but brackets.

    Args:
        data: As UTF-8.
        pairs: Makes an object of its entries in their order.
    """
    if data.count(b"[") + data.count(b"{") > _FREE + len(data) // _BYTES_EACH:
        raise ValueError("it is little but brackets")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("it nests too deep") from None
