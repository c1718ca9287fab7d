"""The callback of the Trainer of transformers."""

from __future__ import annotations

from typing import Any

from .watch import TrainingWatch, When

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError(
        "inspector.plugins.transformers_trainer needs transformers: pip install 'torch-inspector[hf]'"
    ) from error


class InspectorCallback(TrainerCallback):
    """`Trainer(..., callbacks=[InspectorCallback(when=("bad", "exception"))])` opens the app while a model is trained;
    without a terminal it reports, each occasion once.

    The Trainer tells its callbacks of no error: of those of a backward pass nothing is seen here, and
    `inspector run train.py` opens there too.

    Args:
        when: `"bad"`: at the first loss or gradient that is not finite, once, before the optimizer uses it;
            `"exception"`: where the forward raises; a number n: at every n-th step. Or several of these.

    Raises:
        UsageError: It is none of these.
    """

    def __init__(self, when: When = ("bad", "exception")) -> None:
        self._watch = TrainingWatch(when)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
        """Put the hook on."""
        self._watch.attach(model)

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
        """Every n-th step."""
        self._watch.begin_step(model, state.global_step)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **rest: Any) -> None:
        """Loss and gradients are there."""
        self._watch.look(model)

    def on_train_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Take the hook off."""
        self._watch.detach()
