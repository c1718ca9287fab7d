"""What is kept between sessions: where, how, and what becomes of a damaged file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.files import replace_private
from inspector.records import Target
from inspector.tui.saved_state import MOST_RECENT, SavedState, ViewState, find_state_directory, reset_all

NET = Target("net")
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    st.builds(
        ViewState,
        selected=st.lists(names).map(tuple),
        off=st.lists(st.lists(names).map(tuple)).map(tuple),
        panel=names,
        order=st.booleans(),
        nested=st.booleans(),
        split=st.integers(-100, 100),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_comes_back(tmp_path: Path, state: ViewState):
    saved = SavedState(tmp_path)
    saved.keep(NET, state)
    assert saved.recall(NET) == state and not saved.notes


def test_targets_are_told_apart_by_their_arguments(tmp_path: Path):
    saved = SavedState(tmp_path)
    saved.keep(NET, ViewState(panel="Log"))
    assert saved.recall(Target("net", arguments=(("width", "2"),))) == ViewState()


def test_a_file_is_the_same_target_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.py").touch()
    saved = SavedState(tmp_path / "state")
    saved.keep(Target(f"{tmp_path}/model.py:Net"), ViewState(panel="Log"))
    monkeypatch.chdir(tmp_path)
    assert saved.recall(Target("model.py:Net")).panel == "Log"


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a\0b", "x" * 5000, "\udcff"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    saved = SavedState(tmp_path / "state")
    saved.keep(Target(name), ViewState(panel="Log"))
    (file,) = (tmp_path / "state").iterdir()
    assert file.name.removesuffix(".json").isalnum() and saved.recall(Target(name)).panel == "Log"


def test_only_the_owner_may_read_it(tmp_path: Path):
    saved = SavedState(tmp_path / "state")
    saved.keep(NET, ViewState())
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_not_followed(tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    link = tmp_path / "link.json"
    link.symlink_to(precious)
    replace_private(link, b"new")
    assert precious.read_text() == "precious" and not link.is_symlink()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"selected": 3}', b"\xff", b'{"off": [[1]]}', b"[" * 100_000])
def test_a_damaged_file_is_put_aside_and_said(tmp_path: Path, damage: bytes):
    saved = SavedState(tmp_path)
    saved.keep(NET, ViewState(panel="Log"))
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(damage)
    assert saved.recall(NET) == ViewState()
    assert "put aside" in saved.take_notes()[0] and not saved.notes
    (aside,) = tmp_path.glob("*.unreadable")
    assert aside.read_bytes() == damage


def test_a_folder_that_cannot_be_written_is_said_and_no_more(tmp_path: Path):
    (tmp_path / "state").touch()
    saved = SavedState(tmp_path / "state")
    saved.keep(NET, ViewState())
    assert "cannot be kept" in saved.notes[0]


def test_a_name_that_is_no_text_is_said_and_no_more(tmp_path: Path):
    saved = SavedState(tmp_path)
    saved.add_recent(Target("\udcff"))
    assert "cannot be kept" in saved.notes[0] and saved.recents() == ()


def test_recent_targets_come_latest_first_and_once(tmp_path: Path):
    saved = SavedState(tmp_path)
    for name in [*map(str, range(MOST_RECENT + 5)), "3"]:
        saved.add_recent(Target(name))
    recents = [target.target for target in saved.recents()]
    assert recents[0] == "3" and len(recents) == MOST_RECENT == len(set(recents))


def test_reset_forgets_everything(tmp_path: Path):
    saved = SavedState(tmp_path)
    saved.keep(NET, ViewState(panel="Log"))
    saved.add_recent(NET)
    assert reset_all(tmp_path) == 2
    assert saved.recall(NET) == ViewState() and saved.recents() == () and os.listdir(tmp_path) == []


def test_the_folder_follows_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert find_state_directory() == tmp_path / "inspector"


def test_trust_in_a_file_is_not_remembered(tmp_path: Path):
    saved = SavedState(tmp_path)
    saved.add_recent(Target("net.pt", trust_pickle=True))
    assert saved.recents() == (Target("net.pt"),)
