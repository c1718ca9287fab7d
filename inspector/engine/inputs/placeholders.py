"""The prompt of a model that reads images or sound between its tokens, worked out from what it complains about.

Such a model wants as many placeholder tokens as its encoder gives features, says how many those are when it was given
another number, and only it knows. One failed pass gives the number.
"""

from __future__ import annotations

import re

from torch import nn

from .pretrained import TEXTS, find

SOLUTIONS = 4
LONGEST = 16_384

# "Image features and image tokens do not match, tokens: 0, features: 576"
_MISMATCH = re.compile(
    r"(?P<kind>image|video|audio|multimodal) features.*?tokens:?\s*(?P<tokens>\d+).*?features:?\s*(?P<features>\d+)",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = {
    "image": ("image_token_id", "image_token_index", "im_patch_id", "media_token_id"),
    "video": ("video_token_id", "video_token_index"),
    "audio": ("audio_token_id", "audio_token_index"),
}
_IDS = re.compile(r"input_ids=(\d+)x\d+:int64:\d+\.\.\d+")
_MASK = re.compile(r"(attention_mask|mm_token_type_ids)=(\d+)x\d+:int64:1\.\.1")


class PlaceholderSolver:
    """Collects failed proposals and offers the one that the last failure asks for."""

    def __init__(self, model: nn.Module) -> None:
        self._config = model.config
        self._offered: set[tuple[str, ...]] = set()
        self._next: tuple[str, ...] | None = None

    def observe(self, proposal: tuple[str, ...], error: str) -> None:
        """Learn from a failed pass; errors about anything else teach nothing."""
        told = _MISMATCH.search(error)
        count = self._count(int(told["tokens"]), int(told["features"])) if told else 0
        token = self._token(told["kind"].lower()) if told else None
        if not count or token is None or len(self._offered) >= SOLUTIONS:
            return
        better = tuple(_with_tokens(spec, count, token) for spec in proposal)
        if better != proposal and better not in self._offered:
            self._offered.add(better)
            self._next = better

    def solution(self) -> tuple[str, ...] | None:
        """The proposal that the last observed error asks for, once."""
        found, self._next = self._next, None
        return found

    def _count(self, tokens: int, features: int) -> int:
        """How many placeholders are wanted; 0 for more than anybody would wait for.

        Some models count the numbers in the features where they say features: then as many tokens do not match either.
        """
        if features > LONGEST or tokens == features:
            width = find(self._config, ("hidden_size", "d_model", "n_embd"), TEXTS)
            features = features // width if isinstance(width, int) and width > 0 else 0
        return features if features <= LONGEST else 0

    def _token(self, kind: str) -> int | None:
        names = _NAMES.get(kind) or tuple(name for names in _NAMES.values() for name in names)
        found = find(self._config, names, ())
        return found if isinstance(found, int) and found >= 0 else None


def _with_tokens(spec: str, count: int, token: int) -> str:
    """A prompt of `count` placeholders over the batch, and a mask as long."""
    ids, mask = _IDS.fullmatch(spec), _MASK.fullmatch(spec)
    if ids is not None:
        batch = int(ids[1])
        return f"input_ids={batch}x{max(count // batch, 1)}:int64:{token}..{token}"
    if mask is not None:
        batch = int(mask[2])
        return f"{mask[1]}={batch}x{max(count // batch, 1)}:int64:1..1"
    return spec
