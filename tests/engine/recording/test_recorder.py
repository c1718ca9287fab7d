"""What hooks see of a pass: order, pairing, threads, errors, call sites, times; and that looking changes nothing."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import threading
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from inspector.engine.modules.tree import ModuleTree, Node, walk
from inspector.engine.passes.forward import forward
from inspector.engine.recording import progress, recorder
from inspector.engine.recording.call import Call
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Cancelled, Recorder
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.torch_hooks.dicts import DICTS
from inspector.engine.values.summarize import Summarizer
from inspector.records import OtherValue, TensorValue
from tests.fingerprint import fingerprint
from tests.models import Raises, build, names


class Recorded:
    """One pass with every module observed."""

    def __init__(
        self, model: nn.Module, *args: Any, meanwhile: Callable[[Recorder], None] | None = None, **kwargs: Any
    ):
        self.tree: ModuleTree = walk(model)
        self.observers = Observers(self.tree)
        self.recorder = Recorder(self.tree)
        for node in self.tree.objects():
            self.observers.add(node)
        if meanwhile is not None:
            threading.Thread(target=meanwhile, args=(self.recorder,), daemon=True).start()
        self.outcome = forward(
            self.tree, TensorBackup(self.tree), args, kwargs, seed=0, listeners=[self.observers], recorder=self.recorder
        )
        self.observers.remove_all()
        self.calls = self.recorder.calls

    def path(self, call: Call | None) -> str | None:
        return None if call is None else ".".join(self.tree.paths[call.index])

    def order(self) -> list[str | None]:
        return [self.path(call) for call in self.calls]

    def of(self, path: str) -> list[Call]:
        return [call for call in self.calls if self.path(call) == path]

    def statuses(self) -> dict[str | None, str]:
        return {self.path(call): call.status for call in self.calls}


def recorded(name: str) -> Recorded:
    model, args, kwargs = build(name)
    return Recorded(model, *args, **kwargs)


def output(call: Call) -> TensorValue:
    assert isinstance(call.output, TensorValue)
    return call.output


def article_order() -> list[str]:
    """The 75 entries of the hooks article, and the root."""
    found = ["conv1", "bn1", "relu", "maxpool"]
    for layer, block in itertools.product((1, 2, 3, 4), (0, 1)):
        inside = ["conv1", "bn1", "relu", "conv2", "bn2"]
        inside += ["downsample.0", "downsample.1", "downsample"] if layer > 1 and block == 0 else []
        found += [f"layer{layer}.{block}.{name}" for name in [*inside, "relu"]] + [f"layer{layer}.{block}"]
        found += [f"layer{layer}"] if block else []
    return [*found, "avgpool", "fc", ""]


def test_resnet18_in_the_order_of_the_article() -> None:
    found = Recorded(torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64))
    assert len(article_order()) == 76
    assert found.order() == article_order()
    assert [call.end for call in found.calls] == sorted(call.end for call in found.calls)
    assert sorted(n for call in found.calls for n in (call.start, call.end)) == list(range(152))


@pytest.mark.parametrize("name", names("plain", "wrap", without=("raises", "hostile", "big")))
def test_starts_and_ends_nest(name: str) -> None:
    found = recorded(name)
    assert not found.recorder.faults
    ends = [call.end for call in found.calls]
    assert ends == sorted(ends) and all(call.start < call.end for call in found.calls)
    assert all(call.ms >= 0 for call in found.calls)
    if name != "threaded":
        for call in found.calls:
            assert call.depth == sum(other.start < call.start and other.end > call.end for other in found.calls)


def test_a_shared_module_has_a_call_for_each_use() -> None:
    found = recorded("shared_relu")
    assert found.order() == ["a", "relu", "b", "relu", ""]
    assert [call.number for call in found.of("relu")] == [0, 1]


def test_recursion_pairs_entries_with_their_own_exits() -> None:
    found = recorded("recursive")
    roots = found.of("")
    assert [call.depth for call in roots] == [3, 2, 1, 0] and [call.number for call in roots] == [3, 2, 1, 0]
    assert len(found.of("lin")) == 3
    assert [call.start for call in roots] == sorted((call.start for call in roots), reverse=True)


def test_two_names_of_one_object_are_one_module() -> None:
    assert recorded("two_names").order() == ["0", "1", "0", ""]


def test_what_goes_past_call_is_not_seen() -> None:
    assert recorded("bypass").order() == [""]
    assert recorded("other_method").order() == ["enc.lin", ""]
    assert recorded("never_called").order() == ["used", ""]


def test_a_generator_calls_its_children_later() -> None:
    assert recorded("out_generator").order() == [""]


def test_a_copy_made_in_forward_has_our_hooks_but_no_place() -> None:
    found = recorded("copies_itself")
    assert found.order() == [""] and not found.recorder.faults


def test_the_models_own_hooks_come_and_go() -> None:
    found = recorded("self_hooking")
    assert found.order() == ["lin", ""] and found.outcome.error is None


def test_keyword_arguments_are_seen() -> None:
    found = recorded("kw_only")
    root = found.of("")[0]
    assert root.inputs == () and root.kwargs.keys == ("x", "scale", "flag")
    assert found.of("lin")[0].kwargs.keys == ("input",)


def test_very_many_arguments_are_cut() -> None:
    class Many(nn.Module):
        def forward(self, *args):
            return args[0]

    root = Recorded(Many(), *[torch.ones(1)] * 5000).calls[0]
    assert root.inputs[-1] == OtherValue("…", "4900 more")


def test_an_output_is_as_it_was_before_an_in_place_op() -> None:
    found = recorded("inplace_relu")
    before, after = output(found.of("0")[0]), output(found.of("1")[0])
    assert before.statistics is not None and after.statistics is not None
    assert before.statistics.min < 0 <= after.statistics.min
    seen = found.of("1")[0].inputs[0]
    assert isinstance(seen, TensorValue) and seen.statistics == before.statistics


def test_a_write_through_a_view_shows_only_later() -> None:
    found = recorded("inplace_through_view")
    assert output(found.of("lin")[0]).statistics.max < 99 == output(found.of("")[0]).statistics.max


def test_the_sample_is_as_it_was_before_an_in_place_first_layer() -> None:
    seen = recorded("inplace_input").of("")[0].inputs[0]
    assert isinstance(seen, TensorValue) and seen.statistics is not None and seen.statistics.min == -3.0


def test_each_thread_has_a_stack_of_its_own() -> None:
    found = recorded("threaded")
    assert sorted(found.order()) == ["", "a", "b"]
    assert found.of("a")[0].depth == found.of("b")[0].depth == 0


def test_threads_never_share_a_number() -> None:
    class Busy(nn.Module):
        def __init__(self):
            super().__init__()
            self.leaf = nn.Identity()

        def forward(self, x):
            def go():
                for _ in range(100):
                    self.leaf(x)

            threads = [threading.Thread(target=go) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return x

    found = Recorded(Busy(), torch.ones(1))
    assert sorted(call.number for call in found.of("leaf")) == list(range(400))
    assert [call.end for call in found.calls] == sorted(call.end for call in found.calls)


def test_a_pass_that_raises_keeps_what_was_captured() -> None:
    found = recorded("raises_midway")
    assert found.order() == ["a", "bad.0", "bad", ""]
    assert found.statuses() == {"a": "ok", "bad.0": "raised", "bad": "raised", "": "raised"}
    assert found.path(found.recorder.failed) == "bad.0"
    assert found.of("a")[0].output is not None and found.of("bad.0")[0].output is None


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("raises_evil", ""),
        ("raises_recursion", ""),
        ("raises_after_recovery", "fatal"),
        ("raises_translated", "inner"),
        ("raises_keyboard_interrupt", ""),
        ("raises_system_exit", ""),
    ],
)
def test_the_innermost_module_of_the_error_is_named(name: str, failed: str) -> None:
    found = recorded(name)
    assert found.path(found.recorder.failed) == failed
    assert not found.recorder.faults


@pytest.mark.parametrize("name", ["raises_keyboard_interrupt", "raises_system_exit"])
def test_what_torch_tells_no_hook_of_is_left_unfinished(name: str) -> None:
    found = recorded(name)
    assert found.statuses() == {"lin": "ok", "": "unfinished"}
    assert isinstance(found.outcome.error, KeyboardInterrupt | SystemExit)


def test_an_error_the_model_handles_fails_nothing() -> None:
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.bad = nn.Linear(5, 4)

        def forward(self, x):
            with contextlib.suppress(RuntimeError):
                self.bad(x)
            return x

    found = Recorded(Careful(), torch.ones(2, 4))
    assert found.statuses() == {"bad": "raised", "": "ok"}
    assert found.recorder.failed is None and found.outcome.error is None


def test_a_module_called_while_an_error_is_handled_is_not_said_to_raise() -> None:
    class Falls(nn.Module):
        def __init__(self):
            super().__init__()
            self.fallback = Raises(lambda x: None)
            self.fallback.forward = lambda x: None

        def forward(self, x):
            try:
                raise ValueError("handled")
            except ValueError:
                self.fallback(x)  # returns None, as a hook sees it of a module that raised
            return x

    assert Recorded(Falls(), torch.ones(1)).statuses() == {"fallback": "ok", "": "ok"}


@pytest.mark.parametrize("registered", ["before ours", "after ours"])
def test_a_pre_hook_of_the_user_that_raises(registered: str) -> None:
    model = nn.Sequential(nn.ReLU(), nn.ReLU())

    def refuse(module, args):
        raise ValueError("refused")

    model[1].register_forward_pre_hook(refuse, prepend=registered == "before ours")
    if registered == "after ours":
        model[1]._forward_pre_hooks.clear()
        tree = walk(model)
        observers, found = Observers(tree), Recorder(tree)
        for node in tree.objects():
            observers.add(node)
        model[1].register_forward_pre_hook(refuse)
        outcome = forward(tree, TensorBackup(tree), (torch.ones(1),), {}, seed=0, listeners=[observers], recorder=found)
        calls, failed = found.calls, found.failed
    else:
        whole = Recorded(model, torch.ones(1))
        outcome, calls, failed = whole.outcome, whole.calls, whole.recorder.failed
    assert isinstance(outcome.error, ValueError)
    assert [(call.index, call.status) for call in calls] == [(1, "ok"), (2, "raised"), (0, "raised")]
    assert failed is not None and failed.index == 2


def fail(*args: Any, **kwargs: Any) -> Any:
    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    raise Unprintable


@pytest.mark.parametrize("broken", ["describe", "tensor"])
def test_a_fault_in_recording_never_reaches_the_model(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Summarizer, broken, fail)
    found = recorded("mlp")
    assert found.outcome.error is None
    assert set(found.recorder.faults) == {"Unprintable: (its message cannot be read: RuntimeError)"}
    assert found.order() == ["0", "1", "2", ""] and max(call.ms for call in found.calls) < 60_000


class Waits(nn.Module):
    """Says when it is inside, and goes on when told to."""

    def __init__(self):
        super().__init__()
        self.inside, self.go_on = threading.Event(), threading.Event()

    def forward(self, x):
        self.inside.set()
        assert self.go_on.wait(20)
        return x


class Stubborn(nn.Module):
    """Handles every Exception."""

    def __init__(self):
        super().__init__()
        self.slow, self.after, self.never = Waits(), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        x = self.slow(x)
        for module in (self.after, self.never):
            with contextlib.suppress(Exception):
                x = module(x)
        return x


def test_another_thread_cancels_at_the_next_module() -> None:
    model = Stubborn()

    def cancel(recorder: Recorder) -> None:
        assert model.slow.inside.wait(20)
        recorder.cancel()
        model.slow.go_on.set()

    found = Recorded(model, torch.ones(1), meanwhile=cancel)
    assert isinstance(found.outcome.error, Cancelled)
    assert found.statuses() == {"slow": "ok", "": "unfinished"}
    assert found.recorder.failed is None


class Sites(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain, self.listed = nn.ReLU(), nn.ReLU()
        self.inside = nn.Sequential(nn.ReLU())

    def forward(self, x):
        x = self.plain(x)  # site: plain
        x = self.inside(
            x  # the call is written over two lines
        )
        seen = [self.listed(x) for _ in range(2)]  # site: listed
        return seen[0]


def line_of(marker: str) -> int:
    source, first = inspect.getsourcelines(Sites)
    return first + next(i for i, line in enumerate(source) if marker in line)


def test_call_sites() -> None:
    found = Recorded(Sites(), torch.ones(1))
    for path in ("plain", "listed"):
        for call in found.of(path):
            assert (call.file, call.line) == (__file__, line_of(f"# site: {path}"))
    in_sequential = found.of("inside.0")[0]
    lines, first = inspect.getsourcelines(nn.Sequential.forward)
    assert in_sequential.file == inspect.getsourcefile(nn.Sequential)
    assert "module(" in lines[in_sequential.line - first]
    assert found.of("inside")[0].file == __file__
    assert found.of("")[0].file == ""  # nobody's code called it


def test_a_file_name_that_cannot_be_encoded() -> None:
    class Compiled(nn.Module):
        def __init__(self):
            super().__init__()
            self.leaf = nn.ReLU()

    scope: dict[str, Any] = {}
    exec(compile("def forward(self, x):\n    return self.leaf(x)", "<\udc80>", "exec"), scope)
    Compiled.forward = scope["forward"]
    assert Recorded(Compiled(), torch.ones(1)).of("leaf")[0].file == "<\\udc80>"


def test_times_leave_out_the_observing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(recorder, "perf_counter", lambda: clock[0])

    def spend(seconds: float, result: Any = None) -> Any:
        clock[0] += seconds
        return result

    monkeypatch.setattr(Summarizer, "describe", lambda self, value: spend(100.0, OtherValue("x", "")))

    class Leaf(nn.Module):
        def forward(self, x):
            return spend(1.0, x)

    class Parent(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Leaf(), Leaf()

        def forward(self, x):
            return spend(2.0, self.second(self.first(x)))

    found = Recorded(Parent(), torch.ones(1))
    assert {found.path(call): call.ms for call in found.calls} == {"first": 1000.0, "second": 1000.0, "": 4000.0}


def test_progress_tells_how_many_were_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(progress, "_EVERY", -1)
    tree = walk(build("mlp")[0])
    observers, found = Observers(tree), Recorder(tree, progress=lambda *now: told.append(now))
    for node in tree.objects():
        observers.add(node)
    forward(tree, TensorBackup(tree), (torch.ones(3, 4),), {}, seed=0, listeners=[observers], recorder=found)
    assert told == [(1, 0), (2, 1), (3, 2), (4, 3)]


@pytest.mark.parametrize("name", ["own_hooks", "mlp", "traced", "traced_child", "scripted", "weight_norm_hook"])
def test_observers_leave_the_hook_dicts_as_they_were(name: str) -> None:
    model = build(name)[0]
    before = fingerprint(model)
    tree = walk(model)
    observers = Observers(tree)
    for node in tree.objects():
        observers.add(node)
    assert fingerprint(model) != before or observers.count() == 0
    observers.remove_all()
    assert fingerprint(model) == before


def test_what_torch_refuses_is_said() -> None:
    tree = walk(build("scripted")[0])
    observers = Observers(tree)
    for node in tree.objects():
        observers.add(node)
    assert observers.count() == 0 and "not supported on ScriptModules" in observers.refused[0]
    tree = walk(build("traced")[0])
    observers = Observers(tree)
    for node in tree.objects():
        observers.add(node)
    assert observers.count() == 1 and observers.refused[1].startswith("traced")


def test_half_a_registration_is_taken_back() -> None:
    class Refuses(nn.ReLU):
        def register_forward_hook(self, *args, **kwargs):
            raise RuntimeError("no post hooks here")

    model = Refuses()
    observers = Observers(walk(model))
    observers.add(observers.tree.nodes[0])
    assert observers.refused == {0: "no post hooks here"} and not model._forward_pre_hooks


def test_pickling_and_copying_an_observed_model() -> None:
    import copy
    import pickle

    model = nn.Sequential(nn.ReLU())
    observers = Observers(walk(model))
    for node in observers.tree.objects():
        observers.add(node)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert torch.equal(twin(torch.tensor([-1.0])), torch.tensor([0.0]))


class Delegating(nn.Module):
    """Puts hooks on a module in it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ReLU()

    def register_forward_hook(self, *args: Any, **kwargs: Any) -> Any:
        return self.inner.register_forward_hook(*args, **kwargs)


def test_hooks_are_taken_off_where_torch_put_them() -> None:
    model = Delegating()
    observers = Observers(walk(model))
    observers.add(observers.tree.nodes[0])
    assert model.inner._forward_hooks and model._forward_pre_hooks and observers.count() == 1
    model._forward_pre_hooks = OrderedDict(model._forward_pre_hooks)  # somebody set another dict
    observers.remove_all()
    left = (vars(each)[name] for each in model.modules() for name in DICTS)
    assert not any(left) and not observers.count() and not observers.ids()


def test_observing_takes_little_more_memory_than_what_torch_keeps() -> None:
    def measure(put: Callable[[list[nn.Module]], Observers | None]) -> int:
        modules = [nn.ReLU() for _ in range(3_000)]
        tracemalloc.start()
        held = put(modules)
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        if held is not None:
            held.remove_all()
        return taken

    def observe(modules: list[nn.Module]) -> Observers:
        observers = Observers(ModuleTree([Node(n, -1, "", module) for n, module in enumerate(modules)]))
        observers.add_all()
        return observers

    def hook(modules: list[nn.Module]) -> None:
        for module in modules:
            module.register_forward_pre_hook(print, with_kwargs=True)
            module.register_forward_hook(print, with_kwargs=True, always_call=True)

    assert measure(observe) < 1.35 * measure(hook)
