"""Calls of functions as a script has them: on one line, or broken at what they are called with."""

from __future__ import annotations

WIDTH = 110


class WrittenCall:
    """`function(given, ...)`, each as text or as another call."""

    def __init__(self, function: str, *given: str | WrittenCall) -> None:
        self.function = function
        self.given = given

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.given))})"


def write(call: str | WrittenCall, indent: int) -> str:
    """The text, whose first line stands `indent` to the right."""
    line = str(call)
    if isinstance(call, str) or len(line) + indent <= WIDTH:
        return line
    inner = "\n".join(f"{' ' * (indent + 4)}{write(each, indent + 4)}," for each in call.given)
    return f"{call.function}(\n{inner}\n{' ' * indent})"
