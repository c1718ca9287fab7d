"""From a target as typed to a model and its sample input.

One file per kind of target; `registry.LOADERS` lists them. A new kind is a file with a `Loader` and a line there.
"""

from .registry import list_targets, load
from .target import Loaded

__all__ = ["Loaded", "list_targets", "load"]
