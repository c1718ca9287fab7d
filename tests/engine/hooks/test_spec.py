"""Hooks as text and as records: what a person typed, what a form sends, and what a row of a hook tells."""

from __future__ import annotations

import math

import pytest

from inspector.channel import decode_asked, decode_told, encode
from inspector.engine.hooks.kinds import BY_NAME
from inspector.engine.hooks.spec import describe_hook, parse_hook, resolve_hook, with_code
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AddHook, AllHooks, Asked, Hooks, HookSpec, Told
from tests.models import build

TEXTS = (
    "scale(2)", "scale(-0.5, on='input', where='[0]', call=1, every=2, when='nan > 0')", "zero(on='grad')",
    "noise(0.2, seed=3)", "clamp(-1, 1)", "record('it\\'s \"me\"')", "assign(0.5, '0, 3')", "scale(inf)",
    "rename('a', 'b')", "scale(2, step=3)", "scale(2, step='2:', call=0)",
    "record(step='last')", "python(on='parameters')", "observe(on='input', when='std > 1')", "round('bfloat16')",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_hook_is_made_again_from_what_is_told_of_it(text: str) -> None:
    hook = with_code(parse_hook(text), "def hook(module): ...\n")
    spec = describe_hook(hook)
    sent = decode_asked(encode(Asked(1, AddHook(1, "0", spec)))[4:]).body
    assert isinstance(sent, AddHook) and sent.hook == spec and spec.code == ""
    assert with_code(resolve_hook(spec), hook.code) == hook and str(resolve_hook(spec)) == str(hook)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_kind_tells_its_arguments_by_their_types(name: str) -> None:
    types = {"float": (int, float), "int": (int,), "bool": (bool,)}
    for argument in BY_NAME[name].info().arguments:
        assert (
            argument.required
            or argument.default is None
            or isinstance(argument.default, types.get(argument.type, (str,)))
        )


def test_what_no_message_holds_is_told_as_near_as_one_can() -> None:
    assert describe_hook(parse_hook(f"scale({'9' * 30})")).arguments == {"factor": 1e30}
    assert describe_hook(parse_hook(f"zero(call={10**30})")).call == 2**63 - 1
    odd = describe_hook(parse_hook(r"record('\ud800')"))
    encode(Told(1, Hooks((), (), True))), encode(Asked(1, AddHook(1, "", odd)))
    assert math.isnan(describe_hook(parse_hook("scale(nan)")).arguments["factor"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "said"),
    [(HookSpec("scael"), "no kind of hook 'scael'"), (HookSpec("scale"), "factor"),
     (HookSpec("zero", every=0), "every"), (HookSpec("zero", step="3:2"), "no step in '3:2'"),
     (HookSpec("zero", step=-1), "step is 3"), (HookSpec("zero", step="last"), "for observe and record"),
     (HookSpec("scale", {"factor": "2"}), "must be a number"),
     (HookSpec("zero", on="moon"), "put on"), (HookSpec("zero", {"on_": 1}), "unexpected")],
)  # fmt: skip
def test_what_is_wrong_in_a_form_is_said_as_for_a_text(spec: HookSpec, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        resolve_hook(spec)


def test_rows_tell_the_hooks_that_were_added_and_no_others() -> None:
    model, args, kwargs = build("mlp")
    model[0].register_forward_hook(lambda module, args, output: None)
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "toy")
    session.add_hook("0", HookSpec("scale", {"factor": 2}, on="input"))
    rows = session.queries.hooks(("0",)).rows
    assert [row.spec for row in rows if row.spec] == [HookSpec("scale", {"factor": 2}, on="input")]
    assert sum(row.ours for row in rows) > 1 and not all(row.ours for row in rows)
    sent = decode_told(encode(Told(1, AllHooks(rows, len(rows))))[4:]).body
    assert isinstance(sent, AllHooks) and sent.rows == rows
    session.close()


def test_an_edit_is_checked_as_an_edit() -> None:
    model, args, kwargs = build("mlp")
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "toy")
    check = session.queries.check_hook
    assert (
        check("0", "scale(2)", edits=True).modules
        == check("0", HookSpec("scale", {"factor": 2}), edits=True).modules
        == 1
    )
    refused = check("0", "scale(2, on='input')", edits=True).problem
    assert refused is not None and "does not edit parameters" in refused.what
    session.close()
