"""The pictures of the README: there, no older than what they show, and telling nothing of the machine they are from."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from inspector.tui.panels import PANELS
from tests.shoot import FOLDER, ROOT, SCENES, Scene, kept_sources, private_words, sources_now, tidy, words

AGAIN = "run `python -m tests.shoot`"
MOST_BYTES = 190_000  # of a scene, on average


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_picture_is_not_older_than_what_it_shows(scene: Scene) -> None:
    then, now = kept_sources().get(scene.name, {}), sources_now(scene)
    changed = [name for name in now if then.get(name) != now[name]]
    assert not changed, f"{scene.name} is older than {', '.join(changed)}: {AGAIN} {scene.name}"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_picture_is_there(scene: Scene, kind: str) -> None:
    file = FOLDER / f"{scene.name}.{kind}"
    assert file.is_file() and file.stat().st_size > 5_000, f"{file.name} is missing: {AGAIN} {scene.name}"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_picture_tells_no_folder_of_the_machine_and_fetches_nothing(scene: Scene) -> None:
    svg = (FOLDER / f"{scene.name}.svg").read_text()
    assert not private_words(svg)
    assert "url(http" not in svg and "@font-face" not in svg


def test_every_panel_has_a_picture() -> None:
    shown = {ROOT / name for scene in SCENES for name in scene.sources}
    missing = [panel.TITLE for panel in PANELS if Path(inspect.getfile(panel)) not in shown]
    assert not missing


def test_there_are_no_other_pictures_and_they_are_small() -> None:
    files = [file for file in FOLDER.iterdir() if file.suffix in (".svg", ".png")]
    assert {file.stem for file in files} == {scene.name for scene in SCENES}
    assert sum(file.stat().st_size for file in files) < MOST_BYTES * len(SCENES)


def test_a_folder_is_found_also_where_its_name_changes_colour() -> None:
    svg = '<text x="1">File&#160;/op</text><text x="2">t/venv/lib</text>'
    assert words(svg) == "File /opt/venv/lib"
    assert "/opt/" in private_words(svg)


def test_code_is_shown_without_ligatures_and_without_fonts_from_the_network() -> None:
    drawn = tidy('<style>@font-face { src: url("https://fonts") } .m { font-family: Fira Code, monospace; }</style>')
    assert "https" not in drawn
    assert "font-variant-ligatures: none" in drawn
