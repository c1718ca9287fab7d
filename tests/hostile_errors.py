"""Errors whose classes have code that would leave, or lie, when somebody looks at them."""

from __future__ import annotations

from typing import Any, NoReturn


def _leave(*arguments: Any, **named: Any) -> NoReturn:
    raise SystemExit(9)


class HostileText(str):
    partition = split = strip = splitlines = encode = lower = __len__ = __getitem__ = __format__ = _leave  # type: ignore[assignment]


class Leaving(Exception):
    __str__ = __repr__ = _leave


class Interrupting(Exception):
    def __str__(self) -> NoReturn:
        raise KeyboardInterrupt


class Lying(Exception):
    def __str__(self) -> str:
        return HostileText("lies")


class Numeric(Exception):
    def __str__(self) -> Any:
        return 5


class _Meta(type):
    __name__ = property(_leave)  # type: ignore[assignment]


class Nameless(Exception, metaclass=_Meta):
    pass


class Untouchable(Exception):
    __getattribute__ = _leave


class Ending(BaseException):
    __str__ = _leave


HOSTILE: dict[str, type[BaseException]] = {
    "Leaving": Leaving, "Interrupting": Interrupting, "Lying": Lying, "Numeric": Numeric, "Nameless": Nameless,
    "Untouchable": Untouchable, "Ending": Ending,
}  # fmt: skip
