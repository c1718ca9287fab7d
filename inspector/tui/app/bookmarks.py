"""Where the person was in a target: kept when they leave it, and gone back to when it is opened again."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ...records import Path, Recipe, Stop, Target
from ..format import ROOT
from ..options import AppOptions
from ..saved_state import SavedState, ViewState
from .host import Host
from .last_hooks import LastHooks
from .presenter import Presenter
from .state import AppState
from .workbench import Workbench


@dataclass(eq=False)
class Bookmarks:
    """Goes between what is kept and the main screen. `options` say where to start: `select` in the first model that is
    opened, `split` and `tab` in every one of which nothing was kept."""

    saved: SavedState
    workbench: Workbench
    state: AppState
    presenter: Presenter
    last_hooks: LastHooks
    host: Host
    options: AppOptions
    stops: tuple[Stop, ...] = field(default=(), init=False)  # that `restore` found
    _held: ViewState | None = field(default=None, init=False)  # to go back to after the engine was started again
    _selected: bool = field(default=False, init=False)  # the module of `options` was gone to
    _forgotten: bool = field(default=False, init=False)  # the person wants nothing kept of this target

    def list_recent(self) -> tuple[Target, ...]:
        """Targets that were open lately, the latest first."""
        return self.saved.recents()

    def turn_to(self, target: Target) -> None:
        """The person opens another target."""
        self._held, self._forgotten, self.last_hooks.again = None, False, False

    def hold(self) -> None:
        """Remember the place until the engine has the model again."""
        if self.state.ready:
            self._held = self._here()

    def hold_over_step(self) -> None:
        """The same, where the model comes again because the program around goes on to where it stands still next."""
        if self.state.expects_held:
            self.hold()

    def keep(self) -> None:
        """Write the place down, unless the person wants none kept."""
        target, view = self.state.target, self._here() if self.state.ready else self._held
        if target is not None and view is not None and not self._forgotten:
            self.saved.keep(target, view)

    def forget(self, target: Target) -> None:
        """Drop what was kept of a target, and keep nothing of this session."""
        self.saved.forget(target)
        self._forgotten = True

    def restore(self) -> tuple[Path, ...]:
        """Go where the person was in the model that is complete now; the modules whose observe hooks are to be off."""
        target, view = self.state.target, self._held or self._recall()
        self.stops = view.stops if view is not None else ()
        self._say_notes()
        self.last_hooks.take(view.recipe if view is not None else Recipe())
        if view is not None:
            self.workbench.restore(view)
        if view in (None, ViewState()):
            self.workbench.set_split(self.options.split)
            self.workbench.panels.show_called(self.options.tab)
        if view in (None, ViewState()) and not self.state.model.is_model:
            self.workbench.panels.show_called("Parameters")  # there is no source, and nothing runs
        self._select_first()
        observes = target is None or target.observe
        if view is None or not (observes or self._held):
            return ()
        self._held = None
        return tuple(path for path in view.off if self.state.model.index_of(path) is not None)

    def _here(self) -> ViewState:
        target = self.state.target
        view = self.workbench.view_state()
        if target is not None and not target.observe:  # that hooks are off is not the person's doing
            view = self.workbench.view_state(off=self.saved.recall(target).off)
        stops = tuple(row.stop for row in self.state.stops)
        return msgspec.structs.replace(view, recipe=self.last_hooks.to_keep, stops=stops)

    def _recall(self) -> ViewState | None:
        target = self.state.target
        if target is None:
            return None
        view = self.saved.recall(target)
        self.saved.add_recent(target)
        return view

    def _say_notes(self) -> None:
        for note in self.saved.take_notes():
            self.presenter.log("info", note)

    def _select_first(self) -> None:
        """Go to the module that was asked for on the command line."""
        self.state.first = False
        select = "" if self._selected else self.options.select
        self._selected = True
        if not select:
            return
        paths = self.state.model.paths
        wanted = "" if select == ROOT else select
        found = next((path for path in paths if ".".join(path) == wanted), None)
        if found is None:
            self.host.tell(f"there is no module {select}")
        else:
            self.workbench.select_path(found)
