"""Whether the gradients of a backward pass vanish or explode, told from the calls alone.

How large a gradient is says nothing by itself: it grows and shrinks with the loss, and after a mean over 1000 outputs
those of a healthy network are about 1e-6. Two things do say something.

- **Through depth.** A gradient that passes a layer is multiplied by its Jacobian. Where that makes it smaller layer by
  layer, the first layers learn nothing: the vanishing gradient of Bengio, Simard and Frasconi (1994) and of Glorot and
  Bengio (2010); where it grows, it explodes (Pascanu, Mikolov and Bengio, 2013). So the gradients at the outputs of the
  layers that have parameters are compared, the first layers with the last. It has to be a steady change: a gradient
  that one step alone takes away, as a LayerNorm before a mean does, or that a gate keeps small in a branch, says
  nothing of depth. Norms are compared and not means: that an average pooling spreads a gradient over 49 places makes
  each of them small, and the whole not.
- **Beside the weights.** Where the gradient of a weight is a thousand times the weight, a step of plain gradient
  descent with a learning rate of 0.001 moves it by its own size.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from .records import CallRow

FAR = 1e3
"""How many times the gradient of the last layers is too much and its inverse too little, and how many times a weight
its gradient may be."""


class Limits(NamedTuple):
    """From which on a gradient is called something: so many times, or one part in so many, of the last layers'; and so
    many times the module's own weights."""

    exploding: float = FAR
    vanishing: float = FAR

    def scale(self, times: float) -> Limits:
        """Both further away, or nearer."""
        return Limits(self.exploding * times, self.vanishing * times)

    def __str__(self) -> str:
        if self.exploding == self.vanishing:
            return f"{self.exploding:,.0f}×"
        return f"{self.exploding:,.0f}× 1/{self.vanishing:,.0f}"


LIMITS = Limits()
PARTS = 4
"""In which the layers are compared: fewer layers than that have no depth."""
STEADY = 2 / 3
"""Share of the whole change (in powers of ten) that may come between two of the parts."""

_LEAST = 1e-300
LAST = "the last layer's"
EXPLODING, VANISHING, ZERO, NAN = "exploding", "vanishing", "zero", "NaN"


@dataclass(frozen=True)
class Trend:
    """How gradients change from the last layers to the first. `mark` is EXPLODING, VANISHING or "".

    Args:
        mark: What that is called.
        factor: From one layer to the one before it.
        whole: From the last to the first, at that factor.
        last: The gradient of the last layer, as the change through all of them has it.
        layers: How many were compared.
    """

    mark: str = ""
    factor: float = 1.0
    whole: float = 1.0
    last: float = math.nan
    layers: int = 0

    def __str__(self) -> str:
        if not self.mark:
            return ""
        whole = say_times(self.whole, LAST)
        return f"{self.mark}: the gradient of the first of {self.layers} layers is {whole}, {say_factor(self.factor)}"


@dataclass(frozen=True)
class Verdict:
    """What is said of one gradient: "" or what it is called, and why."""

    mark: str = ""
    why: str = ""


def find_trend(calls: Sequence[CallRow], layers: Collection[int], limits: Limits = LIMITS) -> Trend:
    """How gradients change through depth.

    Args:
        calls: Of one pass.
        layers: The modules that have parameters of their own.
        limits: From which on the change is called something.
    """
    reached = sorted((call for call in calls if call.module in layers), key=lambda call: call.end)
    return find_trend_of([size or 0.0 for size in map(size_of, reached)], limits)


def find_trend_of(sizes: Sequence[float], limits: Limits = LIMITS) -> Trend:
    """The same, of the gradients of the calls of layers, in the order in which these ended."""
    norms = [size for size in sizes if size and math.isfinite(size)]
    if len(norms) < PARTS:
        return Trend(layers=len(norms))
    edges = [round(part * len(norms) / PARTS) for part in range(PARTS + 1)]
    powers = [median(map(math.log10, norms[a:b])) for a, b in pairwise(edges)]
    steps = [before - after for before, after in pairwise(powers)]
    apart = (edges[-2] + edges[-1] - edges[1]) / 2  # layers between the middles of the first and the last part
    a_layer = sum(steps) / apart
    whole = a_layer * (len(norms) - 1)
    steady = max(map(abs, steps)) <= STEADY * abs(sum(steps)) and len({step > 0 for step in steps}) == 1
    far = limits.exploding if whole > 0 else limits.vanishing
    mark = "" if not steady or abs(whole) < math.log10(far) else EXPLODING if whole > 0 else VANISHING
    last = powers[-1] - a_layer * (edges[-1] - edges[-2] - 1) / 2  # from the middle of the last part to its end
    return Trend(mark, _power(a_layer), _power(whole), _power(last), len(norms))


def _power(exponent: float) -> float:
    """A power of ten that a float can hold."""
    return max(math.pow(10, min(exponent, 300)), _LEAST)


MEANINGS = {
    VANISHING: "shrinking steadily from the last layers to the first, to less than a thousandth (or [thresholds])",
    EXPLODING: "growing steadily from the last layers to the first, to more than a thousandfold (or [thresholds]); "
    "Inf; or so many times the module's own weights",
    ZERO: "nothing reached it",
}
"""For help."""


def judge(size: float, weight_ratio: float | None, trend: Trend, limits: Limits = LIMITS) -> Verdict:
    """What is said of a gradient that reached a call.

    Args:
        size: Its norm.
        weight_ratio: How large that of the module's weights is beside them, where that is known.
        trend: That of the pass.
        limits: From which on it is called something.
    """
    if math.isnan(size):
        return Verdict(NAN, "NaN or Inf in it")
    if size == 0:
        return Verdict(ZERO, "nothing reached it")
    if math.isinf(size):
        return Verdict(EXPLODING, "too large for a float")
    if weight_ratio is not None and weight_ratio > limits.exploding:
        return Verdict(EXPLODING, say_ratio(weight_ratio))
    share = max(size / trend.last, _LEAST) if trend.mark else 1.0
    beyond = share > limits.exploding if trend.mark == EXPLODING else share < 1 / limits.vanishing
    if not trend.mark or not beyond:
        return Verdict()
    return Verdict(trend.mark, f"{say_times(share, LAST)}, {say_factor(trend.factor)}")


def size_of(call: CallRow) -> float | None:
    """The norm of the gradient that reached the output; None where none did."""
    return call.gradient_norm


def say_ratio(ratio: float) -> str:
    """How large the gradient of a module's weights is beside them."""
    return f"its weights' gradient is {say_times(ratio, 'the weights')}"


def say_times(times: float, what: str) -> str:
    """ "1/4,000 of the last layer's" or "30,000 times the weights", to two digits."""
    return f"{_round(times)} times {what}" if times >= 1 else f"1/{_round(1 / times)} of {what}"


def _round(number: float) -> str:
    if number >= 1e6:
        return f"{number:.0e}".replace("e+0", "e").replace("e+", "e")
    digits = max(int(math.log10(number)) - 1, 0) if number >= 1 else 0
    return f"{round(number, -digits):,.0f}"


def say_factor(factor: float) -> str:
    """How it changes from a layer to the one before it."""
    word = "growing" if factor > 1 else "shrinking"
    return f"{word} ×{factor:.{3 if 0.9 < factor < 1.1 else 2}g} a layer"
