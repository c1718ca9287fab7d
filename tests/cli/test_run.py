"""The verb `run`: a script does what `python SCRIPT` makes it do, held against Python itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SHOWN = """
import atexit, pickle, sys
atexit.register(lambda: print("at exit", sys.modules["__main__"].__dict__ is globals(), flush=True))
class Held: pass
print(__name__, __file__, __package__, __spec__ and __spec__.name, sys.argv, sys.path[0], flush=True)
print(sys.modules["__main__"].Held is Held, pickle.loads(pickle.dumps(Held)) is Held, sys.stdout.errors, flush=True)
def annotated(x: "int"): pass
class Ann:
    x: int
print(Ann.__annotations__, sys.excepthook is sys.__excepthook__, flush=True)
"""
SCRIPTS = {
    "fine": SHOWN,
    "exit code": SHOWN + "sys.exit(7)",
    "exit words": SHOWN + "sys.exit('words')",
    "raises": SHOWN + "def f():\n    raise ValueError('wrong')\nf()",
    "raises from": SHOWN + "try:\n    {}['x']\nexcept KeyError as e:\n    raise RuntimeError('more') from e",
    "syntax": "x = = 1",
    "interrupted": SHOWN + "raise KeyboardInterrupt",
    "hook": SHOWN + "sys.excepthook = lambda *error: print('hooked', error[0].__name__)\nraise ValueError",
    "usage": SHOWN + "from inspector import UsageError\nraise UsageError('wrong', hint='other')",
    "thread": SHOWN + "import threading\nthreading.Thread(target=lambda: print(threading.main_thread().name)).start()",
    "spawned": SHOWN + "import multiprocessing as m\n"
    "if __name__ == '__main__':\n    m.set_start_method('spawn')\n    p = m.Process(target=print, args=('child',))\n"
    "    p.start(); p.join(); print(p.exitcode, flush=True)",
}


def run(*command: str, folder: Path) -> tuple[int, str, str]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_what_it_does_under_python(name: str, tmp_path: Path) -> None:
    script = tmp_path / "sub" / "script.py"
    script.parent.mkdir()
    script.write_text(SCRIPTS[name])
    arguments = ("sub/script.py", "--help", "-m", "x", "--", "y")
    assert run("-m", "inspector", "run", *arguments, folder=tmp_path) == run(*arguments, folder=tmp_path)


def without_runpy(traceback: str) -> list[str]:
    """Its lines but for the frames by which Python itself runs a module."""
    lines, of_runpy = [], False
    for line in traceback.splitlines():
        if not line.startswith("    "):
            of_runpy = line.startswith("  File ") and "runpy" in line
        if not of_runpy:
            lines.append(line)
    return lines


@pytest.mark.parametrize("module", ["package", "package.inner"])
def test_a_module_does_what_it_does_under_python(module: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name in ("__main__", "inner"):
        (package / f"{name}.py").write_text(SHOWN + "raise ValueError")
    arguments = ("-m", module, "-m", "--x")
    ours, pythons = (run(*more, *arguments, folder=tmp_path) for more in (("-m", "inspector", "run"), ()))
    assert (*ours[:2], ours[2].splitlines()) == (*pythons[:2], without_runpy(pythons[2]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a script"),
        (("none.py",), "there is no file"),
        (("folder",), "is a directory"),
        (("-m", "no.such.module"), "there is no module no.such.module"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    code, out, err = run("-m", "inspector", "run", *arguments, folder=tmp_path)
    assert (code, out) == (2, "") and words in err


MODEL = """
import sys, torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(9, 2)
    def forward(self, x):
        hidden = x * 2
        return self.head(hidden)
def main():
    if "--load" in sys.argv:
        {}["of no model"]
    Net()(torch.ones(2, 8))
main()
"""


def test_without_a_terminal_a_report_comes_before_the_traceback(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(MODEL)
    code, out, err = run("-m", "inspector", "run", "train.py", folder=tmp_path)
    report, _, told = err.partition("Traceback (most recent call last):\n")
    assert (code, out) == (1, "")
    assert "module: head" in report and "hidden" in report and "2×8" in report
    assert "Traceback (most recent call last):\n" + told == run("train.py", folder=tmp_path)[2]


def test_an_error_of_no_model_is_told_by_python_alone(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(MODEL)
    ours, pythons = (run(*more, "train.py", "--load", folder=tmp_path) for more in (("-m", "inspector", "run"), ()))
    assert ours == pythons and "KeyError" in ours[2]
