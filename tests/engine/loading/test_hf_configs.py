"""A `config.json` may hold anything: what is wrong with it is told, and nothing is built of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from inspector.engine.loading import load
from inspector.errors import InspectorError, UsageError
from inspector.records import Target

pytest.importorskip("transformers")

SMALL = {
    "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": 10,
}  # fmt: skip


def refused(directory: Path, *typed: tuple[str, str]) -> InspectorError:
    with pytest.raises(InspectorError) as caught:
        load(Target(f"hf:{directory}", typed, run=False))
    assert caught.value.problem.what and caught.value.problem.hint
    return caught.value


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ([], "a list where an object belongs"),
        (3, "a number where an object belongs"),
        (None, "null where an object belongs"),
        ("x", "a text where an object belongs"),
        ({}, "names no model_type"),
        ({"model_type": ["bert"]}, "model_type is to be a name"),
        ({"model_type": {}}, "model_type is to be a name"),
        ({**SMALL, "architectures": {}}, "architectures is to be a list of names"),
        ({**SMALL, "architectures": [{}]}, "architectures is to be a list of names"),
        ({**SMALL, "architectures": [None]}, "architectures is to be a list of names"),
        ({**SMALL, "architectures": "BertModel"}, "architectures is to be a list of names"),
        ({**SMALL, "num_hidden_layers": "x"}, "num_hidden_layers"),
        ({**SMALL, "num_hidden_layers": 10**9}, "asks for 1,000,000,000 num_hidden_layers"),
        ({**SMALL, "num_hidden_layers": 1e9}, "asks for 1,000,000,000.0 num_hidden_layers"),
        ({**SMALL, "num_labels": 10**10}, "asks for 10,000,000,000 num_labels"),
        ({**SMALL, "text_config": {"num_layers": 10**9}}, "asks for 1,000,000,000 num_layers"),
        ({**SMALL, "hidden_size": -1}, "negative"),
        ({**SMALL, "hidden_size": {}}, "hidden_size"),
        ({**SMALL, "quantization_config": 3}, "to_dict"),
    ],
)
def test_a_config_that_is_none_says_why(config: Any, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert words in refused(tmp_path).problem.what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff", "can't decode"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"a": ' + b"[" * 100_000, "nests too deep"),
        (b"[" + b"[]," * 2_000_000 + b"0]", "little but brackets"),
        (b'{"num_hidden_layers": 1' + b"0" * 5_000 + b"}", "digits"),
        (b" " * (17 << 20), "too large for a config"),
    ],
    ids=range(8),
)
def test_what_is_no_json_says_so(text: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(text)
    error = refused(tmp_path)
    assert isinstance(error, UsageError) and words in error.problem.what


def test_typed_arguments_ask_for_no_more_than_a_config_may(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    assert "asks for" in refused(tmp_path, ("num_hidden_layers", "1000000000")).problem.what
    with pytest.raises(UsageError, match="asks for"):
        load(Target("hf:BertConfig", (("num_hidden_layers", "1000000000"),), run=False))


def test_modules_without_end_are_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an argument is called by which it asks for them."""
    monkeypatch.setattr("inspector.engine.loading.hf.classes.MOST_MODULES", 50)
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, "num_hidden_layers": 50}))
    assert "more than 50 modules" in refused(tmp_path).problem.what


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["generation_config.json", "model.safetensors", "pytorch_model.bin"])
def test_pipes_beside_a_config_are_not_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    os.mkfifo(tmp_path / name)
    assert "is a named pipe" in refused(tmp_path).problem.what


def test_a_config_that_is_no_file_is_told_from_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    assert "is a named pipe" in str(refused(tmp_path))


def test_a_file_in_the_place_of_a_directory_is_not_read(tmp_path: Path) -> None:
    for name, make in (("large.json", lambda path: os.truncate(path, 1 << 40)), ("tiny.json", lambda path: None)):
        (tmp_path / name).touch()
        make(tmp_path / name)
        assert "is not the directory of a model" in str(refused(tmp_path / name))
