"""Why torch does not load a file as plain tensors."""

from __future__ import annotations

import re

from ...raised import kind_of, message_of

_REASON = re.compile(r"(?:WeightsUnpickler error: |(?=Trying to load unsupported))(.*)", re.DOTALL)
_ADVICE = (" Please use `torch", " Check the documentation")


def explain_refusal(error: Exception) -> str:
    """The reason alone, on one line: torch adds advice on how to run what is in the file."""
    message = message_of(error)
    refused = _REASON.search(message)
    text = " ".join((refused[1] if refused else message).split())
    for advice in _ADVICE:
        text = text.partition(advice)[0]
    return text or kind_of(error)
