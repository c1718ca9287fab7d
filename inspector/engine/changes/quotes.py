"""The quotes of strings in a script, as formatters have them."""

from __future__ import annotations

import io
import tokenize


def with_double_quotes(text: str) -> str:
    """Where nothing has to be escaped for it; in f-strings they stay."""
    lines, inside = text.splitlines(keepends=True), 0
    changes = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        inside += (kind == "FSTRING_START") - (kind == "FSTRING_END")
        plain = token.type == tokenize.STRING and token.string.startswith("'") and not inside
        if plain and token.start[0] == token.end[0] and '"' not in token.string and "\\" not in token.string:
            changes.append((token.start, token.end[1]))
    for (row, start), end in reversed(changes):
        line = lines[row - 1]
        lines[row - 1] = f'{line[:start]}"{line[start + 1 : end - 1]}"{line[end:]}'
    return "".join(lines)
