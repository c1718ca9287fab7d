"""What other threads do to the modules of a model while a pass of it is watched, where torch itself tells of it.

Every hook that is put on or taken off goes through a handle of torch's, and every parameter, buffer and module that is
set through a registration: both know on which thread. Of plain attributes nothing tells.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Set
from typing import Any

from torch import nn
from torch.nn.modules import module as torch_modules
from torch.utils.hooks import RemovableHandle

from ..torch_hooks.ours import OurHook, register

_REGISTRATIONS = (
    torch_modules.register_module_parameter_registration_hook,
    torch_modules.register_module_buffer_registration_hook,
    torch_modules.register_module_module_registration_hook,
)


class Theirs:
    """`put_on` and `taken_off` are the ids of hooks, `parts` what was set: the id of a module, and a name.

    `at_the_model` says that one of them is known to use or change the model: what may be its own is left to it.

    Args:
        threads: Those that are watched.
    """

    def __init__(self, threads: Set[int | None]) -> None:
        self.put_on: set[int] = set()
        self.taken_off: set[int] = set()
        self.parts: set[tuple[int, str]] = set()
        self.at_the_model = False
        self._threads = threads

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """While the pass runs."""
        handles = [register(each, _Registrations(self)) for each in _REGISTRATIONS]
        try:
            with _told_after("__init__", self._hear_made), _told_after("remove", self._hear_removed):
                yield
        finally:
            for handle in handles:
                handle.remove()

    def hear_part(self, module: nn.Module, name: str) -> None:
        """One was set, on this thread."""
        if threading.get_ident() in self._threads:
            self.parts.add((id(module), name))

    def _hear_made(self, handle: RemovableHandle) -> None:
        if threading.get_ident() in self._threads:
            self.put_on.add(handle.id)

    def _hear_removed(self, handle: RemovableHandle) -> None:
        if threading.get_ident() in self._threads:
            self.taken_off.add(handle.id)


class _Registrations(OurHook):
    def __init__(self, theirs: Theirs) -> None:
        super().__init__()
        self._theirs = theirs

    def __call__(self, module: nn.Module, name: str, part: object) -> None:
        self._theirs.hear_part(module, name)


@contextlib.contextmanager
def _told_after(method: str, tell: Any) -> Iterator[None]:
    """`tell` is called with a handle of torch's after each call of this method."""
    before = vars(RemovableHandle)[method]

    def call(handle: RemovableHandle, *args: Any, **kwargs: Any) -> None:
        before(handle, *args, **kwargs)
        tell(handle)

    setattr(RemovableHandle, method, call)
    try:
        yield
    finally:
        if vars(RemovableHandle)[method] is call:  # else somebody's calls ours, which does no harm
            setattr(RemovableHandle, method, before)
