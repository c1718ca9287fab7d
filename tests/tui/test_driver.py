"""What the driver does beside reading keys: how long it waits for the app."""

from __future__ import annotations

import threading

import pytest

from inspector.tui import driver as drivers
from inspector.tui.driver import SturdyDriver


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
