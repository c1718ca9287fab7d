"""The kind `rename`."""

from __future__ import annotations

from typing import Any

from ...values.renaming import rename_keys
from ..kind import OnKeys, kind


@kind("State dict", on=("state_dict", "load_state_dict"), acts="keys")
def rename(old: str, new: str) -> OnKeys:
    """Rename keys of the state dict.

    Args:
        old: Whole names that the part of a key that belongs to the module begins with; `.old` anywhere behind another.
        new: What takes their place; empty leaves them out.
    """

    def renamed(state: dict[str, Any], prefix: str) -> None:
        names = rename_keys([key[len(prefix) :] for key in state if key.startswith(prefix)], [(old, new)])
        values = {name: state.pop(prefix + key) for key, name in names.items() if name != key}
        state.update({prefix + name: value for name, value in values.items()})

    return renamed
