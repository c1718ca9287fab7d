"""The configuration of torch's compiler, where torch keeps it in attributes: newer versions have context variables."""

from __future__ import annotations

import sys
from typing import Any

from .setting import Setting


def _list_entries() -> dict[str, tuple[Any, str, Any]]:
    """Of every configuration that is imported: its module, the key, and what holds the value."""
    machinery = sys.modules.get("torch.utils._config_module")
    if not hasattr(getattr(machinery, "_ConfigEntry", None), "user_override"):  # not in attributes of plain defaults
        return {}
    kind: Any = vars(machinery)["ConfigModule"]
    return {
        f"{module.__name__}.{key}": (module, key, entry)
        for module in sys.modules.copy().values()
        if issubclass(type(module), kind)
        for key, entry in vars(module)["_config"].items()
    }


def _read() -> dict[str, Any]:
    return {name: entry.user_override for name, (_, _, entry) in _list_entries().items()}


def _write(values: dict[str, Any]) -> None:
    for name, (module, key, entry) in _list_entries().items():
        if name in values and entry.user_override is not values[name]:
            setattr(module, key, values[name])  # which notes that its hash changed


COMPILER: tuple[Setting, ...] = (Setting("compiler configuration", _read, _write, grows=True),)
