"""The borders, read in the source: nothing outside `files` opens a file that somebody named, no line of source is read
without asking first what kind of file it is in, and what is printed is printed in places that are known."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.test_house import ROOT, sources

OPENING = {
    "open", "io.open", "os.open", "os.fdopen", "tokenize.open", "*.read_text", "*.read_bytes", "*.write_text",
    "*.write_bytes", "numpy.load", "np.load", "numpy.fromfile", "Image.open", "tomllib.load", "json.load",
}  # fmt: skip
LINES = {
    "linecache.getline", "linecache.getlines", "linecache.updatecache", "inspect.getsource", "inspect.getsourcelines",
    "inspect.findsource", "inspect.getcomments", "traceback.format_exception", "traceback.format_exception_only",
    "traceback.format_exc", "traceback.print_exc", "traceback.print_exception", "traceback.extract_tb",
    "traceback.extract_stack", "traceback.format_tb", "traceback.format_stack", "traceback.StackSummary.extract",
    "traceback.TracebackException", "traceback.TracebackException.from_exception",
}  # fmt: skip
PRINTING = {"print", "sys.stdout.write", "sys.stderr.write", "sys.__stderr__.write", "os.write", "console.print"}

OPENED = {
    "engine/changes/carry.py": "the source of this package",
    "engine/changes/script.py": "the skeleton beside it",
    "model_names.py": "the source of timm",
    "torch_names.py": "the source of torch",
    "report/schema.py": "the schema beside it",
    "cli/output.py": "streams by their numbers",
    "engine/values/kernels/cuda_statistics.py": "the kernel beside it",
    "engine/restore/others.py": "threads of this process, in /proc",
    "engine/stored/images.py": "bytes that were read before",
    "tui/editor.py": "a temporary file that it made",
}
"""What opens files elsewhere, and why no person names them. What has a constant name in /proc, /sys or /dev needs
no line."""

READ = {
    "raised.py": "whoever calls `tell` asks before",
    "tui/start/__main__.py": "a crash of the app, whose code is this package",
}
"""What reads lines of source without `keep_from_reading` in the same file."""

PRINTED = {
    "api/app.py": "a report",
    "api/open_app.py": "the names of processes through `visible`",
    "api/at_stack.py": "a report",
    "api/breakpoint.py": "a place through `visible`",
    "api/inspect.py": "a report",
    "cli/output.py": "`write` for reports and the schema, `say` for what comes of `visible` or `render_problem`",
    "cli/open.py": "words of ours",
    "client/keeper.py": "an exit code",
    "api/output_relay.py": "what a program printed, given back to where it printed",
    "report/sweeps/result.py": "a heat map, without markup",
    "tui/terminal/driver.py": "through `visible`",
    "tui/start/__main__.py": "words of ours",
    "tui/start/launcher.py": "words of ours, the sequences that give a terminal back",
    "tui/start/lifeline.py": "a number",
    "tui/start/run.py": "through `visible`",
}
"""What writes to the streams of the process, and how text from outside gets there."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the name that is called, `*.name` for a method of whatever it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node
            if isinstance(node.func, ast.Attribute):
                yield f"*.{node.func.attr}", node


def is_of_the_system(call: ast.Call) -> bool:
    """Whether it opens something in /proc, /sys or /dev by a name that is a constant, or begins with one."""
    named = [*call.args[:1], *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
    text = " ".join(map(ast.unparse, named))
    begins = any(f"'{folder}" in text for folder in ("/proc/", "/sys/", "/dev/"))
    return begins or "os.devnull" in text or "_FDS" in text


def found(names: set[str], text: str) -> list[ast.Call]:
    return [call for name, call in calls(ast.parse(text)) if name in names]


def by_file(names: set[str]) -> dict[str, list[ast.Call]]:
    files = {str(path.relative_to(ROOT)): found(names, text) for path, text in sources().items()}
    return {file: made for file, made in files.items() if made and not file.startswith("files/")}


def test_files_are_opened_by_the_room_for_files_alone() -> None:
    opened = {
        file: [ast.unparse(call) for call in made if not is_of_the_system(call)]
        for file, made in by_file(OPENING).items()
    }
    assert {file: made for file, made in opened.items() if made and file not in OPENED} == {}


def test_lines_of_source_are_asked_about_before_they_are_read() -> None:
    texts = {str(path.relative_to(ROOT)): text for path, text in sources().items()}
    reading = {file for file in by_file(LINES) if "keep_from_reading" not in texts[file]}
    assert reading == set(READ)
    telling = {file for file, text in texts.items() if re.search(r"raised import .*\btell\b", text)}
    assert telling
    assert [file for file in telling if "keep_from_reading_for" not in texts[file]] == []


def may_be_empty(hint: ast.expr) -> bool:
    return isinstance(hint, ast.IfExp) and "''" in (ast.unparse(hint.body), ast.unparse(hint.orelse))


def test_every_error_about_what_was_typed_says_what_to_type() -> None:
    texts = {str(path.relative_to(ROOT)): text for path, text in sources().items()}
    silent = [
        f"{file}: {ast.unparse(call)[:80]}"
        for file, text in texts.items()
        for call in found({"UsageError"}, text)
        if not any(keyword.arg == "hint" and not may_be_empty(keyword.value) for keyword in call.keywords)
    ]
    assert silent == []


def test_what_is_printed_is_printed_in_places_that_are_known() -> None:
    assert set(by_file(PRINTING)) == set(PRINTED)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("with open(name) as stream: pass", OPENING),
        ("Path(name).read_text()", OPENING),
        ("traceback.extract_tb(error.__traceback__)", LINES),
        ("print(error)", PRINTING),
    ],
)
def test_a_new_one_would_be_found(line: str, names: set[str]) -> None:
    assert len(found(names, line)) == 1 and not is_of_the_system(found(names, line)[0])
