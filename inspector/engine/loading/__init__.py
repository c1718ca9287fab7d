"""From a target as typed to a model and its sample input.

One file per kind of target, with a `LOADER`; `inspector.target_kinds` lists them. A new kind is a file here and an
entry there.
"""

from .registry import list_targets, load, write_build
from .target import Loaded

__all__ = ["Loaded", "list_targets", "load", "write_build"]
