"""The kind `filter`."""

from __future__ import annotations

import fnmatch
from typing import Any

from ..kind import OnKeys, kind


@kind("State dict", on=("state_dict", "load_state_dict"), acts="keys")
def filter(pattern: str) -> OnKeys:
    """Leave only some keys in the state dict.

    Args:
        pattern: A glob over the part of a key that belongs to the module, such as "*.weight".
    """

    def filtered(state: dict[str, Any], prefix: str) -> None:
        for key in [key for key in state if key.startswith(prefix)]:
            if not fnmatch.fnmatchcase(key[len(prefix) :], pattern):
                del state[key]

    return filtered
