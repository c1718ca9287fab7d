"""What is kept between sessions: per target where the person was, and which targets were open lately.

Files lie in the platform's state directory and are named by a hash of the target. They are read as data that anybody
may have damaged: one that cannot be read is put aside and said so, never an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from ..errors import UsageError
from ..files import is_there, read_file, replace_private
from ..files.purposes import STATE
from ..records import Path as ModulePath
from ..records import Recipe, Stop, Target

MOST_RECENT = 30
MOST_PATHS = 20_000

Kept = TypeVar("Kept", bound="ViewState | Recents")


class ViewState(msgspec.Struct, frozen=True):
    """Where the person was in one target. Modules are named by path: indices change when the code does."""

    selected: ModulePath = ()
    expanded: tuple[ModulePath, ...] | None = None  # None: as the tree thinks best
    off: tuple[ModulePath, ...] = ()  # modules whose observe hook was turned off
    panel: str = ""
    order: bool = False  # the calls are shown, and not the modules
    nested: bool = False  # those below each other
    split: int = 0
    costs: tuple[str, ...] = ()  # columns of the tree, by id
    letters: tuple[tuple[str, ModulePath], ...] = ()  # modules that were marked, each with its letter
    stops: tuple[Stop, ...] = ()
    recipe: Recipe = Recipe()  # hooks and edits that were on, to be offered


class Recents(msgspec.Struct, frozen=True):
    """Targets as typed, the latest first."""

    targets: tuple[Target, ...] = ()


class SavedState:
    """Reads and writes kept state. `notes` collects what went wrong, in words.

    Args:
        directory: Where to keep it; the platform's state directory unless given.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._given = directory
        self.notes: list[str] = []

    @property
    def directory(self) -> Path:
        return self._given if self._given is not None else find_state_directory()

    def begin(self) -> bool:
        """Whether nothing was ever kept here. From now on it was, also where that is forgotten again."""
        try:
            self.directory.mkdir(mode=0o700, parents=True)
        except OSError:  # it is there, or cannot be made, and would be new every time
            return False
        return True

    def recall(self, target: Target) -> ViewState:
        return self._read(_file_name(target), ViewState) or ViewState()

    def keep(self, target: Target, state: ViewState) -> None:
        limited = msgspec.structs.replace(state, off=state.off[:MOST_PATHS])
        self._write(_file_name(target), limited)

    def forget(self, target: Target) -> None:
        (self.directory / _file_name(target)).unlink(missing_ok=True)

    def recents(self) -> tuple[Target, ...]:
        return (self._read("recent.json", Recents) or Recents()).targets

    def add_recent(self, target: Target) -> None:
        """Put `target` first among the recent ones. Trust in a file is not kept: it may be another one then."""
        target = replace(target, trust_pickle=False)
        others = [recent for recent in self.recents() if recent.target != target.target]
        self._write("recent.json", Recents((target, *others)[:MOST_RECENT]))

    def take_notes(self) -> list[str]:
        """What went wrong since the last time this was asked."""
        notes, self.notes = self.notes, []
        return notes

    def _read(self, name: str, kind: type[Kept]) -> Kept | None:
        file = self.directory / name
        try:
            if not is_there(file):
                return None
            return msgspec.json.decode(read_file(file, STATE), type=kind)
        except (OSError, ValueError, msgspec.DecodeError, RecursionError, UsageError) as error:
            # msgspec 0.19 raises a DecodeError that is no ValueError
            aside = file.with_suffix(".unreadable")
            with contextlib.suppress(OSError):
                os.replace(file, aside)
            self.notes.append(f"what was kept in {file} cannot be read ({error}); put aside as {aside.name}")
            return None

    def _write(self, name: str, value: ViewState | Recents) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(self.directory / name, msgspec.json.encode(value))
        except (OSError, ValueError) as error:  # ValueError: a name that is no text
            self.notes.append(f"the state of this session cannot be kept: {error}")


def find_state_directory() -> Path:
    import platformdirs  # here, because the first frame does not need it

    return Path(platformdirs.user_state_dir("inspector", appauthor=False))


def reset_all(directory: Path | None = None) -> int:
    """Forget everything kept, of every target; the number of files removed."""
    folder = directory if directory is not None else find_state_directory()
    files = [file for pattern in ("*.json", "*.unreadable", "*.new") for file in folder.glob(pattern)]
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def _file_name(target: Target) -> str:
    """The same target typed in another folder is another one where it names a file."""
    named = target.target
    file = named.split(":", 1)[0]
    if os.path.exists(file):
        named = os.path.abspath(file) + named[len(file) :]
    said = "\0".join((named, *(f"{key}={value}" for key, value in target.arguments)))
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:32] + ".json"
