"""The image size that a flattening model was made for, worked out from the sizes that it complains about.

A convolutional part maps a side s to about a·s + b, so the root of the number of features that reach the linear layer
is linear in s. Two failed passes give the line, and the width of the linear layer the side.
"""

from __future__ import annotations

import re

from .proposals import Proposal

SOLUTIONS = 5
LARGEST = 1024

# "mat1 and mat2 shapes cannot be multiplied (1x44944 and 400x120)"
_MATRICES = re.compile(r"\(\d+x(?P<got>\d+) and (?P<wanted>\d+)x\d+\)")
# "shape '[-1, 400]' is invalid for input of size 44944"
_VIEW = re.compile(r"shape '\[-1, (?P<wanted>\d+)\]' is invalid for input of size (?P<got>\d+)")
_IMAGE = re.compile(r"(?P<head>\d+x\d+)(?P<sides>(?:x(?P<side>\d+))(?:x(?P=side))*)")


class SideSolver:
    """Collects failed proposals and offers better ones."""

    def __init__(self) -> None:
        self._points: dict[int, float] = {}  # side -> root of the features that it leads to
        self._wanted = 0.0
        self._proposal: Proposal = ()
        self._left = SOLUTIONS

    def observe(self, proposal: Proposal, error: str) -> None:
        """Learn from a failed pass; proposals that are no images and other errors teach nothing."""
        image = _IMAGE.fullmatch(proposal[0]) if proposal else None
        told = _MATRICES.search(error) or _VIEW.search(error)
        if image is None or told is None:
            return
        dimensions = image["sides"].count("x")
        self._wanted = int(told["wanted"]) ** (1 / dimensions)
        self._points[int(image["side"])] = int(told["got"]) ** (1 / dimensions)
        self._proposal = proposal

    def solution(self) -> Proposal | None:
        """A proposal of the side that the line leads to, None where there is no line yet or it leads nowhere new."""
        side = self._side()
        if self._left == 0 or side is None:
            return None
        self._left -= 1
        main = self._proposal[0]
        image = _IMAGE.fullmatch(main)
        assert image is not None  # it was one when it was observed
        better = image["head"] + f"x{side}" * image["sides"].count("x")
        return tuple(better if spec == main else spec for spec in self._proposal)

    def _side(self) -> int | None:
        if len(self._points) < 2:
            return None
        # The two nearest to the goal: pooling rounds, so the line is exact only nearby.
        (s1, f1), (s2, f2) = sorted(self._points.items(), key=lambda point: abs(point[1] - self._wanted))[:2]
        if f1 == f2:
            return None
        side = round(s1 + (self._wanted - f1) * (s2 - s1) / (f2 - f1))
        return side if 0 < side <= LARGEST and side not in self._points else None
