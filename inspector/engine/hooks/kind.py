"""What a kind of hook is: a factory with a name, and what it can be put on.

A factory takes the arguments that a person types and returns the function that acts. Its signature and docstring are
all there is to say of it: the form in the app, the errors, the recipe and the exported script are made from them.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NewType

import torch
from torch import Tensor

from ...errors import UsageError
from ...records import KindArgument, KindInfo
from ...text import encodable
from .context import HookContext
from .hook import OPTIONS, PARAMETERS, Hook

Acts = Literal["tensor", "context", "keys", "observe", "python"]
"""`tensor`: given a tensor, returns what takes its place. `context`: the same, and is given a `HookContext` as well;
returning None leaves it. `keys`: given a state dict and a prefix, changes the dict. The others are built in."""

OnTensor = Callable[[Tensor], Tensor]
FindGenerator = Callable[[torch.device], torch.Generator]
CPU = torch.device("cpu")


class Drawing:
    """What draws random numbers from generators of its own, one for each device.

    Args:
        seed: Of every generator.
        function: Is given a tensor and a function that finds the generator of a device.
    """

    def __init__(self, seed: int, function: Callable[[Tensor, FindGenerator], Tensor]) -> None:
        self._seed = seed
        self._function = function
        self.generators: dict[torch.device, torch.Generator] = {}

    def __call__(self, tensor: Tensor) -> Tensor:
        return self._function(tensor, self._find)

    def _find(self, device: torch.device) -> torch.Generator:
        if device not in self.generators:
            self.generators[device] = torch.Generator(device).manual_seed(self._seed)
        return self.generators[device]


def read_generators(drawing: Drawing) -> dict[torch.device, Tensor]:
    """Where the generators are, for `rewind`."""
    return {device: generator.get_state() for device, generator in drawing.generators.items()}


def rewind(drawing: Drawing, states: dict[torch.device, Tensor]) -> None:
    """Draw again what was drawn from there on."""
    drawing.generators = {device: torch.Generator(device) for device in states}
    for device, generator in drawing.generators.items():
        generator.set_state(states[device])


OnContext = Callable[[Tensor, HookContext], "Tensor | None"]
OnKeys = Callable[[dict[str, Any], str], None]
File = NewType("File", str)

VALUES = ("output", "input")
NUMBERS = (*VALUES, "parameters", "grad")

_PLAIN = (bool, int, float, str, type(None))
_ARGUMENT = re.compile(r"^\s+(\w+): (.+?)(?=\n\s+\w+: |\Z)", re.MULTILINE | re.DOTALL)
_TYPES: dict[str, tuple[type, ...]] = {
    "float": (int, float),
    "int": (int,),
    "str": (str,),
    "file": (str,),
    "recording": (str, Tensor, Mapping),
}


class Kind:
    """One kind of hook. Calling it with its arguments makes a `Hook`.

    Every kind also takes `on` (what it is put on), `where` (a path in the value's structure, which may end in a part of
    a tensor, as in `"[0][..., 16:32]"`; or a parameter's name), `step` (only that call of the whole model: a batch, or
    a token of `generate`; `3`, `"2:5"` or `"last"`), `every` (one in so many steps), `call` (only that call of the
    module in a step) and `when` (a condition on the tensor's summary, such as `"nan > 0"` or `"std > 10"`). Steps and
    calls are counted from 0.

    With `on="parameters"` they are written in place, each call anew: `scale(2)` doubles them again and again. `at` says
    when: `"before"` a call of the module, which sees it, or `"after"` the call, so that the next one does. The kinds
    write before a call where nothing is said, a function of one's own after it.
    """

    def __init__(
        self, make: Callable[..., Any], group: str, on: tuple[str, ...], acts: Acts, takes_last: bool = False
    ) -> None:
        self.make = make
        self.name = make.__name__
        self.group = group
        self.on = on
        self.acts = acts
        self.takes_last = takes_last  # what it did in a step can be forgotten when another one begins
        self.signature = inspect.signature(make)
        self.__name__ = make.__name__
        self.__doc__ = make.__doc__
        parameters = self.signature.parameters
        self._options = [name for name in OPTIONS if name not in parameters]  # an argument of its own goes before
        self.__signature__ = inspect.Signature([*parameters.values(), *(OPTIONS[name] for name in self._options)])

    def __call__(self, *args: Any, **kwargs: Any) -> Hook:
        """Raises `UsageError` where an argument is missing, unknown or of the wrong type."""
        options = {name: kwargs.pop(name) for name in self._options if name in kwargs}
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise self.refusal(f"{error}") from None
        for name, value in bound.arguments.items():
            self._check(name, value)
        self._check_on(options.get("on"))
        options["on"] = options.get("on") or self.on[0]
        given = {n: v for n, v in bound.arguments.items() if self._is_said(n, v)}
        return Hook(self, given, **options)

    def refusal(self, what: str) -> UsageError:
        """An error about how this kind was used, with how it is used."""
        return UsageError(encodable(f"{self.name}: {what}", 400), hint=f"write it as {self.usage}")

    @property
    def usage(self) -> str:
        """`scale(factor, on='output')`."""
        shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in self._parameters()]
        on = f" on {', '.join(self.on)}" if len(self.on) > 1 else ""
        moment = f"; on parameters at='before' or 'after' the call, by itself {self.moment}" if self.moment else ""
        return f"{self.name}({', '.join(shown)}){on}{moment}"

    @property
    def moment(self) -> str:
        """When a hook of this kind writes to parameters where nothing is said; "" for kinds that cannot."""
        if PARAMETERS not in self.on:
            return ""
        return "after" if self.acts == "python" else "before"

    @property
    def title(self) -> str:
        return inspect.cleandoc(self.make.__doc__ or "").split("\n", 1)[0].rstrip(".")

    def info(self, recordings: tuple[str, ...] = ()) -> KindInfo:
        """What the app is told of it; `recordings` are the names there are."""
        meanings = dict(_ARGUMENT.findall((self.make.__doc__ or "").partition("Args:")[2]))
        return KindInfo(
            self.name,
            self.title,
            self.group,
            self.on,
            tuple(
                KindArgument(
                    p.name,
                    type_of(p),
                    None if p.default is p.empty else p.default,
                    " ".join(meanings.get(p.name, "").split()),
                    p.default is p.empty,
                    recordings if type_of(p) == "recording" else (),
                )
                for p in self._parameters()
            ),
            self.moment,
            self.takes_last,
        )

    def _parameters(self) -> list[inspect.Parameter]:
        return list(self.signature.parameters.values())

    def _is_said(self, name: str, value: Any) -> bool:
        """Whether an argument is not what it is anyway."""
        return type(value) not in _PLAIN or value != self.signature.parameters[name].default

    def _check(self, name: str, value: Any) -> None:
        parameter = self.signature.parameters[name]
        wanted = type_of(parameter)
        if value is None and parameter.default is None:
            return
        fits = isinstance(value, bool) == (wanted == "bool")
        if not fits or not isinstance(value, _TYPES.get(wanted, (object,))):
            raise self.refusal(f"{name} must be {_ARTICLES[wanted]}, not {encodable(repr(value), 80)}")

    def _check_on(self, on: Any) -> None:
        if on is not None and on not in self.on:
            raise self.refusal(f"it can be put on {' or '.join(self.on)}, not on {encodable(repr(on), 80)}")


_ARTICLES = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "file": "a file name",
    "recording": "the name of a recording, a recording or a tensor",
    "bool": "True or False",
}


def type_of(parameter: inspect.Parameter) -> str:
    """ "float", "int", "str", "bool", "file" or "recording"; the annotation says it."""
    return str(parameter.annotation).split("|")[0].strip().lower()


def kind(
    group: str, on: tuple[str, ...], acts: Acts = "tensor", takes_last: bool = False
) -> Callable[[Callable[..., Any]], Kind]:
    """Make a kind of the factory below, which is named as a person types it; one that `takes_last` is for
    `step="last"` too."""
    return lambda make: Kind(make, group, on, acts, takes_last)


def near(name: str, names: list[str]) -> str:
    """What a mistyped name may have been meant to be, in words."""
    close = difflib.get_close_matches(name, names, 2, 0.5)
    return f"did you mean {' or '.join(close)}? " if close else ""
