"""How long a pass takes without our hooks, as the last such pass did: what others are compared with."""

from __future__ import annotations

from dataclasses import replace

from ..changes.log import ChangeLog
from ..inputs import Sample
from ..passes.training import PassSettings


class BarePass:
    """Knows of none at first.

    Args:
        change_log: Says which hooks of ours are on besides those that observe.
    """

    def __init__(self, change_log: ChangeLog) -> None:
        self._change_log = change_log
        self._last: tuple[object, Sample | None, float] = (None, None, 0.0)

    def take(self, ms: float, sample: Sample | None, settings: PassSettings, grad: bool) -> None:
        """A warm pass that nothing observed took so long; where hooks were added that are on, it was not bare.

        Args:
            ms: Of the pass.
            sample: That it was called with.
            settings: How it was run.
            grad: Gradients are recorded whether there is a backward pass or not.
        """
        if not any(member.active for member in self._change_log.added):
            self._last = self._key(settings, grad), sample, ms

    def find(self, sample: Sample | None, settings: PassSettings, grad: bool) -> float | None:
        """The milliseconds of the last one, if it was of the same input, run as this pass is; else None."""
        key, with_sample, ms = self._last
        return ms if with_sample is sample and key == self._key(settings, grad) else None

    def _key(self, settings: PassSettings, grad: bool) -> object:
        """What else both share: edits, and which hooks of others are off."""
        return replace(settings, loss=""), grad, replace(self._change_log.state(), active=frozenset())
