"""Which model a config of transformers is built as, where it does not say so itself."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ....errors import UsageError
from ...usercode.running import reported

_TASKS = (
    "SEQ_TO_SEQ_CAUSAL_LM", "SPEECH_SEQ_2_SEQ", "IMAGE_TEXT_TO_TEXT", "MASKED_LM", "CAUSAL_LM",
    "ZERO_SHOT_IMAGE_CLASSIFICATION", "IMAGE_CLASSIFICATION", "VIDEO_CLASSIFICATION", "OBJECT_DETECTION",
    "ZERO_SHOT_OBJECT_DETECTION", "UNIVERSAL_SEGMENTATION", "INSTANCE_SEGMENTATION", "SEMANTIC_SEGMENTATION",
    "IMAGE_SEGMENTATION", "DEPTH_ESTIMATION", "MASK_GENERATION", "KEYPOINT_DETECTION", "KEYPOINT_MATCHING",
    "IMAGE_TO_IMAGE", "CTC", "AUDIO_CLASSIFICATION", "TEXT_TO_SPECTROGRAM", "TEXT_TO_WAVEFORM",
    "TIME_SERIES_PREDICTION", "QUESTION_ANSWERING", "PRETRAINING", "MULTIMODAL_LM", "VISUAL_QUESTION_ANSWERING",
)  # fmt: skip
"""What a config without a named architecture is built for, the first that its class can be: what people use it for
most, before the bare model."""


def model_classes_of(transformers: Any, config: Any, shown: str) -> list[Any]:
    """The class that the config names, else those of `_TASKS` that there are for it and then its bare model.

    Raises:
        UsageError: There is none.
        TargetError: One could not be imported.
    """
    for name in getattr(config, "architectures", None) or ():
        found = getattr(transformers, name, None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return [found]
    with reported(f"the model class of {shown} could not be imported:"):
        classes = list(dict.fromkeys(_mapped_classes(transformers, config))) or _beside(transformers, config)
    if not classes:
        raise UsageError(
            f"transformers has no model for a {type(config).__name__} alone", hint="name the model class: hf:NAME"
        )
    return classes


def _mapped_classes(transformers: Any, config: Any) -> Iterator[Any]:
    for name in (*(f"MODEL_FOR_{task}_MAPPING" for task in _TASKS), "MODEL_MAPPING", "MODEL_FOR_BACKBONE_MAPPING"):
        mapping = getattr(transformers, name, None)
        if mapping is not None and type(config) in mapping:
            found = mapping[type(config)]
            yield found[0] if isinstance(found, (tuple, list)) else found


def _beside(transformers: Any, config: Any) -> list[Any]:
    """A model of the same family that is made from this config class: parts of larger models are in no mapping."""
    package, _, name = type(config).__module__.rpartition(".")
    modeling = name.replace("configuration_", "modeling_")
    if importlib.util.find_spec(f"{package}.{modeling}") is None:
        return []
    module: ModuleType = importlib.import_module(f"{package}.{modeling}")
    return [
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, transformers.PreTrainedModel)
        and getattr(found, "config_class", None) is type(config)
        and "PreTrained" not in found.__name__
    ]
