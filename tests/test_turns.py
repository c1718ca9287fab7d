"""Long work in pieces: others come to their end between two of them."""

from __future__ import annotations

import asyncio
import time

from inspector.turns import give_way


async def work(pieces: list[int]) -> None:
    while True:
        pieces.append(1)
        await give_way()


async def test_what_takes_a_dozen_turns_waits_for_one_piece_and_not_for_a_dozen():
    pieces: list[int] = []
    working = asyncio.create_task(work(pieces))
    await asyncio.sleep(0)
    before = len(pieces)
    for _ in range(12):
        await asyncio.sleep(0)
    working.cancel()
    assert len(pieces) - before <= 1


async def test_others_that_never_end_do_not_hold_it_up_for_long():
    async def turn_slowly() -> None:
        while True:
            time.sleep(0.06)
            turns.append(1)
            await asyncio.sleep(0)

    turns: list[int] = []
    turning = asyncio.create_task(turn_slowly())
    await give_way()
    turning.cancel()
    assert len(turns) <= 2
