"""What a config says, wherever in it that is: models of several parts have a config for each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

TEXTS = ("text_config", "text_encoder", "decoder", "generator", "encoder", "llm_config", "language_config")
IMAGES = ("vision_config", "image_config", "backbone_config", "encoder", "perceiver_config")
SOUNDS = (
    "audio_config", "audio_encoder", "speech_config", "decoder_config", "encoder_config", "encoder", "sub_config"
)  # fmt: skip
"""Where a kind of input is described, likely places first; the rest of the config is looked at after them."""


@dataclass(frozen=True)
class Facts:
    """What specs are made from: a model's config, how many examples go in at once, what forward takes."""

    config: Any
    batch: int
    names: frozenset[str]  # of forward's parameters

    def text(self, *names: str) -> Any:
        return find(self.config, names, TEXTS)

    def image(self, *names: str) -> Any:
        return find(self.config, names, IMAGES)

    def sound(self, *names: str) -> Any:
        return find(self.config, names, SOUNDS)

    def size(self, *names: str) -> int:
        """A number of the config, wherever in it; 0 for none."""
        found = find(self.config, names, (*TEXTS, *IMAGES, *SOUNDS))
        return int(found) if is_count(found) else 0


def is_described(model: nn.Module) -> bool:
    """Whether the model carries a config that says what it takes."""
    config = getattr(model, "config", None)
    return isinstance(getattr(config, "model_type", None), str) and hasattr(model, "main_input_name")


def find(config: Any, names: Collection[str], parts: Sequence[str]) -> Any:
    """The first of `names` that these parts of the config have, else the config itself, else any other of its parts;
    None where nothing has."""
    for part in parts:
        if (found := _find_in(getattr(config, part, None), names, parts)) is not None:
            return found
    own = next((value for name in names if (value := getattr(config, name, None)) is not None), None)
    if own is not None:
        return own
    others = (
        _find_in(part, names, parts) for name, part in getattr(config, "__dict__", {}).items() if name not in parts
    )
    return next((found for found in others if found is not None), None)


def _find_in(part: Any, names: Collection[str], parts: Sequence[str]) -> Any:
    return find(part, names, parts) if is_config(part) else None


def is_config(value: Any) -> bool:
    return isinstance(getattr(value, "model_type", None), str)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
