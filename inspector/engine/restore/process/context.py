"""Context variables, in which newer versions of torch keep the configuration of its compiler, too."""

from __future__ import annotations

import contextvars
import sys
from typing import Any

from .setting import is_same

_SPOKEN_FOR = ("numpy", "format_options", "decimal_context")
"""Those that settings read and write already."""
_OURS = "open blocks"
"""Which blocks of ours are open here; they end in any order."""
_TEXT = 120

_missing: Any = object()


class KeptContext:
    """What the variables of this thread are now."""

    def __init__(self) -> None:
        self._then = contextvars.copy_context()
        self._modules = len(sys.modules)

    def restore(self) -> tuple[list[str], list[str]]:
        """Put back the values that there were; a variable that had none cannot be without one again.

        Returns:
            What was put back, and what cannot be, in words.
        """
        changed: list[str] = []
        lost: list[str] = []
        different = [v for v, now in contextvars.copy_context().items() if self._differs(v, now)]
        config = _find_config() if different else {}
        for variable in different:
            name = f"the context variable {variable.name[:_TEXT]}"
            if variable in config:
                changed += config[variable].restore(self._then.get(variable, _missing))
            elif variable in self._then:
                variable.set(self._then[variable])
                changed.append(name)
            elif not variable.name.startswith(_SPOKEN_FOR) and not _is_torchs(variable) and not self._has_imported():
                lost.append(f"{name} was set")
        return changed, lost

    def _differs(self, variable: contextvars.ContextVar[Any], now: Any) -> bool:
        return now is not self._then.get(variable, _missing) and variable.name != _OURS

    def _has_imported(self) -> bool:
        """What is imported may well set some of its own."""
        return len(sys.modules) != self._modules


def _is_torchs(variable: contextvars.ContextVar[Any]) -> bool:
    return variable.name.startswith(("torch.", "_hash_", "_get_dict_"))


class _Entry:
    """One value of a configuration of torch."""

    def __init__(self, module: Any, key: str, entry: Any) -> None:
        self._module = module
        self._key = key
        self._entry = entry

    def restore(self, then: Any) -> list[str]:
        """What it was, in words; nothing where it only became what it is by default, as by being read."""
        now, default = self._entry.user_override.get(), self._entry.default
        was_unset = then is _missing or then is self._unset
        setattr(self._module, self._key, self._unset if was_unset else then)
        quiet = was_unset and (is_same(now, default) or type(now) not in (bool, int, float, str))
        return [] if quiet else [f"{self._module.__name__}.{self._key}"]

    @property
    def _unset(self) -> Any:
        return vars(sys.modules["torch.utils._config_module"])["_UNSET_SENTINEL"]


def _find_config() -> dict[contextvars.ContextVar[Any], _Entry]:
    kind = getattr(sys.modules.get("torch.utils._config_module"), "ConfigModule", None)
    loaded = sys.modules.copy().values()
    modules = [module for module in loaded if kind is not None and issubclass(type(module), kind)]
    return {
        entry.user_override: _Entry(module, key, entry)
        for module in modules
        for key, entry in vars(module)["_config"].items()
        if isinstance(getattr(entry, "user_override", None), contextvars.ContextVar)
    }
