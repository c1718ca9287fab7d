"""Whether torch can be imported, and which accelerators it finds: asked of a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from ...text import encodable
from .check import Check

PATIENCE = 120.0
"""Seconds: a driver that hangs is found out, too."""
_GROUP = "torch"
_CODE = """
import json, torch
cuda = torch.cuda.is_available()
mps = torch.backends.mps.is_available()
names = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())] if cuda else []
print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "names": names, "mps": mps}))
"""


def check_torch() -> Iterator[Check]:
    """Starts Python for it, which takes as long as torch needs to be imported."""
    try:
        done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Check(_GROUP, "import", f"does not end: {type(error).__name__}", "bad", "python -c 'import torch'")
        return
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        why = encodable((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1], 200)
        yield Check(_GROUP, "import", why, "bad", "python -c 'import torch' says it in full; install torch anew")
        return
    found = json.loads(lines[-1])
    yield Check(_GROUP, "import", f"torch {found['torch']}")
    yield from _check_devices(found)


def _check_devices(found: dict[str, Any]) -> Iterator[Check]:
    for number, name in enumerate(found["names"]):
        yield Check(_GROUP, f"cuda:{number}", encodable(name, 100))
    if found["mps"]:
        yield Check(_GROUP, "mps", "there; models are put on cuda or cpu, your own code may use it")
    if not found["names"]:
        yield _explain_no_cuda(found)


def _explain_no_cuda(found: dict[str, Any]) -> Check:
    if shutil.which("nvidia-smi") is None:
        return Check(_GROUP, "GPU", "none found, models run on the CPU")
    if found["cuda"] is None:
        todo = "this torch is built for CPUs: https://pytorch.org/get-started has the one for CUDA"
        return Check(_GROUP, "GPU", "there is a driver, and torch cannot use it", "note", todo)
    return Check(
        _GROUP, "GPU", "torch finds none", "note", "nvidia-smi says whether the driver works; CUDA_VISIBLE_DEVICES?"
    )
