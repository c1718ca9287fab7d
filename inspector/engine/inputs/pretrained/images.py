"""Images and videos, of the size that the config names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import Facts, is_count

SIDE = 224
PATCHES = 16
GRID = 4
"""Patches along each side of an image that goes in as rows of patches."""
GRIDS = frozenset({"grid_thw", "image_grid_thw"})
"""Parameters that say how such rows lie."""


def _side(size: Any) -> tuple[int, int] | None:
    if is_count(size):
        return size, size
    if isinstance(size, Mapping):
        size = (size.get("height"), size.get("width"))
    if isinstance(size, (tuple, list)) and len(size) >= 2 and all(map(is_count, size[-2:])):
        return size[-2], size[-1]
    return None


def _channels(facts: Facts) -> int:
    found = facts.image("num_channels", "in_channels", "in_chans", "n_channels", "num_image_channels")
    return found if is_count(found) else 3


def _sides(facts: Facts) -> list[tuple[int, int]]:
    """The one that the config names; those that models of any size mostly take where it names none."""
    own = _side(facts.image("image_size", "img_size", "input_size", "crop_size", "resolution"))
    if own and "prompt_pixel_values" in facts.names:  # a prompt and its image are put one below the other
        own = own[0] // 2, own[1]
    return [own] if own else [(SIDE, SIDE), (64, 64), (384, 384)]


def images(facts: Facts) -> list[str]:
    if facts.names & GRIDS:
        return patch_rows(facts)
    if "spatial_shapes" in facts.names:
        return _padded_patches(facts)
    channels = _channels(facts)
    still = [f"{facts.batch}x{channels}x{height}x{width}" for height, width in _sides(facts)]
    frames = facts.image("num_frames", "frames_per_clip")
    height, width = _sides(facts)[0]
    moving = [f"{facts.batch}x{frames}x{channels}x{height}x{width}"] if is_count(frames) else []
    several = [f"{facts.batch}x{count}x{channels}x{height}x{width}" for count in (1, 2)]  # crops, or a pair to match
    return [*moving, *still, *several]


def patch_rows(facts: Facts) -> list[str]:
    """Rows of flattened patches, of one image of the grid that `grid` gives."""
    side, frames = facts.image("patch_size"), facts.image("temporal_patch_size") or 1
    width = _channels(facts) * side * side * frames if is_count(side) and is_count(frames) else 0
    return [f"{GRID**3}x{width}"] if width else []


def _padded_patches(facts: Facts) -> list[str]:
    """Patches of images that keep their own shape, which `shape` gives."""
    side = facts.image("patch_size")
    return [f"{facts.batch}x{GRID**2}x{_channels(facts) * side * side}"] if is_count(side) else []


def padding_mask(facts: Facts) -> list[str]:
    return [f"{facts.batch}x{GRID**2}:int64:1..1"] if "spatial_shapes" in facts.names else []


def shape(facts: Facts) -> list[str]:
    return [f"{facts.batch}x2:int64:{GRID}..{GRID}"]


def grid(facts: Facts) -> list[str]:
    """As many patches in time as in height and width: a spec has one value for all three."""
    return [f"1x3:int64:{GRID}..{GRID}"]


def videos(facts: Facts) -> list[str]:
    if "video_grid_thw" in facts.names:  # an image shows as much of such a model
        return []
    height, width = _sides(facts)[0]
    frames = facts.image("num_frames", "frames_per_clip", "temporal_patch_size") or 2
    return [f"{facts.batch}x{frames}x{_channels(facts)}x{height}x{width}"]


def flat_patches(facts: Facts) -> list[str]:
    """Rows of patches with their row and column in front, as Pix2Struct takes them."""
    width = facts.image("patch_embed_hidden_size")
    return [f"{facts.batch}x{PATCHES}x{2 + width}::1..1"] if is_count(width) else []
