"""Sample inputs that torchvision's families are known to run with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ...inputs.sample import Part, Setting
from ...inputs.specs import parse_spec
from ..target import Wanted
from .registry import get_model_weights

_DETECTION_SIZES = {"ssd": 300, "ssdlite": 320}
_FRAMES = 16


def known_parts(
    builder: Callable[..., Any], family: str, model: nn.Module, typed: Mapping[str, Any], wanted: Wanted
) -> tuple[Part, ...]:
    """The parts of a sample for this model, small where its size is free."""
    batch = 2 if wanted.target.training else 1  # batch normalisation needs two values to train on
    if family == "detection":
        return _detection(builder, model, wanted.target.training)
    if family == "optical flow":
        return _parse(f"{batch}x3x128x128", f"{batch}x3x128x128")  # the smallest that it takes
    if family == "video":
        height, width = _pair(typed.get("spatial_size") or _crop(builder, wanted))
        return _parse(f"{batch}x3x{typed.get('temporal_size') or _FRAMES}x{height}x{width}")
    if family == "semantic segmentation":
        return _parse(f"{batch}x3x224x224")
    own = getattr(model, "image_size", None) or typed.get("input_size")
    height, width = _pair(own or _crop(builder, wanted))
    return _parse(f"{batch}x3x{height}x{width}")


def _parse(*specs: str) -> tuple[Part, ...]:
    return tuple(parse_spec(spec) for spec in specs)


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _crop(builder: Callable[..., Any], wanted: Wanted) -> Any:
    """The image size that the weights were evaluated at: the default's, else the smallest there is."""
    enum = get_model_weights(builder)
    members = [enum["DEFAULT"]] if wanted.default_weights else list(enum)
    crops = [getattr(member.transforms, "keywords", {}).get("crop_size") for member in members]
    return min((crop for crop in crops if crop), key=_pair, default=224)


def _detection(builder: Callable[..., Any], model: nn.Module, training: bool) -> tuple[Part, ...]:
    size = _DETECTION_SIZES.get(builder.__module__.rpartition(".")[2], 320)
    count = 2 if training else 1
    image = f"3x{size}x{size}::0..1"
    images = parse_spec(f"[{','.join([image] * count)}]")
    if not training:
        return (images,)
    keypoints = getattr(
        getattr(getattr(model, "roi_heads", None), "keypoint_predictor", None), "kps_score_lowres", None
    )
    joints = keypoints.out_channels if isinstance(keypoints, nn.ConvTranspose2d) else 0

    def targets(_generator: torch.Generator, setting: Setting) -> list[dict[str, torch.Tensor]]:
        return [_target(size, joints, setting.device) for _ in range(count)]

    return images, Part(targets)


def _target(size: int, joints: int, device: torch.device) -> dict[str, torch.Tensor]:
    """One object in the middle of the image, with what every detector asks for in training."""
    low, high = size // 4, 3 * size // 4
    mask = torch.zeros(1, size, size, dtype=torch.uint8, device=device)
    mask[:, low:high, low:high] = 1
    target = {
        "boxes": torch.tensor([[low, low, high, high]], dtype=torch.float32, device=device),
        "labels": torch.ones(1, dtype=torch.int64, device=device),
        "masks": mask,
    }
    if joints:
        target["keypoints"] = torch.full((1, joints, 3), float(size // 2), device=device)
    return target
