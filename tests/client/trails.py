"""What an engine leaves behind of the pass that it dies in, as it was and written over."""

from __future__ import annotations

import os
from random import Random

from inspector.postmortem.layout import FAULTS, HEADER, ROOM, SLOT, SLOTS, find_middle
from inspector.postmortem.record import make_nameless_file
from inspector.records import NoneValue

from ..call_log import Writer


def leave_behind() -> int:
    """The call log of a pass with a layer that returned and one that did not."""
    call_log = make_nameless_file()
    writer = Writer(call_log)
    writer.begin("the forward pass", 1, 1)
    for start, name in enumerate(("", "0", "1")):
        writer.enters(start, min(start, 1), name)
    writer.leaves(2, 3, NoneValue())
    return call_log


def overwrite(call_log: int, random: Random) -> None:
    """Of one that ended like that anything may be left."""
    deed = random.randrange(4)
    if deed == 0:
        os.ftruncate(call_log, random.choice((0, FAULTS, FAULTS + 30, FAULTS + 100, ROOM - 1)))
    elif deed == 1:
        os.pwrite(call_log, HEADER.pack(*(random.choice((0, 1, 9, 2**62, 2**64 - 1)) for _ in range(2))), FAULTS)
    else:
        told = (FAULTS + random.randrange(SLOTS + 5 * SLOT), FAULTS + find_middle(ROOM) + random.randrange(40))
        where = random.choice((*told, ROOM - 1 - random.randrange(300))) if deed == 2 else random.randrange(300)
        os.pwrite(call_log, random.randbytes(random.choice((1, 1, 2, 60))), where)
