"""A file as it is shown: from the working directory, from home, or as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.shown_path import shown_path, shown_place


@pytest.fixture(autouse=True)
def at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("{work}/nets/net.py:12 in forward", "nets/net.py:12 in forward"),
        ("{home}/other/net.py", "~/other/net.py"),
        ("{home}/workshop/net.py", "~/workshop/net.py"),
        ("{work}/lib/site-packages/timm/vit.py", "{work}/lib/site-packages/timm/vit.py"),
        ("/elsewhere/net.py", "/elsewhere/net.py"),
        ("<string>", "<string>"),
        ("net.py", "net.py"),
        ("", ""),
    ],
)
def test_a_file_is_shown_from_where_one_stands(at_work: Path, file: str, shown: str) -> None:
    file, shown = (text.format(work=at_work, home=at_work.parent) for text in (file, shown))
    assert shown_path(file) == shown


def test_without_a_working_directory_files_stay_as_they_are(at_work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    at_work.rmdir()
    assert shown_path("/etc/net.py") == "/etc/net.py"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('  File "{work}/nets/net.py", line 12, in forward', '  File "nets/net.py", line 12, in forward'),
        ('File "{home}/net.py", line 12, in <module>', 'File "~/net.py", line 12, in <module>'),
        ('File "<string>", line 1', 'File "<string>", line 1'),
        ("{work}/net.py:12 in forward", "net.py:12 in forward"),
        ("  at c10::throw", "  at c10::throw"),
    ],
)
def test_a_line_of_a_traceback_has_its_file_so(at_work: Path, line: str, shown: str) -> None:
    assert shown_place(line.format(work=at_work, home=at_work.parent)) == shown
