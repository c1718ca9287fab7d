"""JSON reports as whoever reads them gets them: through the schema that ships, and nothing that JSON does not have."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import best_match

from inspector.report.schema import read_schema


@lru_cache
def validator() -> Any:
    """Of the schema as it ships. Stricter in one thing: 1.0 is no integer."""
    schema = json.loads(read_schema())
    Draft202012Validator.check_schema(schema)
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, found: type(found) is int)
    return validators.extend(Draft202012Validator, type_checker=types)(schema)


def read_document(text: str) -> Any:
    """The one document in `text`, which keeps to the schema."""

    def refuse(constant: str) -> None:
        pytest.fail(f"JSON has no {constant}")

    document = json.loads(text, parse_constant=refuse)
    error = best_match(validator().iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message[:500]}"
    return document
