"""Every file that is read or written goes through here; knows neither torch nor Textual.

What is read is a regular file, within a size that fits what it is read for; what is written is a new file, or one of
ours in its place, whole or not at all.
"""

from __future__ import annotations

from .completion import complete as complete
from .json_text import parse_json as parse_json
from .kinds import expand as expand
from .kinds import is_directory as is_directory
from .kinds import is_file as is_file
from .kinds import is_there as is_there
from .lines import keep_from_reading as keep_from_reading
from .lines import keep_from_reading_for as keep_from_reading_for
from .opening import check_file as check_file
from .opening import open_file as open_file
from .opening import read_file as read_file
from .stamps import Stamp as Stamp
from .stamps import read_stamps as read_stamps
from .writing import check_new as check_new
from .writing import replace_private as replace_private
from .writing import write_new as write_new
