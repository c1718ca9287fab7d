"""What holds for every test."""

import os

# Before torch is imported, and for the engines that tests start: threads of one worker wait spinning, and on two cores
# with a worker on each that is most of the suite's time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The configuration of whoever runs the tests is not for them.
os.environ["XDG_CONFIG_HOME"] = os.path.join(os.path.dirname(__file__), "no-configuration")

from hypothesis import settings

# Shared machines stall for seconds; a property is about what holds, not about how long it took to see.
settings.register_profile("here", deadline=None)
settings.load_profile("here")
