"""Adding a hook: the kinds, the form, the code, and the text that comes out of them."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from inspector.engine.hooks.python_code import compile_hook
from inspector.errors import UsageError
from inspector.records import (
    AddHook,
    CheckHook,
    EditParameters,
    HookCheck,
    HookSpec,
    KindArgument,
    KindInfo,
    Kinds,
    ListKinds,
    Problem,
)
from inspector.tui.app.outside import Outside
from inspector.tui.screens.fields import Cycle, Field, FieldScroll, Tick
from inspector.tui.screens.hooks.add_hook import AddHookPicker, matching
from inspector.tui.screens.hooks.code import TEMPLATES, is_template, template
from inspector.tui.screens.hooks.code_box import CodeBox
from inspector.tui.screens.hooks.form import MEANINGS, MOMENTS, HookForm
from inspector.tui.screens.hooks.places import names_modules, with_all_below
from inspector.tui.screens.hooks.status import HookStatus, outcome, refusal
from inspector.tui.screens.hooks.typed import Typed, default_text, fill, read_spec, write_call

from ..app.test_hook_actions import NASTY, settle, told
from ..fake_engine import KINDS, NAMED, FakeEngine, failed, running


def status(app) -> str:
    return str(app.screen.query_one(HookStatus).render())


def fields(app) -> dict[str, str]:
    return {field.label: field.value for field in app.screen.query(Field) if field.display}


async def choose(app, pilot, kind: str) -> None:
    """The form of this kind."""
    await pilot.press("a")
    await settle(app, pilot)
    await pilot.press(*kind, "enter")
    await settle(app, pilot)
    assert isinstance(app.screen, HookForm)


@pytest.mark.parametrize(("kind", "typed", "text"), [
    ("scale", Typed("", {"factor": "2"}), "scale(2)"),
    ("scale", Typed("output", {"factor": " 1e-3 "}), "scale(1e-3)"),
    ("scale", Typed("input", {"factor": "-2.50", "call": "1"}), "scale(-2.50, on='input', call=1)"),
    ("scale", Typed("", {"factor": "2", "where": '["hidden"]', "when": "nan > 0"}),
     """scale(2, where='["hidden"]', when='nan > 0')"""),
    ("scale", Typed("", {"factor": "2", "every": "1", "call": ""}), "scale(2)"),
    ("scale", Typed("", {"factor": "2", "step": " 3 "}), "scale(2, step=3)"),
    ("record", Typed("", {"step": "last"}), "record(step='last')"),
    ("noise", Typed("", {}), "noise()"),
    ("noise", Typed("", {"std": "0.1", "seed": "3"}), "noise(seed=3)"),
    ("noise", Typed("", {"std": "0.2", "seed": "3", "relative": "yes"}), "noise(0.2, 3, True)"),
    ("record", Typed("", {"run": "it's \"me\"\n"}), """record('it\\'s "me"\\n')"""),
    ("record", Typed("", {"run": "run"}), "record()"),
    ("zero", Typed("output", {}), "zero()"),
])  # fmt: skip
def test_a_hook_is_written_as_python_writes_it(kind: str, typed: Typed, text: str):
    assert write_call(NAMED[kind], typed) == text
    spec = read_spec(NAMED[kind], typed)
    assert read_spec(NAMED[kind], fill(spec)) == spec, "a form that is filled from a hook asks for the same hook"


@pytest.mark.parametrize(("kind", "values", "fault"), [
    ("scale", {}, "factor is needed"),
    ("scale", {"factor": "two"}, "factor is a number"),
    ("scale", {"factor": "2)"}, "factor is a number"),
    ("scale", {"factor": "True"}, "factor is a number"),
    ("noise", {"seed": "1.5"}, "seed is a whole number"),
    ("noise", {"relative": "perhaps"}, "relative is true or false"),
    ("zero", {"every": "often"}, "every is a whole number"),
])  # fmt: skip
def test_what_is_missing_or_wrong_is_said(kind: str, values: dict[str, str], fault: str):
    with pytest.raises(ValueError, match=fault):
        read_spec(NAMED[kind], Typed("", values))


@pytest.mark.parametrize(("kind", "typed", "spec"), [
    ("scale", Typed("input", {"factor": " 1e-3 ", "call": "1"}), HookSpec("scale", {"factor": 1e-3}, "input", call=1)),
    ("scale", Typed("", {"factor": "0x10", "where": "[1]"}), HookSpec("scale", {"factor": 16}, where="[1]")),
    ("scale", Typed("", {"factor": "1_000.5", "every": "2"}), HookSpec("scale", {"factor": 1000.5}, every=2)),
    ("scale", Typed("", {"factor": "9" * 30}), HookSpec("scale", {"factor": 1e30})),
    ("noise", Typed("", {"std": "0.1", "relative": "yes"}), HookSpec("noise", {"relative": True})),
    ("record", Typed("", {"run": " it's "}), HookSpec("record", {"run": " it's "})),
])  # fmt: skip
def test_what_is_typed_is_read_by_its_type(kind: str, typed: Typed, spec: HookSpec):
    assert read_spec(NAMED[kind], typed) == spec


@pytest.mark.parametrize(
    "text", ["inf", "-nan", "infinity", "True", "1+1", "two", "٣", "1e", "0x", "--1", "[1]", "1" * 5000]
)
def test_words_are_no_whole_number(text: str):
    with pytest.raises(ValueError, match="seed is a whole number"):
        read_spec(NAMED["noise"], Typed("", {"seed": text}))


def test_any_text_in_a_text_argument_stays_one_text():
    draw = random.Random(3)
    for _ in range(300):
        text = "".join(draw.choice("a'\"\\\n)(\x1b\u202e[]{}%é,= ") for _ in range(draw.randrange(1, 12)))
        typed = Typed("", {"run": text})
        assert fill(read_spec(NAMED["record"], typed)).values["run"] == text
        assert write_call(NAMED["record"], typed) == f"record({text!r})"


def test_defaults_are_shown_as_a_person_types_them():
    defaults = [("str", "run"), ("str", ""), ("int", None), ("float", 1.0), ("bool", False)]
    shown = [default_text(KindArgument("x", type, default)) for type, default in defaults]
    assert shown == ["run", "", "", "1.0", "False"]


def test_places():
    assert with_all_below("layer1") == "layer1,layer1.*" and with_all_below("") == "*"
    assert [names_modules(text) for text in ("conv", "*.conv?", "class:Conv2d", "layer* class:X", " ", "a[0]")] == [
        False, True, True, False, False, True,
    ]  # fmt: skip


def test_kinds_are_found_by_name_before_words():
    assert matching(KINDS, "cli")[0].name == "clip"
    assert matching(KINDS, "gaussian")[0].name == "noise"
    assert matching(KINDS, "qqq") == []


async def test_a_hook_is_added_from_the_form(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j")
        await choose(app, pilot, "scale")
        assert fields(app) == {
            "modules": "stem", "on": "output", "factor": "", "where": "", "step": "", "call": "", "every": "",
            "when": "",
        }  # fmt: skip
        assert "scale(…)\nfactor is needed" in status(app)
        await pilot.press("2")
        await settle(app, pilot)
        assert status(app) == "scale(2)\n1 module: stem"
        await pilot.press("up", "right", "down", "enter", "enter", *"2:5", "enter", "1", "enter", "enter", *"nan > 0")
        await settle(app, pilot)
        assert status(app).startswith("scale(2, on='input', step='2:5', call=1, when='nan > 0')")
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(AddHook) == [
            AddHook(1, "stem", HookSpec("scale", {"factor": 2}, "input", step="2:5", call=1, when="nan > 0"))
        ]
        assert app.screen is app.workbench
        assert "done: add scale(2, on='input'" in told(app)


async def test_everything_below_is_one_tick_away(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "j")
        await choose(app, pilot, "zero")
        app.screen.query_one(Tick).focus()
        await pilot.press("space")
        await settle(app, pilot)
        assert status(app) == "zero()\n3 modules: body, body.0, body.1"
        await pilot.press("space")
        await settle(app, pilot)
        assert fields(app)["modules"] == "body"
        await pilot.press("space", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(AddHook)[-1].where == "body,body.*" and len(engine.hooks) == 3


@pytest.mark.parametrize(("filter", "where"), [("class:Linear", "class:Linear"), ("body.*", "body.*"), ("1", "body.1")])
async def test_a_filter_that_names_modules_is_where_the_hook_goes(tmp_path: Path, filter: str, where: str):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("f", *filter, "enter", "G")
        await choose(app, pilot, "zero")
        assert fields(app)["modules"] == where and not app.screen.query(Tick)


async def test_what_the_engine_refuses_stays_in_the_form(tmp_path: Path):
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        await choose(app, pilot, "scale")
        await pilot.press("ctrl+r")
        await settle(app, pilot)
        assert not engine.requests(AddHook) and "factor is needed" in status(app)
        engine.replies[AddHook] = failed(f"readonly {NASTY}", hint="leave --readonly out")
        await pilot.press("3", "ctrl+r")
        await settle(app, pilot)
        assert isinstance(app.screen, HookForm)
        assert "readonly [@click=app.exit]x[/]" in status(app) and "leave --readonly out" in status(app)
        assert "\x1b" not in app.export_screenshot()
        await pilot.press("escape")
        assert isinstance(app.screen, AddHookPicker)
        await pilot.press("escape")
        assert app.screen is app.workbench


async def test_an_impatient_person_adds_one_hook(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await choose(app, pilot, "zero")
        gate, answer = asyncio.Event(), engine.ask

        async def slow(request):
            if isinstance(request, AddHook):
                await gate.wait()
            return await answer(request)

        engine.ask = slow
        await pilot.press("ctrl+r", "ctrl+r", "ctrl+r")
        gate.set()
        await settle(app, pilot)
        assert len(engine.requests(AddHook)) == 1 and app.screen is app.workbench


async def test_every_change_is_checked_but_one_question_is_under_way_at_a_time(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await choose(app, pilot, "scale")
        gate, answer, asked = asyncio.Event(), engine.ask, []

        async def slow(request):
            asked.append(request.hook.arguments["factor"])
            await gate.wait()
            return await answer(request)

        engine.ask = slow
        await pilot.press("1", "2", "3")
        await pilot.pause()
        assert asked == [1]
        gate.set()
        await settle(app, pilot)
        assert asked == [1, 123]
        assert status(app).startswith("scale(123)\n1 module")


async def test_a_part_is_named_differently_on_parameters(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await choose(app, pilot, "scale")
        part = next(field for field in app.screen.query(Field) if field.label == "where")
        assert '["hidden"]' in part.query_one(Input).placeholder
        await pilot.press("up", "left")
        await pilot.pause()
        assert part.query_one(Input).placeholder == "weight"


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_when_parameters_are_written_to_is_chosen_and_said(tmp_path: Path, size: tuple[int, int]):
    async with running(tmp_path, size=size) as (app, pilot, engine):
        await choose(app, pilot, "scale")
        at = next(field for field in app.screen.query(Field) if field.label == "at")
        assert not at.display
        await pilot.press(*"2", "up", "left")
        await pilot.pause()
        assert at.display and at.value == "before" and "the call sees it" in told_of(at)
        at.box.focus()
        await pilot.press("space")
        await settle(app, pilot)
        assert "the next one sees it" in told_of(at) and status(app).startswith("scale(2, on='parameters', at='after')")
        await pilot.press("ctrl+r")
        await settle(app, pilot)
        assert engine.requests(AddHook)[-1].hook == HookSpec("scale", {"factor": 2}, on="parameters", at="after")


def told_of(field: Field) -> str:
    return str(field.query_one(".meaning", Static).render())


def test_a_moment_that_goes_by_itself_is_not_written() -> None:
    hook = HookSpec("scale", {"factor": 2}, on="parameters", at="after")
    assert read_spec(NAMED["scale"], fill(hook)) == hook
    assert write_call(NAMED["scale"], fill(hook)) == "scale(2, on='parameters', at='after')"


async def test_arguments_have_their_type_default_and_meaning(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await choose(app, pilot, "noise")
        shown = [str(each.render()) for each in app.screen.query(".meaning").results(Static)]
        assert "its standard deviation" in shown and "in units of the tensor's own" in shown
        assert app.screen.query(Input)[1].placeholder == "0.1"
        await pilot.press("tab", "tab", "space", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(AddHook)[-1].hook.arguments == {"relative": True}


async def test_names_of_kinds_are_only_text(tmp_path: Path):
    engine = FakeEngine()
    odd = KindInfo(NASTY, NASTY, NASTY, (NASTY, "[/]"), (KindArgument(NASTY, NASTY, NASTY, NASTY),))
    engine.replies[ListKinds] = lambda request: Kinds((odd,))
    engine.replies[CheckHook] = lambda request: HookCheck(3, (NASTY, "", NASTY))
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        assert "\x1b" not in app.export_screenshot()
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, HookForm)
        assert "3 modules: [@click=app.exit]x[/]" in status(app) and "(root)" in status(app)
        assert "\x1b" not in app.export_screenshot() and "\u202e" not in app.export_screenshot()


@pytest.mark.parametrize(("takes_last", "example"), [(True, "all;  3  2:5  last"), (False, "all;  3  2:5")])
async def test_the_last_step_is_offered_to_kinds_that_take_it(tmp_path: Path, takes_last: bool, example: str):
    engine = FakeEngine()
    engine.replies[ListKinds] = lambda request: Kinds(
        (KindInfo("record", "Keep", "Look", ("output",), takes_last=takes_last),)
    )
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert example in [each.placeholder for each in app.screen.query("Input").results(Input)]


async def test_recordings_are_offered_where_one_is_wanted(tmp_path: Path):
    engine = FakeEngine()
    run = KindArgument("run", "recording", "clean", "which", known=("clean", "corrupted"))
    engine.replies[ListKinds] = lambda request: Kinds(
        (KindInfo("patch", "Put in", "Alter values", ("output",), (run,)),)
    )
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "recorded: clean, corrupted" in [str(each.render()) for each in app.screen.query(".meaning")]
        await pilot.press("c", "o", "r")
        await settle(app, pilot)
        await pilot.press("right", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(AddHook)[-1].hook.arguments == {"run": "corrupted"}


@pytest.mark.parametrize(("reply", "words"), [
    (HookCheck(12, ("conv1", "a.b", "c", "d", "e")), "12 modules: conv1, a.b, c, d, …"),
    (HookCheck(1, ("",)), "1 module: (root)"),
    (HookCheck(0, ()), "0 modules"),
    (HookCheck(problem=Problem("no", line=3, hint="try")), "line 3: no\ntry"),
    (HookCheck(problem=Problem("no", where="layer1")), "no"),
])  # fmt: skip
def test_what_the_engine_says_of_a_hook(reply: HookCheck, words: str):
    assert outcome(reply).plain == words


async def test_kinds_are_in_groups_and_the_cursor_passes_over_the_headings(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        listing = app.screen.query_one(OptionList)
        rows = [str(listing.get_option_at_index(n).prompt) for n in range(listing.option_count)]
        assert rows[:3] == ["Look", rows[1], "Alter values"] and "record" in rows[1]
        assert listing.highlighted == 1
        await pilot.press("down")
        assert "scale" in rows[listing.highlighted]
        await pilot.press("up", "up")
        assert listing.highlighted == 1
        await pilot.press("pagedown")
        assert "python" in rows[listing.highlighted]
        await pilot.press(*"zzz")
        await pilot.pause()
        assert "no kind of hook is called that" in str(listing.get_option_at_index(0).prompt)
        await pilot.press("enter")
        assert isinstance(app.screen, AddHookPicker)


async def test_a_whole_hook_typed_is_checked_and_added_as_it_is(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "a")
        await settle(app, pilot)
        await pilot.press(*'scael(2, on="input")')
        await settle(app, pilot)
        assert "no kind of hook is called scael" in status(app) and "did you mean scale?" in status(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, AddHookPicker) and "scael" in status(app)
        app.screen.query_one(Input).value = 'scale(2, on="input")'
        await settle(app, pilot)
        assert "1 module: stem" in status(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(AddHook)[-1] == AddHook(1, "stem", 'scale(2, on="input")')
        assert app.screen is app.workbench


async def test_only_a_kind_that_there_is_is_said_to_be_put_on(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("j", "a")
        await settle(app, pilot)
        for typed, said in (("scale(2", ") ends it, then enter puts it on stem"), ("stem:scale(2", "")):
            app.screen.query_one(Input).value = typed
            await settle(app, pilot)
            assert status(app).removeprefix(typed).strip() == said


async def test_parameters_are_edited_by_the_kinds_that_can(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "E")
        await settle(app, pilot)
        listing = app.screen.query_one(OptionList)
        rows = " ".join(str(listing.get_option_at_index(n).prompt) for n in range(listing.option_count))
        assert "scale" in rows and "prune" in rows and "zeros in" not in rows and "python" not in rows
        await pilot.press(*"scale", "enter")
        await settle(app, pilot)
        assert set(fields(app)) == {"modules", "factor", "where"}
        await pilot.press("2", "enter", *"weight")
        await settle(app, pilot)
        edit = HookSpec("scale", {"factor": 2}, where="weight")
        assert engine.requests(CheckHook)[-1] == CheckHook(1, "stem", edit, edits=True)
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(EditParameters) == [EditParameters(1, "stem", edit)]
        assert "done: edit stem by scale(2" in told(app)


async def test_typing_begins_with_i_and_ends_with_escape(tmp_path: Path):
    async with running(tmp_path, size=(80, 24)) as (app, pilot, _):
        await choose(app, pilot, "python")
        box = app.screen.query_one(CodeBox)
        await pilot.press("x")
        assert box.text == TEMPLATES["input"]
        await pilot.press("i", "x", "q", "enter")
        await settle(app, pilot)
        assert box.text.startswith("xq\ndef hook") and isinstance(app.screen, HookForm)
        await pilot.press("escape", "q")
        assert isinstance(app.screen, AddHookPicker)


async def test_a_fault_in_the_code_is_shown_at_its_line(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await choose(app, pilot, "python")
        box = app.screen.query_one(CodeBox)
        box.load_text("def hook(module, args, kwargs):\n    x = 1\n    return (\n")
        await settle(app, pilot)
        assert "line 3: '(' was never closed" in status(app)
        await pilot.press("ctrl+r")
        await settle(app, pilot)
        assert isinstance(app.screen, HookForm) and box.cursor_location[0] == 2
        box.load_text("def hook(module, args, kwargs):\n    return None\n")
        await pilot.press("ctrl+r")
        await settle(app, pilot)
        assert engine.requests(AddHook)[-1] == AddHook(1, "", HookSpec("python", on="input", code=box.text))
        assert app.screen is app.workbench


async def test_the_template_goes_with_the_moment_until_something_is_written(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await choose(app, pilot, "python")
        box = app.screen.query_one(CodeBox)
        await pilot.press("up", "right")
        await pilot.pause()
        assert box.text == TEMPLATES["output"] and "python(on='output')" in status(app)
        box.load_text("mine = 1\n")
        await pilot.press("right")
        await settle(app, pilot)
        assert box.text == "mine = 1\n"


async def test_the_editor_gets_the_code_and_gives_it_back(tmp_path: Path, monkeypatch):
    async with running(tmp_path) as (app, pilot, engine):
        handed = []
        monkeypatch.setattr(Outside, "edit_text", lambda self, text, line: handed.append((text, line)) or "a = 1\n")
        await choose(app, pilot, "python")
        await pilot.press("e")
        await settle(app, pilot)
        assert handed == [(TEMPLATES["input"], 1)]
        assert app.screen.query_one(CodeBox).text == "a = 1\n"
        assert engine.requests(CheckHook)[-1].hook.code == "a = 1\n"


async def test_an_editor_that_cannot_be_started_leaves_the_code_alone(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await choose(app, pilot, "python")
        await pilot.press("e")
        await settle(app, pilot)
        assert "the editor cannot be started" in told(app)
        assert app.screen.query_one(CodeBox).text == TEMPLATES["input"]


def test_templates_are_code_that_does_nothing_by_itself():
    for on, code in TEMPLATES.items():
        compile(code, on, "exec")
        assert is_template(code) and code.startswith("def hook(module")
    assert template("unheard of") == TEMPLATES["output"]
    assert not is_template("def hook(): ...")


@pytest.mark.parametrize("kind", sorted(NAMED))
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (120, 36)])
async def test_the_outcome_is_in_sight_whatever_the_form(tmp_path: Path, kind: str, size: tuple[int, int]):
    async with running(tmp_path, size=size) as (app, pilot, _):
        await choose(app, pilot, kind)
        frame, outcome = app.screen.query_one("#layer").region, app.screen.query_one(HookStatus).region
        assert frame.contains_region(outcome) and frame.bottom <= size[1]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_the_field_with_the_keyboard_means_is_said_in_full(tmp_path: Path, size: tuple[int, int]):
    long = "the share of all of its elements that stay as they are, from 0 to 1, counted over the whole tensor"
    kind = KindInfo("keep", "keep some", "Alter values", ("output",), (KindArgument("share", "float", 0.1, long),))
    engine = FakeEngine()
    engine.replies[ListKinds] = lambda request: Kinds((kind,))
    async with running(tmp_path, engine, size=size) as (app, pilot, _):
        await choose(app, pilot, "keep")
        said = app.screen.query_one("#in-full", Static)
        assert str(said.render()) == long and said.region.height == -(-len(long) // said.region.width)
        assert app.screen.query_one("#layer").region.contains_region(app.screen.query_one(HookStatus).region)
        await pilot.press("down")
        await settle(app, pilot)
        assert str(said.render()) == ""


async def test_a_wide_window_shows_what_an_argument_means(tmp_path: Path):
    words = "What every element is multiplied with."
    kind = KindInfo("noise", "add noise", "Alter values", ("output",), (KindArgument("std", "float", 0.1, words),))
    engine = FakeEngine()
    engine.replies[ListKinds] = lambda request: Kinds((kind,))
    async with running(tmp_path, engine, size=(200, 50)) as (app, pilot, _):
        await choose(app, pilot, "noise")
        assert all(field.cut_meaning == "" for field in app.screen.query(Field))


async def test_the_chosen_word_is_in_sight_at_80_columns(tmp_path: Path):
    places = ("output", "input", "parameters", "grad", "state_dict", "load_state_dict")
    engine = FakeEngine()
    engine.replies[ListKinds] = lambda request: Kinds((KindInfo("any", "anything", "Python", places),))
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        await choose(app, pilot, "any")
        box = app.screen.query_one(Cycle)
        for place in places:
            assert f"[{place}]" in box.render_line(0).text
            box.action_step(1)
            await pilot.pause()
        fields, rows = app.screen.query_one(FieldScroll), app.screen._compositor.render_strips()
        shown = [
            each.region
            for each in app.screen.query("Field .meaning, Cycle")
            if fields.region.contains_region(each.region)
        ]
        assert fields.max_scroll_y > 0 and shown
        assert all(region.right == fields.region.right - 1 for region in shown)
        assert all(rows[region.y].text[region.right - 1] == " " for region in shown)
        assert not any(field.cut_meaning for field in app.screen.query(Field))


async def test_the_form_lies_in_the_place_of_the_list(tmp_path: Path):
    async with running(tmp_path, size=(80, 24)) as (app, pilot, _):
        await choose(app, pilot, "scale")
        below = app.screen_stack[-2]
        assert isinstance(below, AddHookPicker) and not below.query_one("#layer").visible
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.screen is below and below.query_one("#layer").visible
        await pilot.press("x")
        assert below.query_one(Input).value.endswith("x")


async def test_no_word_on_a_kind_is_cut_beside_blank_columns(tmp_path: Path):
    title = "convert to a dtype and back, as a model of that would"
    engine = FakeEngine()
    engine.replies[ListKinds] = lambda request: Kinds((KindInfo("round", title, "Alter values", ("output",)),))
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        listing = app.screen.query_one(OptionList)
        assert any(title in listing.render_line(y).text for y in range(listing.size.height))


def test_the_line_of_wrong_code_is_said_once() -> None:
    with pytest.raises(UsageError) as caught:
        compile_hook("def hook(*args):\n    return 1\n1 / 0\n")
    assert refusal(caught.value.problem).plain == "line 3: ZeroDivisionError: division by zero\nchange that line"


def test_meanings_fit_beside_a_scroll_bar_at_80_columns() -> None:
    room = 80 - 2 * 4 - 2 - 2 - 1  # the layer's margins, its frame and what is free in it, and the bar
    shown = [words for name, words in {**MEANINGS, **MOMENTS}.items() if name != "at"]
    assert max(map(len, shown)) <= int(room * 0.35) - 2 - 1
