"""What the doctor finds in a made up place, and that it says what to do."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from inspector.cli import doctor
from inspector.cli.checks import gpu, terminal, versions
from inspector.cli.checks.check import Check
from inspector.cli.checks.folders import check_folders
from inspector.cli.main import main
from tests.documents import read_document

TORCH = '{"torch": "2.9", "cuda": null, "names": [], "mps": false}'


def found(checks, name: str) -> Check:
    return next(check for check in checks if check.name == name)


def asked(monkeypatch: pytest.MonkeyPatch, code: str) -> list[Check]:
    monkeypatch.setattr(gpu, "_CODE", code)
    return list(gpu.check_torch())


def test_terminals() -> None:
    good = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "EDITOR": f"{sys.executable} -x"}
    checks = list(terminal.check_terminal(good))
    assert [found(checks, name).state for name in ("colours", "locale", "editor", "clipboard")] == ["ok"] * 4
    poor = {"TERM": "xterm", "LC_ALL": "C", "EDITOR": "no-such-editor"}
    checks = list(terminal.check_terminal(poor))
    assert found(checks, "colours").said == "16" and "COLORTERM" in found(checks, "colours").todo
    assert "LC_ALL=C.UTF-8" in found(checks, "locale").todo and "not found" in found(checks, "editor").said
    assert "NO_COLOR" in found(terminal.check_terminal({**good, "NO_COLOR": "1"}), "colours").said


def test_tmux_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_ask_tmux", {"set-clipboard": "off", "escape-time": "500"}.__getitem__)
    checks = list(terminal.check_terminal({"TMUX": "1"}))
    assert "set-clipboard on" in found(checks, "clipboard").todo and "500 ms" in found(checks, "escape").said


def test_versions_are_compared_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["torch>=2.6", "textual>=8.2", "gone>=1", 'timm>=1.0.12; extra == "timm"', 'ruff; extra == "dev"']
    have = {"torch": "2.10.0+cpu", "textual": "8.1.9"}

    def version(name: str) -> str:
        if name not in have:
            raise metadata.PackageNotFoundError(name)
        return have[name]

    monkeypatch.setattr(metadata, "requires", lambda name: wanted)
    monkeypatch.setattr(metadata, "version", version)
    checks = [*versions.check_versions(), *versions.check_extras()]
    assert {check.name: check.state for check in checks[2:]} == {
        "torch": "ok", "textual": "bad", "gone": "bad", "timm": "note",
    }  # fmt: skip
    assert found(checks, "timm").todo.endswith("pip install 'torch-inspector[timm]'")


def test_torch_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = asked(monkeypatch, f"print('noise'); print({TORCH!r})")
    assert found(checks, "import").said == "torch 2.9" and found(checks, "GPU").state in ("ok", "note")
    there = TORCH.replace("null", '"12"').replace("[]", '["A card", "Another"]')
    assert found(asked(monkeypatch, f"print({there!r})"), "cuda:1").said == "Another"
    (bad,) = asked(monkeypatch, "raise ImportError('libcudart is \\x1b[31mnot there')")
    assert bad.state == "bad" and "libcudart" in bad.said and "\x1b" not in doctor.render_text([bad], 80, colours=False)


def test_a_wrong_configuration_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert [check.state for check in check_folders()] == ["ok", "ok"]
    (tmp_path / "inspector").mkdir()
    (tmp_path / "inspector" / "config.toml").write_text("[keys]\nrum = 'r'")
    wrong = found(check_folders(), "configuration")
    assert wrong.state == "bad" and "line 2" in wrong.said and wrong.todo == "did you mean keys.run?"


def test_it_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu, "_CODE", f"print({TORCH!r})")
    main(["doctor", "--print", "json"])
    document = read_document(capsys.readouterr().out)
    assert {check["group"] for check in document["checks"]} >= {"versions", "torch", "terminal", "files"}
    checks = [Check("a", "one", "fine"), Check("a", "two", "word " * 30, "bad", "do this")]
    text = doctor.render_text(checks, 60, colours=False)
    assert "X two" in text and "-> do this" in text and text.endswith("1 of 2 do not work\n")
    assert max(map(len, text.splitlines())) <= 60
    monkeypatch.setattr(doctor, "examine", lambda: checks)
    assert main(["doctor"]) == 1
