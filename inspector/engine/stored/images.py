"""Images, whose size is told by their header: a few hundred bytes can be a picture of gigabytes."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})

FREE_PIXELS = 16 << 20
"""What an image of any size may have: four thousand by four thousand."""
PIXELS_PER_BYTE = 8
"""Photographs have two to eight."""
MOST_PIXELS = 256 << 20

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def decode(data: bytes) -> Tensor:
    """As 3×H×W in 0..1; of several frames frames×3×H×W.

    By Pillow, which torchvision brings: torchvision's own decoders end the process where a picture is damaged.

    Raises:
        ValueError: It begins like no image, or would have far more pixels than an image of so many bytes has.
        Exception: Whatever the decoders raise for what is broken.
    """
    from PIL import Image, ImageSequence, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of large images by itself
        try:
            opened = Image.open(io.BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError:
            raise ValueError("it begins like no image") from None
        with opened as image:
            _check_size(image, len(data))
            frames = torch.stack([_to_tensor(frame) for frame in ImageSequence.Iterator(image)])
    return frames[0] if len(frames) == 1 else frames


def _check_size(image: Image, size: int) -> None:
    width, height = image.size
    pixels = width * height * int(getattr(image, "n_frames", 1))
    if pixels > min(MOST_PIXELS, FREE_PIXELS + PIXELS_PER_BYTE * size):
        raise ValueError(f"{size:,} bytes would become an image of {width:,}×{height:,}, {pixels:,} pixels in all")


def _to_tensor(frame: Image) -> Tensor:
    if frame.mode.startswith("I"):  # greys of 16 bits, which a conversion would cut off at 255
        return (torch.from_numpy(numpy.array(frame, numpy.float32)) / 65_535).expand(3, -1, -1).contiguous()
    return torch.from_numpy(numpy.array(frame.convert("RGB"))).movedim(-1, 0).float().div_(255).contiguous()
