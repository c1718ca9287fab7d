"""What holds for every test."""

from hypothesis import settings

# Shared machines stall for seconds; a property is about what holds, not about how long it took to see.
settings.register_profile("here", deadline=None)
settings.load_profile("here")
