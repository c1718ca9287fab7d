"""A model that has a payload wherever a model has text: names, classes, reprs, keys, values, attributes, hooks, output,
warnings, and what it raises."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import torch
from torch import nn

from .payloads import PAYLOADS

TEXTS = [text for text in PAYLOADS.values() if text] + ["\ud800", "z" * 5_000_000]


class Layer(nn.Module):
    """[@click=app.exit]x[/] \x1b]0;owned\x07"""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.note = {text: text, "list": [text]}
        self.register_buffer("b", torch.zeros(2))
        self._buffers[text] = torch.zeros(2)  # the back door: register_buffer refuses dots and empty names
        self._parameters[text + "p"] = nn.Parameter(torch.zeros(2))

    def extra_repr(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def forward(self, x: torch.Tensor, **kwargs: Any) -> dict[Any, Any]:
        return {"x": x + 1, self.text: self.text, "o": Odd(self.text)}


class Odd:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text


class Evil(nn.Module):
    def __init__(self, raises: bool) -> None:
        super().__init__()
        self.raises = raises
        for text in TEXTS:
            kind = type(text[:2000].replace("\ud800", "?").replace("\x00", "0") or "E", (Layer,), {})
            self._modules[text] = kind(text)
            self._modules[text].register_forward_hook(_hook(text))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for text, layer in self._modules.items():
            assert layer is not None
            x = layer(x, **{text: text})["x"]
            print(text[:1000].encode("utf-8", "replace").decode())
            os.write(2, text[:1000].encode("utf-8", "surrogateescape" if "\udcff" in text else "replace") + b"\n")
            warnings.warn(text[:500], stacklevel=1)
        if self.raises:
            raise type("E\x1b[2J[/]", (Exception,), {})("".join(TEXTS)[:100_000])
        return x


def _hook(text: str) -> Any:
    def hook(*_: Any) -> None:
        return None

    hook.__name__ = hook.__qualname__ = text
    hook.__module__ = text
    return hook


def evil() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return Evil(False), (torch.ones(2),)


def raising() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    return Evil(True), (torch.ones(2),)
