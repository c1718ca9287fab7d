"""Options about passes that would do nothing are refused, before anything is loaded."""

from __future__ import annotations

import pytest

from inspector.cli.main import main
from tests.documents import read_document


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--batches 0", "'0' is no whole number from 1"),
        ("--budget 5", "'5' is no share such as 10%"),
        ("--budget 0%", "'0%' is no share such as 10%"),
        ("--batches=-1", "'-1' is no whole number from 1"),
        ("--batches 100000000000000000000000", "is no whole number from 1 to 1,000,000"),
        ("--generate=-3", "'-3' is no whole number from 1"),
        ("--generate x", "'x' is no whole number"),
        ("--loss cross_entropy", "--loss needs the backward pass: add --backward"),
        ("--batches 3 --optimizer SGD(lr=1)", "--optimizer needs the backward pass: add --backward"),
        ("--no-forward --backward", "--backward needs a pass, and --no-forward runs none"),
        ("--no-forward --generate 3", "--generate needs a pass"),
        ("--no-forward --batches 3", "--batches needs a pass"),
        ("--no-forward --loader a.b:c", "--loader needs a pass"),
        ("--no-forward --record fc --save new.safetensors", "--record needs a pass"),
        ("--no-forward --strict", "--strict needs a pass"),
    ],
)
def test_what_nobody_would_look_at_is_refused(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["resnet18", "--print", "json", *typed.split(" ")])
    captured = capsys.readouterr()
    error = read_document(captured.out)["error"]
    assert left.value.code == 2 and error["type"] == "UsageError"
    assert said in error["message"] and said in captured.err
