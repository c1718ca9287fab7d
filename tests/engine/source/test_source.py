"""The source shown is the source that runs, or the record says why not."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import linecache
import os
import py_compile
import runpy
import sys
import textwrap
import warnings
import zipfile

import msgspec
import pytest
import torch
import torchvision
from torch import nn

from inspector.engine.source import files, location, site_source, source_of
from inspector.text import ELLIPSIS

from . import source_models as models

HERE = models.__file__
_names = itertools.count()


def forward(module):
    return source_of(module, "forward", ("a",))


def line_of(text, file=HERE):
    """The number of the only line of `file` that holds `text`."""
    with open(file) as stream:
        (number,) = (number for number, line in enumerate(stream, 1) if text in line)
    return number


def notes(source):
    return "\n".join(source.notes)


class Written:
    """A module file that can be imported once and edited afterwards."""

    def __init__(self, folder):
        self.name = f"written_{next(_names)}"
        self.path = folder / f"{self.name}.py"
        self.time = 1_000_000_000

    def write(self, text):
        self.path.write_text(text)
        self.time += 10
        os.utime(self.path, (self.time, self.time))

    def load(self, text):
        self.write(text)
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        module = sys.modules[self.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


@pytest.fixture
def written(tmp_path):
    file = Written(tmp_path)
    yield file
    sys.modules.pop(file.name, None)


NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return x + 1
"""


# What is plain


@pytest.fixture(scope="module")
def torchvision_modules():
    built = [
        torchvision.models.resnet18(),
        torchvision.models.vit_b_16(),
        torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None),
    ]
    return list({type(module): module for model in built for module in model.modules()}.values())


def test_plain_forwards_are_what_inspect_finds(torchvision_modules):
    compared = 0
    for module in torchvision_modules:
        function = type(module).forward
        if function is nn.Module.forward:
            continue
        source = forward(module)
        lines, first = inspect.getsourcelines(function)
        assert source.text == textwrap.dedent("".join(lines)), type(module)
        assert (source.first_line, source.file) == (first, inspect.getsourcefile(function))
        compared += 1
    assert compared > 25


def test_plain_classes_are_what_inspect_finds(torchvision_modules):
    for module in torchvision_modules:
        source = source_of(module, "class", ())
        lines, first = inspect.getsourcelines(type(module))
        assert source.text == textwrap.dedent("".join(lines)), type(module)
        assert (source.first_line, source.notes) == (first, ())
        assert location(module) == (source.file, first)


def test_plain_parts_and_where_to_scroll():
    module = models.Plain()
    source = source_of(module, "class", ("layer", "0"))
    assert (source.path, source.part, source.title, source.file) == (("layer", "0"), "class", "Plain", HERE)
    assert source.first_line == line_of("class Plain(nn.Module):")
    assert source.focus == source.first_line + 8
    assert source.text.splitlines()[source.focus - source.first_line] == "    def forward(self, x):"
    assert forward(module).title == "Plain.forward"
    assert forward(module).text.startswith("def forward(self, x):\n    # the comment above the work\n")
    assert forward(module).focus == source.focus
    init = source_of(module, "init", ())
    assert (init.title, init.notes) == ("Plain.__init__", ())
    assert init.text.startswith("def __init__(self, step: int = 1):\n    super().__init__()\n")


def test_focus_of_a_decorated_forward_is_its_def():
    for part in ("class", "forward"):
        source = source_of(models.Decorated(), part, ())
        assert source.text.splitlines()[source.focus - source.first_line].strip() == "def forward(self, x):"


def test_what_a_class_inherits_is_said():
    source = forward(models.Inheriting())
    assert source.title == "Plain.forward"
    assert source.notes == ("Inheriting inherits it from Plain",)
    assert "found by its name only" in notes(source_of(models.Inheriting(), "class", ())) or sys.version_info >= (3, 13)
    assert source_of(models.Inheriting(), "class", ()).text == "class Inheriting(Plain):\n    pass\n"


def test_a_class_made_in_a_function():
    source = source_of(models.local_class(), "class", ())
    assert (source.title, source.notes) == ("Local", ())
    assert source.text.startswith("class Local(nn.Module):\n    def forward")
    assert forward(models.local_class()).title == "Local.forward"


def test_of_two_classes_with_one_name_the_right_one():
    source = source_of(models.Twice(), "class", ())
    assert "return x + 1" in source.text and "return x - 1" not in source.text
    assert "return x + 1" in forward(models.Twice()).text
    assert location(models.Twice()) == (HERE, source.first_line)
    assert source.first_line == line_of("return x + 1\n") - 5


# Made, not written


def test_a_parametrized_class_shows_its_base():
    module = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
    source = source_of(module, "class", ())
    assert source.title == "Linear"
    assert source.notes == ("ParametrizedLinear is a generated class; showing its base Linear",)
    assert source.text == inspect.getsource(nn.Linear)
    assert location(module) == location(nn.Linear(1, 1))


def test_a_class_made_by_a_call_shows_the_module_it_was_made_from():
    class Sharded:
        def unshard(self):
            return None

    module = nn.Linear(4, 4)
    module.__class__ = type("FSDPLinear", (Sharded, nn.Linear), {})
    assert source_of(module, "class", ()).title == "Linear"
    assert forward(module).text == textwrap.dedent(inspect.getsource(nn.Linear.forward))


def test_a_class_made_by_exec_has_an_honest_line():
    namespace = {"nn": nn}
    exec("class Net(nn.Module):\n    def forward(self, x):\n        return x\n", namespace)
    for part in ("class", "forward"):
        source = source_of(namespace["Net"](), part, ())
        assert source.text == ""
        assert "kept" in source.notes[-1]
    assert location(namespace["Net"]()) is None


@pytest.mark.parametrize("name", ["<ipython-input-3-abc>", "<stdin>", "/tmp/ipykernel_1/123.py"])
def test_a_session_that_keeps_its_text_is_read(name):
    text = "from torch import nn\nclass Cell(nn.Module):\n    def forward(self, x):\n        return x + 9\n"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        namespace = {"__name__": "session"}
        exec(compile(text, name, "exec"), namespace)
        source = source_of(namespace["Cell"](), "class", ())
        assert (source.text, source.first_line, source.focus, source.notes) == (text[21:], 2, 3, ())
        assert forward(namespace["Cell"]()).first_line == 3
    finally:
        del linecache.cache[name]


def test_other_text_under_the_name_of_a_session_is_not_taken():
    namespace = {"nn": nn}
    exec(compile("class Cell(nn.Module):\n    def forward(self, x):\n        return x\n", "<cell>", "exec"), namespace)
    other = "class Cell:\n    def forward(self, x):\n        return 5\n"
    linecache.cache["<cell>"] = (len(other), None, other.splitlines(keepends=True), "<cell>")
    try:
        assert forward(namespace["Cell"]()).text == ""
        assert source_of(namespace["Cell"](), "class", ()).text == ""
    finally:
        del linecache.cache["<cell>"]


# Edited since it was imported


def test_an_edited_forward_is_labelled(written):
    module = written.load(NET).Net()
    written.write(NET.replace("x + 1", "x + 2"))
    for part in ("forward", "class"):
        source = source_of(module, part, ())
        assert "return x + 2" in source.text
        assert "changed on disk since it was imported" in notes(source)
        assert "not what runs" in notes(source)
    assert source_of(module, "init", ()).notes == ()


def test_a_moved_forward_is_found(written):
    module = written.load(NET).Net()
    written.write("# one\n# two\n" + NET.replace("class Net", "class Other(nn.Module):\n    pass\n\n\nclass Net"))
    source = forward(module)
    assert "return x + 1" in source.text
    assert source.notes == ("changed on disk since it was imported: what runs was at line 8 and is at line 14 now",)
    assert (source.first_line, source.focus) == (14, 14)
    assert source_of(module, "class", ()).first_line == 10
    assert location(module) == (str(written.path), 10)


def test_a_moved_forward_among_equal_ones_keeps_its_class(written):
    other = NET.partition("\n\n\n")[2].replace("Net", "Other")
    module = written.load(NET + "\n\n" + other).Other()
    written.write("from torch import nn\n\n\n" + other + "\n\n" + NET)
    assert forward(module).first_line == 8


def test_edited_comments_are_said(written):
    module = written.load(NET).Net()
    written.write(NET.replace("        return", "        # why\n        return"))
    assert forward(module).notes == ("changed on disk since it was imported: comments or line breaks only",)


def test_what_was_read_before_an_edit_is_kept(written):
    module = written.load(NET).Net()
    assert forward(module).notes == ()
    written.write(NET.replace("x + 1", "x + 2"))
    for part in ("forward", "class"):
        source = source_of(module, part, ())
        assert "return x + 1" in source.text
        assert source.notes == ("changed on disk since it was imported: this is the text that runs, as it was before",)


@pytest.mark.parametrize("text", ["def (", "\x00", "# -*- coding: nonsense -*-\n", ""])
def test_a_broken_file_is_said(written, text):
    module = written.load(NET).Net()
    written.write(text)
    source = forward(module)
    assert source.text == ""
    assert "changed on disk" in source.notes[-1]


def test_a_file_that_is_gone_is_said(written):
    module = written.load(NET).Net()
    written.path.unlink()
    source = forward(module)
    assert source.text == ""
    assert str(written.path) in source.notes[-1]


def test_an_import_hook_is_not_mistaken_for_an_edit(written):
    module = written.load(NET)

    class Hook:
        pass

    module.__loader__ = Hook()
    written.write(NET.replace("x + 1", "x + 2"))
    assert forward(module.Net()).notes == ("rewritten at import by Hook: this is the file's text",)


# What runs is not the class's forward


def test_a_replaced_forward():
    source = forward(models.patched())
    assert source.text == "def replacement(self, x):\n    return x * 42\n"
    assert source.title == "Linear.forward"
    line = line_of("def replacement")
    assert source.notes == (f"forward is replaced on this instance by patched.<locals>.replacement at {HERE}:{line}",)
    assert location(models.patched()) == (HERE, line)
    assert "replaced on this instance" in notes(source_of(models.patched(), "class", ()))


def test_a_lambda():
    source = forward(models.with_lambda())
    assert source.text == "module.forward = lambda x: x + 7\n"
    assert "<lambda>" in notes(source)


def test_a_lambda_over_several_lines(written):
    module = written.load(
        "from torch import nn\nnet = nn.Identity()\nnet.forward = (lambda x:\n    x +\n    1)\nafter = 1\n"
    ).net
    assert forward(module).text == "net.forward = (lambda x:\n    x +\n    1)\n"


def test_a_method_of_another_module():
    source = forward(models.borrowed())
    assert "self.inner(x) + self.step" in source.text
    assert "a method of another object, a Plain" in source.notes


def test_a_decorated_forward_shows_what_its_author_wrote():
    source = forward(models.Decorated())
    assert source.text.endswith("def forward(self, x):\n    return x * 3\n")
    assert any(note.startswith("wrapped by ") and "_contextlib.py:" in note for note in source.notes)
    assert f"inner at {HERE}:{line_of('def inner(*args') - 1}" in notes(source)


def test_a_wrapper_that_does_not_say_what_it_wraps():
    source = forward(models.SilentlyDecorated())
    assert source.text == "def inner(self, *args):\n    return function(self, *args)\n"
    assert any("it closes over SilentlyDecorated.forward" in note for note in source.notes)


def test_a_wrapper_on_the_instance():
    source = forward(models.with_wrapper_on_instance())
    assert "self.inner(x) + self.step" in source.text
    assert source.notes[0].startswith("wrapped on this instance by ") and "new_forward at" in source.notes[0]


def test_a_partial_that_wraps():
    source = forward(models.with_partial_like_accelerate())
    assert "self.inner(x) + self.step" in source.text
    assert "functools.partial of with_partial_like_accelerate.<locals>.new_forward" in notes(source)


def test_a_partial_of_a_builtin():
    source = forward(models.with_partial_of_builtin())
    assert source.text == ""
    assert "functools.partial of the built-in mul" in notes(source)
    assert source.notes[-1] == "forward is the built-in mul: it has no Python source"


def test_an_object_as_forward():
    source = forward(models.with_object())
    assert source.text == "def __call__(self, x):\n    return x + 11\n"
    assert "an object of Callable" in notes(source)


def test_a_wrapper_around_itself_ends():
    def loop(x):
        return x

    loop.__wrapped__ = loop
    module = nn.Identity()
    module.forward = loop
    assert "wrapped more than" in forward(module).notes[-1]


def test_no_forward():
    for module in (models.NoForward(), nn.ModuleList()):
        name = type(module).__name__
        source = forward(module)
        assert (source.text, source.title) == ("", f"{name}.forward")
        assert source.notes == (f"{name} has no forward: calling it raises NotImplementedError",)


def test_an_init_made_by_dataclass_or_in_c_is_said():
    import dataclasses

    made = dataclasses.make_dataclass("Made", ["a"], bases=(nn.Module,), eq=False)
    source = source_of(made.__new__(made), "init", ())
    assert source.text == ""
    assert "not kept" in source.notes[-1]


def test_an_overridden_call():
    source = forward(models.CallOverridden())
    assert "x * 2" in source.text
    assert source.notes[-1].startswith("CallOverridden overrides __call__, so hooks do not fire: ")
    assert "hands on to Module's" in forward(models.CallHandedOn()).notes[-1]
    assert "hooks do not fire" in notes(source_of(models.CallOverridden(), "class", ()))


def test_static_and_property_forwards():
    assert forward(models.StaticForward()).text == "@staticmethod\ndef forward(x):\n    return x\n"
    source = forward(models.PropertyForward())
    assert "side effects" in source.text
    assert "its getter" in notes(source)


@pytest.mark.parametrize("kind", [models.AnythingGoes, models.NeverTrue])
def test_hostile_classes(kind):
    source = forward(kind())
    assert source.text == "def forward(self, x):\n    return x\n"
    assert location(kind()) == (HERE, source_of(kind(), "class", ()).first_line)


def test_a_forward_that_dispatches_tells_its_other_functions():
    source = forward(models.Dispatched())
    assert source.text.endswith("def forward(self, x):\n    return x * 21\n")
    assert source.notes == (f"for int forward is Dispatched._ at {HERE}:{line_of('def _(self, x: int)') - 1}",)
    source = forward(models.DispatchedFunction())
    assert "x * 23" in source.text
    assert any(note.startswith("for Linear forward is _ at ") for note in source.notes)


def test_a_partialmethod():
    source = forward(models.ByPartialMethod())
    assert source.text == "def scaled(self, x, factor):\n    return x * factor\n"
    assert "functools.partial of ByPartialMethod.scaled" in notes(source)


@pytest.mark.parametrize("kind", [models.Borrowing, models.Monkeypatched])
def test_a_forward_from_elsewhere_is_said(kind):
    name, line = kind.__name__, line_of("def elsewhere")
    source = forward(kind())
    assert "x * 26" in source.text and source.first_line == line
    assert source.notes == (f"forward was put on {name} from elsewhere: it is elsewhere at {HERE}:{line}",)


def test_a_class_whose_written_forward_does_not_run_says_so():
    source = source_of(models.Monkeypatched(), "class", ())
    assert "x * 27" in source.text and source.focus == 0
    assert "the forward that runs is not the one written here: it is elsewhere at" in notes(source)
    source = source_of(models.made_by_a_call(), "class", ())
    assert (source.title, source.focus) == ("Plain", 0)
    assert "not the one written here: it is made_by_a_call.<locals>.<lambda>" in notes(source)
    assert "x * 36" in forward(models.made_by_a_call()).text
    assert source_of(models.patched(), "class", ()).focus == 0


def test_a_monkeypatched_class_of_torch(monkeypatch):
    monkeypatch.setattr(nn.ReLU, "forward", models.elsewhere)
    source = source_of(nn.ReLU(), "class", ())
    assert source.focus == 0 and "not the one written here" in notes(source)
    assert "x * 26" in forward(nn.ReLU()).text


def test_descriptors():
    source = forward(models.ByDescriptor())
    assert source.text.startswith("def __get__(self, instance, owner=None):")
    assert source.notes == ("forward is a descriptor of Descriptor: this is its __get__, which makes what runs",)
    source = forward(models.CachedProperty())
    assert "lambda x: x * 31" in source.text and "a cached property" in notes(source)
    for kind in (models.DecoratedByObject, models.Cached):
        source = forward(kind())
        assert "return x * " in source.text and "wrapped by an object of" in notes(source)
        assert source_of(kind(), "class", ()).notes == ()
        assert source_of(kind(), "class", ()).focus == source.focus


def test_a_forward_that_a_metaclass_made():
    source = forward(models.MadeByMetaclass())
    assert "x * 32" in source.text
    assert "it is Making.__new__.<locals>.forward at" in notes(source)


def test_mixins_and_nested_classes():
    source = forward(models.Mixed())
    assert (source.title, source.notes) == ("Mixin.forward", ("Mixed inherits it from Mixin",))
    assert forward(models.Outer.Inner()).title == "Outer.Inner.forward"
    assert source_of(models.Outer.Inner(), "class", ()).notes == ()


def test_a_wrapper_in_disguise_is_not_taken_for_an_edit():
    source = source_of(models.Disguised(), "class", ())
    assert "changed" not in notes(source)
    assert source.text.splitlines()[source.focus - source.first_line] == "    def forward(self, x):"
    source = forward(models.Disguised())
    assert source.text == "def inner(*given):\n    return function(*given)\n"
    assert any(note.startswith("it closes over Disguised.forward at") for note in source.notes)


def test_the_forward_kept_beside_its_replacement():
    source = forward(models.like_accelerate())
    assert source.text.startswith("def new_forward(*args, **kwargs):")
    assert any(
        note.startswith("the forward of its class is kept as _old_forward: Plain.forward at") for note in source.notes
    )


def test_a_module_as_forward():
    module = nn.Identity()
    object.__setattr__(module, "forward", models.Plain())
    source = forward(module)
    assert "self.inner(x) + self.step" in source.text
    assert "another module, a Plain" in notes(source)


def test_which_of_two_lambdas():
    module = nn.Identity()
    module.forward = models.two_lambdas[1]
    assert forward(module).notes[-1] == "number 2 of the 2 lambdas on this line"


def test_a_scripted_function_as_forward():
    module = nn.Identity()
    module.forward = torch.jit.script(nn.functional.relu)
    source = forward(module)
    assert source.text.startswith("def relu(input: Tensor") and "compiled by TorchScript" in notes(source)


def test_where_a_compiled_forward_is_written():
    module = models.Plain()
    module.forward = torch.compile(module.forward, backend="eager")
    assert location(module) == (HERE, line_of("# the comment above the work") - 1)


def both(net):
    """What is shown of a `NET`: it is the right text, and nothing has to be said of it."""
    for part in ("class", "forward"):
        source = source_of(net, part, ())
        assert source.text.count("return x + 1") == 1 and source.notes == ()
        assert (source.first_line, source.focus) == ((4, 8) if part == "class" else (8, 8))
    return source


def test_a_program_on_the_command_line(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-W", "ignore", "-c", NET])
    namespace = {"__name__": "__main__"}
    exec(compile(NET, "<string>", "exec"), namespace)
    both(namespace["Net"]())
    exec(compile(NET.replace("x + 1", "x + 2"), "<string>", "exec"), namespace)
    assert forward(namespace["Net"]()).text == ""


def test_a_file_that_runpy_runs(tmp_path):
    (tmp_path / "script.py").write_text(NET)
    namespace = runpy.run_path(str(tmp_path / "script.py"), run_name="__main__")
    assert both(namespace["Net"]()).file == str(tmp_path / "script.py")


def test_a_module_in_an_archive(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("in_an_archive.py", NET)
    monkeypatch.syspath_prepend(str(tmp_path / "archive.zip"))
    module = importlib.import_module("in_an_archive")
    assert both(module.Net()).file.endswith(os.path.join("archive.zip", "in_an_archive.py"))


def test_a_module_without_its_source_is_said(tmp_path, monkeypatch):
    (tmp_path / "text.py").write_text(NET)
    py_compile.compile(str(tmp_path / "text.py"), str(tmp_path / "only_compiled.pyc"), dfile="gone/text.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("only_compiled")
    for part in ("class", "forward"):
        source = source_of(module.Net(), part, ())
        assert source.text == ""
        assert source.notes[-1].endswith(f"imported from {tmp_path}/only_compiled.pyc, without its source")


# Compilers


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Named(nn.Module):
    """Torch 2.6 cannot unflatten an exported model whose modules have numbers for names."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)


def small():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU())


def test_scripted():
    module = torch.jit.script(small())
    for part in ("class", "forward"):
        source = source_of(module, part, ())
        assert (source.text, source.title, source.file) == (module.code, "Sequential.forward", "")
        assert source.notes[-1].startswith("scripted: this is TorchScript")
    assert source_of(module, "init", ()).text == ""
    assert location(module) is None


def test_scripted_without_a_forward():
    source = forward(torch.jit.script(nn.ModuleList([nn.ReLU()])))
    assert source.text == ""
    assert "without a forward" in source.notes[-1]


def test_traced_and_its_children():
    module = torch.jit.trace(small(), torch.ones(1, 4))
    assert forward(module).text == module.code
    child = next(iter(module.children()))
    assert (forward(child).title, forward(child).text) == ("Linear.forward", child.code)
    assert forward(child).notes[-1].startswith("traced")


def test_fx_and_export():
    graph = torch.fx.symbolic_trace(small())
    assert forward(graph).text == graph.code.lstrip("\n")
    assert "generated from its graph" in notes(forward(graph))
    exported = torch.export.export(Named(), (torch.ones(1, 4),))
    assert forward(exported.module()).text == exported.module().code.lstrip("\n")
    assert "torch.export" in notes(forward(exported.module()))
    unflattened = torch.export.unflatten(exported)
    assert "linear" in forward(unflattened.get_submodule("layer")).text
    assert "unflattened" in notes(forward(unflattened.get_submodule("layer")))


def test_a_replaced_forward_of_a_graph():
    graph = torch.fx.symbolic_trace(small())
    graph.forward = models.with_lambda().forward
    assert "x + 7" in forward(graph).text


def test_compiled():
    module = torch.compile(models.Plain(), backend="eager")
    for part in ("class", "forward", "init"):
        source = source_of(module, part, ())
        assert source.text == source_of(models.Plain(), part, ()).text
        assert source.notes == ("compiled by torch.compile: this is the Plain it was made from",)
    assert location(module) == location(models.Plain())


def test_compiled_in_place():
    module = models.Plain()
    module.compile(backend="eager")
    assert "Module.compile()" in notes(forward(module))


def test_quantized():
    module = torch.ao.quantization.quantize_dynamic(small(), {nn.Linear}, dtype=torch.qint8)[0]
    assert forward(module).text == textwrap.dedent(inspect.getsource(type(module).forward))


# Cost and bounds


def test_a_file_is_compiled_once(written, monkeypatch):
    compiled = []
    compile_ = files._compile
    monkeypatch.setattr(files, "_compile", lambda text, path: compiled.append(path) or compile_(text, path))
    module = written.load(NET + "\n".join(NET.replace("Net", f"Net{i}").partition("\n")[2] for i in range(500)))
    for index in range(500):
        net = getattr(module, f"Net{index}")()
        assert forward(net).notes == () and location(net) == (str(written.path), source_of(net, "class", ()).first_line)
    assert compiled == [str(written.path)]


def test_long_source_is_cut_and_said(written):
    body = "".join(f"        x = x + {i}\n" for i in range(20_000))
    module = written.load(NET.replace("        return x + 1\n", body + "        return x\n")).Net()
    source = forward(module)
    assert len(source.text) <= files.CHARACTER_LIMIT
    assert source.text.endswith("\n")
    assert source.notes == ("cut: no more than 200000 characters are shown",)


def test_text_that_cannot_be_encoded_is_escaped(written):
    module = written.load(NET).Net()
    module.__class__ = type("Odd", (type(module),), {"__qualname__": "\ud800[/]\x1b" + "x" * 9000})
    source = source_of(module, "class", ())
    assert "\\ud800" in source.notes[0]
    assert source.notes[0].endswith(ELLIPSIS)
    assert msgspec.msgpack.encode(source)


def test_strings_indented_less_than_the_code_stay(written):
    text = NET.replace("return x + 1", 'return """\nleft\n  two"""')
    assert forward(written.load(text).Net()).text == 'def forward(self, x):\n    return """\nleft\n  two"""\n'


def test_a_metaclass_that_raises():
    class Meta(type):
        def __getattribute__(cls, name):
            if name in ("__name__", "__qualname__", "__mro__", "__module__"):
                raise RuntimeError(name)
            return super().__getattribute__(name)

        def __hash__(cls):
            raise RuntimeError("no hash")

    class Odd(nn.Module):
        def forward(self, x):
            return x

    module = Odd()
    module.__class__ = Meta("Odd", (Odd,), {})
    for part in ("class", "forward", "init"):
        assert source_of(module, part, ("a",)).notes
    assert location(module) is None


# The place of a call


def test_a_call_site():
    line = line_of("return self.inner(x) + self.step")
    source = site_source(HERE, line, ("inner",))
    assert source.title == f"called at source_models.py:{line} in Plain.forward"
    assert (source.part, source.path, source.focus, source.first_line) == ("site", ("inner",), line, line - 2)
    assert source.text == forward(models.Plain()).text
    assert source.notes == ()


def test_a_call_site_in_a_comprehension_and_in_a_nested_function():
    source = site_source(HERE, line_of("        module(x)\n"), ())
    assert source.title.endswith("in calling")
    assert source.text.startswith("def calling(module, x):")
    line = line_of("        return module(x)\n")
    source = site_source(HERE, line, ())
    assert (source.title.rpartition(" ")[2], source.focus) == ("nested", line)


def test_a_call_site_that_moved(written):
    written.load(NET)
    written.write("# one\n" + NET)
    source = site_source(str(written.path), 9, ())
    assert (source.focus, source.first_line) == (10, 9)
    assert "is at line 9 now" in notes(source)


def test_a_call_site_at_the_top_level(written):
    text = "x = 1\n" * 500
    written.write(text)
    source = site_source(str(written.path), 300, ())
    assert source.title.endswith(":300 at the top level")
    assert source.first_line <= 300 == source.focus < source.first_line + source.text.count("\n")


def test_a_call_site_without_text():
    source = site_source("<string>", 3, ())
    assert source.text == ""
    assert "no text of <string>" in source.notes[-1]
    assert site_source(HERE, 10**6, ()).text == ""
