"""`python -m tests.attack`: attacks for so many minutes, a line for each failure with the command that repeats it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from .apart import adopt_orphans, run_apart
from .campaign import Campaign
from .case import Size
from .fronts import FRONTS


def main(argv: Sequence[str] | None = None) -> int:
    parser = _make_parser()
    options = parser.parse_args(argv)
    unknown = [name for name in options.only if name not in FRONTS]
    if unknown:
        parser.error(f"no front {unknown[0]!r}; there are {', '.join(FRONTS)}")
    adopt_orphans()
    if options.case:
        return _repeat(*options.case, options)
    seed = options.seed if options.seed is not None else int(time.time())
    return Campaign(options.only or list(FRONTS), seed, options.size, options.minutes, options.details).run()


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=1, help="how long, over all fronts (default 1)")
    add("--only", type=lambda text: text.split(","), default=[], metavar="FRONT,...", help=f"of {', '.join(FRONTS)}")
    add("--seed", type=int, metavar="N", help="what the cases are drawn from (default: the clock)")
    add("--size", type=_read_size, metavar="WxH", help="of every terminal, in place of random sizes")
    add("--details", metavar="FOLDER", help="write there what each failure did and showed")
    add("--case", type=_read_case, metavar="FRONT:SEED", help="repeat one case, and print what it did")
    add("--skip", type=int, default=0, metavar="N", help="leave out so many of its first deeds")
    return parser


def _read_size(text: str) -> Size:
    columns, lines = map(int, text.split("x"))
    return columns, lines


def _read_case(text: str) -> tuple[str, int]:
    name, seed = text.split(":")
    if name not in FRONTS:
        raise ValueError(text)
    return name, int(seed)


def _repeat(name: str, seed: int, options: argparse.Namespace) -> int:
    FRONTS[name].prepare()
    verdict = run_apart(name, FRONTS[name], seed, options.size, options.skip)
    print(verdict.detail)
    print(f"{name}:{seed} {verdict.problem or 'holds'} ({verdict.seconds:.1f} s)")
    return 1 if verdict.problem else 0


if __name__ == "__main__":
    sys.exit(main())
