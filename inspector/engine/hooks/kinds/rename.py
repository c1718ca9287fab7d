"""The kind `rename`."""

from __future__ import annotations

from typing import Any

from ..kind import OnKeys, kind


@kind("State dict", on=("state_dict", "load_state_dict"), acts="keys")
def rename(old: str, new: str) -> OnKeys:
    """Rename keys of the state dict.

    Args:
        old: What is replaced, wherever it is in the part of a key that belongs to the module.
        new: What takes its context.
    """

    def renamed(state: dict[str, Any], prefix: str) -> None:
        for key in [key for key in state if key.startswith(prefix) and old in key[len(prefix) :]]:
            state[prefix + key[len(prefix) :].replace(old, new)] = state.pop(key)

    return renamed
