"""The detail panels, one file each; `PANELS` is the order of their tabs."""

from __future__ import annotations

from .attributes import AttributesPanel
from .base import Panel
from .gradients import GradientsPanel
from .history import HistoryPanel
from .hooks import HooksPanel
from .log import LogPanel
from .outputs import OutputsPanel
from .parameters import ParametersPanel
from .source import SourcePanel

PANELS: tuple[type[Panel], ...] = (
    SourcePanel,
    OutputsPanel,
    ParametersPanel,
    HooksPanel,
    AttributesPanel,
    HistoryPanel,
    GradientsPanel,
    LogPanel,
)

__all__ = ["PANELS", "Panel"]
