"""Where the configuration is, and what it says. Where there is none, nothing is imported that reads one."""

from __future__ import annotations

import os
from pathlib import Path

from .schema import Config


def find_config_file() -> Path:
    """Where the platform has it; it need not be there."""
    import platformdirs  # here, because nothing else of the command line needs it

    return Path(platformdirs.user_config_dir("inspector", appauthor=False)) / "config.toml"


def read_config(named: str = "") -> Config:
    """The configuration of the file that was named, else of the platform's place; without one, the defaults.

    Raises:
        UsageError: It cannot be read, or says something that there is not.
    """
    file = named or str(find_config_file())
    if not named and not os.path.lexists(file):
        return Config()
    from .checking import check
    from .document import read_document

    return check(read_document(file))
