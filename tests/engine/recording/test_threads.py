"""Calls of several threads: each knows its own, and its callers."""

from __future__ import annotations

import threading

import torch
from torch import Tensor, nn

from inspector.client.call_table import CallTable
from inspector.engine.session import Session
from inspector.records import AnyEvent, CallRow, CallRows


class TwoThreads(nn.Module):
    """As DataParallel does it: replicas of a part run at the same time, each on a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 3)
        self.halves = nn.ModuleList(nn.Sequential(nn.Linear(3, 3), nn.ReLU()) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x, outputs = self.stem(x), [torch.empty(0)] * 2
        both_in = threading.Barrier(2, timeout=20)

        def work(number: int) -> None:
            both_in.wait()
            outputs[number] = self.halves[number](x)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outputs[0] + outputs[1]


def test_each_call_says_on_which_thread_it_was_made() -> None:
    heard: list[AnyEvent] = []
    session = Session(heard.append)
    session.adopt(TwoThreads(), (torch.ones(2, 3),), {}, "net")
    session.run()
    session.run()  # the threads of the first pass do not count
    table = CallTable()
    for event in heard:
        if isinstance(event, CallRows) and event.number == 2:
            table.extend(event.rows)
    calls: dict[str, CallRow] = {".".join(session.subject.tree.paths[call.module]): call for call in table}
    assert calls[""].thread == calls["stem"].thread == 0
    assert {calls[f"halves.{number}"].thread for number in range(2)} == {1, 2}
    for number in range(2):
        half = calls[f"halves.{number}"]
        assert half.caller == -1, "no call of its own thread made it"
        for inner in range(2):
            assert (calls[f"halves.{number}.{inner}"].thread, calls[f"halves.{number}.{inner}"].caller) == (
                half.thread,
                half.start,
            )
    session.close()
