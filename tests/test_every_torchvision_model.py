"""`inspector NAME --print json` on every model of torchvision: two a day, all of them with `-m slow`."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from torchvision.models import list_models

from tests.documents import read_document
from tests.warm import run

A_DAY = 2
SLOW = ("_h_14", "128gf", "retinanet", "rcnn", "fcos", "raft", "mvit", "swin3d", "maxvit", "_l_", "vgg")
"""Parts of names whose models take long, or gigabytes."""


def of_the_day(names: list[str]) -> set[str]:
    """Others every day, the same ones all day long."""
    day = datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat()
    quick = [name for name in names if not any(part in name for part in SLOW)]
    return set(sorted(quick, key=lambda name: hashlib.sha256(f"{day} {name}".encode()).digest())[:A_DAY])


NAMES = list_models()
TODAY = of_the_day(NAMES)


@pytest.mark.parametrize(
    "name", [name if name in TODAY else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_a_report_tells_every_call(name: str) -> None:
    ran = run(name, "--print", "json")
    assert ran.returncode == 0, ran.stderr[-2_000:]
    found = read_document(ran.stdout)
    assert found["error"] is None and found["output"]["kind"] != "none"
    called = {call["path"] for call in found["calls"]}
    assert "" in called and all(call["status"] == "ok" for call in found["calls"])
    assert {module["path"] for module in found["modules"]} >= called
    assert sum(module["calls"] for module in found["modules"] if module["alias_of"] is None) == len(found["calls"])
