"""What other people's errors are and say, found out without that the code of their classes can do any harm.

`str(error)` runs such code, and so does every attribute: it may raise `SystemExit`, or give text of a class of its own.
"""

from __future__ import annotations

import builtins
import itertools
import traceback
from types import TracebackType
from typing import Any

from .text import shorten

_LOOKED_UP = ("__getattribute__", "__class__")


def kind_of(error: BaseException) -> str:
    """The name of its class."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name


def message_of(error: BaseException, limit: int = 20_000) -> str:
    """What it says, cut to about `limit` characters."""
    try:
        return shorten(str.__str__(str(error)), limit)
    except BaseException as broken:  # whatever its `__str__` raises, SystemExit too
        return f"(its message cannot be read: {kind_of(broken)})"


def say(error: BaseException, limit: int = 20_000) -> str:
    """`ValueError: what it says`."""
    message = message_of(error, limit)
    return f"{kind_of(error)}: {message}" if message else kind_of(error)


def first_line_of(error: BaseException) -> str:
    """The first line of what it says, else its class."""
    return message_of(error).strip().partition("\n")[0] or kind_of(error)


def traceback_of(error: BaseException) -> TracebackType | None:
    """Where it was raised."""
    found: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return found


def cause_of(error: BaseException) -> BaseException | None:
    """The one that it was raised from."""
    found: BaseException | None = BaseException.__dict__["__cause__"].__get__(error)
    return found


def errors_before(error: BaseException) -> list[BaseException]:
    """Those that it came of, and those that are in it."""
    found = [cause_of(error), BaseException.__dict__["__context__"].__get__(error)]
    group: Any = getattr(builtins, "BaseExceptionGroup", None)  # from Python 3.11 on
    if group is not None and issubclass(type(error), group):
        found += group.__dict__["exceptions"].__get__(error)
    return [each for each in found if each is not None]


def tame(error: BaseException) -> BaseException:
    """The error; in place of one whose class has code that already runs when it is asked for its class, a plain one of
    the same name."""
    cls = type(error)
    own = itertools.takewhile(lambda each: each is not BaseException, type.__dict__["__mro__"].__get__(cls))
    tame = type(cls) is type and not any(name in each.__dict__ for each in own for name in _LOOKED_UP)
    return error if tame else _stand_in(error)


def tell(error: BaseException) -> traceback.TracebackException:
    """As Python tells of it; where code of its class is in the way, as of a plain error of the same name."""
    try:
        told = traceback.TracebackException.from_exception(error)
        list(told.format())  # some of the code is run only now
    except BaseException:
        return traceback.TracebackException.from_exception(_stand_in(error))
    return told


def _stand_in(error: BaseException) -> BaseException:
    plain: type[Exception] = type(kind_of(error), (Exception,), {"__module__": "builtins"})
    return plain(message_of(error)).with_traceback(traceback_of(error))
