"""Specs for models that carry a config as transformers' do: what a processor would give, worked out from the config.

Nothing here imports transformers: a model with a `config` that has a `model_type`, and with a `main_input_name`, is
one, wherever it came from. Specs are what a person could type, so the form shows them and they can be changed there.
"""

from .facts import TEXTS, find, is_described
from .proposals import covers, pretrained_proposals

__all__ = ["TEXTS", "covers", "find", "is_described", "pretrained_proposals"]
