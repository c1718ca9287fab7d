"""Errors a person may see. Each says what was wrong, where, and what to try next; none knows torch or Textual."""

from __future__ import annotations

from .records import Path, Problem, TraceLine

BUG = 70
"""The exit code where this program failed, and neither the model nor what was typed: EX_SOFTWARE of sysexits.h."""


class InspectorError(Exception):
    """Carries a `Problem`; raise it anywhere, it is shown as it is."""

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        path: Path | None = None,
        traceback: tuple[TraceLine, ...] = (),
        kind: str = "",
        line: int = 0,
    ) -> None:
        super().__init__(what)
        self.problem = Problem(
            what=what,
            where=where,
            hint=hint,
            path=path,
            traceback=traceback,
            kind=kind,
            exit_code=self.exit_code,
            line=line,
        )

    def __str__(self) -> str:
        """As a traceback shows it, with the line of the person's code and what to try."""
        problem = self.problem
        what = f"line {problem.line}: {problem.what}" if problem.line else problem.what
        return f"{what}\n  try: {problem.hint}" if problem.hint else what

    @classmethod
    def of(cls, problem: Problem) -> InspectorError:
        """One that carries `problem` as it is."""
        error = cls(problem.what)
        error.problem = problem
        return error


class UsageError(InspectorError):
    """What was typed cannot be understood or found."""

    exit_code = 2


class NoModelError(UsageError):
    """An error did not come out of a model."""


class TargetError(InspectorError):
    """The target was found, but its own code failed."""


class ChannelError(InspectorError):
    """The other process sent something this one cannot read, or is gone."""


class HookError(InspectorError):
    """A hook failed or never fired where that was not to happen."""


class HookWarning(UserWarning):
    """A hook failed, never fired, or changed nothing."""
