"""The configuration file: what it may say, what is said where it is wrong, and that all keys can be changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.theme import BUILTIN_THEMES

from inspector.app_keys import app_keys
from inspector.cli.main import main
from inspector.config import schema
from inspector.config.apply import app_options, fill_target
from inspector.config.default import render_config, render_default
from inspector.config.keymap import find_clashes
from inspector.config.read import read_config
from inspector.config.schema import Config
from inspector.errors import UsageError
from inspector.tui.key_names import name_key, print_key
from inspector.tui.keys import COMMANDS, say_key
from inspector.tui.panels import PANELS
from tests.documents import read_document

STRUCTS = (schema.View, schema.Thresholds, schema.TargetSettings, schema.ThemeColours)
TYPED = {"target": "resnet18", "arguments": [], "inputs": [], "device": "auto", "seed": 0, "training": False,
         "hooks": [], "observe": True, "budget": 0.0}  # fmt: skip


def written(folder: Path, text: str) -> str:
    file = folder / "config.toml"
    file.write_text(text)
    return str(file)


def test_there_need_be_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_config() == Config()


def test_a_start_without_one_imports_nothing_for_it() -> None:
    code = (
        "import sys; from inspector.cli import main, open; from inspector.tui.start import launcher\n"
        "launcher.supervise = open._has_terminal = lambda *argv: True\n"
        "main.main(['resnet18'])\n"
        "print([m for m in ('tomlkit', 'textual', 'rich', 'torch', 'inspector.files') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "[]\n", done.stdout + done.stderr


WRONG = [
    ("# one\n[view]\nthme = 1", "view.thme", 3, "view.theme"),
    ("[veiw]\nascii = true", "veiw", 1, "view"),
    ("[view]\n\nascii = 'yes'", "true or false", 3, "--default"),
    ("[thresholds]\nvanishing = 0.5", "vanishing", 2, ""),
    ("[view]\nsplit = 99", "<= 90", 2, ""),
    ("[view]\ntab = 'Sorce'", "there is no tab Sorce", 2, "did you mean Source?"),
    ("[view]\n\ntheme = 'grovbox'", "there is no theme grovbox", 3, "did you mean gruvbox?"),
    ("[view]\ntheme = 'mime'\n[themes.mine]\nprimary = '#123'", "no theme mime", 2, "did you mean mine?"),
    ("[thresholds]\ndelta_low = 0.5", "delta_low is below delta_middle", 1, "now 0.5, 0.1 and 1"),
    ("view = 3", "view is a table", 1, "[view]"),
    ("[keys]\nrum = 'r'", "rum", 2, "keys.run"),
    ("[keys]\nrun = 'ctrl+m'", "as enter", 2, ""),
    ("[keys]\nrun = 3", "keys.run", 2, "["),
    ("[keys]\nseed = 'z'\nrun = 'b'", "b is the key of run and of backward", 3, "another key"),
    ("[keys]\nrun = 'z'\nseed = 'z'", "(line 3)", 2, "another key"),
    ("[keys]\nrun = 'x'", "x is the key of run", 2, "another key"),
    ("[keys]\nquit = ''", "quit needs a key", 2, ""),
    ("[targets.resnet18]\nweigths = 'x'", "weigths", 2, "targets.resnet18.weights"),
    *(("[targets.resnet18]\nbudget = '" + each + "'", "a number and a sign, such as 10%", 2, "")
      for each in ("10", "0%", "0.0%", "ten%", "-1%")),
    ("[targets]\n'a.py:B' = {input = 3}", "input", 2, ""),
    ("[themes.mine]\ndark = true", "primary", 1, "add it"),
    ("[themes.mine]\nprimary = 'blu'", "#rrggbb", 2, ""),
    ("[view]\nascii = ", "no TOML", 2, ""),
    ("[view]\nascii = true\nascii = true", "no TOML", 0, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "what", "line", "hint"), WRONG, ids=lambda part: str(part)[:24])
def test_an_error_names_the_line_and_the_nearest(tmp_path: Path, text: str, what: str, line: int, hint: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_config(file)
    problem = caught.value.problem
    assert what in problem.what and hint in problem.hint
    assert problem.where == (f"{file}, line {line}" if line else file)


@pytest.mark.parametrize("form", ["tree", "json"])
def test_a_wrong_one_ends_a_report_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    file = written(tmp_path, "[view]\nthme = 'x'")
    assert main(["resnet18", "--config", file, "--print", form]) == 2
    out, err = capsys.readouterr()
    assert f"{file}, line 2" in err and "did you mean view.theme?" in err
    assert not out if form == "tree" else read_document(out)["error"]["where"] == f"{file}, line 2"


def test_what_is_typed_wins() -> None:
    said: Any = {"arguments": {"width": 3, "deep": True}, "input": "1x3", "device": "cpu", "train": True,
                 "hooks": ["fc:zero()"], "seed": 4, "budget": "12.5%"}  # fmt: skip
    config = read_from({"targets": {"resnet18": said}})
    filled = fill_target(TYPED, config)
    assert filled["arguments"] == [("width", "3"), ("deep", "True")] and filled["inputs"] == ["1x3"]
    assert (filled["device"], filled["training"], filled["seed"], filled["hooks"]) == ("cpu", True, 4, ["fc:zero()"])
    assert filled["budget"] == 0.125 and fill_target({**TYPED, "budget": 0.5}, config)["budget"] == 0.5
    typed = {**TYPED, "arguments": [("width", "5")], "device": "meta", "seed": 1, "observe": False}
    filled = fill_target(typed, config, said_no=True)
    assert filled["arguments"] == [("deep", "True"), ("width", "5")]
    assert (filled["device"], filled["training"], filled["seed"], filled["hooks"]) == ("meta", False, 1, [])
    assert fill_target({**TYPED, "target": "resnet34"}, config) == {**TYPED, "target": "resnet34"}


def test_read_only_and_hooks_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, "[view]\nreadonly = true\n[targets.resnet18]\nhooks = 'fc:zero()'")
    assert main(["resnet18", "--config", file, "--print", "tree"]) == 2
    assert "read-only" in capsys.readouterr().err
    assert main(["resnet18", "--readonly", "--hook", "fc:zero()", "--print", "tree"]) == 2


def read_from(data: dict[str, Any]) -> Config:
    from inspector.config.checking import check
    from inspector.config.document import Document

    return check(Document("", data))


def test_the_default_file_says_all_there_is_and_changes_nothing(tmp_path: Path) -> None:
    text = render_default()
    assert read_config(written(tmp_path, text)) == Config()
    settings = [line for line in text.splitlines() if re.match(r"# [\w-]+ = ", line)]
    assert not [line for line in settings if "  # " not in line], "each says what it is"
    assert len(settings) == len(COMMANDS) + sum(len(each.__struct_fields__) for each in STRUCTS)
    opened = re.sub(r"^# ([\w-]+ = |\[)", r"\1", text, flags=re.MULTILINE)
    config = read_config(written(tmp_path, opened))
    assert config.keys == {command.id: command.default_keys for command in COMMANDS}
    assert not list(find_clashes(config.keys))
    assert set(config.themes) == {"mine"} and config.targets["model.py:Net"].rename == ["module.=>"]
    assert read_config(written(tmp_path, render_config(config))) == config
    assert json.loads(json.dumps(app_options(config)))["split"] == 43


def test_help_of_the_command_line_names_the_keys_of_the_configuration(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "XDG_CONFIG_HOME": str(tmp_path)}
    said = []
    for text in ("", '[keys]\nreload = "f6"\nwrite = "^w"', "[keys]\nrelod = 1"):
        (tmp_path / "inspector").mkdir(exist_ok=True)
        (tmp_path / "inspector" / "config.toml").write_text(text)
        command = [sys.executable, "-m", "inspector", "--help"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        said.append(" ".join(done.stdout.split()))
    assert "F5 does it once" in said[0] and "as w writes it" in said[0] and said[2] == said[0]
    assert "F6 does it once" in said[1] and "as ctrl+w writes it" in said[1]


def test_keys_that_others_name_are_those_that_there_are() -> None:
    assert dict(app_keys()) == {id: say_key(id) for id, _ in app_keys()}


def test_what_a_view_may_start_with_is_there() -> None:
    assert [panel.TITLE for panel in PANELS] == list(schema.PANELS)
    assert len(set(schema.THEMES) - set(BUILTIN_THEMES)) <= 2, "Textual 8.2.0 has one in place of two of them"


def test_two_commands_may_change_places() -> None:
    keys = read_from({"keys": {"run": "b", "backward": ["r", "F6"], "disable-all": ""}}).keys
    assert keys == {"run": "b", "backward": "r,f6", "disable-all": ""}


@pytest.mark.parametrize(
    ("typed", "name", "shown"),
    [("?", "question_mark", "?"), ("^R", "ctrl+r", "^r"), ("ctrl++", "ctrl+plus", "^+"), ("PgDn", "pagedown", "PgDn"),
     ("alt+o", "alt+o", "M-o"), ("G", "G", "G"), ("space", "space", "space"), ("é", "é", "é")],
)  # fmt: skip
def test_keys_are_read_as_people_write_them(typed: str, name: str, shown: str) -> None:
    assert name_key(typed) == name == name_key(name) and print_key(name) == shown


@pytest.mark.parametrize("typed", ["foo", "", "shift+g", "ctrl+", "hyper+x", "ctrl+i", "ctrl+enter", "alt+alt+x"])
def test_no_key_is_made_of_what_no_terminal_sends(typed: str) -> None:
    with pytest.raises(ValueError):
        name_key(typed)


def test_the_verb_shows_and_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("VISUAL", "true")
    main(["config", "--path"])
    file = Path(capsys.readouterr().out.strip())
    assert file == tmp_path / "inspector" / "config.toml"
    main(["config"])
    assert capsys.readouterr().out.startswith(f"# there is no {file}")
    assert main(["config", "--edit"]) == 0 and file.read_text() == render_default()
    file.write_text("[keys]\nrun = 'f6'\n")
    assert main(["config", "--edit"]) == 0
    assert main(["config", "--show"]) == 0 and 'run = "F6"' in capsys.readouterr().out
    file.write_text("[keys]\nrun = 'x'\n")
    assert main(["config", "--edit"]) == 2 and "line 2" in capsys.readouterr().err
