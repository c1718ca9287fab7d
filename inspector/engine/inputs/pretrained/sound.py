"""Spectrograms and waveforms, of the length and width that the config names."""

from __future__ import annotations

from .facts import Facts, is_count

SAMPLES = 16_000
"""Of a waveform: one second of speech."""
FRAMES = 64
"""Of a spectrogram."""
LONGEST = 4_096


def features(facts: Facts) -> list[str]:
    return [spec for spec, _ in _spectrograms(facts)]


def features_mask(facts: Facts) -> list[str]:
    return [f"{facts.batch}x{steps}:int64:1..1" for _, steps in _spectrograms(facts)]


def _spectrograms(facts: Facts) -> list[tuple[str, int]]:
    """Specs with their steps: of the length that an encoder with learned positions insists on, else of a second or
    so."""
    batch, specs = facts.batch, []
    bins = facts.sound("num_mel_bins", "n_mels", "mel_bins", "feature_size", "input_dim")
    positions = facts.sound("max_source_positions")
    if is_count(bins) and is_count(positions):
        specs += [(f"{batch}x{bins}x{steps}", steps) for steps in (2 * positions, positions)]
    for width in (facts.sound("input_feat_per_channel"), facts.sound("feature_projection_input_dim"), bins):
        if is_count(width):
            specs += [(f"{batch}x{FRAMES}x{width}", FRAMES), (f"{batch}x{width}x{FRAMES}", FRAMES)]
    if is_count(bins):
        specs += [(f"{batch}x1x1001x{bins}", 1001)]
    return list(dict.fromkeys(specs))


def waves(facts: Facts) -> list[str]:
    batch, specs = facts.batch, []
    bins, length = facts.sound("num_mel_bins"), facts.sound("max_length")
    channels = facts.sound("audio_channels", "num_audio_channels", "n_channels") or 1
    if bins:
        specs.append(f"{batch}x{min(length or 64, LONGEST)}x{bins}")
    specs += [f"{batch}x{SAMPLES}", f"{batch}x{channels}x{SAMPLES}"]
    return specs if not hasattr(facts.config, "audio_channels") else specs[::-1]
