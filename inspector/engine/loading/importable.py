"""`pkg.mod:Net` and `pkg.mod:build`: names in modules that can be imported from the current directory."""

from __future__ import annotations

from ...errors import UsageError
from ...text import encodable
from ..usercode import arguments
from ..usercode.importing import resolve, split
from .construct import construct, write_import
from .target import Built, Loader, Wanted


def _build(wanted: Wanted) -> Built:
    head, name = split(wanted.text)
    if not head or not name:
        raise UsageError(
            encodable(f"{wanted.text!r} lacks a name on one side of the colon", 300),
            hint="write pkg.mod:Net for a module or model.py:Net for a file",
        )
    return construct(resolve(wanted.text), arguments.values(wanted.target.arguments), wanted.text)


LOADER = Loader(lambda text: ":" in text, _build, script=write_import)
