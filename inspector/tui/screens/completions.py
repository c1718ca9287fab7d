"""What an input specification, a loss, an optimizer, a loader or a condition that was begun may go on to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ... import files
from ...torch_names import complete_torch

SHAPES = ("1x128:int64:0..30521", "1x16000", "1x1x28x28", "1x3x224x224", "1x3x32x32")
DTYPES = (
    "bfloat16", "bool", "complex64", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint8",
)  # fmt: skip
OPTIMIZERS = (
    "ASGD(", "Adadelta(", "Adafactor(", "Adagrad(", "Adam(", "AdamW(", "Adamax(", "NAdam(", "RAdam(", "RMSprop(",
    "Rprop(", "SGD(lr=",
)  # fmt: skip
"""Of torch.optim."""

MEASURES = ("abs(", "baseline", "inf", "max", "mean", "min", "nan", "ndim", "numel", "shape[", "std", "zeros")
"""What a condition compares, and with what."""
_END_OF = {"(": "", "[": ""}

_LAST_WORD = re.compile(r"(.*[\s\[(,])?([^\s\[(,]*)", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*=(?!=)")
_SHAPED = re.compile(r"\d+(?:[x×]\d+)*:")


def complete_specs(begun: str) -> tuple[str, ...]:
    """The last word of a line of specifications: a shape, its dtype, a file behind @, or a file of Python."""
    found = _LAST_WORD.fullmatch(begun)
    before, word = ((found[1] or ""), found[2]) if found else ("", begun)
    if named := _NAME.match(word):
        before, word = before + named[0], word[named.end() :]
    return tuple(before + each for each in _go_on(word))


def _go_on(word: str) -> Sequence[str]:
    if word.startswith("@"):
        return [f"@{name}" for name in files.complete(word[1:])]
    if shaped := _SHAPED.match(word):
        return [shaped[0] + dtype for dtype in DTYPES if dtype.startswith(word[shaped.end() :])]
    return [shape for shape in SHAPES if shape.startswith(word)] if word[:1].isdigit() else complete_function(word)


def complete_file(begun: str) -> tuple[str, ...]:
    """A file, once its name was begun."""
    return files.complete(begun) if begun else ()


def complete_function(begun: str, *words: str) -> tuple[str, ...]:
    """A file of Python, behind whose name that of a function follows, or one of these `words`."""
    if not begun or ":" in begun:
        return ()
    known = [word for word in words if word.startswith(begun)]
    names = [name for name in files.complete(begun) if name.endswith((".py", "/"))]
    return (*known, *(name if name.endswith("/") else f"{name}:" for name in names))


def complete_loss(begun: str, *words: str) -> tuple[str, ...]:
    """The same, or a function of torch: `torch.nn.functional:mse_loss`."""
    found = [name.rpartition(".") for name in complete_torch(begun.replace(":", "."))] if begun else []
    functions = [f"{module}:{name}" for module, _, name in found if module.startswith("torch")]
    return (*complete_function(begun, *words), *(each for each in functions if each != begun))


def complete_condition(begun: str) -> tuple[str, ...]:
    """The last word of a condition."""
    word = re.split(r"[^\w]", begun)[-1]
    before = begun[: len(begun) - len(word)]
    return tuple(f"{before}{name}{_END_OF.get(name[-1], ' ')}" for name in MEASURES if word and name.startswith(word))
