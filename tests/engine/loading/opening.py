"""What the tests of targets from other packages share: open one, run one pass, or see it refused."""

from __future__ import annotations

import pytest

from inspector.engine.loading import Loaded, load
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import Target


def loaded(target: str, *arguments: tuple[str, str], **options) -> Loaded:
    found = load(Target(target, arguments, **options))
    assert isinstance(found, Loaded)
    return found


def refused(target: str, *arguments: tuple[str, str], **options) -> str:
    """What, where and hint of the refusal."""
    with pytest.raises(UsageError) as caught:
        load(Target(target, arguments, **options))
    problem = caught.value.problem
    assert problem.exit_code == 2
    return f"{problem.what}\n{problem.where}\n{problem.hint}"


def passed(target: str, *arguments: tuple[str, str], **options) -> Session:
    """A session after its first pass, which ran through."""
    session = Session(lambda event: None)
    opened = session.open(Target(target, arguments, **options))
    assert session.subject.sample is not None, opened
    summary = session.run()
    assert summary.problem is None, summary.problem
    return session


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """`a=1 b=2` as the command line hands it on."""
    return tuple((key, value) for key, _, value in (word.partition("=") for word in text.split()))
