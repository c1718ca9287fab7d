"""Every key, declared once: bindings, footer, help and command palette are all read from `COMMANDS`.

A command has an id, so that a user's configuration can give it another key, and a group, under which help lists it.
Widgets take the bindings of their context: `BINDINGS = bindings("tree")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Context = Literal["app", "move", "tree", "outputs", "hooks", "source", "history", "gradients", "log"]


@dataclass(frozen=True)
class Command:
    """One thing a key does. `footer` is the label in the footer, "" for none; a lower `rank` stays longer when the
    footer gets narrow."""

    id: str
    keys: str  # comma-separated, the first one is shown
    action: str
    label: str
    group: str
    context: Context = "app"
    footer: str = ""
    rank: int = 100
    shown: str = ""  # how the key is written for a person, where Textual's name is not what is printed on it

    @property
    def key_shown(self) -> str:
        """The first key as a person reads it."""
        return self.shown or self.keys.split(",")[0]


COMMANDS: tuple[Command, ...] = (
    Command("help", "question_mark,f1", "help", "Help: every key and mark", "General",
            footer="Help", rank=0, shown="?"),
    Command("quit", "q", "close", "Close the top layer, then quit", "General", footer="Quit", rank=1),
    Command("palette", "colon,ctrl+p", "palette", "Command palette", "General", footer="Commands", rank=6, shown=":"),
    Command("leave", "escape", "leave", "Close the top layer", "General", shown="esc"),
    Command("interrupt", "ctrl+c", "interrupt", "Copy a selection, else cancel the pass, else quit", "General",
            shown="^c"),
    Command("restart", "ctrl+k", "restart", "Kill a busy engine, else start it anew", "General", shown="^k"),
    Command("reset", "ctrl+x", "forget", "Forget what was kept for this target", "General", shown="^x"),
    Command("open", "o", "open", "Open another target", "General"),
    # moving
    Command("down", "j,down", "move(1)", "Move down", "Moving", "move"),
    Command("up", "k,up", "move(-1)", "Move up", "Moving", "move"),
    Command("half-down", "ctrl+d", "half_page(1)", "Half a page down", "Moving", "move", shown="^d"),
    Command("half-up", "ctrl+u", "half_page(-1)", "Half a page up", "Moving", "move", shown="^u"),
    Command("page-down", "ctrl+f,pagedown", "page(1)", "A page down", "Moving", "move", shown="^f"),
    Command("page-up", "pageup", "page(-1)", "A page up", "Moving", "move", shown="PgUp"),
    Command("first", "g,home", "to_start", "To the start", "Moving", "move"),
    Command("last", "G,end", "to_end", "To the end", "Moving", "move"),
    Command("search", "slash", "search", "Search in the focused pane", "Moving", footer="Search", rank=5, shown="/"),
    Command("next", "n", "search_next(1)", "Next match", "Moving"),
    Command("previous", "N", "search_next(-1)", "Previous match", "Moving"),
    Command("pane-next", "tab", "next_pane(1)", "Next pane", "Moving"),
    Command("pane-previous", "shift+tab", "next_pane(-1)", "Previous pane", "Moving", shown="S-tab"),
    Command("detail-down", "J", "detail(3)", "Scroll the detail pane down", "Moving"),
    Command("detail-up", "K", "detail(-3)", "Scroll the detail pane up", "Moving"),
    # modules
    Command("collapse", "h,left", "collapse", "Collapse, or go to the parent", "Modules", "tree"),
    Command("expand", "l,right", "expand", "Expand, or go to the first child", "Modules", "tree"),
    Command("detail", "enter", "detail_open", "Open the details of the module", "Modules", "tree"),
    Command("collapse-all", "minus", "collapse_all", "Collapse all", "Modules", "tree", shown="-"),
    Command("expand-all", "equals_sign", "expand_all", "Expand all", "Modules", "tree", shown="="),
    Command("order", "t", "toggle_order", "Tree or call order", "Modules"),
    Command("filter", "f", "filter", "Filter: fuzzy, glob or class:Conv2d", "Modules"),
    # hooks and passes
    Command("observe", "space", "observe", "Observe hook on or off (subtree; all matches of a filter)",
            "Hooks and passes", footer="Hook", rank=2),
    Command("run", "r", "run", "Run a forward pass", "Hooks and passes", footer="Run", rank=3),
    Command("backward", "b", "backward", "Run forward and backward", "Hooks and passes"),
    Command("batches", "m", "batches", "Run several batches", "Hooks and passes"),
    Command("baseline", "B", "baseline", "Take the current state as the baseline", "Hooks and passes"),
    Command("live", "L", "live", "Live: run again after every change", "Hooks and passes"),
    Command("seed", "s", "seed", "Seed and sample input", "Hooks and passes"),
    Command("try-state-dict", "D", "try_state_dict", "Dry-run load of a state dict", "Hooks and passes"),
    # what is changed
    Command("add-hook", "a", "add_hook", "Add a hook: look, alter, record, or your own code", "Changing",
            footer="Add", rank=4),
    Command("edit-parameters", "E", "edit_parameters", "Edit parameters now", "Changing"),
    Command("undo", "u", "undo", "Undo the last change", "Changing"),
    Command("redo", "ctrl+r", "redo", "Redo what was undone last", "Changing", shown="^r"),
    Command("disable-all", "X", "disable_all", "Disable all hooks of ours", "Changing"),
    Command("all-hooks", "H", "all_hooks", "All hooks of the model, ours and others'", "Changing"),
    Command("write", "w", "write", "Write hooks: recipe, script or recorded tensors", "Changing"),
    Command("read", "R", "read", "Read a recipe of hooks", "Changing"),
    Command("toggle-hook", "space", "toggle_hook", "Hooks: enable or disable the hook under the cursor", "Changing",
            "hooks"),
    Command("hook-source", "enter", "hook_source", "Hooks: source of the hook under the cursor", "Changing", "hooks"),
    Command("change-hook", "i", "change_hook", "Hooks: change the hook of ours under the cursor", "Changing", "hooks"),
    Command("delete-hook", "d", "delete_hook", "Hooks: delete the hook of ours under the cursor", "Changing", "hooks"),
    # panels
    *(Command(f"panel-{n}", str(n), f"panel({n})", f"Panel {n}", "Panels") for n in range(1, 10)),
    Command("panel-next", "right_square_bracket", "next_panel(1)", "Next panel", "Panels", shown="]"),
    Command("panel-previous", "left_square_bracket", "next_panel(-1)", "Previous panel", "Panels", shown="["),
    Command("part", "v", "next_part", "Source: class, forward or __init__", "Panels", "source"),
    Command("site", "c", "site", "Source: where the parent calls this module", "Panels", "app"),
    Command("call-next", "full_stop", "next_call(1)", "Outputs: next call", "Panels", "outputs", shown="."),
    Command("call-previous", "comma", "next_call(-1)", "Outputs: previous call", "Panels", "outputs", shown=","),
    Command("history-scale", "x", "scale", "History: logarithmic or linear", "Panels", "history"),
    Command("gradient-module", "enter", "go_to_module", "Gradients: go to this module in the tree", "Panels",
            "gradients"),
    Command("edit", "e", "edit", "Open $EDITOR at this line", "Panels"),
    Command("copy", "y", "copy", "Copy path, shape, source or values", "Panels"),
    Command("zoom", "plus", "zoom", "Zoom the focused pane", "Panes", shown="+"),
    Command("unzoom", "underscore", "unzoom", "Leave zoom", "Panes", shown="_"),
    Command("narrower", "less_than_sign", "split(-4)", "Move the split left", "Panes", shown="<"),
    Command("wider", "greater_than_sign", "split(4)", "Move the split right", "Panes", shown=">"),
)  # fmt: skip


def bindings(*contexts: Context) -> list[Binding]:
    """The bindings of these contexts, for a widget's `BINDINGS`."""
    return [
        Binding(c.keys, c.action, c.footer or c.label, show=bool(c.footer), key_display=c.shown or None, id=c.id)
        for c in COMMANDS
        if c.context in contexts
    ]


def named(*ids: str) -> list[Binding]:
    """The bindings of these commands, for a layer that answers to a few of the app's."""
    return [
        Binding(c.keys, c.action, c.label, show=False, key_display=c.shown or None, id=c.id)
        for c in COMMANDS
        if c.id in ids
    ]


def of_app(*ids: str) -> list[Binding]:
    """The bindings of these commands for a layer that leaves them to the app."""
    return [
        Binding(c.keys, f"app.{c.action}", c.label, show=False, key_display=c.shown or None, id=c.id)
        for c in COMMANDS
        if c.id in ids
    ]


def key(keys: str, action: str) -> Binding:
    """A binding of a layer: shown on its frame, not in the footer."""
    return Binding(keys, action, show=False)
