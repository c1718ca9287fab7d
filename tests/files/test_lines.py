"""Code that claims to come from a named pipe: nobody writes to it, and who reads waits without end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import os, resource, torch
from inspector.engine.session import Session

resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
os.mkfifo("pipe.py")
names = {"torch": torch, "__name__": "odd", "__file__": os.path.abspath("pipe.py")}
exec(compile('''
class Odd(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(2, 2)

    def forward(self, x):
        y = x.new_ones(3)
        try:
            return self.fc(x) @ y
        except RuntimeError as error:
            raise ValueError("a shape that will not do") from error
''', WHERE, "exec"), names)
session = Session(lambda event: None)
session.adopt(names["Odd"](), (torch.ones(1, 2),), {}, "odd")
print(session.run().problem.what)
print(session.queries.source((), "auto").path)
from inspector.engine.usercode.running import wrap_error
from inspector.postmortem.frames import explain_bug
try:
    names["Odd"]()(torch.ones(1, 2))
except ValueError as error:
    print(wrap_error(error, "what").problem.kind, explain_bug(error).hint)
"""


_COPIES = """
import os, resource, torch
from inspector.engine.hooks.outcomes import describe_error
from inspector.engine.values.copying import deep_copy
from inspector.engine.values.nested import Plan

resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
os.mkfifo("pipe.py")
names = {"__name__": "odd"}
exec(compile('''
class Uncopied:
    def __deepcopy__(self, memo):
        try:
            raise RuntimeError("before")
        except RuntimeError as error:
            raise ValueError("it") from error

class Refuses:
    def __init__(self, held):
        self.held = held
    def __copy__(self):
        Uncopied().__deepcopy__({})
''', WHERE, "exec"), names)
print(deep_copy([names["Uncopied"]()], {}).refusals[0].why)
refused, plan = [], Plan([names["Refuses"](torch.ones(1))])
plan.rebuild(set(plan.nodes), refused)
print([why for _, why in refused])
try:
    names["Uncopied"]().__deepcopy__({})
except ValueError as error:
    print(describe_error(error))
"""


places = pytest.mark.parametrize("where", ['os.path.abspath("pipe.py")', '"pipe.py"', '"/dev/zero"'])


def run(script: str, folder: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@places
def test_no_line_is_read_of_what_is_no_regular_file(where: str, tmp_path: Path) -> None:
    assert run(_SCRIPT.replace("WHERE", where), tmp_path) == [
        "ValueError: a shape that will not do", "()", "ValueError please report this, with the traceback",
    ]  # fmt: skip


@places
def test_nor_where_something_refuses_to_be_copied_or_a_hook_fails(where: str, tmp_path: Path) -> None:
    copied, rebuilt, failed = run(_COPIES.replace("WHERE", where), tmp_path)
    assert copied == "a Uncopied cannot be copied: ValueError: it" and failed == "ValueError: it"
    assert rebuilt == "['a Refuses cannot be made anew: ValueError: it']"
