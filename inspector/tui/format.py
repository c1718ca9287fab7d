"""Records as a person reads them: short, aligned, and with text from outside made harmless.

Pure functions; none raises, whatever the value is. Nothing here is markup: a string made from text of the model is
`text.visible` already, and goes into a `Content` or a rich `Text`, never into a markup parameter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import humanize
from rich.cells import cell_len, set_cell_size

from ..records import (
    Brief,
    Histogram,
    MappingValue,
    NoneValue,
    OtherValue,
    Path,
    ScalarValue,
    SequenceValue,
    TensorValue,
    Value,
)
from ..records.badges import BADGES, Badge
from ..text import ELLIPSIS, visible
from ..value_text import brief_text, dimension, more_text, shape_text

NOTHING = "–"
"""What stands where there is no number."""

ROOT = "(root)"


def count(n: float) -> str:
    """How many, in at most six cells: `11.7M`, `9.4k`, `128`; a dash for none."""
    value = _as_float(n)
    if math.isnan(value) or value == 0:
        return NOTHING
    size = abs(value)
    for divisor, unit in ((1, ""), (1e3, "k"), (1e6, "M"), (1e9, "B"), (1e12, "T")):
        digits = _three_digits(size / divisor, whole=not unit)
        if len(digits) <= 4:
            return ("-" if value < 0 else "") + digits + unit
    return "<-999T" if value < 0 else ">999T"


def _three_digits(size: float, whole: bool) -> str:
    """At most four characters where the size is below 999.5, five or more otherwise."""
    if size >= 999.5:
        return "1000+"
    return f"{size:.0f}" if whole or size >= 99.95 else f"{size:.1f}"


def bytes_(n: float) -> str:
    """A size in memory: `46.8 MB`."""
    value = _as_float(n)
    if not math.isfinite(value):
        return NOTHING
    return humanize.naturalsize(value).replace(" Bytes", " B").replace(" Byte", " B")


def ms(x: float | None) -> str:
    """A duration given in milliseconds: `23.4 ms`, `1.20 s`."""
    value = _as_float(x)
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size < 0.00995:
        return f"{value * 1e3:.0f} µs"
    if size < 999.5:
        return f"{value:.2f} ms" if size < 9.995 else f"{value:.1f} ms" if size < 99.95 else f"{value:.0f} ms"
    seconds = value / 1e3
    if abs(seconds) < 120:
        return f"{seconds:.2f} s" if abs(seconds) < 9.995 else f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if abs(minutes) < 120 else f"{minutes / 60:.3g} h"


def number(x: float | None) -> str:
    """Three significant digits: `-3.1`, `0.0042`, `1.2e+07`; whole numbers below 100 000 as they are."""
    value = _as_float(x)
    if x is None:
        return NOTHING
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"  # and never "-0"
    whole = 999.5 <= abs(value) < 99_999.5
    return f"{value:.0f}" if whole else f"{value:.3g}"


def _as_float(x: float | None) -> float:
    """NaN for None, infinity for an int that no float holds."""
    if x is None:
        return math.nan
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def brief(value: Brief) -> str:
    """`1×64×56×56`, `2×10 +3`, or a value without tensors."""
    return visible(brief_text(value))


def short_brief(value: Brief, ascii: bool = False) -> str:
    """`brief` with the last two dimensions, where they are equal, written once: `1×64×56×56` as `1×64×56²`."""
    if value.shape is None or not _is_square(value.shape):
        return brief(value)
    return "×".join(_dimensions(value.shape, ascii)) + more_text(value)


def fit_brief(value: Brief, width: int, ascii: bool = False, in_full: bool = True) -> str:
    """`brief` in at most `width` cells: as it is, unless not `in_full`; as `short_brief`; or cut."""
    whole, short = brief(value), short_brief(value, ascii)
    if in_full and cell_len(whole) <= width:
        return whole
    return short if cell_len(short) <= width else _cut_brief(value, width, ascii)


def _cut_brief(value: Brief, width: int, ascii: bool) -> str:
    """`1×64×…`: no digit of a cut dimension stays, it would read as another number."""
    dimensions = _dimensions(value.shape or (), ascii)
    for count in range(len(dimensions) - 1, 0, -1):
        kept = "×".join(dimensions[:count]) + f"×{ELLIPSIS}"
        if cell_len(kept) <= width:
            return kept
    return cut(short_brief(value, ascii), width)


def _dimensions(shape: Sequence[int], ascii: bool) -> list[str]:
    """Each as it is written, two equal ones at the end as a square."""
    if not _is_square(shape):
        return [dimension(size) for size in shape]
    square = dimension(shape[-1]) + ("^2" if ascii else "²")
    return [*(dimension(size) for size in shape[:-2]), square]


def _is_square(shape: Sequence[int]) -> bool:
    return len(shape) >= 2 and shape[-2] == shape[-1] != 1 and shape[-1] >= 0


def key(name: str, limit: int = 500) -> str:
    """One key of a path; quoted where it would not be seen."""
    name = visible(name[: limit + 1])
    if len(name) > limit:
        name = name[: limit - 1] + ELLIPSIS
    return name if name and name == name.strip() else f"'{name}'"


def path(path: Path) -> str:
    """`layer4.0.conv1`; the root in brackets."""
    return ".".join(key(part) for part in path) if path else ROOT


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, the cut marked with an ellipsis."""
    if width <= 0:
        return ""
    head = text[: width * 8]  # measuring cells is slow, and no letter is seen past this
    if len(head) == len(text) and cell_len(text) <= width:
        return text
    return set_cell_size(head, width - 1).rstrip() + ELLIPSIS


def cut_start(text: str, width: int) -> str:
    """`text` in at most `width` cells, cut where it starts: the end of a path says more."""
    if width <= 0:
        return ""
    tail = text[-width * 8 :]
    if len(tail) == len(text) and cell_len(text) <= width:
        return text
    while cell_len(tail) > width - 1:
        tail = tail[1:]
    return ELLIPSIS + tail


def fit(text: str, width: int, right: bool = False) -> str:
    """`text` in exactly `width` cells: cut, or padded on the right (on the left with `right`)."""
    text = cut(text, width)
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


_ASCII = str.maketrans(
    {
        "×": "x", "–": "-", "…": "~", "▾": "v", "▸": ">", "│": "|", "▌": ">", "○": "o", "●": "*", "◉": "@",
        "⊘": "/", "≡": "=", "↪": "^", "·": ".", "›": ">", "→": ">", "µ": "u", "“": '"', "”": '"',
        "▁": ".", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "#", "█": "%", "Δ": "d", "✎": "e", "◎": "O",
        "╭": "+", "╮": "+", "╰": "+", "╯": "+", "─": "-", "←": "<", "↑": "^", "↓": "v", "μ": "u", "σ": "s",
        "▕": "|", "▏": "|", "↻": "r", "□": "_", "◌": "u", "■": "#",
    }
)  # fmt: skip


def ascii_only(text: str) -> str:
    """`text` in the same number of cells, with our signs in ASCII and every other character as question marks."""
    if text.isascii():
        return text
    text = text.translate(_ASCII)
    if text.isascii():
        return text
    exact = "".join(c if c.isascii() else "?" * cell_len(c) for c in text)
    return set_cell_size(exact, cell_len(text))  # a joined emoji is narrower than its parts


def value_brief(value: Value | None, limit: int = 60) -> str:
    """A value in a few characters: its shape, `3 × 1×64×56×56`, `dict 2`, or the scalar itself."""
    if value is None:
        return NOTHING
    if isinstance(value, TensorValue):
        return shape_text(value.shape)
    if isinstance(value, SequenceValue):
        return cut(_sequence(value), limit)
    if isinstance(value, MappingValue):
        return cut(f"{visible(value.type)} {value.length}", limit)
    if isinstance(value, ScalarValue):
        return cut(_scalar(value.value), limit)
    return "None" if isinstance(value, NoneValue) else cut(_other(value), limit)


def _sequence(value: SequenceValue) -> str:
    shapes = {shape_text(item.shape) if isinstance(item, TensorValue) else "" for item in value.items}
    if len(shapes) == 1 and "" not in shapes:
        (only,) = shapes
        return only if value.length == 1 else f"{value.length} × {only}"
    return f"{visible(value.type)} {value.length}"


def _scalar(value: bool | int | float | str) -> str:
    if isinstance(value, str):
        return f'"{visible(value)}"'
    return number(value) if isinstance(value, float) else str(value)


def _other(value: OtherValue) -> str:
    return visible(value.text or value.type)


_BLOCKS = " ▁▂▃▄▅▆▇█"
_SHADES = " .:-=+*#%@"


def spark(histogram: Histogram | None, width: int, ascii: bool = False) -> str:
    """A histogram in at most `width` cells, one for one or more bins; a bin that is not empty is never blank."""
    counts = _bins(histogram.counts if histogram else (), width)
    levels = _SHADES if ascii else _BLOCKS
    top = max(counts, default=0)
    if top <= 0:
        return ""
    return "".join(levels[math.ceil(max(n, 0) * (len(levels) - 1) / top)] for n in counts)


def tall_spark(histogram: Histogram | None, width: int, tall: bool, ascii: bool = False) -> list[str]:
    """A histogram in one row, or in two where it may be `tall`: twice as many heights can be told apart."""
    if not tall:
        return [spark(histogram, width, ascii)]
    counts = _bins(histogram.counts if histogram else (), width)
    top, steps = max(counts, default=0), len(_BLOCKS) - 1
    if top <= 0:
        return [""]
    heights = [math.ceil(max(n, 0) * 2 * steps / top) for n in counts]
    return ["".join(_BLOCKS[min(max(height - row * steps, 0), steps)] for height in heights) for row in (1, 0)]


def _bins(counts: Sequence[int], width: int) -> list[float]:
    """`counts` spread over at most `width` cells of one width; a bin that lies in two cells counts in both in part."""
    width = max(min(width, len(counts)), 0)
    sums = [0, *itertools.accumulate(counts)]
    ends = [_sum_before(sums, cell * len(counts) / width) for cell in range(width)] + [sums[-1]]
    return [high - low for low, high in itertools.pairwise(ends)]


def _sum_before(sums: Sequence[int], place: float) -> float:
    """The counts of all bins before this place, which may be within one."""
    bin = int(place)
    return sums[bin] + (place - bin) * (sums[min(bin + 1, len(sums) - 1)] - sums[bin])


class Mark(NamedTuple):
    """A sign on a line of the tree. Help lists `MARKS`; the tree draws them."""

    sign: str
    ascii: str
    word: str  # what stands next to the sign where there is room
    meaning: str


NO_HOOK = Mark("○", "o", "", "no hook of ours: nothing is seen of this module")
OBSERVED = Mark("●", "*", "", "observed by a hook of ours")
REFUSED = Mark("⊘", "/", "", "cannot be hooked")
FOREIGN = Mark("+2", "+2", "", "hooks that are not ours")
REPEATED = Mark("×2", "x2", "", "called more than once in the last pass")
NOT_CALLED = Mark("–", "-", "not called", "observed, and neither it nor anything in it was called in the last pass")
NO_HOOK_CALL = Mark("?", "?", "no hook call", "ran where no hook sees it: called as .forward(), or by another method")
NO_FORWARD = Mark("□", "_", "no forward", BADGES["no forward"])
UNSEEN = Mark("◌", "u", "unseen", "runs inside TorchScript, where no hook sees it")
RAISED = Mark("!", "!", "raised", "its forward raised")
UNFINISHED = Mark("~", "~", "unfinished", "was entered and did not return")
MADE_NAN = Mark("N", "N", "NaN", "made NaN or Inf: its output holds them, and its input did not")
GIVEN_NAN = Mark("n", "n", "NaN", "its output holds NaN or Inf that it was given, or that a module inside it made")
ALTERED = Mark("◉", "@", "", "hooks that alter it were added, or one of ours replaced its input or output")
ALTERED_UNSEEN = Mark("◎", "O", "", "the same, and nothing is seen of it: its observe hook is off")
STOP = Mark("■", "#", "stop", "a pass stops at it, or writes a line: * lists all stops")
EDITED = Mark("✎", "e", "edited", "its own parameters are not what was loaded")
MOVED = Mark("▆ 0.32", "* 0.32", "", "how far its output is from the baseline: the relative L2 distance")
DEAD = Mark("0", "0", "dead", "its output is nothing but zeros")
RECOMPUTED = Mark("↻", "r", "recomputed", "called again in the backward pass, by activation checkpointing")
TIED = Mark("≡", "=", "tied", BADGES["tied"])
LAZY = Mark("L", "L", "lazy", BADGES["lazy"])
META = Mark("M", "M", "meta", BADGES["meta"])
SHARDED = Mark("D", "D", "sharded", BADGES["sharded"])
DEVICE = Mark("d", "d", "on cuda:1", BADGES["device"])
QUANTIZED = Mark("Q", "Q", "quantized", BADGES["quantized"])
PARAMETRIZED = Mark("P", "P", "parametrized", BADGES["parametrized"])
COMPILED = Mark("C", "C", "compiled", BADGES["compiled"])
SCRIPTED = Mark("S", "S", "scripted", BADGES["scripted"])
TRACED = Mark("T", "T", "traced", BADGES["traced"])
FUSED = Mark("F", "F", "fused path", BADGES["fused path"])
OWN_CALL = Mark("X", "X", "own __call__", BADGES["own __call__"])
INLINED = Mark("I", "I", "inlined", BADGES["inlined"])
ALIAS = Mark("↪", "^", "alias", "the same module as one further up")
OTHER = Mark("·", ".", "", "something else to know: see Attributes")

MARKS: tuple[Mark, ...] = (
    OBSERVED, NO_HOOK, REFUSED, ALTERED, ALTERED_UNSEEN, FOREIGN, MOVED, REPEATED, NOT_CALLED, NO_HOOK_CALL, NO_FORWARD,
    UNSEEN, RAISED, UNFINISHED, MADE_NAN, GIVEN_NAN, DEAD, RECOMPUTED, STOP, EDITED, TIED, ALIAS, LAZY, META, SHARDED,
    DEVICE, QUANTIZED, PARAMETRIZED, COMPILED, SCRIPTED, TRACED, FUSED, OWN_CALL, INLINED, OTHER,
)  # fmt: skip

UNCALLED: dict[str, Mark] = {mark.word: mark for mark in (NOT_CALLED, NO_HOOK_CALL, NO_FORWARD, UNSEEN)}
"""What stands in place of an output that was not seen, by its word."""

_BY_WORD = {mark.word: mark for mark in MARKS if mark.word}


def badge_mark(badge: Badge) -> Mark:
    """The mark of a badge of the module list."""
    return DEVICE if badge.name == "device" else _BY_WORD.get(badge.name, OTHER)
