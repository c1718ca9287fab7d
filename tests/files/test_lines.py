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


@pytest.mark.parametrize("where", ['os.path.abspath("pipe.py")', '"pipe.py"', '"/dev/zero"'])
def test_no_line_is_read_of_what_is_no_regular_file(where: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT.replace("WHERE", where)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "ValueError: a shape that will not do", "()", "ValueError please report this, with the traceback",
    ]  # fmt: skip
