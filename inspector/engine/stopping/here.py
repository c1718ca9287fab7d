"""The frames of the thread that stands still, without those of this program."""

from __future__ import annotations

import sys

from ...postmortem.frames import is_ours
from ...raised import traceback_of
from ..frames.code_frame import CodeFrame, frames_around, frames_of_traceback


def frames_here(raised: BaseException | None = None) -> list[CodeFrame]:
    """From what called the model to where it is now, the outermost first; where something was raised, on to where that
    was."""
    frames = frames_around(sys._getframe(1))
    while frames and is_ours(frames[-1].file):  # what stopped it
        frames.pop()
    if raised is not None:
        passed = frames_of_traceback(traceback_of(raised))
        first = passed[0].frame if passed else None
        frames = [*(each for each in frames if each.frame is not first), *passed]
    ours = [number for number, each in enumerate(frames) if is_ours(each.file)]
    return frames[ours[-1] + 1 :] if ours else frames
