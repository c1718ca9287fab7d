"""Which specs there are for a parameter of forward, by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .facts import Facts
from .images import GRIDS, flat_patches, grid, images, padding_mask, patch_rows, shape, videos
from .series import STEPS, future, future_features, rows, time_features, values, values_mask
from .sound import features, features_mask, waves
from .text import boxes, decoder_ids, query_ids, task_ids, token_ids, token_mask

Make = Callable[[Facts], Sequence[str]]
"""Specs for one input, likely ones first; none where the config does not say enough."""

MAKERS: dict[str, Make] = {
    "input_ids": token_ids,
    "attention_mask": token_mask,
    "mm_token_type_ids": lambda facts: token_mask(facts) if facts.names & GRIDS else [],  # 1 is an image's
    "bbox": boxes,
    "decoder_input_ids": decoder_ids,
    "qformer_input_ids": query_ids,
    "task_inputs": task_ids,
    "pixel_values": images,
    "image": images,
    "prompt_pixel_values": images,
    "prompt_masks": images,
    "pixel_values_videos": videos,
    "flattened_patches": flat_patches,
    "hidden_states": lambda facts: patch_rows(facts) if facts.names & GRIDS else [],
    "spatial_shapes": shape,
    "pixel_attention_mask": padding_mask,
    "grid_thw": grid,
    "image_grid_thw": grid,
    "visual_feats": rows("visual_feat_dim"),
    "visual_pos": rows("visual_pos_dim"),
    "input_features": features,
    "input_features_mask": features_mask,
    "feature_attention_mask": features_mask,
    "input_values": waves,
    "past_values": values,
    "past_observed_mask": values_mask,
    "past_time_features": time_features,
    "future_values": future,
    "future_time_features": future_features,
    "states": rows("state_dim"),
    "actions": rows("act_dim"),
    "rewards": lambda facts: [f"{facts.batch}x{STEPS}x1"],
    "returns_to_go": lambda facts: [f"{facts.batch}x{STEPS}x1"],
    "timesteps": lambda facts: [f"{facts.batch}x{STEPS}:int64:0..{STEPS - 1}"],
}

MOVING = frozenset({"pixel_values_videos"})
SEEN = frozenset(
    {
        "pixel_values",
        "pixel_values_videos",
        "image",
        "image_grid_thw",
        "spatial_shapes",
        "pixel_attention_mask",
        "mm_token_type_ids",
    }
)
HEARD = frozenset({"input_features", "input_values", "input_features_mask", "feature_attention_mask"})
READ = frozenset({"input_ids", "attention_mask", "bbox"})
MASKS = frozenset({"attention_mask", "past_observed_mask"})
ABOUT_TOKENS = frozenset({"attention_mask", "mm_token_type_ids", "bbox"})
"""Of no use where there are no tokens."""
