"""Every key, declared once: bindings, footer, help and command palette are all read from `COMMANDS`.

A command has an id, by which a configuration gives it other keys, and a group, under which help lists it. Widgets take
the bindings of their context when their class is made: `BINDINGS = bindings("tree")`; so a process changes its keys
before it imports any. The command line, which checks them, imports this without Textual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..app_keys import app_keys, change_app_keys
from .key_names import is_typed, print_key

if TYPE_CHECKING:
    from textual.binding import Binding

Context = Literal[
    "app", "move", "tree", "outputs", "hooks", "source", "history", "gradients",
    "stack", "line", "prompt", "file", "layer", "stopped",
]  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One thing a key does. `footer` is the label in the footer, "" for none; a lower `rank` stays longer when the
    footer gets narrow.

    An action of the app names its owner, one of `InspectorApp.owners`, and the owner's method: `passes.run`. One of
    another context is the widget's own, as Textual has it: `move(1)` calls `action_move`. What a key of a layer does,
    each layer says: it has no action here."""

    id: str
    default_keys: str  # comma-separated, the first one is shown
    action: str
    label: str
    group: str
    context: Context = "app"
    footer: str = ""
    rank: int = 100
    shown: str = ""  # how the key is written for a person, where Textual's name is not what is printed on it

    @property
    def keys(self) -> str:
        """Those that do it in this process; "" for none."""
        return _changed.get(self.id, self.default_keys)

    @property
    def key_shown(self) -> str:
        """The first key as a person reads it."""
        own = self.shown if self.keys == self.default_keys else ""
        return own or print_key(self.keys.split(",")[0])

    @property
    def name(self) -> str:
        """The action without its owner."""
        return self.action.rpartition(".")[2]

    @property
    def bound_action(self) -> str:
        """What a key does where it is bound: an action of the app is looked up by its id."""
        return perform(self.id) if self.context == "app" else self.action


_changed: dict[str, str] = {}


def change_keys(keys: Mapping[str, str]) -> None:
    """Give commands other keys, by id, before any widget is imported."""
    _changed.update(keys)
    change_app_keys({id: say_key(id) for id, _ in app_keys()})


COMMANDS: tuple[Command, ...] = (
    Command("help", "question_mark,f1", "general.help", "Help: every key and mark; again: the title's words",
            "General", footer="Help", rank=0, shown="?"),
    Command("quit", "q", "general.close", "Close the top layer, then quit", "General", footer="Quit", rank=1),
    Command("palette", "colon,ctrl+p", "general.palette", "Every command, theme and module by name", "General",
            footer="Commands", rank=6, shown=":"),
    Command("leave", "escape", "workbench.leave", "Close the top layer", "General", shown="esc"),
    Command("interrupt", "ctrl+c", "general.interrupt", "Copy a selection, else cancel the pass, else quit", "General",
            shown="^c"),
    Command("stop", "ctrl+z", "general.stop", "Stop, with the engine, and go to the shell; fg comes back", "General",
            shown="^z"),
    Command("restart", "ctrl+k", "targets.restart", "Kill a busy engine, else start it anew", "General", shown="^k"),
    Command("reload", "f5", "targets.reload", "Reload the code from disk; place, hooks and input stay", "General"),
    Command("reset", "ctrl+x", "targets.forget", "Forget what was kept for this target", "General", shown="^x"),
    Command("redraw", "ctrl+l", "general.redraw", "Draw the screen anew", "General", shown="^l"),
    Command("open", "o", "targets.open", "Open another target", "General"),
    Command("tour", "f2", "general.tour", "Tour: how this is used, in five screens", "General"),
    Command("down", "j,down", "move(1)", "Move down", "Moving", "move"),
    Command("up", "k,up", "move(-1)", "Move up", "Moving", "move"),
    Command("half-down", "ctrl+d", "half_page(1)", "Half a page down", "Moving", "move", shown="^d"),
    Command("half-up", "ctrl+u", "half_page(-1)", "Half a page up", "Moving", "move", shown="^u"),
    Command("page-down", "ctrl+f,pagedown", "page(1)", "A page down", "Moving", "move", shown="^f"),
    Command("page-up", "pageup,ctrl+b", "page(-1)", "A page up", "Moving", "move", shown="PgUp"),
    Command("line-down", "ctrl+e", "scroll_rows(1)", "Scroll a line down", "Moving", "move", shown="^e"),
    Command("line-up", "ctrl+y", "scroll_rows(-1)", "Scroll a line up", "Moving", "move", shown="^y"),
    Command("first", "g,home", "to_start", "To the start", "Moving", "move"),
    Command("last", "G,end", "to_end", "To the end", "Moving", "move"),
    Command("search", "slash", "workbench.search", "Search in the focused pane", "Moving", footer="Search", rank=5,
            shown="/"),
    Command("next", "n", "workbench.search_next(1)", "Next match", "Moving"),
    Command("previous", "N", "workbench.search_next(-1)", "Previous match", "Moving"),
    Command("pane-next", "tab", "workbench.next_pane", "Next pane", "Moving"),
    Command("pane-previous", "shift+tab", "workbench.next_pane(-1)", "Previous pane", "Moving", shown="S-tab"),
    Command("detail-down", "J", "panels.scroll(3)", "Scroll the detail pane down", "Moving"),
    Command("detail-up", "K", "panels.scroll(-3)", "Scroll the detail pane up", "Moving"),
    Command("clear-line", "ctrl+u", "clear_line", "Empty the line", "Typing a line", "line", shown="^u"),
    Command("recall", "up,ctrl+r", "recall(-1)", "In a search or a filter: what was typed before", "Typing a line",
            "prompt"),
    Command("recall-later", "down", "recall(1)", "In a search or a filter: what was typed after that",
            "Typing a line", "prompt"),
    Command("complete", "tab", "complete", "Complete a file, a shape, a function of torch", "Typing a line", "file"),
    Command("accept", "enter", "", "Take it, or the next field: the frame says which", "Forms and questions", "layer"),
    Command("submit", "ctrl+r", "", "Do it, from any field of a form", "Forms and questions", "layer", shown="^r"),
    Command("tick", "space", "", "Tick a box, or choose the next word", "Forms and questions", "layer"),
    Command("yes", "y", "", "Yes to a question", "Forms and questions", "layer"),
    Command("no", "n", "", "No to a question", "Forms and questions", "layer"),
    Command("collapse", "h,left", "collapse", "Collapse, or go to the parent", "Modules", "tree"),
    Command("expand", "l,right", "expand", "Expand, or go to the first child", "Modules", "tree"),
    Command("detail", "enter", "detail_open", "Open the details; in the call tree go into the call", "Modules", "tree"),
    Command("go-out", "backspace", "go_out", "Back to the parent, or to the call that made it", "Modules", "tree"),
    Command("collapse-all", "minus", "fold_all(False)", "Collapse all", "Modules", "tree", shown="-"),
    Command("expand-all", "equals_sign", "fold_all(True)", "Expand all", "Modules", "tree", shown="="),
    Command("go-to", "ctrl+g", "general.find_module", "Go to a module by letters of its path, or by class", "Modules",
            shown="^g"),
    Command("back", "ctrl+o", "workbench.step(-1)", "Back to where you were in the tree", "Modules", shown="^o"),
    Command("forward", "alt+o", "workbench.step(1)", "Forward again", "Modules", shown="M-o"),
    Command("mark", "M", "general.mark", "Mark the module with a letter; kept for next time", "Modules"),
    Command("go-to-mark", "apostrophe", "general.go_to_mark", "Go to the module marked with a letter", "Modules",
            shown="'"),
    Command("order", "t", "workbench.toggle_order", "Modules, calls in their order, or as a tree", "Modules",
            footer="Order", rank=10),
    Command("sort", "S", "workbench.sort", "Sort by own time, parameters, gradient, Δ, or show the tree", "Modules",
            footer="Sort", rank=11),
    Command("costs", "dollar_sign", "costs.choose", "Costs of modules: time, FLOPs, bytes, as columns", "Modules",
            shown="$"),
    Command("measure-costs", "", "costs.measure", "Measure what modules cost, anew", "Modules"),
    Command("hot-path", "", "costs.go_hot", "Go down the hot path: into whatever takes the longest", "Modules"),
    Command("filter", "f", "workbench.filter", "Filter: path, class, badge, glob or class:Conv2d", "Modules",
            footer="Filter", rank=7),
    Command("observe", "space", "hooks.observe", "Observe hook on or off (subtree; all matches of a filter)",
            "Hooks and passes", footer="Hook", rank=2),
    Command("run", "r", "passes.run", "Run a forward pass", "Hooks and passes", footer="Run", rank=3),
    Command("backward", "b", "passes.backward", "Run forward and backward", "Hooks and passes",
            footer="Backward", rank=8),
    Command("batches", "m", "passes.batches", "Run several batches, or generate tokens", "Hooks and passes",
            footer="Batches", rank=15),
    Command("budget", "", "passes.budget", "Budget: what statistics may take of a pass", "Hooks and passes"),
    Command("estimate-memory", "", "memory.estimate", "Estimate memory: of a step, for sizes of the batch",
            "Hooks and passes"),
    Command("first-bad", "Z", "first_bad.look", "Find the first bad value: NaN, infinity, or what you name",
            "Hooks and passes"),
    Command("step-previous", "left_curly_bracket", "passes.step(-1)", "Previous step of the pass: a batch, or a token",
            "Hooks and passes", shown="{"),
    Command("step-next", "right_curly_bracket", "passes.step(1)", "Next step", "Hooks and passes", shown="}"),
    Command("call-back", "left_parenthesis", "calls.step(-1)", "Back through the pass: the call that began before this",
            "Hooks and passes", shown="("),
    Command("call-forward", "right_parenthesis", "calls.step(1)", "Forward through the pass: the next call",
            "Hooks and passes", shown=")"),
    Command("baseline", "B", "passes.baseline", "Take the current state as the baseline", "Hooks and passes",
            footer="Baseline", rank=12),
    Command("live", "L", "passes.live", "Live: run again after every change", "Hooks and passes",
            footer="Live", rank=13),
    Command("seed", "s", "passes.seed", "Seed and sample input", "Hooks and passes", footer="Input", rank=14),
    Command("try-state-dict", "D", "weights.try_state_dict", "Try a state dict; enter loads it, renamed if that fits",
            "Hooks and passes"),
    Command("stop-here", "exclamation_mark", "stops.toggle", "Stop before the module, in Source the line; or no longer",
            "Stopping a pass", shown="!"),
    Command("stops", "asterisk", "stops.list_all", "All stops: when, how often hit, on and off", "Stopping a pass",
            shown="*"),
    Command("go-on", "c", "stops.go_on('continue')", "In a stopped pass: go on to the next stop", "Stopping a pass",
            "stopped", footer="Go on", rank=40),
    Command("step-into", "s", "stops.go_on('into')", "In a stopped pass: to the next line, also in what this calls",
            "Stopping a pass", "stopped", footer="Into", rank=41),
    Command("step-over", "o", "stops.go_on('over')", "In a stopped pass: to the next line here, over what this calls",
            "Stopping a pass", "stopped", footer="Over", rank=42),
    Command("step-out", "O", "stops.go_on('out')", "In a stopped pass: out of this function", "Stopping a pass",
            "stopped", footer="Out", rank=43),
    Command("python-here", "semicolon", "stops.ask_python", "In a stopped pass or a frame: run a line of Python there",
            "Stopping a pass", "stopped", footer="Python", rank=45, shown=";"),
    Command("to-next", "M", "stops.go_on('module')", "In a stopped pass: go on to the next module", "Stopping a pass",
            "stopped", footer="Next module", rank=44),
    # what is changed
    Command("add-hook", "a", "hooks.add", "Add a hook: look, alter, record, or your own code", "Changing",
            footer="Add", rank=4),
    Command("edit-parameters", "E", "hooks.edit_parameters", "Edit parameters now", "Changing"),
    Command("undo", "u", "changes.undo", "Undo the last change", "Changing", footer="Undo", rank=9),
    Command("redo", "ctrl+r", "changes.redo", "Redo what was undone last", "Changing", shown="^r"),
    Command("disable-all", "X", "changes.disable_all", "Disable all hooks of ours", "Changing"),
    Command("all-hooks", "H", "hooks.list_all", "All hooks of the model, ours and others'", "Changing"),
    Command("write", "w", "changes.write", "Write hooks: recipe, script or recorded tensors", "Changing",
            footer="Write", rank=16),
    Command("read", "R", "changes.read", "Read a recipe of hooks", "Changing"),
    Command("last-hooks", "A", "changes.apply_last", "Apply the hooks and edits of last time", "Changing"),
    Command("toggle-hook", "space", "toggle_hook", "Hooks: enable or disable the hook under the cursor", "Changing",
            "hooks", footer="On/off", rank=20),
    Command("hook-source", "enter", "hook_source", "Hooks: source of the hook under the cursor", "Changing", "hooks",
            footer="Source", rank=21),
    Command("change-hook", "i", "change_hook", "Hooks: change the hook of ours under the cursor", "Changing", "hooks",
            footer="Change", rank=22),
    Command("delete-hook", "d", "delete_hook", "Hooks: delete the hook of ours under the cursor", "Changing", "hooks",
            footer="Delete", rank=23),
    *(Command(f"panel-{n}", str(n), f"panels.choose({n})", f"Panel {n}", "Panels") for n in range(1, 10)),
    Command("panel-next", "right_square_bracket", "panels.step(1)", "Next panel", "Panels", shown="]"),
    Command("panel-previous", "left_square_bracket", "panels.step(-1)", "Previous panel", "Panels", shown="["),
    Command("part", "v", "next_part", "Source: class, forward or __init__", "Panels", "source", footer="Part", rank=24),
    Command("expression-next", "l,right", "lines('right')", "Source: next expression of this line, from outer to inner",
            "Panels", "source", footer="Expression", rank=48),
    Command("expression-previous", "h,left", "lines('left')", "Source: previous expression; before the first the line",
            "Panels", "source"),
    Command("run-next", "full_stop", "lines('next')", "Source: next iteration of the loop at this line", "Panels",
            "source", shown=".", footer="Next run", rank=49),
    Command("run-previous", "comma", "lines('previous')", "Source: previous iteration", "Panels", "source", shown=","),
    Command("enter-function", "enter", "lines('enter')", "Source: into the function that this line calls",
            "Panels", "source", footer="Go in", rank=46),
    Command("leave-function", "backspace", "lines('leave')", "Source: back to what called this function",
            "Panels", "source", footer="Back", rank=47),
    Command("fetch-lines", "x", "lines('fetch')", "Source: fetch what lines made by a slow pass", "Panels", "source"),
    Command("site", "c", "panels.show_site", "Source: where the parent calls this module", "Panels", "app"),
    Command("call-next", "full_stop", "next_call(1)", "Outputs: next call, from #0 on", "Panels", "outputs", shown=".",
            footer="Next call", rank=25),
    Command("call-previous", "comma", "next_call(-1)", "Outputs: previous call", "Panels", "outputs", shown=","),
    Command("fetch-values", "x", "fetch_values", "Outputs: fetch histogram and values by a slow pass", "Panels",
            "outputs", footer="Fetch values", rank=29),
    Command("values-left", "left,h", "move_values(0, 0, -1)", "Outputs: columns further left", "Panels", "outputs",
            shown="←"),
    Command("values-right", "right,l", "move_values(0, 0, 1)", "Outputs: columns further right", "Panels", "outputs",
            shown="→", footer="Columns", rank=26),
    Command("values-up", "up", "move_values(0, -1, 0)", "Outputs: rows further up", "Panels", "outputs", shown="↑"),
    Command("values-down", "down", "move_values(0, 1, 0)", "Outputs: rows further down", "Panels", "outputs",
            shown="↓", footer="Rows", rank=27),
    Command("slice-next", "p", "move_values(1, 0, 0)", "Outputs: next slice, a channel", "Panels", "outputs",
            footer="Next slice", rank=28),
    Command("slice-previous", "P", "move_values(-1, 0, 0)", "Outputs: previous slice", "Panels", "outputs"),
    Command("history-scale", "x", "scale", "History: logarithmic or linear", "Panels", "history",
            footer="Scale", rank=30),
    Command("gradient-threshold", "x", "threshold", "Gradients: too small or large from 100, 1,000, 10,000 times",
            "Panels", "gradients", footer="Threshold", rank=31),
    Command("gradient-module", "enter", "go_to_module", "Gradients: go to this module in the tree", "Panels",
            "gradients", footer="Go to module", rank=32),
    Command("all-frames", "x", "all_frames", "Stack: frames of torch and of Python too, or not", "Panels", "stack",
            footer="All frames", rank=33),
    Command("frame-call", "enter", "go_to_call", "Stack: to the call that this frame is in", "Panels", "stack"),
    Command("stack", "0", "frames.toggle", "Stack: open it, or close it", "Panels"),
    Command("edit", "e", "general.edit", "Open $EDITOR at this line", "Panels", footer="Editor", rank=18),
    Command("copy", "y", "general.copy", "Copy path, shape, source or values", "Panels", footer="Copy", rank=17),
    Command("zoom", "plus", "workbench.zoom", "Zoom the focused pane", "Panes", shown="+", footer="Zoom", rank=19),
    Command("unzoom", "underscore", "workbench.unzoom", "Leave zoom", "Panes", shown="_"),
    Command("narrower", "less_than_sign", "workbench.move_split(-4)", "Move the split left (or drag it)", "Panes",
            shown="<"),
    Command("wider", "greater_than_sign", "workbench.move_split(4)", "Move the split right (or drag it)", "Panes",
            shown=">"),
)  # fmt: skip


def find_command(id: str) -> Command:
    """The command with this id, one of `COMMANDS`."""
    return next(command for command in COMMANDS if command.id == id)


def key_of(id: str) -> str:
    """The key of a command as a hint writes it; where it has none, how the palette does it."""
    command = find_command(id)
    return command.key_shown or f"{find_command('palette').key_shown} {command.label}"


def say_key(id: str) -> str:
    """The same in a sentence: "ctrl+k", not "^k"."""
    return key_of(id).replace("^", "ctrl+")


def list_hints(words: Mapping[str, str], between: str) -> str:
    """The key of each command and a word for what it does, in one line."""
    return between.join(f"{key_of(id)} {word}" for id, word in words.items())


def key_while_typing(id: str) -> str:
    """The first key of a command that no line of text takes for itself, "" without one."""
    keys = find_command(id).keys.split(",")
    return next((print_key(key) for key in keys if key and not is_typed(key)), "")


def frame_hints(words: Mapping[str, str], typing: bool = False) -> str:
    """What stands on the frame of a layer: its keys, and the one for help. With `typing`, a letter is none."""
    hints = [f"{key_of(id)} {word}" for id, word in words.items() if find_command(id).keys]
    help = key_while_typing("help") if typing else find_command("help").key_shown
    return "  ".join([*hints, *([f"{help} Help"] if help else [])])


def perform(id: str) -> str:
    """The action that does a command, wherever it is asked for."""
    return f"app.perform('{id}')"


def bindings(*contexts: Context) -> list[Binding]:
    """The bindings of these contexts, for a widget's `BINDINGS`."""
    return [_bind(c, c.bound_action, show=True) for c in COMMANDS if c.context in contexts and c.keys]


def panel_bindings() -> list[Binding]:
    """The bindings of all panels, for a screen that hands them to the panel that shows: a key that is printed in a
    panel works from the tree too, where neither the tree nor the app has that key."""
    taken = {key for c in COMMANDS if c.context in ("app", "move", "tree") for key in c.keys.split(",")}
    return [
        _bind(c, f"in_panel('{c.id}')")
        for c in COMMANDS
        if c.context not in ("app", "move", "tree", "stopped") and c.keys and taken.isdisjoint(c.keys.split(","))
    ]


def stopped_bindings() -> list[Binding]:
    """The keys of a pass that stands still, for a screen in front of an app that lets them pass at other times: most
    are other commands' too."""
    return [_bind(c, perform(c.id)) for c in COMMANDS if c.context == "stopped" and c.keys]


def bind_own(*ids: str) -> list[Binding]:
    """The bindings of these commands, for a layer that answers to a few of the app's with actions of its own."""
    return [_bind(c, c.name) for c in COMMANDS if c.id in ids and c.keys]


def bind_to_app(*ids: str) -> list[Binding]:
    """The bindings of these commands for a layer that leaves them to the app."""
    return [_bind(c, perform(c.id)) for c in COMMANDS if c.id in ids and c.keys]


def _bind(command: Command, action: str, show: bool = False) -> Binding:
    from textual.binding import Binding

    label = command.footer or command.label if show else command.label
    return Binding(
        command.keys, action, label, show=show and bool(command.footer), key_display=command.key_shown, id=command.id
    )


def key(keys: str, action: str) -> Binding:
    """A binding of a layer: shown on its frame, not in the footer."""
    from textual.binding import Binding

    return Binding(keys, action, show=False)


def key_like(id: str, action: str, also: str = "") -> Binding:
    """The same with the keys of a command, whichever they are, and `also` these."""
    keys = filter(None, (*find_command(id).keys.split(","), *also.split(",")))
    return key(",".join(dict.fromkeys(keys)), action)
