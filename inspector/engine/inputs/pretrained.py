"""Specs for models that carry a config as transformers' do: what a processor would give, worked out from the config.

Nothing here imports transformers: a model with a `config` that has a `model_type`, and with a `main_input_name`, is
one, wherever it came from. Specs are what a person could type, so the form shows them and they can be changed there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from .signature import parameters

STEPS = 16
"""Tokens of a text."""
SAMPLES = 16_000
"""Of a waveform: one second of speech."""
LONGEST = 4_096
"""Steps of anything longer than a text."""
SIDE = 224

_TEXTS = ("text_config", "text_encoder", "decoder", "generator", "encoder", "llm_config", "language_config", "thinker_config")
_IMAGES = ("vision_config", "image_config", "backbone_config", "encoder", "perceiver_config", "thinker_config")
_SOUNDS = ("audio_config", "audio_encoder", "speech_config", "encoder_config", "encoder", "sub_config", "thinker_config")


@dataclass(frozen=True)
class Facts:
    """A model's config, its parts found, and how many examples go in at once."""

    config: Any
    batch: int

    def text(self, *names: str) -> Any:
        return find(self.config, names, _TEXTS)

    def image(self, *names: str) -> Any:
        return find(self.config, names, _IMAGES)

    def sound(self, *names: str) -> Any:
        return find(self.config, names, _SOUNDS)

    def size(self, *names: str) -> int:
        """A number of the config, wherever in it; 0 for none."""
        found = find(self.config, names, (*_TEXTS, *_IMAGES, *_SOUNDS))
        return int(found) if is_count(found) else 0


Make = Callable[[Facts], Sequence[str]]
"""Specs for one input, likely ones first; none where the config does not say enough."""


def pretrained_proposals(model: nn.Module) -> Iterator[tuple[str, ...]]:
    """Sets of specs by name, the fullest first; none for a model without such a config."""
    config = getattr(model, "config", None)
    if not isinstance(getattr(config, "model_type", None), str) or not hasattr(model, "main_input_name"):
        return
    facts = Facts(config, 2 if model.training else 1)
    taken = {p.name: p for p in parameters(model) if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    required = [name for name, parameter in taken.items() if parameter.default is inspect.Parameter.empty]
    known = {name: made for name in taken if name in MAKERS and (made := MAKERS[name](facts))}
    for names in _choices(taken, required, _main(model), known):
        for turn in range(max((len(known[name]) for name in names), default=0)):
            yield tuple(f"{name}={known[name][min(turn, len(known[name]) - 1)]}" for name in names)


def _main(model: Any) -> list[str]:
    """The names of what goes in first; models of several kinds of input give a list."""
    main = model.main_input_name
    return [main] if isinstance(main, str) else [name for name in main if isinstance(name, str)]


def _choices(
    taken: Iterable[str], required: list[str], main: list[str], known: Mapping[str, Sequence[str]]
) -> list[list[str]]:
    """Which inputs to give: all the kinds that the model takes, then fewer."""
    full = [name for name in taken if name in known]
    choices = [full]
    for dropped in (_SEEN, _HEARD, _SEEN | _HEARD, _MASKS, _READ):
        choices.append([name for name in full if name not in dropped or name in required])
    choices.append([name for name in full if name in main or name in required])
    choices = [_with_partners(choice, required) for choice in choices]
    return [choice for number, choice in enumerate(choices) if choice and choice not in choices[:number]]


def _with_partners(names: list[str], required: list[str]) -> list[str]:
    """Without what describes tokens where there are none."""
    return [name for name in names if name in required or "input_ids" in names or name not in _ABOUT_TOKENS]


def find(config: Any, names: Iterable[str], parts: Iterable[str]) -> Any:
    """The first of `names` that a part of the config has, else that the config itself has, else None."""
    for holder in (*(getattr(config, part, None) for part in parts), config):
        if holder is None:
            continue
        if holder is not config and hasattr(holder, "model_type"):
            found = find(holder, names, parts)
        else:
            found = next((value for name in names if (value := getattr(holder, name, None)) is not None), None)
        if found is not None:
            return found
    return None


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


# ---------------------------------------------------------------- text


def _token_ids(facts: Facts) -> list[str]:
    low, high = plain_tokens(facts.config, _vocabulary(facts.config, _TEXTS))
    longest = facts.text("max_position_embeddings", "n_positions", "max_source_positions") or STEPS
    first = min(STEPS, longest) if is_count(longest) else STEPS
    lengths = dict.fromkeys((first, min(4 * STEPS, longest) if is_count(longest) else first))
    return [f"{facts.batch}x{length}:int64:{low}..{high}" for length in lengths] if high else []


def _decoder_ids(facts: Facts) -> list[str]:
    vocabulary = find(facts.config, ("decoder_vocab_size",), ()) or _vocabulary(facts.config, ("decoder", *_TEXTS))
    low, high = plain_tokens(facts.config, vocabulary)
    return [f"{facts.batch}x{STEPS}:int64:{low}..{high}"] if high else []


def _vocabulary(config: Any, parts: Iterable[str]) -> int:
    size = find(config, ("vocab_size", "n_vocab", "text_vocab_size"), parts)
    return size if is_count(size) else 0


def plain_tokens(config: Any, vocabulary: int) -> tuple[int, int]:
    """The widest range of ids that are no special token: those stand for images, padding or an end."""
    special = sorted(i for i in _special_tokens(config) if 0 <= i < vocabulary)
    edges = [-1, *special, vocabulary]
    low, high = max(zip(edges, edges[1:], strict=False), key=lambda gap: gap[1] - gap[0])
    return (low + 1, high - 1) if high - low > 1 else (0, max(vocabulary - 1, 0))


def _special_tokens(config: Any) -> set[int]:
    found: set[int] = set()
    for name, value in vars(config).items():
        if name.endswith(("_token_id", "_token_index", "_token_ids")):
            found |= {i for i in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(i, int)}
        elif name.endswith("config") and hasattr(value, "model_type"):
            found |= _special_tokens(value)
    return found


def _ones_like_ids(facts: Facts) -> list[str]:
    return [f"{spec.partition(':')[0]}:int64:1..1" for spec in _token_ids(facts)]


def _boxes(facts: Facts) -> list[str]:
    """All boxes alike: widths and heights are differences, and must not be negative."""
    return [f"{spec.partition(':')[0]}x4:int64:5..5" for spec in _token_ids(facts)]


# ---------------------------------------------------------------- images


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
    own = _side(facts.image("image_size", "img_size", "input_size", "crop_size", "resolution"))
    return list(dict.fromkeys([own or (SIDE, SIDE), (SIDE, SIDE), (64, 64), (384, 384)]))[:3]


def _images(facts: Facts) -> list[str]:
    channels = _channels(facts)
    still = [f"{facts.batch}x{channels}x{height}x{width}" for height, width in _sides(facts)]
    frames = facts.image("num_frames", "frames_per_clip")
    height, width = _sides(facts)[0]
    moving = [f"{facts.batch}x{frames}x{channels}x{height}x{width}"] if is_count(frames) else []
    crops = [f"{facts.batch}x1x{channels}x{height}x{width}"]
    return [*moving, *still, *crops]


def _videos(facts: Facts) -> list[str]:
    height, width = _sides(facts)[0]
    frames = facts.image("num_frames", "frames_per_clip", "temporal_patch_size") or 2
    return [f"{facts.batch}x{frames}x{_channels(facts)}x{height}x{width}"]


def _flat_patches(facts: Facts) -> list[str]:
    """Rows of patches with their row and column in front, as Pix2Struct takes them."""
    side = facts.image("patch_size")
    width = facts.image("patch_embed_hidden_size")
    return [f"{facts.batch}x{STEPS}x{2 + 3 * side * side}::1..1"] if is_count(side) and width else []


# ---------------------------------------------------------------- sound


def _features(facts: Facts) -> list[str]:
    """Spectrograms: of the length that an encoder with learned positions insists on, else of a second or so."""
    batch, specs = facts.batch, []
    bins = facts.sound("num_mel_bins", "n_mels", "mel_bins", "feature_size")
    positions = facts.sound("max_source_positions")
    if bins and positions:
        specs += [f"{batch}x{bins}x{2 * positions}", f"{batch}x{bins}x{positions}"]
    for width in (facts.sound("input_feat_per_channel"), facts.sound("feature_projection_input_dim"), bins):
        if is_count(width):
            specs += [f"{batch}x64x{width}", f"{batch}x{width}x64"]
    if bins:
        specs += [f"{batch}x1x1001x{bins}"]
    return list(dict.fromkeys(specs))


def _waves(facts: Facts) -> list[str]:
    batch, specs = facts.batch, []
    bins, length = facts.sound("num_mel_bins"), facts.sound("max_length")
    channels = facts.sound("audio_channels", "num_audio_channels", "n_channels") or 1
    if bins:
        specs.append(f"{batch}x{min(length or 64, LONGEST)}x{bins}")
    specs += [f"{batch}x{SAMPLES}", f"{batch}x{channels}x{SAMPLES}"]
    return specs if not hasattr(facts.config, "audio_channels") else specs[::-1]


# ---------------------------------------------------------------- series


def _past(facts: Facts) -> int:
    """Steps of the past: a window, and the furthest lag before it."""
    lags = find(facts.config, ("lags_sequence",), ())
    return min(facts.size("context_length") + (max(lags) if lags else 0), LONGEST)


def _values(facts: Facts) -> list[str]:
    steps, width = _past(facts), facts.size("num_input_channels") or facts.size("input_size")
    if not steps:
        return []
    each, all_ = f"{facts.batch}x{steps}", f"{facts.batch}x{steps}x{width}"
    return [all_] if facts.size("num_input_channels") or width > 1 else [each, f"{each}x1"]


def _values_mask(facts: Facts) -> list[str]:
    return [f"{spec}::1..1" for spec in _values(facts)]


def _time_features(facts: Facts) -> list[str]:
    width = facts.size("num_time_features")
    return [f"{facts.batch}x{_past(facts)}x{width}"] if _past(facts) else []


def _future(facts: Facts) -> list[str]:
    steps, width = facts.size("prediction_length"), facts.size("input_size")
    return [f"{facts.batch}x{steps}" + (f"x{width}" if width > 1 else "")] if steps and _past(facts) else []


def _future_features(facts: Facts) -> list[str]:
    steps, width = facts.size("prediction_length"), facts.size("num_time_features")
    return [f"{facts.batch}x{steps}x{width}"] if steps and _past(facts) else []


def _rows(*names: str) -> Make:
    """Rows of a width that the config gives."""

    def make(facts: Facts) -> list[str]:
        width = facts.size(*names)
        return [f"{facts.batch}x{STEPS}x{width}"] if width else []

    return make


MAKERS: dict[str, Make] = {
    "input_ids": _token_ids,
    "attention_mask": _ones_like_ids,
    "bbox": _boxes,
    "decoder_input_ids": _decoder_ids,
    "pixel_values": _images,
    "image": _images,
    "pixel_values_videos": _videos,
    "flattened_patches": _flat_patches,
    "input_features": _features,
    "input_values": _waves,
    "past_values": _values,
    "past_observed_mask": _values_mask,
    "past_time_features": _time_features,
    "future_values": _future,
    "future_time_features": _future_features,
    "states": _rows("state_dim"),
    "actions": _rows("act_dim"),
    "rewards": lambda facts: [f"{facts.batch}x{STEPS}x1"],
    "returns_to_go": lambda facts: [f"{facts.batch}x{STEPS}x1"],
    "timesteps": lambda facts: [f"{facts.batch}x{STEPS}:int64:0..{STEPS - 1}"],
}
"""By the name of the parameter of forward."""

_SEEN = frozenset({"pixel_values", "pixel_values_videos", "image"})
_HEARD = frozenset({"input_features", "input_values"})
_READ = frozenset({"input_ids", "attention_mask", "bbox"})
_MASKS = frozenset({"attention_mask", "past_observed_mask"})
_ABOUT_TOKENS = frozenset({"attention_mask", "bbox"})
