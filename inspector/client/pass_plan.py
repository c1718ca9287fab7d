"""What a pass that was asked for shall be."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Run, Target


@dataclass(frozen=True)
class Plan:
    """A forward pass unless more is said. What is empty stays what it was in the last pass that used it."""

    backward: bool = False
    batches: int = 1
    loss: str = ""
    optimizer: str = ""
    loader: str = ""
    generate: int = 0

    @classmethod
    def of(cls, target: Target) -> Plan:
        """What was asked for on the command line."""
        return cls(target.backward, target.batches, target.loss, target.optimizer, target.loader, target.generate)

    def describe(self, number: int) -> str:
        """The pass with this number, in words."""
        backward = ", backward" if self.backward else ""
        batches = f", {self.batches} batches" if self.batches > 1 else ""
        tokens = f", {self.generate} tokens" if self.generate else ""
        return f"pass {number}{backward}{batches}{tokens}"

    def request(self, generation: int, seed: int | None, fresh: bool) -> Run:
        """What to ask of the engine."""
        return Run(
            generation,
            seed,
            fresh,
            self.backward,
            self.batches,
            self.loss,
            self.optimizer,
            self.loader,
            self.generate,
        )


FORWARD = Plan()
BACKWARD = Plan(backward=True)
