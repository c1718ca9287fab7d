"""What pyproject admits at its oldest, read from it: the oldest and newest Python, or every dependency at its bound.

python .ci/bounds.py pythons        3.10 3.13
python .ci/bounds.py constraints    a line for pip per dependency: torch==2.6
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w, -]+\])?>=([\d.]+)")
_PYTHON = re.compile(r"Programming Language :: Python :: (3\.\d+)")


def find_pythons(project: dict[str, Any]) -> tuple[str, str]:
    """The oldest that may install it, and the newest that its classifiers name."""
    named = [found[1] for found in map(_PYTHON.fullmatch, project["classifiers"]) if found]
    return str(project["requires-python"]).removeprefix(">="), max(named, key=lambda version: int(version[2:]))


def list_constraints(project: dict[str, Any]) -> Iterator[str]:
    """Every dependency, those of the extras too, at the oldest version that is admitted.

    Raises:
        ValueError: A dependency has no lower bound, or one that is written in another way.
    """
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(each for extra in extras for each in extra)]:
        if requirement.startswith(f"{project['name']}["):  # one extra names the others
            continue
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None:
            raise ValueError(f"a dependency without a lower bound: {requirement}")
        yield f"{found[1]}=={found[2]}"


def main(what: str) -> None:
    project = tomlkit.parse(PYPROJECT.read_text()).unwrap()["project"]
    print(*(find_pythons(project) if what == "pythons" else [" ".join(list_constraints(project)).replace(" ", "\n")]))


if __name__ == "__main__":
    main(sys.argv[1])
