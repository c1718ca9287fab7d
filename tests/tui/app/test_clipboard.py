"""What is copied, and that nothing else touches the person's clipboard."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.widgets import Input, TextArea

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
