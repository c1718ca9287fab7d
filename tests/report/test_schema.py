"""The schema itself, and that nothing in the suite reads a report past it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspector.records import ModelInfo, Problem
from inspector.report.json_report import render_json
from inspector.report.model import Report
from tests.documents import read_document, validator

TESTS = Path(__file__).parents[1]
FAILURE = '{"schema": 1, "target": "net", "error": {"type": "Error", "message": "m", "path": null, "traceback": [], '
FAILURE += '"where": null, "why": null, "hint": null}'


def objects(schema: object) -> list[dict[str, object]]:
    if isinstance(schema, list):
        return [found for item in schema for found in objects(item)]
    if not isinstance(schema, dict):
        return []
    inner = [found for item in schema.values() for found in objects(item)]
    return [schema, *inner] if schema.get("type") == "object" else inner


def test_a_key_that_is_not_documented_fails() -> None:
    assert read_document(FAILURE + "}")["target"] == "net"
    with pytest.raises(AssertionError):
        read_document(FAILURE + ', "undocumented": 1}')
    for schema in objects(validator().schema):
        assert schema["additionalProperties"] is False or "$ref" in schema["additionalProperties"], schema


def test_an_engine_may_end_before_it_told_the_modules() -> None:
    info = ModelInfo("net", "importable", "Net", 3, 3, 20, 20, 0, 80, False, "cpu", "2.9")
    document = read_document(render_json(Report(info, [], problem=Problem("it was killed"))))
    assert document["modules"] == [] and document["error"]["message"] == "it was killed"


def test_two_documents_and_a_number_that_json_lacks_fail() -> None:
    with pytest.raises(ValueError):
        read_document(FAILURE + "}" + FAILURE + "}")
    with pytest.raises(pytest.fail.Exception):
        read_document('{"schema": NaN}')


def test_every_report_that_a_test_makes_goes_through_the_schema() -> None:
    """Whoever asks for JSON, or renders it, reads it with `read_document` and in no other way."""
    asks = re.compile(r'"--print", "json"|"--print=json"|\brender_json\(|\brender_failure\(')
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text("utf-8")
        if asks.search(text) and path.name not in ("test_verbs.py", "test_schema.py"):
            assert "read_document(" in text, path
            assert not re.search(r"json\.loads\((ran|printed|process|render)", text), path
