"""What is copied, and that nothing else touches the person's clipboard."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from base64 import b64encode
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Input, TextArea

from inspector.tui.clipboard import TERMINAL_LIMIT, beyond_terminal

from ..fake_engine import running


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal is sent beside the frames."""
    found: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda driver, data: found.append(data))
    return found


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+x", "super+c"])
@pytest.mark.parametrize("box", [Input, TextArea])
async def test_where_nothing_is_selected_the_clipboard_stays(
    box: type[Input] | type[TextArea], key: str, written: list[str], tmp_path: Path
) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await app.mount(typed := box())
        typed.focus()
        await pilot.press(key)
        assert not [data for data in written if "\x1b]52" in data]


async def test_what_is_selected_is_copied(written: list[str], tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await app.mount(typed := Input("layer4"))
        typed.focus()
        typed.select_all()
        await pilot.press("ctrl+x")
        assert f"\x1b]52;c;{b64encode(b'layer4').decode()}\a" in written and not typed.value


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_in_tmux_a_buffer_has_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tmux-", dir="/tmp") as folder:  # a long path is none for a socket
        tmux = ["tmux", "-S", f"{folder}/s", "-f", "/dev/null"]
        subprocess.run([*tmux, "new-session", "-d", "exec sleep 1000"], check=True)
        try:
            monkeypatch.setenv("TMUX", f"{folder}/s,1,0")
            assert beyond_terminal("layer4.0 ×", tmp_path) == "tmux"
            shown = subprocess.run([*tmux, "show-buffer"], check=True, capture_output=True)
            assert shown.stdout.decode() == "layer4.0 ×"
        finally:
            subprocess.run([*tmux, "kill-server"])


def test_what_is_too_long_for_a_terminal_is_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    text = "x" * (TERMINAL_LIMIT + 1)
    file = Path(beyond_terminal(text, tmp_path))
    assert file.parent == tmp_path and file.read_text() == text and file.stat().st_mode & 0o077 == 0
