"""Hooks, ours and other people's: listed with what can be known, switched off and on in place."""

from __future__ import annotations

import functools
from itertools import permutations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.hooks import RemovableHandle

from inspector.engine.fingerprint import fingerprint
from inspector.engine.hooks.dicts import KINDS, LEGACY, hook_dict
from inspector.engine.hooks.ledger import Ledger
from inspector.engine.session import Session
from inspector.errors import UsageError
from tests.models import build


def ledger() -> Ledger:
    return Ledger(lambda module: {})


def called(log: list[int], number: int) -> Any:
    return lambda *args: log.append(number)


def with_hooks(count: int, log: list[int]) -> tuple[nn.Module, list[RemovableHandle]]:
    """A module whose forward hooks log their number; every second one has flags."""
    module = nn.ReLU()
    handles = []
    for number in range(count):
        flagged = number % 2 == 1
        handles.append(
            module.register_forward_hook(called(log, number), with_kwargs=flagged, always_call=flagged)
            if number != 2
            else module.register_forward_hook(called(log, number), prepend=True)
        )
    return module, handles


def snapshot(module: nn.Module) -> dict[str, Any]:
    return {k: v for k, v in fingerprint(module).items() if k.startswith("module")}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_enabled_in_any_order_all_is_as_before(order: tuple[int, ...]) -> None:
    log: list[int] = []
    module, handles = with_hooks(4, log)
    before, held = snapshot(module), module._forward_hooks
    book = ledger()
    for number in (1, 0, 3):
        book.toggle(module, "forward", handles[number].id, False)
    assert list(module._forward_hooks) == [handles[2].id]
    for index in order:
        book.toggle(module, "forward", handles[(1, 0, 3)[index]].id, True)
    assert snapshot(module) == before and module._forward_hooks is held
    module(torch.ones(1))
    assert log == [2, 0, 1, 3]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 6), st.data())
def test_any_toggling_at_all_ends_as_before(count: int, data: st.DataObject) -> None:
    log: list[int] = []
    module, handles = with_hooks(count, log)
    module(torch.ones(1))
    firing, before, book = list(log), snapshot(module), ledger()
    disabled: set[int] = set()
    for number, on in data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.booleans()), max_size=12)):
        book.toggle(module, "forward", handles[number].id, on)
        (disabled.discard if on else disabled.add)(number)
        log.clear()
        module(torch.ones(1))
        assert log == [number for number in firing if number not in disabled]
        rows = book.rows(module)
        assert [row.id for row in rows] == [handles[number].id for number in firing]
        assert [row.enabled for row in rows] == [number not in disabled for number in firing]
    book.enable_all()
    assert snapshot(module) == before


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(5)), st.permutations(range(5)))
def test_every_order_of_disabling_and_enabling(off: list[int], on: list[int]) -> None:
    module, handles = with_hooks(5, [])
    before, book = snapshot(module), ledger()
    for number in off:
        book.toggle(module, "forward", handles[number].id, False)
    for number in on:
        book.toggle(module, "forward", handles[number].id, True)
    assert snapshot(module) == before


def register(module: nn.Module, kind: str) -> RemovableHandle:
    name = {
        "forward_pre": "register_forward_pre_hook",
        "forward": "register_forward_hook",
        "full_backward_pre": "register_full_backward_pre_hook",
        "full_backward": "register_full_backward_hook",
        LEGACY: "register_backward_hook",
        "state_dict_pre": "register_state_dict_pre_hook",
        "state_dict": "register_state_dict_post_hook",
        "load_state_dict_pre": "register_load_state_dict_pre_hook",
        "load_state_dict_post": "register_load_state_dict_post_hook",
    }[kind]
    return getattr(module, name)(lambda *args: None)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS] + [LEGACY])
def test_every_kind_is_listed_and_switched(kind: str) -> None:
    module = nn.Linear(2, 2)
    handle = register(module, kind)
    before, book = snapshot(module), ledger()
    (row,) = book.rows(module)
    assert (row.kind, row.id, row.ours, row.enabled) == (kind, handle.id, False, True)
    assert row.owner == __name__ and row.file == __file__ and row.name.endswith("<lambda>")
    book.toggle(module, kind, row.id, False)
    (off,) = book.rows(module)
    assert not off.enabled and (off.kind, off.id, off.name, off.file) == (row.kind, row.id, row.name, row.file)
    assert book.foreign(module) == 0
    module(torch.ones(1, 2)).sum().backward()
    book.toggle(module, kind, row.id, True)
    assert snapshot(module)["module "]["class"] is nn.Linear
    module.zero_grad()
    assert snapshot(module) == before
    handle.remove()
    assert book.rows(module) == ()


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS] + [LEGACY])
def test_the_users_handle_still_removes(kind: str) -> None:
    module = nn.Linear(2, 2)
    handle, book = register(module, kind), ledger()
    book.toggle(module, kind, handle.id, False)
    book.toggle(module, kind, handle.id, True)
    handle.remove()
    assert book.rows(module) == () and not any(hook_dict(module, kind.attribute) for kind in KINDS)


def test_switching_twice_changes_nothing() -> None:
    module, handles = with_hooks(3, [])
    before, book = snapshot(module), ledger()
    book.toggle(module, "forward", handles[0].id, True)
    assert snapshot(module) == before
    book.toggle(module, "forward", handles[0].id, False)
    book.toggle(module, "forward", handles[0].id, False)
    book.enable_all()
    assert snapshot(module) == before


def test_a_hook_that_came_or_went_meanwhile() -> None:
    log: list[int] = []
    module, handles = with_hooks(3, log)  # fires 2, 0, 1
    book = ledger()
    book.toggle(module, "forward", handles[0].id, False)
    handles[2].remove()
    module.register_forward_hook(called(log, 9))
    book.toggle(module, "forward", handles[0].id, True)
    module(torch.ones(1))
    assert log == [0, 1, 9]


@pytest.mark.parametrize(("kind", "hook_id"), [("forward", 12345), ("nonsense", 1), ("backward", 1), (LEGACY, 1)])
def test_what_is_not_there_is_refused(kind: str, hook_id: int) -> None:
    with pytest.raises(UsageError):
        ledger().toggle(nn.ReLU(), kind, hook_id, False)


def test_flags_and_names() -> None:
    class Callable_:
        def __call__(self, module, args, kwargs):
            pass

        def method(self, module, args):
            pass

    def plain(scale, module, args, output):
        pass

    module = nn.ReLU()
    module.register_forward_pre_hook(Callable_(), with_kwargs=True)
    module.register_forward_pre_hook(Callable_().method)
    module.register_forward_hook(functools.partial(plain, 2), always_call=True)
    module.register_state_dict_pre_hook(lambda *a: None)
    rows = ledger().rows(module)
    assert [row.flags for row in rows] == [("with_kwargs",), (), ("always_call",), ()]
    assert rows[0].name == "Callable_" and rows[1].name.endswith("Callable_.method") and rows[2].name.endswith("plain")
    assert rows[2].line == plain.__code__.co_firstlineno


def test_a_hook_with_hostile_attributes_is_listed() -> None:
    class Hostile:
        __qualname__ = "\ud800[/]"
        __slots__ = ()

        def __call__(self, *args):
            pass

        def __getattr__(self, name):
            raise RuntimeError("no attributes")

    module = nn.ReLU()
    module.register_forward_hook(Hostile())
    module.register_forward_hook(torch.relu_)
    rows = ledger().rows(module)
    assert len(rows) == 2 and rows[0].name == "Hostile"


# ---------------------------------------------------------------- through a session


def test_a_session_tells_ours_from_theirs_and_counts() -> None:
    model, args, kwargs = build("own_hooks")
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "own_hooks")
    session.run()
    rows = session.hooks(("0",)).rows
    assert [row.kind for row in rows if row.ours] == ["forward_pre", "forward"]
    assert {row.fired for row in rows if row.ours} == {1}
    assert sum(not row.ours for row in rows) == 10
    assert session.marks().foreign == {1: 10}
    session.close()


def test_a_disabled_hook_does_not_run_and_comes_back_at_the_end() -> None:
    model, args, kwargs = build("own_hooks")
    before = fingerprint(model)
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "own_hooks")
    plus_one = next(row for row in session.hooks(("0",)).rows if row.name.endswith("post_kw"))

    def mean() -> float:
        session.run()
        return session.calls_of(("0",)).calls[0].output.statistics.mean

    with_hook = mean()
    hooks = session.set_hook(("0",), plus_one.kind, plus_one.id, False)
    assert [row.enabled for row in hooks.rows if row.id == plus_one.id] == [False]
    assert mean() == pytest.approx(with_hook - 1, abs=1e-6)
    session.close()
    assert fingerprint(model) == before


def test_ours_are_switched_with_observing() -> None:
    model, args, kwargs = build("mlp")
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "mlp")
    row = session.hooks(("0",)).rows[0]
    assert session.set_hook(("0",), row.kind, row.id, True).observed  # on already
    assert not session.set_hook(("0",), row.kind, row.id, False).observed
    assert session.marks().observed == bytes([1, 0, 1, 1])
    session.close()
