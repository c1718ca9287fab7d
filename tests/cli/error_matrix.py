"""`python -m tests.cli.error_matrix VERB FORM`: every failure there, one after another, a line of JSON for each.

The engines are forked from this process, so that none has to import torch.
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import torch

from inspector.cli.main import main
from inspector.files import writing
from tests.attack.payload_files import make_all
from tests.attack.warm_engine import engines_from

FILE = str(Path(__file__).with_name("failing.py"))
FINE = f"{FILE}:fine"


class Failure(NamedTuple):
    """`words` are somewhere in what is said. `reported` where there is a model, and with it a report."""

    arguments: tuple[str, ...]
    code: int
    words: str
    reported: bool = False


def _target(name: str, words: str, code: int = 2) -> Failure:
    return Failure((name,), code, words)


def _pass(name: str, words: str, code: int = 1) -> Failure:
    return Failure((f"{FILE}:{name}",), code, words, True)


EVERYWHERE: dict[str, Failure] = {
    "no such model": _target("resnet1818", "resnet18"),
    "no such file": _target("none.pt", "there is no file"),
    "no such name": _target(f"{FILE}:fien", "fine"),
    "no such module": _target("no.such.module:Net", "module not found"),
    "several": _target(FILE, "name one of them"),
    "a pipe": _target("pipe.pt", "is a named pipe"),
    "a socket": _target("socket.pt", "is a socket"),
    "a device": _target("device.pt", "is a device"),
    "a directory": _target("directory.pt", "a directory with no weights"),
    "a circle": _target("circle.pt", "leads to itself"),
    "nothing in it": _target("empty.pt", "is no file that torch.save"),
    "cut off": _target("cut.pt", "cut off"),
    "a bomb": _target("bomb.pt", "would become"),
    "code in it": _target("module.pt", "--trust-pickle"),
    "another kind": _target("model.onnx", "ONNX"),
    "too large": _target("large.py", "too large"),
    "too long": _target("a" * 300 + ".pt", "longer than a file"),
    "no Python": _target("garbage.py", "while garbage.py was imported", 1),
    "import raises": _target("raising.py", "this will not do", 1),
    "import leaves": _target("exiting.py", "SystemExit", 1),
    "import is interrupted": _target("interrupting.py", "KeyboardInterrupt", 1),
    "import crashes": _target("crashing.py", "SIGSEGV", 1),
    "import ends": _target("ending.py", "ended with exit code 0", 1),
    "bad argument": Failure((FINE, "nonsense=1"), 2, "nonsense"),
    "no argument": Failure((FINE, "nonsense"), 2, "KEY=VALUE"),
    "bad option": Failure((FINE, "--nonsense"), 2, "--nonsense"),
    "bad spec": Failure((FINE, "-i", "x=2xx"), 2, "cannot be read"),
    "no input file": Failure((FINE, "-i", "x=@none.npy"), 2, "there is no file"),
    "bad input file": Failure((FINE, "-i", "x=@garbage.npy"), 2, "cannot be read"),
    "bad weights": Failure((FINE, "-w", "garbage.pt"), 2, "cannot be loaded"),
    "weights do not fit": Failure((FINE, "-w", "state.pt"), 2, "state.pt"),
    "no such device": Failure((FINE, "-d", "cuda:99"), 2, "cuda:99"),
    "no such dtype": Failure((FINE, "--dtype", "nonsense"), 2, "nonsense"),
}
"""What goes wrong before anything is run. A pass that is part of another verb ends that verb with the same words."""

OPENED: dict[str, Failure] = {
    "wrong input": Failure((FINE, "-i", "2x5"), 1, "takes", True),
    "unknown input": Failure((f"{FILE}:unfed",), 2, "the sample input is unknown", True),
    "lazy": Failure((f"{FILE}:lazy",), 2, "lazy modules", True),
    "pass raises": _pass("raises", "ValueError: this will not do"),
    "pass exits": _pass("exits", "sys.exit(0)"),
    "pass is interrupted": _pass("interrupts", "KeyboardInterrupt"),
    "pass is killed": _pass("is_killed", "SIGKILL"),
    "pass crashes": _pass("crashes", "SIGSEGV"),
    "pass leaves": _pass("leaves", "ended with exit code 0"),
    "hook fails": Failure((FINE, "--hook", "lin:scale(2, where='[9]')"), 1, "failed", True),
    "hook never fires": Failure((FINE, "--hook", "lin:zero(call=3)", "--strict"), 1, "never fired", True),
    "bad hook": Failure((FINE, "--hook", "lin:nonsense()"), 2, "nonsense"),
    "hook without a module": Failure((FINE, "--hook", "scale(2)"), 2, "names no module"),
    "hook on nothing": Failure((FINE, "--hook", "nowhere:scale(2)"), 2, "nowhere"),
    "bad recipe": Failure((FINE, "--hooks", "garbage.toml"), 2, "garbage.toml cannot be read"),
    "loss raises": Failure((FINE, "--backward", "--loss", "tests.cli.failing:raise_error"), 1, "not do", True),
    "no such loader": Failure((FINE, "--loader", "tests.cli.failing:INPUTS"), 2, "INPUTS"),
    "bad optimizer": Failure((FINE, "--backward", "--optimizer", "Nonsense()"), 2, "no optimizer"),
    "loss without backward": Failure((FINE, "--loss", "sum"), 2, "--backward"),
    "no place to save": Failure((FINE, "--record", "lin", "--save", "none/x.safetensors"), 2, "no directory"),
    "no ending": Failure((FINE, "--record", "lin", "--save", ".safetensors"), 2, "does not end with"),
    "disk is full": Failure((FINE, "--record", "lin", "--save", "x.safetensors"), 2, "No space left", True),
}

SWEPT: dict[str, Failure] = {
    "nothing to do": Failure((FINE, "--over", "lin", "--metric", "norm"), 2, "--clean"),
    "over nothing": Failure((FINE, "--over", "nowhere", "--hook", "zero()", "--metric", "norm"), 2, "nowhere"),
    "no such metric": Failure((FINE, "--over", "lin", "--hook", "zero()", "--metric", "nonsense"), 2, "nonsense"),
    "metric raises": Failure(
        (FINE, "--over", "lin", "--hook", "zero()", "--metric", "tests.cli.failing:raise_error"), 1, "not do"
    ),
    "a place fails": Failure(
        (FINE, "--over", "lin", "--hook", "scale(2, where='[9]')", "--metric", "norm"), 1, "without a number", True
    ),
    **{
        name: each._replace(arguments=(*each.arguments, "--over", "lin", "--hook", "zero()", "--metric", "norm"),
                            reported=False)
        for name, each in OPENED.items() if name.startswith(("pass ", "unknown", "lazy"))
    },
    "wrong input": Failure(  # a sweep records no calls that would say which module took it
        (FINE, "-i", "2x5", "--over", "lin", "--hook", "zero()", "--metric", "norm"), 1, "-i 1x4  (tried: it runs"
    ),
}  # fmt: skip

SEARCHED: dict[str, Failure] = {
    "bad condition": Failure((FINE, "--bad", "zeroes > 1"), 2, "zeroes"),
    "loss without backward": OPENED["loss without backward"],
    "text and backward": Failure((FINE, "--generate", "2", "--backward"), 2, "not both"),
    "no text to write": Failure((FINE, "--generate", "2"), 2, "no method generate"),
    "loss raises": OPENED["loss raises"]._replace(reported=False),
    **{
        name: each._replace(reported=False)
        for name, each in OPENED.items() if name.startswith(("pass ", "unknown", "lazy"))
    },
}  # fmt: skip

FAILURES: dict[str, dict[str, Failure]] = {
    "open": {**EVERYWHERE, **OPENED},
    "sweep": {
        **{
            name: each._replace(arguments=(*each.arguments, "--over", "lin", "--hook", "zero()", "--metric", "norm"))
            for name, each in itertools.islice(EVERYWHERE.items(), 0, None, 5)  # both open in the same way
        },
        **SWEPT,
    },
    "first-bad": {**dict(itertools.islice(EVERYWHERE.items(), 2, None, 5)), **SEARCHED},
}  # fmt: skip
"""By verb. `schema` takes no target and fails only as every verb does, where it cannot print."""

_SOURCES = {
    "raising.py": "raise ValueError('this will not do')",
    "exiting.py": "raise SystemExit(0)",
    "interrupting.py": "raise KeyboardInterrupt",
    "crashing.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "ending.py": "import os; os._exit(0)",
    "large.py": "#" * (17 << 20),
}


def make_files() -> None:
    """In the working directory."""
    made = make_all()
    for name in ("state.pt", "bomb.pt", "module.pt", "model.onnx"):
        Path(name).write_bytes(made[name])
    for name, source in _SOURCES.items():
        Path(name).write_text(source)
    Path("empty.pt").touch()
    Path("cut.pt").write_bytes(made["state.pt"][:300])
    for name in ("garbage.py", "garbage.pt", "garbage.npy", "garbage.toml"):
        Path(name).write_bytes(b"\xff\xfe\x80\x00" * 50)
    os.mkfifo("pipe.pt")
    Path("directory.pt").mkdir()
    Path("device.pt").symlink_to("/dev/zero")
    Path("circle.pt").symlink_to("circle.pt")
    with socket.socket(socket.AF_UNIX) as made_socket:
        made_socket.bind("socket.pt")


def full_disk() -> contextlib.AbstractContextManager[object]:
    """For the engines that are forked meanwhile."""
    return mock.patch.object(writing, "_write_beside", side_effect=OSError(errno.ENOSPC, "No space left on device"))


def run(arguments: Sequence[str]) -> tuple[int | str, str, str]:
    """Exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    code: int | str
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), engines_from():
        try:
            code = main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else str(leaving.code)
        except BaseException as error:
            code = f"{type(error).__name__}: {error}"
    return code, out.getvalue(), err.getvalue()


def fail_everywhere(verb: str, form: str, say: Callable[[str], object] = print) -> None:
    make_files()
    for name, failure in FAILURES[verb].items():
        with full_disk() if name == "disk is full" else contextlib.nullcontext():
            outcome = run([*([verb] if verb != "open" else []), *failure.arguments, "--print", form])
        say(json.dumps((name, *outcome)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ.update(HF_HUB_OFFLINE="1")
    fail_everywhere(*sys.argv[1:3])
