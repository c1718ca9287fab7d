"""Files of every kind that is read, with a few other bytes, opened one after another in one process."""

from __future__ import annotations

import contextlib
import gc
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import torch

from inspector.engine.session import Session
from inspector.errors import InspectorError
from inspector.records import Opened, Run, Target
from inspector.tui.saved_state import SavedState

from .. import models
from ..case import Broken, Case, Front
from ..command import offline
from ..payload_files import CANARY, make_all, make_pictures
from .files import MUTATIONS

_TINY = f"{models.__file__}:tiny"
_FILES = 60
_SECONDS = 20
_MEGABYTES = 500
_LONGEST = 4_000
"""Characters of an error."""

_CRAFTED = ("evil", "bomb", "deep", "keys", "empty", "overflow", "picture")
"""Files that are no valid ones to begin with."""
_ARRAYS = (".npy", ".npz", ".png", ".jpg", ".gif", ".webp")


def _valid() -> dict[str, bytes]:
    made = {name: data for name, data in make_all().items() if not name.startswith(_CRAFTED)}
    return {**made, **make_pictures(), "kept.json": b'{"targets":[{"target":"resnet18","inputs":["2x4"]}]}'}


def _open(session: Session, target: Target) -> None:
    opened = session.open(target)
    if isinstance(opened, Opened) and opened.info.is_model and opened.info.runnable:
        session.run(Run(opened.generation))
    elif isinstance(opened, Opened):
        session.announce()


def _as_target(session: Session, name: str) -> None:
    _open(session, Target(name))


def _as_weights(session: Session, name: str) -> None:
    _open(session, Target(_TINY, weights=name))


def _as_input(session: Session, name: str) -> None:
    _open(session, Target(_TINY, inputs=(f"input=@{name}",)))


def _as_recipe(session: Session, name: str) -> None:
    _open(session, Target(_TINY, recipe=name))


def _as_patch(session: Session, name: str) -> None:
    _open(session, Target(_TINY, hooks=(f"0:patch({name!r})",)))


def _as_state_dict(session: Session, name: str) -> None:
    _open(session, Target(_TINY))
    session.load_state_dict(name, (), True)


def _as_config(session: Session, name: str) -> None:
    Path("saved").mkdir(exist_ok=True)
    Path(name).replace("saved/config.json")
    _open(session, Target("hf:saved"))


def _as_kept(session: Session, name: str) -> None:
    Path(name).replace("recent.json")
    SavedState(Path()).recents()


def _ways(name: str) -> tuple[Callable[[Session, str], None], ...]:
    if name == "kept.json":
        return (_as_kept,)
    if name == "config.json":
        return (_as_config,)
    if name.endswith(".toml"):
        return (_as_recipe,)
    if name.endswith(_ARRAYS):
        return (_as_input,)
    return (_as_target, _as_target, _as_weights, _as_input, _as_patch, _as_state_dict)


def attack(case: Case) -> None:
    """Every file is drawn from a number of its own, so that the ones before can be left out."""
    torch.set_num_threads(1)
    offline()
    warnings.simplefilter("ignore")
    numbers = [case.random.randrange(1 << 32) for _ in range(_FILES)]
    for number in numbers:
        _try(case, Random(number))


def _try(case: Case, random: Random) -> None:
    valid = _valid()
    name = random.choice(list(valid))
    data = valid[name]
    for _ in range(random.choice((1, 1, 2, 3))):
        data = random.choice(MUTATIONS)(random, data) if data else data
    way = random.choice(_ways(name))
    if case.note(f"{name} of {len(data)} bytes {way.__name__[1:].replace('_', ' ')}"):
        file = f"{random.randrange(1 << 30)}{Path(name).suffix}"
        Path(file).write_bytes(data)
        _use(way, file)


def _use(way: Callable[[Session, str], None], file: str) -> None:
    session = Session(lambda event: None)
    size = Path(file).stat().st_size // 1_000_000
    before = _peak(reset=True)
    try:
        with _within(_SECONDS):
            way(session, file)
    except InspectorError as error:
        _check_words(error)
    finally:
        session.close()
    del session
    if (
        taken := _peak() - before
    ) > _MEGABYTES + 2 * size and way is not _as_config:  # it may ask for gpt2 as large as it is
        raise Broken(f"{taken} MB were taken")
    if Path(CANARY).exists():
        raise Broken("code ran")
    gc.collect()


def _check_words(error: InspectorError) -> None:
    problem = error.problem
    if problem.exit_code == 2 and not problem.hint:
        raise Broken(f"nothing to type is said: {problem.what}")
    if max(len(problem.what), len(problem.where), len(problem.hint)) > _LONGEST:
        raise Broken(f"an error of {len(problem.what)} characters")


@contextlib.contextmanager
def _within(seconds: int) -> Iterator[None]:
    def stop(*signal: object) -> None:
        raise Broken(f"not done within {seconds} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _peak(reset: bool = False) -> int:
    """Megabytes that this process has had at most since it was asked to count anew."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


def prepare() -> None:
    make_all()
    with contextlib.suppress(ImportError):
        import transformers  # noqa: F401  # so that no case has to


FRONT = Front(attack, seconds=240, megabytes=2_500, prepare=prepare, shrinks=True)
