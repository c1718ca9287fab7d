"""Asks how several batches shall be run: how many, from where, and what is learned from them."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from ....client.pass_plan import Plan
from ...completing_box import CompletingBox, find_common_start
from ...line_box import LineBox
from ..completions import OPTIMIZERS, complete_function, complete_loss
from ..fields import Tick
from .small_form import SmallForm, label

MOST = 10_000
LOSSES = ("mean", "sum", "cross_entropy")
NONE = "none"

_IMPORTED = re.compile(r"[\w./~-]+(\.py)?:{1,2}[\w.]+")
_CALL = re.compile(r"[^\W\d][\w.]*(\(.*\))?")
_FIELDS = (
    ("batches", "Batches", "each a step, with an input of its own", ""),
    ("loss", "Loss", "what the backward pass starts from", f"{', '.join(LOSSES)} or package.module:loss"),
    ("optimizer", "Optimizer", "a step after each batch; put back after the last",
     "none, or SGD(lr=0.01), Adam …"),
    ("loader", "Loader", "its items are the batches", "none, or package.module:make_loader"),
)  # fmt: skip
TOKENS = (("generate", "Tokens", "a number: generate() in place of the above", "none"),)


class BatchesDialog(SmallForm[Plan | None]):
    """Starts from what was typed last, and says at once what cannot be meant."""

    heading = help_page = "Several batches"
    hints: ClassVar[dict[str, str]] = {
        "accept": "Run them", "complete": "Complete", "tick": "Tick", "leave": "Leave it",
    }  # fmt: skip

    def __init__(self, now: Plan, generates: bool = False) -> None:
        super().__init__()
        self._now = now
        self._fields: tuple[tuple[str, str, str, str], ...] = _FIELDS
        if generates:
            self.heading, self._fields = "Several batches, or tokens", (*_FIELDS, *TOKENS)

    def fields(self) -> ComposeResult:
        now = self._now
        values = {"batches": str(now.batches), "loss": now.loss, "optimizer": now.optimizer, "loader": now.loader}
        values["generate"] = str(now.generate or "")
        for id, name, meaning, example in self._fields:
            yield label(name, meaning)
            yield self._box(id, "" if values[id] == NONE else values[id], example)
        yield Tick("A backward pass after each", now.backward)

    def _box(self, id: str, value: str, example: str) -> LineBox:
        words = {"loss": LOSSES, "optimizer": (NONE, *OPTIMIZERS), "loader": (NONE,)}.get(id)
        if words is None:
            return LineBox(value=value, placeholder=example, id=id)
        complete = complete_loss if id == "loss" else complete_function
        return CompletingBox(value, example, complete=lambda begun: complete(begun, *words), id=id)

    def without(self, names: tuple[str, ...]) -> str:
        """The module, which all have."""
        module, colon, _ = (find_common_start(names) if names else "").rpartition(":")
        return module + colon

    @on(Input.Changed)
    def _typed(self) -> None:
        self.say_fault(self._fault(self._read()))

    def read(self) -> Plan:
        read = self._read()
        fault = self._fault(read)
        backward, tokens = self.query_one(Tick).ticked, read.get("generate", "")
        if not fault and not tokens and read["optimizer"] not in ("", NONE) and not backward:
            fault = "an optimizer needs the backward pass: tick it"
        if fault:
            raise ValueError(fault)
        return self._plan(read)

    def _read(self) -> dict[str, str]:
        return {id: self.query_one(f"#{id}", Input).value.strip() for id, *_ in self._fields}

    def _plan(self, read: dict[str, str]) -> Plan:
        if read.get("generate", ""):
            return Plan(generate=int(read["generate"]))
        return Plan(
            backward=self.query_one(Tick).ticked,
            batches=int(read["batches"]),
            loss=read["loss"] or LOSSES[0],
            optimizer=read["optimizer"] or NONE,
            loader=read["loader"] or NONE,
        )

    def _fault(self, read: dict[str, str]) -> str:
        if read.get("generate", ""):
            return count_fault(read["generate"], "tokens")
        return count_fault(read["batches"]) or name_faults(read["loss"], read["optimizer"], read["loader"])


def count_fault(text: str, unit: str = "batches") -> str:
    """Why this is no number of batches, "" where it is."""
    good = text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST
    return "" if good else f"the number of {unit} is a whole number from 1 to {MOST:,}"


def name_faults(loss: str, optimizer: str, loader: str) -> str:
    """Why one of these cannot be meant, "" where they may be. Only the engine knows for sure."""
    if loss and loss not in LOSSES and not _IMPORTED.fullmatch(loss):
        return f"a loss is {', '.join(LOSSES)}, or a function written package.module:name"
    if optimizer and not _CALL.fullmatch(optimizer) and not _IMPORTED.fullmatch(optimizer):
        return "an optimizer looks like SGD(lr=0.01)"
    if loader and loader != NONE and not _IMPORTED.fullmatch(loader):
        return "a loader is a function written package.module:name"
    return ""
