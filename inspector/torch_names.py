"""The names of torch's functions, read from source and not run: the app knows no torch."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

FILES = {
    "torch": "_C/_VariableFunctions.pyi",
    "torch.fft": "fft/__init__.py",
    "torch.linalg": "linalg/__init__.py",
    "torch.nn.functional": "nn/functional.py",
    "torch.special": "special/__init__.py",
}
"""What has functions, and which file of torch's names them."""
SHORT = {"F": "torch.nn.functional"}
"""As it is imported by habit."""
HIDDEN = {"unique_dim"}
"""What such a file names and `torch` has not."""

_DEFINED = re.compile(r"^(?:def ([a-z]\w*)\(|([a-z]\w*) = (?:_add_docstr|boolean_dispatch)\()", re.MULTILINE)


@cache
def list_functions(module: str) -> tuple[str, ...]:
    """Those of one of `FILES`, without those that work in place. None where torch is not installed."""
    spec = importlib.util.find_spec("torch")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        file = Path(place) / FILES[module]
        if file.is_file():
            found = {one or other for one, other in _DEFINED.findall(file.read_text("utf-8", "replace"))}
            return tuple(sorted(name for name in found - HIDDEN if not name.endswith("_")))
    return ()


def complete_torch(begun: str) -> tuple[str, ...]:
    """What a dotted name may go on to: modules, which end in a dot, and functions of the one that it is in."""
    modules = [f"{module}." for module in (*FILES, *SHORT)]
    module = begun.rpartition(".")[0]
    known = SHORT.get(module, module)
    functions = [f"{module}.{name}" for name in list_functions(known)] if known in FILES else []
    return tuple(name for name in (*modules, *functions) if name.startswith(begun) and name != begun)
