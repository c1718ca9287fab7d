"""Which characters the terminal has. Imports no Textual: it is asked before the app is started."""

from __future__ import annotations

import os
from collections.abc import Mapping


def is_ascii_locale(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal's characters are said to be others than UTF-8."""
    said = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environment.get(name))), "")
    return bool(said) and "utf8" not in said.lower().replace("-", "")
