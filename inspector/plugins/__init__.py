"""Doors in other libraries: a plugin of pytest, callbacks of trainers. Each imports its own library alone."""
