"""A pilot that waits less than half of what Textual's waits after a key, which is most of the time of these tests, in
an app that draws eight times as often: whoever waits still sees a frame go by."""

import textual._wait
import textual.screen

textual._wait.SLEEP_GRANULARITY = 1 / 125
textual._wait.SLEEP_IDLE = 1 / 2_000
textual.screen.UPDATE_PERIOD = 1 / 500
