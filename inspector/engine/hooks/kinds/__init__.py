"""The kinds of hooks that can be added, one file each; `HOOK_KINDS` is the order in which they are offered."""

from __future__ import annotations

from ..kind import Kind
from .add import add as add
from .assign import assign as assign
from .clamp import clamp as clamp
from .clip import clip as clip
from .dropout import dropout as dropout
from .filter import filter as filter
from .mean import mean as mean
from .noise import noise as noise
from .observe import observe as observe
from .patch import patch as patch
from .permute import permute as permute
from .print import print as print
from .prune import prune as prune
from .python import python as python
from .record import record as record
from .rename import rename as rename
from .replace import replace as replace
from .round import round as round
from .scale import scale as scale
from .zero import zero as zero

HOOK_KINDS: tuple[Kind, ...] = (
    observe, print, record,
    scale, add, zero, noise, clamp, dropout, round, mean, permute, replace, patch,
    prune, assign, clip, rename, filter, python,
)  # fmt: skip

BY_NAME = {kind.name: kind for kind in HOOK_KINDS}
