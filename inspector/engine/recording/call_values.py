"""What is described of the values of a call: all of them, or the part that an observing hook looks at."""

from __future__ import annotations

from torch import Tensor

from ...records import Value
from ..hooks.turns import NOT_SEEN, ObserveFilter, Turn
from ..values.summarize import Summarizer
from ..values.watch import Watch
from .call import Call

OVER_BUDGET = "no statistics: left out to stay within the budget"


class CallValues:
    """Describes values the moment they are seen; `resolve` completes their statistics.

    Args:
        statistics: Statistics of every tensor, or shapes only; None for those of gradients alone.
        watch: The node whose values also get histograms and previews.

    While `spares`, there are statistics of that node alone.
    """

    def __init__(self, statistics: bool | None, watch: Watch | None) -> None:
        self._usual = self._plain = Summarizer(bool(statistics))
        self._of_gradients = Summarizer() if statistics is None else None
        self._spared = Summarizer(False, why=OVER_BUDGET) if statistics else self._plain
        self._full = Summarizer(True, values=True, watch=watch)
        self._watched = watch.index if watch is not None else None

    @property
    def spares(self) -> bool:
        return self._usual is not self._plain

    @spares.setter
    def spares(self, spares: bool) -> None:
        self._usual = self._spared if spares else self._plain

    def see_inputs(self, call: Call, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        """Of what a module is called with."""
        if call.observe_filter is not None:
            self._see_chosen_inputs(call, args, kwargs)
            return
        summarizer = self._full if call.index == self._watched else self._usual
        call.inputs = (summarizer.describe(args[0]),) if len(args) == 1 else summarizer.arguments(args)
        if kwargs:
            call.kwargs = summarizer.keywords(kwargs)

    def see_output(self, call: Call, output: object) -> None:
        """Of what it returned."""
        seen = call.observe_filter
        if seen is None:
            call.output = (self._full if call.index == self._watched else self._usual).describe(output)
        else:
            call.output = self._describe_part(call, seen, output)
        if call.depth == 0:
            self._plain.confirm()  # what it holds may be gone when the step ends

    def see_gradient(self, call: Call, number: int, gradient: Tensor) -> None:
        """Of what reaches one tensor of its output, counted from 0, in a backward pass."""
        seen = call.observe_filter
        if seen is None or seen.hook.condition is None or seen.holds(gradient):
            value = (self._of_gradients or self._usual).describe(gradient)
            call.gradients += (value,)
            call.by_tensor[number].append(value)
            if seen is not None:
                seen.show_gradient()

    @property
    def left_out(self) -> int:
        """Tensors without statistics, which were spared."""
        return 0 if self._spared is self._plain else self._spared.left_out

    @property
    def is_waiting(self) -> bool:
        """Whether statistics are still on their devices."""
        return any(each.is_waiting for each in self._all)

    def resolve(self) -> list[str]:
        """Complete the statistics of what was seen so far. Gives what is to be said of those that may not be right."""
        self._spared.resolve()
        return [doubt for each in self._all for doubt in each.resolve()]

    @property
    def _all(self) -> tuple[Summarizer, ...]:
        """But for the one that spares."""
        return self._plain, self._full, *([self._of_gradients] if self._of_gradients is not None else [])

    def _of(self, call: Call) -> Summarizer:
        return self._full if call.index == self._watched else self._usual

    def _see_chosen_inputs(self, call: Call, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        seen = call.observe_filter
        assert seen is not None  # else all are seen
        call.shown = seen.next() is not None and (None if seen.waits else True)
        if call.shown is False or not seen.inputs:
            return
        steps = () if seen.output else seen.hook.steps  # of both, the path is one into the output
        if steps:
            part = seen.part(kwargs if isinstance(steps[0].key, str) else args)
            if part is NOT_SEEN:
                return
            args, kwargs = (part,), {}
        call.inputs = self._of(call).arguments(args)
        if kwargs:
            call.kwargs = self._of(call).keywords(kwargs)
        call.shown = call.shown or seen.holds((args, kwargs)) or None

    def _describe_part(self, call: Call, seen: ObserveFilter, output: object) -> Value:
        if call.shown is False or not seen.output:
            return NOT_SEEN
        part: object = seen.part(output)
        if part is NOT_SEEN:
            return NOT_SEEN
        call.shown = call.shown or seen.holds(part, Turn(call.step, call.in_step)) or None
        return self._of(call).describe(part)
