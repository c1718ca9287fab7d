"""The gradients of a backward pass and their lines: columns, since there may be a million, of which one sees forty."""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, compress
from statistics import median

from rich.cells import cell_len
from textual.content import Content

from ...client.call_table import CallTable
from ...client.model import Model
from ...gradients import EXPLODING, NAN, VANISHING, ZERO, Limits, Verdict, find_trend_of, judge
from ...made_rows import MadeRows
from .. import format
from ..drawing.bars import bar
from ..drawing.styles import ACCENT, DIM, ERROR, WARN
from ..drawing.wrap import Line, MadeLines, Match

STYLES = {EXPLODING: f"{ERROR} bold", NAN: f"{ERROR} bold", VANISHING: WARN, ZERO: WARN}
LEAST_POWERS = 3.0
"""Powers of ten that the bars stand for at least: what is nearly the same shall look so."""

_MARKS = ("", *STYLES)
_LINES = bytes(1 + (mark in (EXPLODING, VANISHING)) for mark in _MARKS).ljust(256)
"""By the place of a mark, how many there are: the second one says why."""
_NUMBER = 8  # cells: "1.23e-05"
_MARK = max(map(len, STYLES))
_LEAST_BAR = 12  # cells; what is more is given to names that would be cut


class Reached:
    """The calls of a table that gradients reached, in the order of their ends, as far as `extend` took them in."""

    def __init__(self, calls: CallTable) -> None:
        self.calls = calls
        self.places = array("i")
        self.modules = array("i")
        self.numbers = array("i")
        self.sizes = array("d")  # norms of the gradients
        self.ratios: dict[int, float] = {}  # by place, how large that of the module's weights is beside them
        self.known = 0

    def extend(self, most: int | None = None) -> bool:
        """Take in all calls, or so many more of them; whether there are others yet."""
        calls, first = self.calls, self.known
        self.known = last = len(calls) if most is None else min(first + most, len(calls))
        places, sizes = calls.measured("gradient_norm", first, last)
        self.places.extend(places)
        self.sizes.extend(sizes)
        for column, mine in ((calls.modules, self.modules), (calls.numbers, self.numbers)):
            found = column[first:last]
            mine.extend(found[place - first] for place in places)
        self.ratios.update(zip(*calls.measured("weight_ratio", first, last), strict=True))
        return last < len(calls)


class SeenGradients:
    """Gradients as a backward pass goes through them, and what is said of them: what ended last comes first.

    On any thread: of a million it takes seconds.

    Args:
        model: Whose they are.
        reached: The calls that they reached.
        limits: From which on they are called something.
    """

    def __init__(self, model: Model, reached: Reached, limits: Limits) -> None:
        self.limits = limits
        self._calls, self._ratios = reached.calls, reached.ratios
        self._places, self.modules, self._numbers = reached.places[::-1], reached.modules[::-1], reached.numbers[::-1]
        self.sizes = reached.sizes[::-1]
        self._paths = {module: format.path(model.paths[module]) for module in set(reached.modules)}
        layers = {index for index, own in enumerate(model.rows.own_parameters) if own}
        of_layers = map(layers.__contains__, reached.modules)
        self.trend = find_trend_of(list(compress(reached.sizes, of_layers)), limits)
        self._marks = bytes(_MARKS.index(self.verdict(number).mark) for number in range(len(self)))
        self.ends = array("i", accumulate(self._marks.translate(_LINES)))  # the line after those of each
        sound = [size for size in self.sizes if math.isfinite(size) and size > 0]
        self.median = median(sound) if sound else math.nan
        low, high = (math.log10(size) if sound else 0.0 for size in (min(sound, default=1), max(sound, default=1)))
        self.powers = min(low, high - LEAST_POWERS) - 0.5, high  # of ten; the smallest has a bar too
        last = dict(sorted(zip(self.modules, self._numbers, strict=True)))  # the largest number of each
        self.longest = max((cell_len(self._name(*each)) for each in last.items()), default=0)  # title, in cells

    def __len__(self) -> int:
        return len(self._places)

    def verdict(self, number: int) -> Verdict:
        return judge(self.sizes[number], self._ratios.get(self._places[number]), self.trend, self.limits)

    def count(self) -> list[tuple[int, str]]:
        """How many are called what."""
        counted = [(self._marks.count(place), mark) for place, mark in enumerate(_MARKS) if mark]
        return [(count, mark) for count, mark in counted if count]

    def find(self, module: int) -> int | None:
        """The first one of this module."""
        return self.modules.index(module) if module in self.modules else None

    def title(self, number: int) -> str:
        """The path of the module, and which of several calls it is."""
        return self._name(self.modules[number], self._numbers[number])

    def _name(self, module: int, number: int) -> str:
        return self._paths[module] + (f" #{number}" if self._calls.count(module) > 1 else "")

    def find_named(self, pattern: re.Pattern[str]) -> list[int]:
        """Those of modules whose path has it."""
        named = {module for module, path in self._paths.items() if pattern.search(path)}
        return [number for number, module in enumerate(self.modules) if module in named]

    def lines_of(self, number: int) -> range:
        """Where one of them stands, and why it is called so."""
        return range(self.ends[number - 1] if number else 0, self.ends[number])


class GradientLines(MadeLines):
    """One for each, and where it explodes or vanishes another one that says why."""

    def __init__(self, seen: SeenGradients, width: int, ascii: bool) -> None:
        self._seen = seen
        self._ascii = ascii
        rest = width - _NUMBER - _MARK - 6
        self._name = min(seen.longest, max(width // 3, rest - _LEAST_BAR, 8))
        self._room = rest - self._name

    def __len__(self) -> int:
        return self._seen.ends[-1] if self._seen.ends else 0

    def _row(self, index: int) -> Line:
        number = bisect_right(self._seen.ends, index)
        verdict = self._seen.verdict(number)
        if index > self._seen.lines_of(number).start:
            return Line(Content.styled(f"  {verdict.why}", DIM), indent=2)
        size, style = self._seen.sizes[number], STYLES.get(verdict.mark, ACCENT)
        drawn = self._draw_bar(size)
        bars = (f"  {drawn}{' ' * max(self._room - len(drawn), 0)}", style) if self._room > 0 else ""
        said = (format.number(size).rjust(_NUMBER), style if verdict.mark else "")
        mark = (f"  {verdict.mark}" if verdict.mark else "", style)
        return Line(Content.assemble(self._name_of(number), "  ", said, bars, mark))

    def _name_of(self, number: int) -> str:
        return format.fit(format.cut_start(self._seen.title(number), self._name), self._name)

    def _draw_bar(self, size: float) -> str:
        """Its length is powers of ten above the smallest; what is not finite fills the room."""
        if size == 0:
            return ""
        low, high = self._seen.powers
        return bar((math.log10(size) - low) / (high - low) if math.isfinite(size) else 1.0, self._room, self._ascii)

    def find(self, pattern: re.Pattern[str]) -> Sequence[Match]:
        """In the names of modules, as far as they are shown."""
        return _Matches(self, self._seen.find_named(pattern), pattern)

    def find_in(self, number: int, pattern: re.Pattern[str]) -> Match:
        """In the name of one of them; nothing of it where that part is cut off."""
        found = pattern.search(self._name_of(number))
        return Match(self._seen.lines_of(number).start, *(found.span() if found else (0, 0)))


class _Matches(MadeRows[Match]):
    """In the names of these gradients."""

    def __init__(self, lines: GradientLines, numbers: Sequence[int], pattern: re.Pattern[str]) -> None:
        self._lines, self._numbers, self._pattern = lines, numbers, pattern

    def __len__(self) -> int:
        return len(self._numbers)

    def _row(self, index: int) -> Match:
        return self._lines.find_in(self._numbers[index], self._pattern)


class GradientStops(MadeRows[range]):
    """The lines of each gradient."""

    def __init__(self, seen: SeenGradients) -> None:
        self._seen = seen

    def __len__(self) -> int:
        return len(self._seen)

    def _row(self, index: int) -> range:
        return self._seen.lines_of(index)
