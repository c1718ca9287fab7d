"""What holds for every test."""

import os

# Before torch is imported, and for the engines that tests start: threads of one worker wait spinning, and on two cores
# with a worker on each that is most of the suite's time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The configuration of whoever runs the tests is not for them.
os.environ["XDG_CONFIG_HOME"] = os.path.join(os.path.dirname(__file__), "no-configuration")

import pytest
from hypothesis import settings

# Shared machines stall for seconds; a property is about what holds, not about how long it took to see.
settings.register_profile("here", deadline=None)
settings.load_profile("here")


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: many tests wait for a process, a terminal or a timer."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1
