"""The hook as it will be added, and what the engine says of it while it is typed."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from ....records import HookCheck, HookSpec, Problem
from ....text import visible
from .jobs import Adding

NAMES_SHOWN = 4


class HookStatus(Static):
    """Asks about every change, one question at a time: what was typed meanwhile is asked about once more after it.

    Args:
        job: Whom to ask.
    """

    DEFAULT_CSS = """
    HookStatus { height: auto; min-height: 2; max-height: 6; margin-top: 1; }
    """

    def __init__(self, job: Adding) -> None:
        super().__init__("", markup=False)
        self._job = job
        self._wanted: tuple[str, str, str | HookSpec] | None = None
        self._asking = False

    def check(self, where: str, written: str, hook: str | HookSpec) -> None:
        """Say what would become of this hook, which is `written` as Python does."""
        self._wanted = where, written, hook
        if not self._asking:
            self._asking = True
            self.run_worker(self._check(), name="check the hook")

    def fault(self, hook: str, words: str) -> None:
        """Say what is missing: nobody needs to be asked."""
        self._wanted = None
        self._show(hook, Content.styled(visible(words), "$foreground-muted"))

    def refuse(self, hook: str, problem: Problem) -> None:
        """Say why the hook cannot be added."""
        self._wanted = None
        self._show(hook, refusal(problem))

    async def _check(self) -> None:
        try:
            while self._wanted is not None:
                (where, written, hook), self._wanted = self._wanted, None
                reply = await self._job.check(where, hook)
                if self._wanted is None and self.is_attached:
                    self._show(written, outcome(reply))
        finally:
            self._asking = False

    def _show(self, hook: str, words: Content) -> None:
        self.update(Content.assemble((visible(hook), "bold"), "\n" if hook else "", words))


def outcome(reply: HookCheck) -> Content:
    """`12 modules: conv1, layer1.0.conv1, …`, or the problem."""
    if reply.problem is not None:
        return refusal(reply.problem)
    shown = [visible(name) if name else "(root)" for name in reply.names[:NAMES_SHOWN]]
    more = ["…"] if reply.modules > len(shown) else []
    count = f"{reply.modules:,} module{'s' * (reply.modules != 1)}"
    names = ", ".join(shown + more)
    return Content.assemble((count, "$text-success"), (f": {names}" if shown else "", "$foreground-muted"))


def refusal(problem: Problem) -> Content:
    """What is wrong, at its line where it is in the person's code, and what to try."""
    at = f"line {problem.line}: " if problem.line else ""
    hint = f"\n{visible(problem.hint)}" if problem.hint else ""
    return Content.assemble((at + visible(problem.what), "$text-error"), (hint, "$foreground-muted"))
