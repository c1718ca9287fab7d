"""The kinds of hooks that can be added, one file each; `KINDS` is the order in which they are offered."""

from __future__ import annotations

from .add import add
from .assign import assign
from .base import Kind
from .clamp import clamp
from .clip import clip
from .dropout import dropout
from .filter import filter
from .mean import mean
from .noise import noise
from .observe import observe
from .patch import patch
from .permute import permute
from .print import print
from .prune import prune
from .python import python
from .record import record
from .rename import rename
from .replace import replace
from .round import round
from .scale import scale
from .zero import zero

KINDS: tuple[Kind, ...] = (
    observe, print, record,
    scale, add, zero, noise, clamp, dropout, round, mean, permute, replace, patch,
    prune, assign, clip, rename, filter, python,
)  # fmt: skip

BY_NAME = {kind.name: kind for kind in KINDS}
