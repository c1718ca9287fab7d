"""What keys are called: by Textual, by a person who types a configuration, and on the screen."""

from __future__ import annotations

import string
import unicodedata

_TEXTUAL_SAYS = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus",
    "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
_ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}
_OTHERS = {
    "pagedown": "PgDn", "pageup": "PgUp", "home": "Home", "end": "End", "escape": "esc", "enter": "enter",
    "tab": "tab", "space": "space", "backspace": "backspace", "insert": "Ins", "delete": "Del",
    **{f"f{n}": f"F{n}" for n in range(1, 25)},
}  # fmt: skip
_TYPED = {"esc": "escape", "pgdn": "pagedown", "pgup": "pageup", "return": "enter", "ins": "insert", "del": "delete"}
_SAME_BYTE = {"ctrl+m": "enter", "ctrl+i": "tab", "ctrl+h": "backspace", "ctrl+j": "enter"}
"""Of what a terminal sends, nobody can tell one from the other."""
_UNSENT = frozenset({"ctrl+enter", "alt+enter", "shift+enter", "shift+space", "ctrl+space", "ctrl+tab"})


def _name_character(character: str) -> str:
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _TEXTUAL_SAYS.get(name, name)


_PUNCTUATION = {_name_character(character): character for character in string.punctuation}


def name_key(typed: str) -> str:
    """What Textual calls the key that a person names: "?", "^r", "ctrl+r", "PgDn", "question_mark".

    Raises:
        ValueError: There is no such key, or no terminal sends it; says so in words.
    """
    *modifiers, last = _split(typed)
    if not set(modifiers) <= {"ctrl", "alt", "shift"} or len(set(modifiers)) < len(modifiers):
        raise ValueError(f"{typed!r} is no key")
    name = "+".join([*(m for m in ("alt", "ctrl", "shift") if m in modifiers), _name_last(typed, last)])
    if name in _SAME_BYTE:
        raise ValueError(f"terminals send {typed} as {_SAME_BYTE[name]}")
    if modifiers == ["shift"] and len(last) == 1:
        raise ValueError(f"{typed} is written {last.upper()}")
    if name in _UNSENT:
        raise ValueError(f"terminals do not send {typed}")
    return name


def _split(typed: str) -> list[str]:
    """The modifiers, and behind them the key itself, which may be a plus."""
    if len(typed) == 2 and typed[0] == "^":
        return ["ctrl", typed[1].lower()]
    head, plus, last = typed[:-1].rpartition("+") if len(typed) > 1 else ("", "", "")
    return [*head.lower().split("+"), last + typed[-1]] if plus else [typed]


def _name_last(typed: str, last: str) -> str:
    if len(last) == 1 and last.isprintable() and last != " ":
        return _name_character(last)
    lower = _TYPED.get(last.lower(), last.lower())
    if lower not in _ARROWS and lower not in _OTHERS and lower not in _PUNCTUATION:
        raise ValueError(f"{typed!r} is no key")
    return lower


def print_key(name: str, ascii: bool = False) -> str:
    """A key of Textual's as it is printed on a keyboard."""
    *modifiers, last = name.split("+")
    shown = _PUNCTUATION.get(last) or _OTHERS.get(last) or (last if ascii else _ARROWS.get(last, last))
    marks = {"ctrl": "^", "shift": "S-", "alt": "M-"}
    return "".join(marks.get(modifier, modifier) for modifier in modifiers) + shown


def is_typed(name: str) -> bool:
    """Whether a line of text takes this key of Textual's for a character of its own."""
    return name == "space" or len(print_key(name, ascii=True)) == 1
