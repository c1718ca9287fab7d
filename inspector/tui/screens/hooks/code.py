"""What a Python hook starts from: the signature for the moment at which it acts, and what it may return."""

from __future__ import annotations

_STATE_DICT = """\
def hook(module, state_dict, prefix):
    # Change state_dict in place; return None.
    return None
"""
TEMPLATES = {
    "input": """\
def hook(module, args, kwargs):
    # Return None, or (args, kwargs) to replace the input.
    return None
""",
    "output": """\
def hook(module, args, kwargs, output):
    # Return None, or what to put in place of the output.
    return None
""",
    "grad": """\
def hook(module, gradient):
    # Return None, or what to put in place of the gradient.
    return None
""",
    "parameters": """\
def hook(module):
    # Change parameters in place: they are put back after
    # the pass. What is returned is not used.
    module.weight.mul_(1.0)
""",
    "state_dict": _STATE_DICT,
    "load_state_dict": _STATE_DICT,
}
"""By what a Python hook can be put on."""


def template(on: str) -> str:
    return TEMPLATES.get(on, TEMPLATES["output"])


def is_template(code: str) -> bool:
    """Whether nobody wrote anything yet."""
    return not code.strip() or code in TEMPLATES.values()
