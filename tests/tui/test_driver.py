"""What the driver does beside reading keys: how long it waits for the app."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest
from textual.app import App
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from inspector.tui.start import job_control
from inspector.tui.terminal import driver as drivers
from inspector.tui.terminal.driver import SturdyDriver


@pytest.mark.parametrize("wait", [SturdyDriver._wait_for_key, SturdyDriver._wait_for_app])
def test_nothing_waits_for_an_app_that_leaves(wait, monkeypatch) -> None:
    """It joins the thread that reads: each key of a flood that was read before would hold it up."""
    driver = object.__new__(SturdyDriver)
    driver.exit_event = threading.Event()
    driver.exit_event.set()
    driver.send_message = lambda message: None
    driver._loop = driver._app = type("Quiet", (), {"call_soon_threadsafe": print, "message_queue_size": 0})()
    monkeypatch.setattr(drivers, "_POLL", threading.TIMEOUT_MAX * 2)  # whoever waits fails
    wait(driver)


async def test_an_app_whose_terminal_is_gone_is_not_held_up_by_what_it_still_writes(monkeypatch) -> None:
    end, file = os.pipe()
    os.close(end)
    with open(file, "w") as gone, suppress(OSError):
        monkeypatch.setattr(sys, "__stderr__", gone)
        driver = SturdyDriver(App(), size=(80, 24))
        writer = driver._writer_thread = WriterThread(driver._file)
        writer.start()

        def leave() -> None:
            for _ in range(MAX_QUEUED_WRITES + 1):
                driver.write("more than any buffer keeps" * 1000)
            driver.close()

        leaving = threading.Thread(target=leave, daemon=True)
        leaving.start()
        leaving.join(30)
        assert not leaving.is_alive()


@pytest.mark.parametrize(("return_code", "taken"), [(None, 1), (0, 0)])
async def test_an_app_that_leaves_does_not_take_the_terminal_again(return_code, taken: int, monkeypatch) -> None:
    """A signal to go on comes whenever it likes: also when the terminal was given back, and the app has not ended."""
    times = []
    app = SimpleNamespace(return_code=return_code, refresh=lambda layout: None)
    driver = SimpleNamespace(attrs_before=[], fileno=0, retake=lambda: times.append(1))
    monkeypatch.setattr(job_control, "is_in_foreground", lambda fd: True)
    job_control.JobControl(app, driver, None)._on_continue()
    assert len(times) == taken


@pytest.mark.parametrize(("said", "frames"), [(None, 120), ("30", 30)])
def test_frames_come_as_often_as_keys_need_them_and_nothing_inherits_that(said: str | None, frames: int) -> None:
    code = (
        "import os\nfrom inspector.tui.start.run import _set_frames\n_set_frames()\n"
        "from textual.screen import UPDATE_PERIOD\nprint(round(1 / UPDATE_PERIOD), os.environ.get('TEXTUAL_FPS'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TEXTUAL_FPS"}
    environment |= {"TEXTUAL_FPS": said} if said else {}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=100)
    assert ran.stdout.split() == [str(frames), str(said)], ran.stderr
