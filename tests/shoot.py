"""`python -m tests.shoot`: the pictures of the README, taken of real runs.

The real app with a real engine process under Textual's pilot; each scene types what a person would. SVG always, PNG
where there is a chromium. The manifest keeps what the source of each picture was, so that a test can tell when a
picture is older than what it shows.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from textual.message import Message
from textual.pilot import Pilot

from inspector.client.process import start_engine
from inspector.records import PassEnded, Target, TraceLine
from inspector.tui.app.app import InspectorApp
from inspector.tui.engine_client import make_client
from inspector.tui.messages import EngineSaid
from inspector.tui.options import AppOptions
from inspector.tui.saved_state import SavedState

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "screenshots"
MANIFEST = FOLDER / "manifest.json"
PATIENCE = 120.0
FONTS = '"Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace'
LIGATURES = 'font-variant-ligatures: none; font-feature-settings: "calt" 0'

_TUI = "inspector/tui"
_EVERYWHERE = ("app/workbench.py", "bars/header.py", "bars/footer.py", "format.py", "app/inspector.tcss")
_TREE = ("tree/widget.py", "tree/tree_lines.py", "tree/lines.py", "tree/columns.py")
_PANEL = ("app/panel_host.py", "panels/line_panel.py", "drawing/lines.py")


@dataclass(frozen=True)
class Scene:
    """One picture.

    Args:
        name: Of its files.
        shows: The files, below `inspector/tui`, whose change makes the picture old.
        target: What is opened; none for the picker.
        keys: What is typed when the first pass is over; what begins with `…` is waited for on the screen.
        select: The module to be at.
        size: Columns and lines.
        theme: A theme other than the usual one.
        fails: The pass is meant to fail.
        hooks: As after --hook.
    """

    name: str
    shows: tuple[str, ...]
    target: str = "resnet18"
    keys: tuple[str, ...] = ()
    select: str = ""
    size: tuple[int, int] = (120, 36)
    theme: str = ""
    fails: bool = False
    hooks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"inspector {self.target}".strip()

    @property
    def sources(self) -> list[str]:
        """The files whose change makes the picture old, from the root of the repository."""
        return [f"{_TUI}/{name}" for name in dict.fromkeys((*_EVERYWHERE, *self.shows))]


_SOURCE = (*_TREE, *_PANEL, "panels/source.py", "drawing/annotations.py", "drawing/colours.py")
_VALUES = (*_TREE, *_PANEL, "drawing/values.py")
_BLOCK = "layer1.0"
_FORM = ("screens/forms/small_form.py", "screens/fields.py", "screens/layer.py")
_HOOKED, _FAILING, _SCORING = (f"tests/shown_models.py:{name}" for name in ("hooked", "failing", "scoring"))
_LINES = (*_SOURCE, "panels/line_below.py", "panels/expressions.py", "drawing/line_values.py")
_STACK = (*_SOURCE, "panels/stack.py", "bars/stop_bar.py")

SCENES: tuple[Scene, ...] = (
    Scene("overview", _SOURCE, keys=("r",), select=_BLOCK),
    Scene("overview-80x24", _SOURCE, keys=("r",), select=_BLOCK, size=(80, 24)),
    Scene("overview-200x50", _SOURCE, keys=("r",), select=_BLOCK, size=(200, 50)),
    Scene("overview-light", _SOURCE, keys=("r",), select=_BLOCK, theme="textual-light"),
    Scene("outputs", (*_VALUES, "panels/outputs.py", "drawing/compare.py"), keys=("2", "r"), select="layer1.0.relu"),
    Scene("parameters", (*_VALUES, "panels/parameters.py", "drawing/table.py"), keys=("3",), select=_BLOCK),
    Scene("hooks", (*_TREE, *_PANEL, "panels/hooks.py", "drawing/table.py"), _HOOKED, ("4", "tab"), "gates.1"),
    Scene(
        "before-after",
        (*_VALUES, "panels/outputs.py", "drawing/before_after.py", "tree/heat.py"),
        keys=("2",),
        select="layer1",
        hooks=("layer1:scale(1.5)", "class:Conv2d:noise(0.02)"),
    ),
    Scene(
        "history",
        (*_TREE, *_PANEL, "panels/history.py", "drawing/plot.py"),
        keys=("6", "m", "enter"),
        select="conv1",
        hooks=("conv1:scale(1.1, on='parameters')",),
    ),
    Scene("gradients", (*_TREE, *_PANEL, "panels/gradients.py"), keys=("7", "b"), select="layer4"),
    Scene("add-hook", ("screens/hooks/add_hook.py", "screens/layer.py", "keys.py"), keys=("a",), select="layer1"),
    Scene("attributes", (*_VALUES, "panels/attributes.py"), keys=("5",), select="layer2.0.conv1"),
    Scene("log", (*_TREE, *_PANEL, "panels/log.py", "panels/stack.py", "drawing/problem.py"), _FAILING, fails=True),
    Scene("call-order", (*_TREE, *_SOURCE, "tree/calls/call_lines.py"), keys=("t",), select="layer1.0.relu"),
    Scene(
        "call-tree",
        (*_TREE, *_SOURCE, "tree/calls/nested_lines.py"),
        keys=("t", "t", *["right_parenthesis"] * 5),
        select="layer1.0.conv1",
    ),
    Scene("costs", (*_SOURCE, "tree/costs.py"), keys=("dollar_sign", "enter"), select="layer1"),
    Scene("first-bad-form", (*_FORM, "screens/forms/asking_form.py", "screens/forms/first_bad.py"), keys=("Z",)),
    Scene(
        "first-bad",
        (*_FORM, "screens/forms/asking_form.py", "screens/forms/first_bad.py"),
        _SCORING,
        ("Z", "enter", "…operations looked at"),
    ),
    Scene("source-values", _LINES, _SCORING, ("1", "tab", "…line ", *"jjj", *"ll")),
    Scene("stopped", _STACK, keys=("exclamation_mark", "r", "…Stack", "s", "s", "s", "…conv1  "), select=_BLOCK),
    Scene(
        "stops",
        ("screens/stops/stop_list.py", "screens/layer.py"),
        keys=("exclamation_mark", *"jj", "exclamation_mark", "r", "…stopped", "asterisk", "…Stops"),
        select=_BLOCK,
    ),
    Scene(
        "memory",
        (*_FORM, "screens/forms/memory.py"),
        keys=("colon", *"estimate", "enter", "down", "space", "down", *"Adam()", "enter"),
    ),
    Scene("filter", (*_SOURCE, "bars/prompt.py", "tree/matching.py"), keys=("f", *"class:Conv2d")),
    Scene("picker", ("screens/picker.py", "screens/layer.py"), "", tuple("resnet")),
    Scene("help", ("screens/help/screen.py", "screens/layer.py", "keys.py"), keys=("question_mark",)),
)


def sources_now(scene: Scene) -> dict[str, str]:
    """The sha256 of each file the picture depends on, as it is now."""
    return {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in scene.sources}


def kept_sources() -> dict[str, dict[str, str]]:
    """What `sources_now` was when each picture was taken, by its name."""
    found: dict[str, dict[str, str]] = json.loads(MANIFEST.read_text())
    return found


async def shoot(scene: Scene, state: Path) -> str:
    """The picture as SVG."""
    async with _running(scene, state) as (app, pilot):
        await _settled(app, pilot, scene)
        for key in scene.keys:
            await (_seen(app, pilot, key[1:], scene) if key[0] == "…" else pilot.press(key))
        if not scene.keys or scene.keys[-1][0] != "…":
            await _settled(app, pilot, scene)
        return tidy(app.export_screenshot(title=scene.title, simplify=True))


class Shown(InspectorApp):
    """The app, with the folders of this machine left out of what failed."""

    CSS_PATH = str(ROOT / _TUI / "app/inspector.tcss")  # a relative one is looked for beside the subclass

    def post_message(self, message: Message) -> bool:
        if isinstance(message, EngineSaid) and isinstance(message.event, PassEnded):
            message.event = _tidy_problem(message.event)
        return super().post_message(message)


def _tidy_problem(event: PassEnded) -> PassEnded:
    problem = event.summary.problem
    if problem is None:
        return event
    lines = tuple(TraceLine(_without_folders(line.text), line.place) for line in problem.traceback)
    problem = msgspec.structs.replace(problem, where=_without_folders(problem.where), traceback=lines)
    return msgspec.structs.replace(event, summary=msgspec.structs.replace(event.summary, problem=problem))


def _without_folders(text: str) -> str:
    """The packages first: an environment may lie in the checkout."""
    return text.replace(f"{sysconfig.get_path('purelib')}/", "…/").replace(f"{ROOT}/", "")


@asynccontextmanager
async def _running(scene: Scene, state: Path) -> Any:
    target = msgspec.to_builtins(Target(scene.target, hooks=scene.hooks)) if scene.target else None
    options = AppOptions(target=target, select=scene.select, theme=scene.theme)
    app = Shown(options, lambda post: make_client(start_engine(), post), SavedState(state))
    try:
        async with app.run_test(size=scene.size) as pilot:
            yield app, pilot
    finally:
        await app.engine.close()


async def _seen(app: InspectorApp, pilot: Pilot[None], text: str, scene: Scene) -> None:
    await _until(pilot, lambda: text in words(app.export_screenshot(simplify=True)), f"{scene.name}: {text}")
    await pilot.pause()


async def _settled(app: InspectorApp, pilot: Pilot[None], scene: Scene) -> None:
    """Wait until a first pass is over and nothing that was asked for is still under way."""
    if scene.target:
        await _until(pilot, lambda: app.state.model.summary is not None, f"{scene.name}: a first pass")
        problem = app.state.model.summary.problem if app.state.model.summary else None
        if bool(problem) is not scene.fails:
            raise RuntimeError(f"{scene.name}: the pass {'failed' if problem else 'did not fail'}: {problem}")
    await _until(pilot, lambda: app.is_running and app.engine.alive, f"{scene.name}: an engine")
    await app.workers.wait_for_complete()
    await pilot.pause()
    await _until(pilot, lambda: not app.state.running, f"{scene.name}: the end of a pass")
    await app.workers.wait_for_complete()
    await pilot.pause()


async def _until(pilot: Pilot[None], holds: Callable[[], bool], what: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while not holds():
        if loop.time() > deadline:
            raise RuntimeError(f"not in {PATIENCE:.0f} s: {what}")
        await pilot.pause(0.05)


def tidy(svg: str) -> str:
    """Without fonts from the network, which are not fetched where pictures are shown, and without ligatures, which
    would show other code than what runs: `!=` as one sign, `conv3x3` with a cross."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS};\n        {LIGATURES}").replace(
        "font-family: arial", "font-family: Arial, Helvetica, sans-serif"
    )


def words(svg: str) -> str:
    """The text in a picture, in its order."""
    return html.unescape("".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))).replace("\xa0", " ")


def private_words(svg: str) -> list[str]:
    """Folders of this machine that the picture tells."""
    here = (str(ROOT), sys.prefix, str(Path.home()), tempfile.gettempdir())
    folders = {"/opt/", "/root", "/home/", "/usr/", "/tmp", *(f"{name}/" for name in here if len(name) > 1)}
    return sorted(folder for folder in folders if folder in words(svg))


def write(scene: Scene, svg: str, chromium: str | None) -> Iterator[Path]:
    """The files of a picture."""
    told = private_words(svg)
    if told:
        raise RuntimeError(f"{scene.name}: the picture tells folders of this machine: {', '.join(told)}")
    vector = FOLDER / f"{scene.name}.svg"
    vector.write_text(svg)
    yield vector
    if chromium is not None:
        yield draw(vector, svg, chromium)


def draw(vector: Path, svg: str, chromium: str) -> Path:
    """The picture as PNG, in its own size."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found is not None
    width, height = (round(float(size)) for size in found.groups())
    drawn = vector.with_suffix(".png")
    page = f'<body style="margin:0"><img src="{vector.as_uri()}" width="{width}" height="{height}"></body>'
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder, "page.html")
        sheet.write_text(page)
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--force-device-scale-factor=1", "--default-background-color=00000000"]
        command += [f"--user-data-dir={folder}/profile", f"--window-size={width},{height}", f"--screenshot={drawn}"]
        subprocess.run([*command, sheet.as_uri()], check=True, capture_output=True, timeout=PATIENCE)
    _few_colours(drawn)
    return drawn


def _few_colours(picture: Path) -> None:
    """A terminal has few colours; written with a palette, its picture takes a third of the bytes."""
    from PIL import Image  # torchvision brings it; only here, so that SVGs need nothing more

    with Image.open(picture) as image:
        small = image.convert("RGBA").quantize(128, Image.Quantize.FASTOCTREE)
    small.save(picture, optimize=True)


def remember(scenes: Sequence[Scene]) -> None:
    """Write down what the sources of these pictures are now; those of others stay as they were, of none are dropped."""
    kept = kept_sources() if MANIFEST.exists() else {}
    kept.update({scene.name: sources_now(scene) for scene in scenes})
    names = [scene.name for scene in SCENES if scene.name in kept]
    MANIFEST.write_text(json.dumps({name: kept[name] for name in names}, indent=1) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.shoot", description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="all unless given")
    chosen = parser.parse_args(argv).scenes
    unknown = set(chosen) - {scene.name for scene in SCENES}
    if unknown:
        parser.error(f"no scene {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SCENES)}")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("there is no chromium: SVG only, the PNGs stay as they are (Debian: apt install chromium)")
    os.chdir(ROOT)  # targets are named from here
    FOLDER.mkdir(exist_ok=True)
    scenes = [scene for scene in SCENES if not chosen or scene.name in chosen]
    with tempfile.TemporaryDirectory() as state:
        for scene in scenes:
            svg = asyncio.run(shoot(scene, Path(state, scene.name)))
            for file in write(scene, svg, chromium):
                print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e3:.0f} kB")
    remember(scenes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
