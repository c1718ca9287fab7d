"""What a pass leaves behind for whoever outlives its process."""

from __future__ import annotations

import faulthandler
import os
import tempfile
import threading
from collections.abc import Iterator
from random import Random

import pytest

from inspector.postmortem import read as reading
from inspector.postmortem import record
from inspector.postmortem.layout import FAULTS, HEADER, SLOT, SLOTS
from inspector.postmortem.read import Postmortem
from inspector.postmortem.record import CallLog
from inspector.records import Brief, NoneValue, Problem

from ..call_log import Writer


@pytest.fixture
def fd() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def entered(writer: Writer) -> None:
    """The root with a layer that returned and one that did not."""
    writer.begin("the forward pass", 3, 2)
    writer.enters(0, 0, "")
    writer.enters(1, 1, "a")
    writer.leaves(1, 2, NoneValue())
    writer.enters(3, 1, "b", site=("/x/net.py", 7))


def test_calls_that_ended_and_those_that_did_not(fd: int) -> None:
    entered(Writer(fd))
    left = reading.read(fd)
    assert [c.row.caller for c in left.calls] == [0, 0, -1]
    assert [(c.path, c.row.status) for c in left.calls] == [(("a",), "ok"), (("b",), "unfinished"), ((), "unfinished")]
    assert left.calls[0].output == NoneValue() and left.calls[0].row.brief == Brief(text="None")
    assert left.place is not None and left.place.path == ("b",)
    assert left.began is not None and (left.began.generation, left.began.number, left.shown) == (3, 2, True)


def test_a_problem_names_how_what_and_where(fd: int) -> None:
    entered(Writer(fd))
    problem = reading.read(fd).explain("was killed by SIGKILL", "SIGKILL", "try this", "while idle")
    assert problem.what == "the engine was killed by SIGKILL during the forward pass, in b (Linear)"
    assert (problem.where, problem.path, problem.hint) == ("/x/net.py:7 calls it", ("b",), "try this")
    assert Postmortem().explain("ended", "x", "", "while idle").what == "the engine ended while idle"


def test_a_pass_that_is_over_leaves_nothing(fd: int) -> None:
    writer = Writer(fd)
    entered(writer)
    writer.end()
    assert reading.read(fd) == Postmortem()
    writer.begin("the forward pass", 3, 3)
    assert reading.read(fd).calls == ()


def test_an_engine_that_never_wrote_leaves_nothing(fd: int) -> None:
    assert reading.read(fd) == Postmortem()


def test_a_full_call_log_counts_what_it_has_no_room_for(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record, reading):
        monkeypatch.setattr(module, "ROOM", FAULTS + 8 * 4096)
    writer = Writer(fd)
    writer.begin("the forward pass", 1, 1)
    for start in range(1_000):
        writer.enters(start, start, "x" * 100)
    left = reading.read(fd)
    assert left.lost > 0 and len(left.calls) + left.lost == 1_000
    why = left.explain("was killed by SIGKILL", "SIGKILL", "").why
    assert why == f"of its calls the first are shown: {left.lost:,} later entries and exits of modules found no room"


@pytest.mark.parametrize(
    "damage", [b"\xff" * 64, b"\x00" * 64, Random(0).randbytes(256)], ids=["ones", "zeros", "noise"]
)
def test_what_was_written_over_is_read_as_far_as_it_goes(damage: bytes, fd: int) -> None:
    entered(Writer(fd))
    os.pwrite(fd, damage, FAULTS + SLOTS + 2 * SLOT - len(damage))
    reading.read(fd)
    for mark in (1, 2**63):
        os.pwrite(fd, HEADER.pack(mark, 2**63), FAULTS)
        reading.read(fd)


def test_calls_that_were_still_open_end_last_and_the_innermost_first(fd: int) -> None:
    writer = Writer(fd)
    writer.begin("the forward pass", 1, 1)
    for start in range(3):
        writer.enters(start, start, str(start))
    writer.leaves(2, 3, None)
    assert [(c.row.start, c.row.end, c.row.status) for c in reading.read(fd).calls] == [
        (2, 3, "ok"), (1, 4, "unfinished"), (0, 5, "unfinished"),
    ]  # fmt: skip


def test_threads_do_not_write_over_each_other(fd: int) -> None:
    writer = Writer(fd)
    writer.begin("the forward pass", 1, 1)

    def write(number: int) -> None:
        for start in range(number, 400, 4):
            writer.enters(start, 0, str(start))
            writer.leaves(start, start, None)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(c.row.start for c in reading.read(fd).calls) == list(range(400))


def test_a_forked_process_writes_nothing(fd: int) -> None:
    writer = Writer(fd)
    entered(writer)
    child = os.fork()
    if child == 0:
        writer.enters(9, 1, "child")
        os._exit(0)
    os.waitpid(child, 0)
    assert all(c.path != ("child",) for c in reading.read(fd).calls)


def test_the_lines_that_python_is_at(fd: int) -> None:
    CallLog(fd)
    faulthandler.dump_traceback(fd, all_threads=False)
    frames = reading.read(fd).frames
    assert frames[0].function == "test_the_lines_that_python_is_at" and frames[0].file == __file__
    reading.clear_faults(fd)
    assert reading.read(fd).frames == ()


def test_a_pass_of_several_steps_says_which_of_them_is_left(fd: int) -> None:
    writer = Writer(fd)
    writer.begin("generating 9 tokens", 3, 2)
    for step in range(5):
        writer.begin_step()
        writer.enters(2 * step, 0, "", step=step)
        writer.enters(2 * step + 1, 1, "a", step=step)
    summary = reading.read(fd).summarize(Problem("interrupted"))
    assert (summary.calls, summary.steps, summary.first_step) == (2, 5, 4)
    assert reading.Postmortem().summarize(Problem("gone")).steps == 1
