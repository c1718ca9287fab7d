"""A sample input with another number of examples."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine.costs.batch import Batch, repeat_rows
from inspector.engine.inputs.sample import sample_from_values
from inspector.errors import UsageError


def resize(size: int, *args: Any, model: nn.Module | None = None, **kwargs: Any) -> Any:
    return Batch(sample_from_values(args, kwargs), model or nn.Identity()).resize(size, repeat_rows)


def test_every_tensor_with_as_many_examples_follows_the_first() -> None:
    made = resize(
        5, torch.arange(6.0).reshape(2, 3), mask=torch.ones(2, 4, dtype=torch.bool), table=torch.ones(7, 2), n=3
    )
    assert made.args[0].tolist() == [[0, 1, 2], [3, 4, 5], [0, 1, 2], [3, 4, 5], [0, 1, 2]]
    assert made.kwargs["mask"].shape == (5, 4) and made.kwargs["table"].shape == (7, 2) and made.kwargs["n"] == 3
    assert made.text.startswith("5×3 float32")


def test_a_recurrent_model_may_have_batches_second() -> None:
    lstm = nn.LSTM(4, 3)
    state = (torch.zeros(1, 2, 3), torch.zeros(1, 2, 3))
    made = resize(6, torch.zeros(5, 2, 4), state, model=lstm)
    assert made.args[0].shape == (5, 6, 4) and made.args[1][0].shape == (1, 6, 3)
    assert lstm(*made.args)[0].shape == (5, 6, 3)


def test_images_in_a_list_are_more_images() -> None:
    made = resize(3, [torch.zeros(3, 8, 8), torch.zeros(3, 6, 6)])
    assert [tuple(image.shape) for image in made.args[0]] == [(3, 8, 8), (3, 6, 6), (3, 8, 8)]


def test_the_sample_itself_stays_and_shares_no_memory() -> None:
    x = torch.zeros(2, 2)
    made = resize(2, x)
    made.args[0].add_(1)
    assert x.sum() == 0 and made.args[0] is not x


def test_an_input_without_examples_is_refused() -> None:
    with pytest.raises(UsageError, match="no dimension of examples"):
        resize(2, torch.tensor(1.0), 3)
