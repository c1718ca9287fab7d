"""The command line in this process, and what has to hold for whatever is typed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise

from inspector.cli.main import main
from inspector.client.process import Connection
from tests.documents import read_document

from .apart import ROOT
from .case import Broken, Case
from .warm_engine import engines_from, start_forked

_OURS = f'File "{ROOT / "inspector"}'
_BUGS = ("the inspector itself failed", "AssertionError:", _OURS)  # as a kind, without the colon, it may be torch's
_CODES = (0, 1, 2, 3)


def offline() -> None:
    """Nothing that was typed by chance is looked for in the network."""
    os.environ.update(HF_HUB_OFFLINE="1", http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")


def run_command(case: Case, arguments: Sequence[str], start: Callable[[], Connection] = start_forked) -> int:
    """Run it as from a shell without a terminal. Raises `Broken` where it did not keep to what help says.

    Args:
        case: Which notes it.
        arguments: What is typed.
        start: Starts the engine.
    """
    offline()
    if not case.note(f"inspector {' '.join(map(repr, arguments))}"):
        return 0
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), engines_from(start):
        try:
            code = main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
    _check(arguments, code, out.getvalue(), err.getvalue())
    return code


def _check(arguments: Sequence[str], code: int, out: str, err: str) -> None:
    sys.stdout.write(out[-3000:] + err[-3000:])
    if code not in _CODES:
        raise Broken(f"exit code {code}")
    for bug in _BUGS:
        if bug in err or bug in out:
            raise Broken(next(line.strip() for line in (err + out).splitlines() if bug in line)[-300:])
    if len(out) + len(err) > 100_000_000:
        raise Broken(f"{len(out) + len(err)} characters were written")
    if code and not err.strip() and (code == 2 or not out.strip()):
        raise Broken(f"exit code {code} without a word")
    asks = "--print=json" in arguments or ("--print", "json") in pairwise(arguments)
    if asks and not {"-h", "--help", "--version"} & {*arguments}:
        _check_document(out)


def _check_document(out: str) -> None:
    try:
        read_document(out)
    except BaseException as error:  # pytest's own failure is none of the ordinary ones
        raise Broken(f"not one document of the schema: {error}; it begins {out[:100]!r}") from None
