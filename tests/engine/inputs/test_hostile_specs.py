"""Whatever is typed after `-i` is read, or refused with what was wrong: nothing else ever comes out."""

from __future__ import annotations

import random
import warnings

import pytest
import torch
from torch import nn

from inspector.engine.inputs.sample import draw, setting_for
from inspector.engine.inputs.specs import parse_spec
from inspector.errors import UsageError

PIECES = [
    "1", "3", "224", "0", "0x10", "10" + "9" * 50, "9" * 5_000, "1e5", "-1", "x", "×", ":", "int64", "float32", "bool",
    "uint1", "qint8", "bits8", "quint4x2", "float8_e5m2", "complex64", "..", "0..5", "30521", "@", "@x.pt", "[", "]",
    "(", ")", ",", "=", "a", "true", "none", "'t'", '"', "\\", "#", ".py", "::", "pkg.mod:f", "é", "\0", "\ud800", 
    "nan", "inf", "1e999", "-1e999..1e999", "0..1e400", "٣", "²", "_", "1_0", "b'x'", "{", "}", "{[]:1}", "x" * 300,
    "~",
    "~u", "/dev/zero", "/tmp",
]  # fmt: skip
SETTING = setting_for(nn.Linear(1, 1), None, None)


@pytest.mark.parametrize("seed", range(20))
def test_any_spec_is_read_or_refused(seed: int) -> None:
    drawn = random.Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        for _ in range(300):
            spec = "".join(drawn.choices(PIECES, k=drawn.randint(1, 7)))
            try:
                part = parse_spec(spec)
            except UsageError as error:
                assert error.problem.what and error.problem.hint, spec
                continue
            assert part.name == "" or part.name.isidentifier()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("0x10" + "9" * 50, "no tensor is as large"),
        ("1x" + "9" * 5_000, "no tensor is as large"),
        ("x".join(["1"] * 100), "no tensor is as large"),
        ("0x9223372036854775807x9223372036854775807", "no tensor is as large"),
        ("2x3:uint1", "nothing can be drawn"),
        ("2x3:qint8:0..1", "nothing can be drawn"),
        ("2x3:bits8", "nothing can be drawn"),
        ("3:float32:-1e999..1e999", "larger than numbers go"),
        ("3:int64:0..1e999", "larger than numbers go"),
        ("3:float64:-1e308..1e308", "larger than numbers go"),
    ],
)
def test_what_torch_cannot_make_is_refused_when_it_is_read(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_spec(spec)


def test_every_dtype_of_torch_is_drawn_or_refused() -> None:
    names = [name for name in dir(torch) if isinstance(getattr(torch, name), torch.dtype)]
    drawable = 0
    for name in names:
        try:
            value = draw((parse_spec(f"2x3:{name}"),), SETTING, 0, "given").args[0]
        except UsageError:
            continue
        assert value.dtype == getattr(torch, name)
        drawable += 1
    assert drawable > 15


def test_words_like_numbers_say_nothing_on_standard_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_spec("a=1x3")
