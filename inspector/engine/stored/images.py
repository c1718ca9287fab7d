"""Images, whose size is told by their header: a few hundred bytes can be a picture of gigabytes."""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})

FREE_PIXELS = 16 << 20
"""What an image of any size may have: four thousand by four thousand."""
PIXELS_PER_BYTE = 8
"""Photographs have two to eight."""
MOST_PIXELS = 256 << 20

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def decode(data: bytes) -> Tensor:
    """As 3×H×W in 0..1; of several frames frames×3×H×W.

    Raises:
        ValueError: It would have far more pixels than an image of so many bytes has.
        Exception: Whatever the decoders raise for what is broken.
    """
    from torchvision.io import ImageReadMode, decode_image

    _check_size(data)
    with warnings.catch_warnings():  # of bytes that cannot be written to
        warnings.simplefilter("ignore")
        encoded = torch.frombuffer(data, dtype=torch.uint8)
    image: Tensor = decode_image(encoded, mode=ImageReadMode.RGB)
    return image.float().div_(255)


def _check_size(data: bytes) -> None:
    from PIL import Image, UnidentifiedImageError  # torchvision brings it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of large images by itself
        try:
            opened = Image.open(io.BytesIO(data), formats=_FORMATS)
        except UnidentifiedImageError:
            raise ValueError("it begins like no image") from None
        with opened as image:
            width, height = image.size
            pixels = width * height * int(getattr(image, "n_frames", 1))
    if pixels > min(MOST_PIXELS, FREE_PIXELS + PIXELS_PER_BYTE * len(data)):
        raise ValueError(f"{len(data):,} bytes would become an image of {width:,}×{height:,}, {pixels:,} pixels in all")
