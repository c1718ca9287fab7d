"""A process that speaks the engine's side of the channel without torch, and misbehaves on request.

    python small_engine.py FD

What it does is the target's name of an `Open` request.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from inspector.channel import Outbox, decode_asked, encode, receive
from inspector.records import (
    PROTOCOL,
    AnyRequest,
    Choices,
    Done,
    Hello,
    Note,
    Open,
    Problem,
    Progress,
    Run,
    Shutdown,
    Told,
)
from inspector.records import Failed as Refused


def main(sock: socket.socket) -> None:
    sock.sendall(encode(Told(0, Hello(PROTOCOL, os.getpid(), "3"))))  # before a request can be the end of it
    outbox = Outbox(sock)
    while (body := receive(sock)) is not None:
        asked = decode_asked(body)
        if isinstance(asked.body, Shutdown):
            outbox.put(Done(), asked.id)
            break
        obey(asked.body, outbox, sock)
        outbox.put(Choices("", ()) if not isinstance(asked.body, Run) else Refused(Problem("no")), asked.id)
    outbox.close()


def obey(request: AnyRequest, outbox: Outbox, sock: socket.socket) -> None:
    deed = request.target.target if isinstance(request, Open) else ""
    if deed == "die":
        os.write(2, b"printed last")
        os.kill(os.getpid(), signal.SIGSEGV)
    elif deed == "tell and die":
        for number in range(20):
            outbox.put(Note("info", str(number)))
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "die while telling":
        sock.sendall(encode(Told(0, Note("info", "x" * 1000)))[:500])
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "exit":
        os._exit(3)
    elif deed == "fork and die":
        if os.fork() == 0:
            time.sleep(60)  # holds the socket and the pipes open
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed == "print":
        sys.stdout.write("first\n" + "x" * 3_000_000 + "\nlast\n")
        sys.stdout.flush()
    elif deed == "garbage":
        sock.sendall(b"\xff\xff\xff\xff garbage")
        time.sleep(60)
    elif deed == "stop answering":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    elif deed == "tell":
        for number in range(1000):
            outbox.put(Progress(0, number, 1000, 0, 0.0))
            outbox.put(Note("info", str(number)))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
