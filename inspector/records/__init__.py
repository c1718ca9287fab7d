"""The shared vocabulary: every request, event and plain value that crosses the channel.

Records are frozen, small and bounded. Text in them has passed `text.encodable`; it is still hostile and is made
`visible` where it is shown. This package knows neither torch nor Textual nor the rest of the package.

A module is named by its path, the tuple of keys that leads to it from the root (`()` is the root itself), because a
key may contain a dot. Rows of large listings name it by its index in the module list of the same generation.
"""

from __future__ import annotations

# All that these declare: a record is named where it is declared, and is listed nowhere again.
from .base import *
from .call_columns import *
from .costs import *
from .estimates import *
from .events import *
from .first_bad import *
from .frames import *
from .hooks import *
from .lines import *
from .messages import *
from .model import *
from .passes import *
from .queries import *
from .requests import *
from .stops import *
from .sweeps import *
from .values import *
