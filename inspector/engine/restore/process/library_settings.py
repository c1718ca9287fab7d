"""Settings of Python's libraries and numpy."""

from __future__ import annotations

import decimal
import locale
import logging
import socket
import tempfile
import warnings
from typing import Any, cast

import numpy

from .setting import Setting, attribute, list_attribute


def _write_filters(filters: list[Any]) -> None:
    warnings.resetwarnings()
    cast("list[Any]", warnings.filters).extend(filters)  # a list, whatever the stub says


_CONTEXT = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _read_decimal() -> dict[str, Any]:
    context = decimal.getcontext()
    found = {name: getattr(context, name) for name in _CONTEXT}
    return {**found, "traps": [signal for signal, on in context.traps.items() if on]}


def _write_decimal(values: dict[str, Any]) -> None:
    context = decimal.getcontext()
    for name in _CONTEXT:
        setattr(context, name, values[name])
    for trap in context.traps:
        context.traps[trap] = trap in values["traps"]


def _read_levels() -> dict[str, Any]:
    """Of every logger there is, None for what only stands for others; the root's is called so."""
    known = logging.root.manager.loggerDict.copy()
    found = {name: getattr(logger, "level", None) for name, logger in known.items()}
    return {**found, "root": logging.root.level}


def _write_levels(levels: dict[str, Any]) -> None:
    for name, level in levels.items():
        logger = logging.root if name == "root" else logging.root.manager.loggerDict[name]
        if isinstance(logger, logging.Logger) and logger.level != level:
            logger.setLevel(level)


_Handlers = tuple[Any, ...]
"""A logger, whether it passes on and whether it is off, how many handlers it has, these, and its filters: in one row,
which is quickly compared."""


def _read_handlers() -> dict[str, _Handlers]:
    """Of every logger that has any, or keeps what it is told to itself."""
    known = [logger for logger in logging.root.manager.loggerDict.copy().values() if isinstance(logger, logging.Logger)]
    return {logger.name: _look_at(logger) for logger in known if not _is_plain(logger)}


def _look_at(logger: logging.Logger) -> _Handlers:
    return logger, logger.propagate, logger.disabled, len(logger.handlers), *logger.handlers, *logger.filters


def _is_plain(logger: logging.Logger) -> bool:
    return not (logger.handlers or logger.filters or logger.disabled) and logger.propagate


def _write_handlers(then: dict[str, _Handlers]) -> None:
    plain: dict[str, _Handlers] = {name: (found[0], True, False, 0) for name, found in _read_handlers().items()}
    for logger, propagate, disabled, count, *held in {**plain, **then}.values():
        logger.handlers[:], logger.filters[:] = held[:count], held[count:]
        logger.propagate, logger.disabled = propagate, disabled


LIBRARIES: tuple[Setting, ...] = (
    Setting("locale", lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)),
    Setting("errors of numpy", numpy.geterr, lambda value: numpy.seterr(**value)),
    Setting("error function of numpy", numpy.geterrcall, numpy.seterrcall),
    Setting("print options of numpy", numpy.get_printoptions, lambda value: numpy.set_printoptions(**value)),
    Setting("buffer size of numpy", numpy.getbufsize, numpy.setbufsize),
    Setting("decimal", _read_decimal, _write_decimal),
    Setting("warning filters", lambda: list(warnings.filters), _write_filters, said=False),
    attribute("warnings.showwarning", warnings, "showwarning"),
    attribute("warnings.formatwarning", warnings, "formatwarning"),
    Setting("levels of loggers", _read_levels, _write_levels, grows=True, plain=True),
    Setting("logging.disable", lambda: logging.root.manager.disable, logging.disable),
    Setting("handlers of loggers", _read_handlers, _write_handlers),
    list_attribute("handlers of logging", logging.root, "handlers"),
    list_attribute("filters of logging", logging.root, "filters"),
    attribute("logging.raiseExceptions", logging, "raiseExceptions"),
    Setting("timeout of sockets", socket.getdefaulttimeout, socket.setdefaulttimeout),
    attribute("directory of tempfile", tempfile, "tempdir"),
)
