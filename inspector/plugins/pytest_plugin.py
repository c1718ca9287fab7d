"""The plugin of pytest: `pytest --inspect` opens the app where a model in a test raised, and at breakpoints of ours in
tests. Loading it costs nothing: neither torch nor the rest of this program is imported for it."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_TITLE = "inspector: where the model was"
_asked: list[pytest.Config] = []
"""The configuration of a run with `--inspect`, while that lasts."""
_reached: list[pytest.Config] = []
"""The same, while the terminal is within reach."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("inspector").addoption(
        "--inspect",
        action="store_true",
        help="open the app where a model in a test raises, and at breakpoints of ours; without a terminal, report",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("inspect"):
        config.pluginmanager.register(_Doors(config), "inspector-doors")
        _asked.append(config)
        config.add_cleanup(_asked.clear)


class _Doors:
    """What is done where it was asked for."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_exception_interact(self, call: pytest.CallInfo[object], report: Any) -> None:
        error = call.excinfo.value if call.excinfo is not None else None
        if error is None or "torch" not in sys.modules:
            return
        with _terminal(self._config):
            text = _show(error)
        if text and hasattr(report, "sections"):
            report.sections.append((_TITLE, text))


def _show(error: BaseException) -> str:
    """In the app; what is reported in its place, "" where it came out of no model."""
    import inspector
    from inspector.errors import NoModelError

    reported = io.StringIO()
    try:
        with contextlib.redirect_stderr(reported):
            inspector.post_mortem(error)
    except NoModelError:
        return ""
    except inspector.InspectorError as problem:
        return str(problem)
    return reported.getvalue()


@contextlib.contextmanager
def _terminal(config: pytest.Config) -> Iterator[None]:
    """The terminal, which pytest has put out of reach."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None or _reached:
        yield
        return
    capture.suspend(in_=True)
    _reached.append(config)
    try:
        yield
    finally:
        _reached.clear()
        capture.resume()


def reach() -> contextlib.AbstractContextManager[object]:
    """The terminal for a while, where `--inspect` asks for that."""
    return _terminal(_asked[0]) if _asked else contextlib.nullcontext()


@pytest.fixture
def inspect_model(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`inspect_model(model, x)` is `inspector.inspect(model, x)` with the terminal at hand, where pytest was started
    with `--inspect`; else it does nothing and returns None."""

    def inspect(*args: Any, **kwargs: Any) -> Any:
        if not request.config.getoption("inspect"):
            return None
        import inspector

        with _terminal(request.config):
            return inspector.inspect(*args, **kwargs)

    return inspect
