"""Which of the person's own files are imported: those a change of which an open model does not know of."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterator

from ... import files
from ...records import OwnFiles
from ...text import encodable
from .importing import split

MOST_FILES = 500
_INSTALLED = ("site-packages", "dist-packages")
_OURS = __name__.partition(".")[0]


class OwnModules:
    """Args:
    target: As typed; with its file's folder and the working directory begins what is the person's own.
    generation: Of the model that was made of them.
    emit: Is told of them.
    """

    def __init__(self, target: str, generation: int, emit: Callable[[OwnFiles], object]) -> None:
        self._generation = generation
        self._emit = emit
        self._folders = tuple(f"{folder}{os.sep}" for folder in {os.getcwd(), *_folder_of(split(target)[0])})
        self._python = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib"))
        self._seen = 0  # modules that there were when it was looked last
        self._files: tuple[str, ...] = ()

    def tell(self) -> None:
        """Which there are, where these are others than were told last."""
        if len(sys.modules) == self._seen:
            return
        self._seen = len(sys.modules)
        before, self._files = self._files, tuple(sorted(set(self._list())))[:MOST_FILES]
        if self._files != before:
            self._emit(OwnFiles(self._generation, self._files))

    def _list(self) -> Iterator[str]:
        for name, module in list(sys.modules.items()):
            file = module.__dict__.get("__file__") if _is_plain(module) else None
            if type(file) is str and self._is_own(name, file):
                yield encodable(file, 1_000)

    def _is_own(self, name: str, file: str) -> bool:
        if name.partition(".")[0] == _OURS or not file.startswith(self._folders) or file.startswith(self._python):
            return False
        return file.endswith(".py") and not any(part in file for part in _INSTALLED)


def _is_plain(module: object) -> bool:
    """Other things in `sys.modules` run code where they are asked for an attribute."""
    return type(module) is type(sys)


def _folder_of(head: str) -> tuple[str, ...]:
    """Where the file of a target lies, or the outermost package that it is a part of."""
    if not files.is_file(head):
        return ()
    folder = files.expand(head).resolve().parent
    while files.is_file(folder / "__init__.py") and folder != folder.parent:
        folder = folder.parent
    return (str(folder),)
