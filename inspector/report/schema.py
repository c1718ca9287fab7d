"""The JSON Schema of the report, which ships as a file beside this one."""

from __future__ import annotations

from importlib.resources import files


def read_schema() -> str:
    """The schema as text."""
    return files(__package__).joinpath("schema.json").read_text("utf-8")
