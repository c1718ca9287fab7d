"""What shells are answered, and that they take it: each that is installed, at a pseudo-terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.cli.completing.shells import answer, split_line
from inspector.cli.completing.words import complete_words
from inspector.cli.main import main
from inspector.cli.verbs import VERBS
from inspector.model_names import list_registered
from tests.terminal.harness import ROOT, Terminal

BREAKS = " \t\n\"'><=;|&(:"


def texts(*words: str) -> list[str]:
    return [candidate.text for candidate in complete_words(words)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text("class Net: ...\nclass _Part: ...\ndef build(): ...\nNETS = 1\n")
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "two words.py").write_text("def build(): ...\n")
    (tmp_path / "hooks.toml").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_are_those_that_the_packages_have() -> None:
    from torchvision.models import list_models

    assert sorted(name for name, _ in list_registered("torchvision")) == sorted(list_models())
    assert not list(list_registered("no_such_package"))


def test_a_target_is_a_file_what_is_in_it_or_a_name(folder: Path) -> None:
    assert {"net.py", "folder/", "resnet18", "timm:", "hf:", "sweep"} <= set(texts(""))
    assert "hooks.toml" not in texts("") and texts("net.py:") == ["net.py:Net", "net.py:build"]
    assert texts("net.py::b") == ["net.py::build"] and texts("broken.py:") == texts("none.py:") == []
    assert texts("tv:resnet5") == ["tv:resnet50"] and texts("hf:f") == ["hf:folder/"]
    assert "resnet18" in texts("open", "resnet1") and "sweep" not in texts("open", "sw")


def test_options_and_what_they_take(folder: Path) -> None:
    assert texts("resnet18", "--pri") == ["--print"]
    assert texts("resnet18", "--print", "") == ["tree", "calls", "costs", "json"]
    assert texts("resnet18", "--print=t") == ["--print=tree"] and texts("sweep", "x", "--print", "c") == ["csv"]
    assert (
        texts("-d", "m") == ["meta"]
        and texts("-w", "D") == ["DEFAULT"]
        and texts("--hooks", "")
        == [
            "folder/",
            "hooks.toml",
        ]
    )
    assert texts("-i", "x=@ne") == ["x=@net.py"] and texts("--theme", "textual-l") == ["textual-light"]
    assert texts("--seed", "") == texts("resnet18", "") == texts("-i", "1x") == []
    assert texts("--seed", "3", "resnet5") == ["resnet50"] and "--over" in texts("sweep", "--o")
    assert (
        "net.py" in texts("run", "ne")
        and "hooks.toml" not in texts("run", "")
        and "hooks.toml" in texts("run", "x", "")
    )
    assert texts("completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_options_to_complete(verb) -> None:
    assert "--help" in texts(verb.name, "--h")


def test_bash_replaces_what_it_takes_for_the_last_word(folder: Path) -> None:
    assert split_line("inspector 'two w") == ["two w"] and split_line("inspector two\\ w") == ["two w"]
    assert split_line("inspector a ") == ["a", ""] and split_line("inspector") == [""]
    assert answer("bash", ["inspector net.py:b", BREAKS]) == "build \n"
    assert answer("bash", ["inspector net.py:b", " \t"]) == "net.py:build \n"
    assert answer("bash", ["inspector tw", BREAKS]) == "two\\ words.py \n"
    assert answer("bash", ["inspector 'tw", BREAKS]) == "two words.py \n"
    assert answer("bash", ["inspector fol", BREAKS]) == "folder/\n"


def test_no_answer_imports_torch_or_the_screen(folder: Path) -> None:
    code = (
        "import sys; from inspector.cli.main import main\n"
        "for words in ([''], ['net.py:'], ['timm:r'], ['--pri'], ['resnet18', '-d', '']):\n"
        "    main(['completion', '--answer', 'zsh', *words])\n"
        "print([m for m in ('torch', 'torchvision', 'timm', 'textual') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


SCRIPT = f"""\
#!/bin/sh
[ "$1" = completion ] && exec {sys.executable} -m inspector "$@"
for word; do echo "<$word>"; done
"""
START = {
    "bash": (["--norc", "--noprofile", "-i"], "source <(inspector completion bash)"),
    "zsh": (["-f", "-i"], "autoload -U compinit; compinit -u -D; source <(inspector completion zsh)"),
    "fish": (["--no-config", "-i"], "inspector completion fish | source"),
}


@pytest.mark.parametrize("shell", START)
def test_a_shell_takes_it(folder: Path, shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0 and "--answer" in capsys.readouterr().out
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = folder / "bin" / "inspector"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    script.chmod(0o755)
    options, setup = START[shell]
    environment = {"PATH": f"{script.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(folder),
                   "PS1": "$ ", "HISTFILE": ""}  # fmt: skip
    with Terminal([program, *options], columns=120, environment=environment, folder=folder) as terminal:
        terminal.send(f"{setup}; echo rea''dy\r")
        terminal.wait_for_text("ready")
        for keys, then in (
            ("inspector net.py:b\t", "net.py:build"),
            ("--pri\t", "--print "),
            ("tr\t", "tree"),
            ("-i x=@ne\t", "x=@net.py"),
        ):
            terminal.send(keys)
            terminal.wait_for_text(then)
        terminal.send("\r")
        terminal.wait_for_text("<x=@net.py>")
        assert all(f"<{word}>" in terminal.text for word in ("net.py:build", "--print", "tree", "-i"))
        terminal.send("exit\r")
