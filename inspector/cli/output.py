"""Standard output, which may be a pipe that nobody reads to its end."""

from __future__ import annotations

import os
import sys


def write(text: str) -> None:
    """Print `text` as it is. Where nobody reads it any more, that is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:  # `inspector ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
