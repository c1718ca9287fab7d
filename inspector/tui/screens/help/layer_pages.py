"""The pages of help on what lies over the app: forms, lists, questions and prompts."""

from __future__ import annotations

from typing import Any

from ....target_kinds import TARGET_KINDS
from ...tree.costs import COLUMNS
from ..specs import EXAMPLES
from ..state_dict import STATES
from .page import HelpPage

_INPUTS = {**dict(EXAMPLES), "ids=1x128:int64": "with a name: the keyword argument of forward"}
_MOVE = {"accept": "take the line under the cursor", "leave": "close it"}
_LIST = {"arrows, ^n ^p": "to another line, also while you type", "PgDn PgUp": "ten lines on"}
_FIELDS = {"arrows, tab": "to another field; tab where there is nothing to complete"}
_CODE = {
    "change-hook": "type in the code; esc is done",
    "edit": "take the code to $EDITOR",
}


def _page(title: str, says: str, **more: Any) -> HelpPage:
    """One that is there while a person is."""
    return HelpPage(title, "Here", says, **more)


LAYER_PAGES: tuple[HelpPage, ...] = (
    _page(
        "Opening a model",
        "What is typed narrows the list: names that begin with it, that have it, that have its letters. What is not "
        "listed is opened as typed, with KEY=VALUE behind it.",
        keys=_MOVE, words={**_LIST, **{kind.typed: kind.meaning for kind in TARGET_KINDS if kind.typed}},
    ),
    _page("A list", "One of these is meant; what is typed narrows the list.", keys=_MOVE, words=_LIST),
    _page(
        "Going to a module",
        "The letters of a path, in their order: l4c1 finds layer4.0.conv1. Until something is typed, the modules where "
        "you were come first.",
        keys=_MOVE, words=_LIST,
    ),
    _page(
        "Commands by name",
        "Everything that a key does, by words of what it does, then themes, and the modules that have what is typed.",
        keys=_MOVE, words=_LIST,
    ),
    _page(
        "Choosing a hook",
        "The kinds of hooks, each with a form of its own. A whole hook can be typed in place of a name.",
        keys={"accept": "open the form, or put on the hook that is typed", "leave": "close it"},
        words={
            **_LIST,
            "scale(2)": "a whole hook, with its arguments",
            'zero(on="input")': "on what the module takes, in place of what it gives",
            'noise(0.1, when="nan > 0")': "only where that holds",
        },
    ),
    _page(
        "The form of a hook", "The line at the bottom says whether it can be put on, and how Python writes it.",
        keys={
            "accept": "the next field; from the last one it is put on",
            "submit": "put it on, from any field", "tick": "tick a box, or choose the next word", **_CODE,
            "leave": "close it",
        },
        words={
            **_FIELDS,
            "modules": "layer4.*, class:Conv2d, (root); commas between them; ~ leaves out",
            "on": "what it alters: the output, the input, the gradient, the parameters",
            "where": 'which part: [0], ["hidden"], .logits, [:, -1]',
            "at": "before or after the call, where it writes to parameters",
            "step": "of several batches or tokens: all; 3; 2:5",
            "call": "of a module that is called more than once: all; 0",
            "every": "only each so many steps",
            "when": "only where it holds: nan > 0, shape[1] != 64, abs(mean - baseline) > 1",
        },
    ),
    _page(
        "The source of a hook", "The function behind the hook, as it stands in its file.",
        keys={"edit": "open $EDITOR there", "quit": "close it"}, commands=("down", "half-down", "last"),
    ),
    _page(
        "All hooks", "Every hook of every module and of the process, ours and other people's.",
        keys={
            "toggle-hook": "the hook under the cursor on or off", "hook-source": "its source",
            "change-hook": "change it, where it is ours", "delete-hook": "delete it, where it is ours",
            "open": "go to its module", "filter": "show those that have a word: a module, a kind, ours, off",
        },
        commands=("undo", "redo", "disable-all", "run", "live", "down", "half-down", "last"),
    ),
    _page(
        "A file", "A name from the folder in which this was started. What it ends with says what is written.",
        keys={
            "accept": "do it", "complete": "go on with the name; what there is to choose from stands below",
            "clear-line": "empty the line", "leave": "leave it",
        },
        words={
            ".toml": "a recipe: hooks and edits, to be read again",
            ".py": "a script that does the same without this program",
            ".safetensors": "tensors: recorded ones, or weights",
        },
    ),
    _page(
        "Seed and sample input", "What the passes start from. An empty line leaves the input as it is.",
        keys={
            "accept": "run with these", "complete": "complete a file, or a dtype behind the shape",
            "tick": "tick a box", "leave": "leave it as it is",
        },
        words={**_FIELDS, **_INPUTS},
    ),
    _page(
        "The sample input", "One line for each argument of forward. What may stay empty has a default.",
        keys={
            "accept": "the next field; from the last one it runs", "submit": "run, from any field",
            "complete": "complete a file, or a dtype behind the shape", "leave": "look at the model without a pass",
        },
        words={**_FIELDS, **_INPUTS},
    ),
    _page(
        "Several batches", "Each batch is a step; History and the keys for steps show one after the other.",
        keys={
            "accept": "run them", "complete": "complete a loss, an optimizer, a function", "tick": "tick a box",
            "leave": "leave it",
        },
        words={
            **_FIELDS,
            "mean, sum": "losses: of all elements of the output",
            "cross_entropy": "a loss: against the second part of a batch",
            "SGD(lr=0.01)": "an optimizer of torch.optim; parameters are put back after the last step",
            "pkg.mod:name": "a function of yours: a loss, or what makes the batches",
        },
    ),
    _page(
        "Budget",
        "Every module is looked at while a pass runs; shapes cost little, statistics of large tensors more. Those that "
        "would go over the budget are left out, and the Log says of how many tensors.",
        keys={"accept": "run the last pass again with it", "leave": "leave it as it is"},
        words={"10%": "hooks of ours take no more than a tenth of what all else takes", "none": "whatever they take"},
    ),
    _page(
        "Costs", "What modules cost in a warm pass, measured with nothing recorded, as columns of tree and calls.",
        keys={"accept": "show these; measured first, where that was not done yet", "tick": "a column on or off",
              "leave": "leave it as it is"},
        words={
            "m": "measure anew, after a change",
            "h": "go down the hot path: into whatever takes the longest, to a module with nothing in it",
            "x": "no columns",
            **{column.label: column.meaning for column in COLUMNS},
        },
    ),
    _page(
        "Memory of a step",
        "What a step holds in memory when it is most, found out on tensors that have shapes and no memory. Activations "
        "are what forward and loss made; temporary is what the backward pass and the optimizer made besides.",
        keys={"accept": "estimate it", "interrupt": "stop the engine at it", "leave": "close it"},
        words={
            **_FIELDS,
            "1,8,32": "sizes of the batch",
            "Adam(), SGD(lr=0.01)": "an optimizer of torch.optim, whose state is there from its first step on",
        },
    ),
    _page(
        "The first bad value",
        "One pass is run and every operation looked at. Where that began which an output, the loss or a gradient holds "
        "in the end is said, and gone to behind this form: its module, and its line in Source.",
        keys={"accept": "look", "interrupt": "stop the engine at it", "leave": "close it, and be there"},
        words={
            **_FIELDS,
            "nan > 0, std > 1e3": "what else counts as bad; a count below one is a share: zeros > 0.99",
        },
    ),
    _page(
        "Stops",
        "Where passes stand still, and how often each was hit in the last one. They are kept with the target.",
        keys={
            "toggle-hook": "on or off", "add-hook": "one more at the module under the tree's cursor",
            "change-hook": "when it stops", "delete-hook": "delete it", "accept": "go to its module",
            "run": "run a pass", "quit": "close it",
        },
    ),
    _page(
        "Python in a stopped pass",
        "Runs in the frame that has the keyboard in Stack, else with the values of the stop. What is put in the place "
        "of a value is what the model goes on with.",
        keys={"accept": "run it", "complete": "complete a name", "recall": "what was run before", "leave": "close"},
        words={
            "output = output * 2": "after a module, what it gave; before one: input, args, kwargs; at a gradient: grad",
            "x.mul_(2)": "a variable in place; Python 3.13 and later can also bind it anew",
        },
    ),
    _page(
        "When to stop",
        "A pass stands still there until it is let go on. One that only writes puts a line in the Log and goes on.",
        keys={"accept": "set it", "tick": "choose what it stops at", "leave": "leave it as it was"},
        words={
            "before, after": "a call of the module; its values can be changed there",
            "exception": "what is raised in the module or below it, before it goes further up",
            "gradient": "of its output, in a backward pass",
            "nan > 0": "only where that is true of a tensor there: nan, inf, zeros, min, max, mean, std, shape, ndim",
            "output.shape": "names there: module, input, args, kwargs, output, grad, error, torch",
        },
    ),
    _page("A question", "It is done only after a yes.", keys={"yes": "do it", "no": "leave it as it is"}),
    _page(
        "Leaving", "Hooks or edits are in no file yet. They are kept and offered the next time.",
        keys={"quit": "leave, and keep them for next time", "write": "write them to a file", "leave": "stay"},
    ),
    _page(
        "Hooks of last time", "Nothing of it is on before you say so.",
        keys={"accept": "put them on", "delete-hook": "forget them", "leave": "not now", "last-hooks": "ask again"},
    ),
    _page(
        "A state dict", "How the keys of a file go with the model's. Nothing is written before you say so.",
        keys={
            "accept": "load it, as the first line says", "search": "narrow the list: words of a key, or a state",
            "quit": "close it",
        },
        commands=("down", "half-down", "last"), words={state: meaning for state, (meaning, _) in STATES.items()},
    ),
    _page(
        "A letter", "Modules that are marked, each with a letter; marks are kept for next time.",
        keys={
            "mark": "before a letter: mark the module with it", "go-to-mark": "before a letter: go to its module",
            "leave": "close it",
        },
    ),
    _page(
        "Tour", "Five screens on how this is used, over the app.",
        keys={"accept": "the next one", "collapse": "the one before", "quit": "skip the rest", "tour": "take it again"},
    ),
    _page(
        "Searching", "In the pane that has the keyboard; what is found is shown as you type.",
        keys={
            "accept": "stay there", "recall": "what was searched for before", "leave": "go back",
            "next": "then: the next match", "previous": "then: back",
        },
    ),
    _page(
        "Filtering", "The modules that have every word, with all that is around them.",
        keys={
            "accept": "keep it", "recall": "what was filtered for before", "leave": "show all again",
            "observe": "then: hooks of all that are left",
        },
        words={
            "conv1": "a piece of a path, of a class or of a mark; else letters of a path",
            "layer?.0.*": "a glob of a path",
            "class:Conv2d": "a class, or how its name begins",
            "nan, shared": "what a mark of the module says",
        },
    ),
)  # fmt: skip
