"""The callback of the Trainer of Lightning."""

from __future__ import annotations

from typing import Any

from .watch import TrainingWatch, When

try:
    from lightning.pytorch import Callback
except ImportError as error:
    raise ImportError(
        "inspector.plugins.lightning_trainer needs lightning: pip install 'torch-inspector[lightning]'"
    ) from error


class InspectorCallback(Callback):
    """`Trainer(..., callbacks=[InspectorCallback(when=("bad", "exception"))])` opens the app while a module is trained;
    without a terminal it reports, each occasion once.

    Args:
        when: `"bad"`: at the first loss or gradient that is not finite, once; `"exception"`: where a forward or a
            backward pass raises; a number n: at every n-th step. Or several of these.

    Raises:
        UsageError: It is none of these.
    """

    def __init__(self, when: When = ("bad", "exception")) -> None:
        self._watch = TrainingWatch(when)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Put the hook on."""
        self._watch.attach(pl_module)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Every n-th step."""
        self._watch.begin_step(pl_module, trainer.global_step)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Gradients are there."""
        self._watch.look(pl_module)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """The loss is told."""
        self._watch.look(pl_module, outputs.get("loss") if isinstance(outputs, dict) else outputs)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Something was raised, which ends the training."""
        self._watch.raise_seen(exception, pl_module)
        self._watch.detach()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Take the hook off."""
        self._watch.detach()
