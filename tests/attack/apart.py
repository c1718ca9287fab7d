"""Runs a case in a process of its own, and looks at what that leaves behind."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import math
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .case import Broken, Case, Front, Size

ROOT = Path(__file__).resolve().parents[2]
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_POLL = 0.05
_GRACE = 5.0  # seconds for processes of a case that has ended


@dataclass(frozen=True)
class Verdict:
    """`problem` is one line, "" where everything held; `detail` is for whoever looks into it; one that was `cut_off`
    says nothing."""

    problem: str
    detail: str
    seconds: float
    deeds: int
    cut_off: bool = False


def adopt_orphans() -> None:
    """From now on what outlives its parent becomes a child of this process, so that it is found. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def run_apart(
    name: str, front: Front, seed: int, size: Size | None = None, skip: int = 0, until: float = math.inf
) -> Verdict:
    """One case, from its seed to its verdict; without one where it is not done at the monotonic time `until`."""
    with tempfile.TemporaryDirectory(prefix="inspector-attack-", ignore_cleanup_errors=True) as folder:
        case = Case(name, seed, Path(folder), size, skip)
        for room in ("work", "temporary", "home", "state"):
            (case.folder / room).mkdir()
        started = time.monotonic()
        problem = _run(case, front, until)
        if problem is None:
            _end_processes()
            return Verdict("", "", time.monotonic() - started, 0, cut_off=True)
        problem = "; ".join(filter(None, (problem, _find_processes(), _find_files(case))))
        seconds = time.monotonic() - started
        detail = "".join(_read(case.folder / file) for file in ("deeds", "problem", "output"))
        return Verdict(problem, detail, seconds, _read(case.deeds).count("\n"))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "backslashreplace")[-20_000:]
    except OSError:
        return ""


def _run(case: Case, front: Front, until: float) -> str | None:
    """The problem, "" for none; None where the time was over first."""
    child = os.fork()
    if child == 0:
        _be_the_case(case, front)
    deadline = time.monotonic() + front.seconds
    while time.monotonic() < min(deadline, until):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return "" if code == 0 else _read(case.folder / "problem").partition("\n")[0] or f"ended with {code}"
        if (size := _largest()) > front.megabytes:
            _kill_all(child)
            return f"a process took {size} MB"
        time.sleep(_POLL)
    _ask_where_it_is(child)
    _kill_all(child)
    return None if until < deadline else f"hangs: not done after {front.seconds:.0f} s"


def _ask_where_it_is(child: int) -> None:
    """The case writes its frames beneath its deeds, for whoever looks into one that hangs."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGUSR1)
        time.sleep(_POLL)


def _be_the_case(case: Case, front: Front) -> NoReturn:
    """In the forked process, which never returns to what it was forked from."""
    code = 1
    try:
        os.setsid()
        faulthandler.register(signal.SIGUSR1, case.deeds.open("a"))
        _move_into(case.folder)
        front.attack(case)
        _check_memory(front.megabytes)
        code = 0
    except BaseException as error:
        what = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        (case.folder / "problem").write_text(
            " ".join(what.split())[:400] + "\n" + traceback.format_exc(), "utf-8", "backslashreplace"
        )
    finally:
        os._exit(code)


def _move_into(folder: Path) -> None:
    os.chdir(folder / "work")
    home, state, temporary = (str(folder / room) for room in ("home", "state", "temporary"))
    os.environ.update(
        HOME=home, XDG_STATE_HOME=state, XDG_CONFIG_HOME=state, XDG_CACHE_HOME=state, TMPDIR=temporary,
        PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1", EDITOR="true", OMP_NUM_THREADS="1",
    )  # fmt: skip
    tempfile.tempdir = None
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(folder / "output", os.O_WRONLY | os.O_CREAT, 0o600)
    for fd, to in ((0, nothing), (1, output), (2, output)):
        os.dup2(to, fd)


def _check_memory(megabytes: int) -> None:
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024
    if most > megabytes:
        raise Broken(f"a process took {most} MB")


def _find_processes() -> str:
    """Those that outlive the case, in words. None is left afterwards."""
    deadline = time.monotonic() + _GRACE
    while (left := _reap()) and time.monotonic() < deadline:
        time.sleep(_POLL)
    words = [_read(Path(f"/proc/{process}/cmdline")).replace("\0", " ")[:100] for process in left]
    _end_processes()
    return f"left running: {words}" if left else ""


def _end_processes() -> None:
    for process in _reap():
        _kill_all(process)


def _reap() -> list[int]:
    """Everything below this process that still runs."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return list(_below(os.getpid()))


def _find_files(case: Case) -> str:
    """Those that the case left where temporary ones are; torch's own caches are not ours."""
    paths = (path for path in (case.folder / "temporary").iterdir() if not path.name.startswith("torchinductor"))
    left = sorted(str(path.relative_to(case.folder)) for path in paths)
    return f"files left behind: {left[:5]}" if left else ""


def _kill_all(process: int) -> None:
    for each in (*_below(process), process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, 0)


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Every process, with the fields of its `stat` from the state on."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry.name}/stat") as file:
                yield int(entry.name), file.read().rpartition(")")[2].split()


def _below(process: int) -> list[int]:
    parents = {number: int(fields[1]) for number, fields in _stats() if fields[0] not in "ZX"}
    found = [process]
    for parent in found:
        found += [number for number, of in parents.items() if of == parent]
    return found[1:]


def _largest() -> int:
    """Megabytes of the largest process below this one."""
    pages = {number: int(fields[21]) for number, fields in _stats()}
    page = resource.getpagesize()
    return max((pages.get(number, 0) * page >> 20 for number in _below(os.getpid())), default=0)
