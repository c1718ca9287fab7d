"""The verb `run`: somebody's script, unchanged, and the app where a model in it raises."""

from __future__ import annotations

from .verb import make_parser as make_parser
from .verb import run as run
