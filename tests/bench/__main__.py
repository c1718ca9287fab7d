"""`python -m tests.bench [FIGURE ...]`: measures, prints a table, and fails where a target is missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .figures import FIGURES, measure
from .results import MARGIN, Result, table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"any of {', '.join(FIGURES)}; all unless given")
    parser.add_argument("--rounds", type=int, help="how often each thing is measured")
    options = parser.parse_args(argv)
    unknown = [name for name in options.figures if name not in FIGURES]
    if unknown:
        parser.error(f"no figure {unknown[0]!r}; there are {', '.join(FIGURES)}")
    results: list[Result] = []
    for name in options.figures or FIGURES:
        print(f"measuring {name} ...", file=sys.stderr)
        results += measure(name, options.rounds)
    print(table(results))
    print(f"\nA target is missed where the figure is more than {(MARGIN - 1) * 100:.0f} % over it.")
    return 1 if any(result.missed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
