"""What each shell is told, and how it is answered."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from .candidates import Candidate
from .words import complete_words

BASH = """\
# bash: put this line into ~/.bashrc
#   source <(inspector completion bash)
_inspector() {
    COMPREPLY=()
    local word
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <("$1" completion --answer bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -o nospace -F _inspector inspector
"""
ZSH = """\
#compdef inspector
# zsh: put this line into ~/.zshrc, behind compinit
#   source <(inspector completion zsh)
_inspector() {
    local value about
    local -a whole whole_said begun begun_said
    while IFS=$'\\t' read -r value about; do
        if [[ $value == *[/:=] ]]; then
            begun+=("$value"); begun_said+=("$value${about:+  -- $about}")
        else
            whole+=("$value"); whole_said+=("$value${about:+  -- $about}")
        fi
    done < <("${(Q)words[1]}" completion --answer zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    compadd -d whole_said -a whole
    compadd -S '' -d begun_said -a begun
}
if [[ ${funcstack[1]} == _inspector ]]; then _inspector "$@"; else compdef _inspector inspector; fi
"""
FISH = """\
# fish: put this line into ~/.config/fish/config.fish
#   inspector completion fish | source
function __inspector_answer
    set -l words (commandline -opc) (commandline -ct)
    $words[1] completion --answer fish $words[2..-1] 2>/dev/null
end
complete -c inspector -f -a '(__inspector_answer)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
_SPECIAL = re.compile(r"([^\w@%+=:,./~-])")


def answer(shell: str, words: Sequence[str]) -> str:
    """A line for each candidate. bash gives its line and the characters that end a word there, the others words."""
    if shell == "bash":
        line, breaks = (*words, "", "")[:2]
        typed = split_line(line)
        return "".join(f"{_for_bash(each, typed[-1], breaks, line)}\n" for each in complete_words(typed))
    return "".join(f"{each.text}\t{_first_line(each.about)}\n" for each in complete_words(words))


def split_line(line: str) -> list[str]:
    """The words behind the name of the program, the last one as far as it is typed."""
    words = _split(line)[1:]
    ended = line[-1:].isspace() and not line.endswith("\\ ") and not is_quoted(line)
    return [*words, ""] if ended or not words else words


def _split(line: str) -> list[str]:
    """As the shell does; a quote may be open, and a backslash have nothing behind it."""
    closed = (_try(line + end) for end in ("", "'", '"', "\\"))
    return next((words for words in closed if words is not None), line.split())


def _try(line: str) -> list[str] | None:
    try:
        return shlex.split(line)
    except ValueError:
        return None


def is_quoted(line: str) -> bool:
    """Whether a quote is open at its end."""
    return _try(line) is None and not line.endswith("\\")


def _for_bash(candidate: Candidate, typed: str, breaks: str, line: str) -> str:
    """What bash puts in place of the word, which for it begins behind the last colon or equals sign."""
    start = max((typed.rfind(sign) + 1 for sign in ":=" if sign in breaks), default=0)
    quoted = is_quoted(line)
    rest = candidate.text[0 if quoted else start :]
    text = rest if quoted else _SPECIAL.sub(r"\\\1", rest)
    return text if candidate.goes_on else f"{text} "


def _first_line(about: str) -> str:
    return " ".join(about.split())[:60]
