"""How long the pilot waits after a key: a fifth of what Textual waits, which is most of the time of these tests."""

import textual._wait

textual._wait.SLEEP_GRANULARITY = 1 / 250
textual._wait.SLEEP_IDLE = 1 / 2_000
