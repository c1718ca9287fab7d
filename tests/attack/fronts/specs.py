"""Words on the command line and in the library: nearly right, and not at all."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from random import Random
from typing import Any

import torch

import inspector
from inspector.errors import InspectorError
from tests.payloads import PAYLOADS

from .. import models
from ..case import Broken, Case, Front
from ..command import run_command

_FILE = models.__file__
_COMMANDS, _CALLS = 3, 12

_TARGETS = (
    *(f"{_FILE}:{name}" for name in ("tiny", "deep", "recurrent", "raising", "printing", "lazy", "unfed", "evil")),
    _FILE, f"{_FILE}::tiny", "tests.attack.models:tiny", "resnet18", "resnet81", "timm:none", "hf:./none",
    "hub:./none#x",
    "json:loads", "os.path", "none.pt", "none.safetensors", ".", "/", "", " ", "~", ":", "::", "a" * 5000, "\x00", "-",
    "tv:resnet18", "tv:", "module:", ":x", "tests.attack.models:TARGETS", "tests.attack.models:Deep", "x=1",
    "stack:2x2",
)  # fmt: skip
_SPECS = (
    "2x4", "2x4:int64:0..3", "x=2x4", "1", "0", "0x4", "x", "=", "x=", "=2x4", "2x4:float16", "2x4:nope", "2x-4",
    "x=@none.pt",
    "x=@/dev/null", "2×4", "0x10" + "9" * 40, "1e3x4", "2x4:int64:5..0", "2x4:int64:0..99999999999999999999",
    "json:loads",
    "tests.attack.models:tiny", "2x4:bool", "2x4:complex64", "input=2x4", "*=2x4", "[2x4,2x4]", "2x4,", "@", "x=@",
    "None", "True", "x=1.5", "x='a'", "99999999x99999999x99999999",
)  # fmt: skip
_SELECTORS = (
    "0", "(root)", "*", "class:Linear", "*, ~class:ReLU", "layer.*", "~", "~*", ",", "", "class:", "[",
    "0.weight", "**", "child.*",
    "child.child.layer", "a" * 3000, "cell, lstm", "?", "class:Li*", "!", "0,0,0", ".0", "0.", "..",
)  # fmt: skip
_HOOKS = (
    "scale(2)", "zero()", "noise(0.1, seed=1)", "observe()", "record('r')", "print()", "clamp(0, 1)",
    "clamp(1, 0)", "scale()",
    "scale(2, on='input')", "scale(2, on='nope')", "zero(where='[0]')", "zero(where='[:, -1]')",
    "zero(where='[..., 9:3:0]')",
    "zero(where='.x[')", "zero(when='nan > 0')", "zero(when='nan >')", "zero(when='mean > 1e999 and std < nan')",
    "scale(2, step=3)",
    "zero(step='2:5')", "zero(step='5:2')", "zero(every=0)", "zero(call=-1)", "prune(2)", "prune(0.5, on='parameters')",
    "scale(1e400)", "scale('x')", "scale(2", "scale 2", "nope()", "python(1)", "python: output * 2",
    "python: 1 / 0", "python:",
    "patch('none.safetensors')", "dropout(0.5)", "round(400)", "assign()", "zero(**{})", "zero(*[1])",
    "__import__('os')", "replace(x)",
    "zero(where='" + "[0]" * 400 + "')", "(" * 300, "scale(" + "9" * 5000 + ")", "rename('a', 'b')",
    "permute(0)", "filter('x')",
)  # fmt: skip
_METRICS = (
    "norm", "mean", "kl", "logit:0", "logit:99", "logit:", "logit_diff:0,1", "logit_diff:0", "nope", "", "json:loads",
    "tests.attack.models:tiny", "logit:-1", "logit:1e3", "norm:1",
)  # fmt: skip
_RENAMES = ("module.=>", "=>net.", "fc=>head", "=>", "", "a", "a=>b=>c", ".=>.", "=> ", ".gamma=>.weight")
_WHERE = (
    "[0]",
    "[:, *]",
    "[..., */4]",
    "[*/0]",
    "[",
    "",
    "*",
    "[*, *]",
    ".x",
    "[" + "*," * 90 + "]",
    "[1:2:3]",
    "[None]",
)
_NUMBERS = ("0", "1", "2", "-1", "x", "", "9" * 30, "1.5", "0x2")

_VALUES: dict[str, tuple[str, ...]] = {
    "-i": _SPECS, "-w": ("none", "none.pt", "/dev/zero", ".", "DEFAULT", ""), "--rename": _RENAMES, "--seed": _NUMBERS,
    "-d": ("cpu", "meta", "cuda:99", "nope", ""), "--dtype": ("bfloat16", "float8_e4m3fn", "int64", "nope", ""),
    "--hooks": ("none.toml", ".", "/dev/null", ""), "--record": _SELECTORS, "--batches": ("0", "1", "2", "-1", "x"),
    "--generate": _NUMBERS[:6], "--loss": ("mean", "sum", "cross_entropy", "nope", "json:loads", ":"),
    "--optimizer": ("SGD(lr=0.01)", "Adam()", "SGD(", "nope()", "SGD(lr='x')", "", "__import__('os')"),
    "--loader": ("json:loads", "tests.attack.models:TARGETS", "nope", ":"), "-s": _SELECTORS, "--print": ("json",
    "tree", "calls", "x"),
    "--save": ("out.safetensors", "out", "/nowhere/x.safetensors", "a" * 300 + ".safetensors"), "--theme": ("nope",),
}  # fmt: skip
_SWITCHES = (
    "--backward",
    "--no-forward",
    "--materialize",
    "--strict",
    "--train",
    "--eval",
    "--grad",
    "--trust-pickle",
    "--ascii",
)


def mutate(random: Random, text: str) -> str:
    """`text`, and now and then one that is not quite it."""
    if random.random() < 0.75:
        return text
    at, junk = random.randrange(len(text) + 1), random.choice([*PAYLOADS.values()])[:40].replace("\x00", "0")
    odd = random.choice("()[]{}:,=@x*~.'\"\\ é\n0-")
    return random.choice((text[:at], text[at:], text[:at] + odd + text[at:], text[:at] + junk, text[::-1], text + text))


def _draw_hook(random: Random) -> str:
    return f"{mutate(random, random.choice(_SELECTORS))}:{mutate(random, random.choice(_HOOKS))}"


def _draw_open(random: Random) -> list[str]:
    target = random.choice(_TARGETS[:8]) if random.random() < 0.7 else mutate(random, random.choice(_TARGETS))
    arguments = [target, *(["num=1"] if random.random() < 0.1 else [])]
    for option in random.sample([*_VALUES], k=random.choice((0, 1, 1, 2, 4))):
        arguments += [option, mutate(random, random.choice(_VALUES[option]))]
    for _ in range(random.choice((0, 0, 1, 2))):
        arguments += ["--hook", _draw_hook(random)]
    arguments += random.sample(_SWITCHES, k=random.choice((0, 0, 1, 2)))
    return (
        arguments
        if "--print" in arguments
        else [*arguments, "--print", random.choice(("json", "json", "tree", "calls"))]
    )


def _draw_sweep(random: Random) -> list[str]:
    target = random.choice(_TARGETS[:3]) if random.random() < 0.8 else mutate(random, random.choice(_TARGETS))
    arguments = ["sweep", target, "--over", mutate(random, random.choice(_SELECTORS))]
    arguments += ["--metric", mutate(random, random.choice(_METRICS))]
    if random.random() < 0.7:
        arguments += ["--hook", mutate(random, random.choice(_HOOKS))]
    else:
        arguments += ["--clean", mutate(random, random.choice(_SPECS)), "--corrupted", random.choice(_SPECS)]
    if random.random() < 0.4:
        arguments += ["--where", mutate(random, random.choice(_WHERE))]
    return [*arguments, "--print", random.choice(("json", "table", "csv", "map"))]


def _draw_first_bad(random: Random) -> list[str]:
    target = random.choice(_TARGETS[:8]) if random.random() < 0.8 else mutate(random, random.choice(_TARGETS))
    arguments = ["first-bad", target]
    if random.random() < 0.4:
        arguments += ["--bad", mutate(random, random.choice(("zeros > 0.4", "std > 1e3", "nan > 0 and max < 6")))]
    if random.random() < 0.5:
        arguments += [
            "--backward",
            *random.choice(((), ("--loss", "sum"), ("--loss", "cross_entropy"), ("--loss", "x"))),
        ]
    if random.random() < 0.3:
        arguments += ["--hook", _draw_hook(random)]
    if random.random() < 0.3:
        arguments += ["-i", mutate(random, random.choice(_SPECS))]
    return [*arguments, *(["--all"] if random.random() < 0.3 else []), "--print", random.choice(("json", "text"))]


_DRAWN = (_draw_open,) * 5 + (_draw_sweep,) * 2 + (_draw_first_bad,)


def _summary(random: Random) -> object:
    inputs = random.choice(((torch.ones(2, 4),), (torch.ones(9),), (), ("x",), (None, None), (object(),)))
    return inspector.summary(models.tiny()[0], *inputs, width=random.choice((100, 1, 0, -5)))


def _capture(random: Random) -> object:
    model, inputs = models.deep()
    with inspector.capture(model, mutate(random, random.choice(_SELECTORS))) as captured:
        model(*inputs)
    return str(captured)


def _hooks(random: Random) -> object:
    model, inputs = models.tiny()
    wanted = {mutate(random, random.choice(_SELECTORS)): mutate(random, random.choice(_HOOKS))}
    with inspector.hooks(model, wanted, strict=random.random() < 0.3) as on:
        model(*inputs)
    return on.fired, on.changed, on.faults


def _sweep(random: Random) -> object:
    model, inputs = models.tiny()
    over, where = random.choice(_SELECTORS), random.choice((*_WHERE, "", "", ""))
    metric = mutate(random, random.choice(_METRICS))
    hook: Any = inspector.zero()
    return str(inspector.sweep(model, *inputs, over=over, where=where, hook=hook, metric=metric))


_CALLABLE: tuple[Callable[[Random], object], ...] = (_summary, _capture, _hooks, _hooks, _sweep)


def attack(case: Case) -> None:
    random = case.random
    torch.manual_seed(0)
    for _ in range(_COMMANDS):
        run_command(case, random.choice(_DRAWN)(random))
    for call in random.choices(_CALLABLE, k=_CALLS):
        before = random.getstate()
        if case.note(f"{call.__name__[1:]} from {hash(before) % 10**6}"):
            _call(call, random)


def _call(call: Callable[[Random], object], random: Random) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(random)
        except InspectorError as error:
            if "the inspector itself failed" in str(error):
                raise Broken(f"{call.__name__[1:]}: {error}") from None


FRONT = Front(attack, seconds=120)
