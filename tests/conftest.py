"""What holds for every test."""

import os

# Before torch is imported, and for the engines that tests start: threads of one worker wait spinning, and on two cores
# with a worker on each that is most of the suite's time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# Shared machines stall for seconds; a property is about what holds, not about how long it took to see.
settings.register_profile("here", deadline=None)
settings.load_profile("here")
