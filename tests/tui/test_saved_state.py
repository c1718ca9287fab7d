"""What is kept between sessions: where, how, and what becomes of a damaged file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.records import Target
from inspector.tui.saved_state import MOST_RECENT, Memory, State, reset_all, state_directory, write_private

NET = Target("net")
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    st.builds(
        State,
        selected=st.lists(names).map(tuple),
        off=st.lists(st.lists(names).map(tuple)).map(tuple),
        panel=names,
        order=st.booleans(),
        split=st.integers(-100, 100),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_comes_back(tmp_path: Path, state: State):
    memory = Memory(tmp_path)
    memory.keep(NET, state)
    assert memory.recall(NET) == state and not memory.notes


def test_targets_are_told_apart_by_their_arguments(tmp_path: Path):
    memory = Memory(tmp_path)
    memory.keep(NET, State(panel="Log"))
    assert memory.recall(Target("net", arguments=(("width", "2"),))) == State()


def test_a_file_is_the_same_target_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.py").touch()
    memory = Memory(tmp_path / "state")
    memory.keep(Target(f"{tmp_path}/model.py:Net"), State(panel="Log"))
    monkeypatch.chdir(tmp_path)
    assert memory.recall(Target("model.py:Net")).panel == "Log"


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a\0b", "x" * 5000, "\udcff"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    memory = Memory(tmp_path / "state")
    memory.keep(Target(name), State(panel="Log"))
    (file,) = (tmp_path / "state").iterdir()
    assert file.name.removesuffix(".json").isalnum() and memory.recall(Target(name)).panel == "Log"


def test_only_the_owner_may_read_it(tmp_path: Path):
    memory = Memory(tmp_path / "state")
    memory.keep(NET, State())
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    link = tmp_path / "link.json"
    link.symlink_to(precious)
    write_private(link, b"new")
    assert precious.read_text() == "precious" and not link.is_symlink()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"selected": 3}', b"\xff", b'{"off": [[1]]}', b"[" * 100_000])
def test_a_damaged_file_is_put_aside_and_said(tmp_path: Path, damage: bytes):
    memory = Memory(tmp_path)
    memory.keep(NET, State(panel="Log"))
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(damage)
    assert memory.recall(NET) == State()
    assert "put aside" in memory.take_notes()[0] and not memory.notes
    (aside,) = tmp_path.glob("*.unreadable")
    assert aside.read_bytes() == damage


def test_a_folder_that_cannot_be_written_is_said_and_no_more(tmp_path: Path):
    (tmp_path / "state").touch()
    memory = Memory(tmp_path / "state")
    memory.keep(NET, State())
    assert "cannot be kept" in memory.notes[0]


def test_a_name_that_is_no_text_is_said_and_no_more(tmp_path: Path):
    memory = Memory(tmp_path)
    memory.opened(Target("\udcff"))
    assert "cannot be kept" in memory.notes[0] and memory.recents() == ()


def test_recent_targets_come_latest_first_and_once(tmp_path: Path):
    memory = Memory(tmp_path)
    for name in [*map(str, range(MOST_RECENT + 5)), "3"]:
        memory.opened(Target(name))
    recents = [target.target for target in memory.recents()]
    assert recents[0] == "3" and len(recents) == MOST_RECENT == len(set(recents))


def test_reset_forgets_everything(tmp_path: Path):
    memory = Memory(tmp_path)
    memory.keep(NET, State(panel="Log"))
    memory.opened(NET)
    assert reset_all(tmp_path) == 2
    assert memory.recall(NET) == State() and memory.recents() == () and os.listdir(tmp_path) == []


def test_the_folder_follows_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_directory() == tmp_path / "inspector"


def test_trust_in_a_file_is_not_remembered(tmp_path: Path):
    memory = Memory(tmp_path)
    memory.opened(Target("net.pt", trust_pickle=True))
    assert memory.recents() == (Target("net.pt"),)
