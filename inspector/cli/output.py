"""What is printed, to streams that may be full, closed, or pipes that nobody reads to their end."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from ..errors import InspectorError


class OutputError(InspectorError):
    """What was to be printed could not be written."""


def open_streams() -> None:
    """Let those that are closed lead nowhere, so that no socket gets their numbers; none refuses a character."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(fd, "w" if fd else "r", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Print `text` as it is. Where nobody reads it any more, that is no error. Raises `OutputError`."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # `inspector ... | head`
        _discard_the_rest()
    except OSError as error:
        _discard_the_rest()
        raise OutputError(
            f"what was to be printed cannot be written: {error.strerror}", hint="print it to another place"
        ) from None


def write_ascii(text: str) -> None:
    """As `write`, with our signs in ASCII and every other character as question marks."""
    from ..tui.format import ascii_only

    write("\n".join(map(ascii_only, text.split("\n"))))


def say(text: str) -> None:
    """Print `text` to standard error. Where nobody can read it, the report may still be wanted."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _discard_the_rest() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
