"""What a terminal sends, cut into whole sequences before Textual's parser sees it.

That parser reads keys, mouse reports, pastes and answers out of one stream: it raises for some sequences, takes the
next keys for a part of one that it does not know, and waits for the end of a paste for ever. Here every sequence is
bounded, made sane and parsed by itself. What makes no sense is dropped, as terminals do with what they do not know.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Callable, Iterator

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.events import AppBlur, AppFocus, Paste
from textual.message import Message

LARGEST = 1_000, 400
"""Columns and rows of the largest window that is drawn; a terminal that says more is not believed."""

PASTE_LIMIT = 1 << 20
"""Bytes of a paste that are handed on."""

PATIENCE = 0.5
"""Seconds of silence after which what was begun will not be ended: a paste, an answer, most of a sequence."""

AT_ONCE = 512
"""Bytes of text in one read that nobody types: it was pasted where a paste is not marked as such."""

UNMARKED_PATIENCE = 0.1
"""Seconds of silence, or any sequence, end such a paste."""

_SEQUENCE_LIMIT = 32  # characters: Textual's parser takes a longer sequence for keys
_LARGEST_CODE = 0x10FFFF
_LARGEST_CELL = 0xFFFF

# The keys of the Linux console, those of rxvt with shift, mouse reports of fixed length, control sequences in general,
# function keys, alt with a character.
_WHOLE = re.compile(
    rb"\x1b(?:\[\[[A-E]|\[\d+\$|\[M[\x20-\xff]{3}|\[(?![M\[])[ -?]*[@-~]|O[\d;]*(?![\d;])[ -~]"
    rb"|[\x00-\x1a\x1c-\x7f](?<![\[O\]PX^_])|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
)
_BEGUN = re.compile(
    rb"\x1b(?:\[(?:\[|M[\x20-\xff]{0,2}|(?![M\[])[ -?]*)?|O[\d;]*|[\]PX^_]"
    rb"|[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})?"
)
_STRING = re.compile(rb"\x1b[\]PX^_](?s:.)")  # the answer to a query; nobody asked one
_STRING_END = re.compile(rb"[\x07\x18\x1a]|\x1b(?s:.)")
_SEQUENCE_END = re.compile(rb"[^ -?]")  # of one that is too long to be kept until it is whole
_X10_MOUSE = b"\x1b[M"
_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"

_PARAMETERS = re.compile(r"\x1b\[([ -?]*)([@-~])")
_RESIZE = re.compile(r"48;(\d+)[:\d]*;(\d+)[:\d]*;(\d+)[:\d]*;(\d+)[:\d]*")
_MOUSE = re.compile(r"<\d+;-?\d+;-?\d+")
_KEY_ENDINGS = "u~ABCDEFHPQRS"
_RELEASED = "3"  # a key, as the second part of its modifiers

_STATE = ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size")
"""What a parser knows besides the sequence it is in."""


class TerminalInput:
    """Bytes in, Textual's messages out. Time is given, so that nothing here waits.

    Args:
        tell: Told in words, once for each kind of loss, what a person may miss.
    """

    def __init__(self, tell: Callable[[str], object] = lambda text: None) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self._pending = bytearray()
        self._paste: bytearray | None = None  # what was pasted so far
        self._marked = True  # by sequences before and after it
        self._skipping: re.Pattern[bytes] | None = None  # what ends that of which nothing is taken
        self._deadline: float | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._parser = XTermParser()

    def feed(self, data: bytes, now: float) -> list[Message]:
        """What `data`, read at `now` seconds, completes."""
        self._pending += data
        messages = list(self._cut())
        self._deadline = now + self._patience() if self._unfinished else None
        return _drop_outdated_focus(messages)

    def tick(self, now: float) -> list[Message]:
        """What has to be made of an unfinished rest by now."""
        if self._deadline is None or now < self._deadline:
            return []
        self._deadline = None
        rest, self._pending = bytes(self._pending), bytearray()
        if self._paste is not None:
            if self._marked:
                self._say("a paste that did not end was taken as it is")
            self._take_pasted(rest)
            return [self._end_paste()]
        if self._skipping or len(rest) > 2:
            self._skipping = None
            return []
        return self._parse(rest.decode("utf-8", "ignore"), ended=True)

    @property
    def _unfinished(self) -> bool:
        return bool(self._pending) or self._paste is not None or self._skipping is not None

    def _patience(self) -> float:
        """Escape, and alt with a character that begins sequences, are waited for as long as Textual does."""
        if self._paste is not None and not self._marked:
            return UNMARKED_PATIENCE
        is_key = self._paste is None and self._skipping is None and len(self._pending) <= 2
        return ESCAPE_DELAY if is_key else PATIENCE

    def _cut(self) -> Iterator[Message]:
        """Take what is whole from the front of what is pending."""
        while self._pending:
            if self._paste is not None:
                if not self._cut_paste():
                    return
                yield self._end_paste()
            elif self._skipping is not None:
                if not self._skip(self._skipping):
                    return
            elif self._pending[0] != 0x1B:
                yield from self._cut_text()
            elif (found := self._cut_sequence()) is not None:
                yield from found
            else:
                return

    def _cut_text(self) -> list[Message]:
        end = self._pending.find(0x1B)
        length = end if end >= 0 else len(self._pending)
        if length >= AT_ONCE:
            self._say("so much text at once was taken for a paste")
            self._begin_paste(marked=False)
            return []
        return self._parse(self._decoder.decode(self._take(length), final=end >= 0))

    def _cut_sequence(self) -> list[Message] | None:
        """None where it is not whole yet."""
        pending = self._pending
        if _STRING.match(pending):
            self._take(2)
            self._skipping = _STRING_END
            return []
        if whole := _WHOLE.match(pending):
            return self._take_sequence(self._take(whole.end()))
        begun = _BEGUN.match(pending)
        length = begun.end() if begun is not None else 1
        if length == len(pending):
            if length <= _SEQUENCE_LIMIT:
                return None
            self._skipping = _SEQUENCE_END
        broken = self._take(length)  # by what follows it, which is no part of it
        return self._parse(broken.decode("ascii", "ignore"), ended=True) if len(broken) <= 2 else []

    def _take_sequence(self, sequence: bytes) -> list[Message]:
        if sequence == _PASTE_BEGIN:
            self._begin_paste(marked=True)
            return []
        if sequence.startswith(_X10_MOUSE) and len(sequence) > len(_X10_MOUSE):
            return []  # Textual asks for the form that can say more
        sane = make_sane(sequence.decode("utf-8", "ignore"))
        # Alt with a character is a sequence that has no end by itself.
        return self._parse(sane, ended=len(sane) == 2) if sane else []

    def _skip(self, what_ends: re.Pattern[bytes]) -> bool:
        """Whether the end of what is skipped was there. Another sequence ends it as well."""
        end = what_ends.search(self._pending)
        if end is None:
            keep = 1 if self._pending.endswith(b"\x1b") else 0
            self._take(len(self._pending) - keep)
            return False
        is_next = (end[0][0] == 0x1B and end[0] != b"\x1b\\") or (what_ends is _SEQUENCE_END and end[0] < b" ")
        self._take(end.start() if is_next else end.end())
        self._skipping = None
        return True

    def _begin_paste(self, marked: bool) -> None:
        self._paste, self._marked = bytearray(self._decoder.getstate()[0]), marked
        self._decoder.reset()

    def _cut_paste(self) -> bool:
        """Whether the end of the paste was there."""
        sequence = _PASTE_END if self._marked else b"\x1b"
        end = self._pending.find(sequence)
        if end < 0:
            self._take_pasted(self._take(max(0, len(self._pending) - len(sequence) + 1)))
            return False
        self._take_pasted(self._take(end))
        self._take(len(_PASTE_END) if self._marked else 0)
        return True

    def _take_pasted(self, data: bytes) -> None:
        assert self._paste is not None
        room = PASTE_LIMIT - len(self._paste)
        self._paste += data[:room]
        if len(data) > room:
            self._say(f"of a paste the first {PASTE_LIMIT >> 20} MiB are taken")

    def _end_paste(self) -> Message:
        assert self._paste is not None
        text, self._paste = self._paste.decode("utf-8", "ignore"), None
        return Paste(text.replace("\0", ""))

    def _take(self, count: int) -> bytes:
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        return taken

    def _parse(self, text: str, ended: bool = False) -> list[Message]:
        """What Textual makes of whole sequences, or of one that is `ended` without its end."""
        if not text:
            return []
        messages: list[Message] = []
        try:
            messages.extend(self._parser.feed(text))
            if ended:
                messages.extend(self._parser.feed(""))
        except Exception as error:  # Textual's parser raises anything, and is of no use after it
            self._say("the terminal sent what makes no sense", f": {type(error).__name__} for {text[:40]!r}")
            ended = True
        if ended or not messages:  # it may be waiting for the rest of something
            self._parser = _renew(self._parser)
        return messages

    def _say(self, what: str, detail: str = "") -> None:
        if what not in self._told:
            self._told.add(what)
            self._tell(what + detail)


def make_sane(sequence: str) -> str:
    """`sequence` as Textual's parser can take it; "" for one that it cannot.

    Numbers are bounded, a key has nothing but its code, modifiers and text, and a window is one that can be drawn.
    """
    if len(sequence) > _SEQUENCE_LIMIT:
        return ""
    if (match := _PARAMETERS.fullmatch(sequence)) is None:
        return sequence
    parameters, ending = match.groups()
    if not all(map(_is_code, re.findall(r"\d+", parameters))):
        return ""
    if ending == "t" and (resize := _RESIZE.fullmatch(parameters)):
        return _write_resize(*(int(number) for number in resize.groups()))
    if ending in "mM" and _MOUSE.fullmatch(parameters):
        return sequence if all(int(n) <= _LARGEST_CELL for n in re.findall(r"\d+", parameters)) else ""
    if ending in _KEY_ENDINGS and ":" in parameters:
        return _write_key(parameters, ending)
    return sequence


def bound_window(columns: int, rows: int) -> tuple[int, int]:
    """The part of a window that is drawn."""
    return min(columns, LARGEST[0]), min(rows, LARGEST[1])


def _is_code(number: str) -> bool:
    """Whether it may be that of a character: larger ones, and halves of pairs, are nothing that a terminal knows."""
    return len(number) <= 7 and int(number) <= _LARGEST_CODE and not 0xD800 <= int(number) <= 0xDFFF


def _write_resize(rows: int, columns: int, height: int, width: int) -> str:
    if not rows or not columns:
        return ""
    drawn_columns, drawn_rows = bound_window(columns, rows)
    # Mouse reports are divided by the pixels of a cell, which some terminals do not say.
    height, width = max(drawn_rows, height * drawn_rows // rows), max(drawn_columns, width * drawn_columns // columns)
    return f"\x1b[48;{drawn_rows};{drawn_columns};{height};{width}t"


def _write_key(parameters: str, ending: str) -> str:
    """A key without what Textual does not ask for: its code in other layouts, and what became of it."""
    code, modifiers, text, *_ = (part.split(":") for part in [*parameters.split(";"), "", ""])
    if modifiers[1:2] == [_RELEASED]:
        return ""
    typed = ":".join(filter(None, text))
    typed = "" if typed == code[0] else typed  # it says nothing new, and Textual 8.2 would not know the key
    return f"\x1b[{code[0]};{modifiers[0]}{';' if typed else ''}{typed}{ending}"


def _renew(parser: XTermParser) -> XTermParser:
    """A parser that knows what this one does of the terminal, and is inside no sequence."""
    renewed = XTermParser()
    for name in _STATE:
        with contextlib.suppress(AttributeError):
            setattr(renewed, name, getattr(parser, name))
    return renewed


def _drop_outdated_focus(messages: list[Message]) -> list[Message]:
    """A terminal may say a thousand times in a row that it got and lost the focus; the last is how it is."""
    kinds = AppFocus, AppBlur
    following: list[Message | None] = [*messages[1:], None]
    pairs = zip(messages, following, strict=False)
    return [message for message, after in pairs if not (isinstance(message, kinds) and isinstance(after, kinds))]
