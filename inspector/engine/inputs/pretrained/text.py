"""Tokens: ids that the vocabulary has, and what goes with each of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .facts import TEXTS, Facts, find, is_config, is_count

STEPS = 16
"""Tokens of a text."""


def token_ids(facts: Facts) -> list[str]:
    low, high = plain_tokens(facts.config, _vocabulary(facts.config, TEXTS))
    longest = facts.text("max_position_embeddings", "n_positions", "max_source_positions") or STEPS
    first = min(STEPS, longest) if is_count(longest) else STEPS
    lengths = dict.fromkeys((first, min(4 * STEPS, longest) if is_count(longest) else first))
    return [f"{facts.batch}x{length}:int64:{low}..{high}" for length in lengths] if high else []


def decoder_ids(facts: Facts) -> list[str]:
    vocabulary = find(facts.config, ("decoder_vocab_size",), ()) or _vocabulary(facts.config, ("decoder", *TEXTS))
    low, high = plain_tokens(facts.config, vocabulary)
    books = find(facts.config, ("num_codebooks",), ("decoder",))  # each book of codes has a row of its own
    rows = facts.batch * books if is_count(books) else facts.batch
    return [f"{rows}x{STEPS}:int64:{low}..{high}"] if high else []


def query_ids(facts: Facts) -> list[str]:
    high = _vocabulary(facts.config, ("qformer_config",)) - 1
    return [f"{facts.batch}x{STEPS}:int64:1..{high}"] if high > 1 else []


def task_ids(facts: Facts) -> list[str]:
    """The words that name a task, where a model is told which one to do."""
    steps = facts.size("task_seq_len")
    return [f"{facts.batch}x{steps}:int64:1..100"] if steps else []


def _vocabulary(config: Any, parts: Sequence[str]) -> int:
    size = find(config, ("vocab_size", "n_vocab", "text_vocab_size"), parts)
    return size if is_count(size) else 0


def plain_tokens(config: Any, vocabulary: int) -> tuple[int, int]:
    """The widest range of ids that are no special token: those stand for images, padding or an end."""
    special = sorted(i for i in _special_tokens(config) if 0 <= i < vocabulary)
    edges = [-1, *special, vocabulary]
    low, high = max(pairwise(edges), key=lambda gap: gap[1] - gap[0])
    return (low + 1, high - 1) if high - low > 1 else (0, max(vocabulary - 1, 0))


def _special_tokens(config: Any) -> set[int]:
    found: set[int] = set()
    for name, value in getattr(config, "__dict__", {}).items():
        if name.endswith(("_token_id", "_token_index", "_token_ids")):
            found |= {i for i in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(i, int)}
        elif is_config(value):
            found |= _special_tokens(value)
    return found


def token_mask(facts: Facts) -> list[str]:
    return [f"{spec.partition(':')[0]}:int64:1..1" for spec in token_ids(facts)]


def boxes(facts: Facts) -> list[str]:
    """All boxes alike: widths and heights are differences, and must not be negative."""
    return [f"{spec.partition(':')[0]}x4:int64:5..5" for spec in token_ids(facts)]
