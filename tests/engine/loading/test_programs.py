"""Programs as targets: exported ones, TorchScript, pickled modules and flat graphs; and which of them need trust."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import pathlib
import sys
import warnings
import zipfile
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from inspector.engine.loading import load
from inspector.engine.loading.files import scripted
from inspector.engine.modules.rows import module_rows
from inspector.engine.modules.selector import select
from inspector.engine.modules.tree import walk
from inspector.engine.session import Session
from inspector.engine.source import source_of
from inspector.errors import TargetError, UsageError
from inspector.records import Target

pytestmark = pytest.mark.filterwarnings("ignore")
has_archives = find_spec("torch.export.pt2_archive") is not None
needs_archives = pytest.mark.skipif(not has_archives, reason="torch writes and reads these archives since 2.8")


class Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.lin(x))


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Half()
        self.second = Half()

    def forward(self, x, *, scale):
        return self.second(self.first(x) * scale)


def export(dynamic=False):
    shapes = {"x": {0: torch.export.Dim("batch", min=2, max=64)}, "scale": None} if dynamic else None
    return torch.export.export(Whole(), (torch.randn(2, 4),), {"scale": torch.ones(4)}, dynamic_shapes=shapes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    torch.manual_seed(0)
    torch.export.save(export(dynamic=True), folder / "net.pt2")
    torch.export.save(export(), folder / "fixed.pt2")
    torch.jit.script(Half()).save(folder / "scripted.pt")
    torch.jit.trace(Half(), torch.ones(1, 4)).save(folder / "traced.pt")
    torch.save(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), folder / "whole.pt")
    return folder


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))


def refused(target, *arguments, **options):
    with pytest.raises(UsageError) as caught:
        load(Target(target, arguments, **options))
    return caught.value.problem


def opened(target, *arguments, **options):
    """The session, what it said on opening, and the events of one pass."""
    session = Session(lambda event: None)
    return session, session.open(Target(target, arguments, **options)), session.run()


def rewritten(source, target, edit):
    """The archive `source` with `edit(name, data)` in the place of every record."""
    reader, writer = torch._C.PyTorchFileReader(str(source)), torch._C.PyTorchFileWriter(str(target))
    for name in reader.get_all_records():
        if not name.startswith(".data") and name != "byteorder":
            data = edit(name, reader.get_record(name))
            writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    return str(target)


def with_json(edit):
    """An edit of the program itself, given as JSON text."""
    return lambda name, data: edit(data.decode()).encode() if name == "models/model.json" else data


class Runs:
    """Touches a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(self.file),)


@needs_archives
def test_an_exported_program_is_unflattened():
    session, said, summary = opened("net.pt2")
    info = said.info
    assert (info.kind, info.class_name, info.modules, info.input_origin) == (
        "exported program", "Whole", 7, "known for this target",
    )  # fmt: skip
    assert info.input == "2×4 float32, scale=4 float32"
    assert summary.problem is None and summary.calls == 7
    assert [row.class_name for row in module_rows(session.subject.tree)] == ["Whole", *["Half", "Linear", "ReLU"] * 2]
    assert [node.key for node in select(session.subject.tree, "class:Linear")] == ["lin", "lin"]
    assert "unflattened" in info.notes[0]
    assert info.notes[1].startswith("dynamic shapes: x s") and "×4, with s" in info.notes[1]
    assert info.notes[1].endswith(" in 2..64")
    calls = session.queries.trace(0, 10).calls
    assert [call.class_name for call in calls] == ["Linear", "ReLU", "Half"] * 2 + ["Whole"]
    assert {call.row.file for call in calls} == {""}


@needs_archives
def test_what_it_computes_is_what_was_exported():
    program = torch.export.load("net.pt2")
    loaded = load(Target("net.pt2"))
    args, kwargs = program.example_inputs
    assert torch.equal(loaded.sample.args[0], args[0])
    assert torch.equal(loaded.model(*args, **kwargs), program.module()(*args, **kwargs))


@needs_archives
def test_fixed_shapes_are_said():
    assert "shapes are fixed" in opened("fixed.pt2")[1].info.notes[1]


@needs_archives
def test_a_program_without_an_example_gets_one_of_its_shapes(tmp_path):
    program = export(dynamic=True)
    program.example_inputs = None
    torch.export.save(program, tmp_path / "bare.pt2")
    _, said, summary = opened(str(tmp_path / "bare.pt2"))
    assert (said.info.input, summary.problem) == ("2×4 float32, scale=4 float32", None)


@needs_archives
def test_how_inputs_are_given_is_fixed_by_the_export():
    assert load(Target("net.pt2", inputs=("8x4", "scale=4"))).sample.args[0].shape == (8, 4)
    problem = refused("net.pt2", inputs=("x=8x4", "scale=4"))
    assert "positional" in problem.what and "x" in problem.what
    assert "'scal'" in refused("net.pt2", inputs=("8x4", "scal=4")).what


@needs_archives
def test_the_graph_is_its_source():
    session, *_ = opened("net.pt2")
    source = session.queries.source(("first",), "auto")
    assert source.title == "Half.forward"
    assert "lin = self.lin(x)" in source.text
    assert "Python source is not kept" in source.notes[0]
    assert "from inside torch" in session.queries.source(("first",), "site").notes[0]
    assert session.queries.attributes(("second",)).signature.count(",") == 0
    assert session.queries.attributes(()).signature == "(x, scale)"


@needs_archives
def test_of_several_programs_one_is_named(tmp_path):
    from torch.export.pt2_archive._package import package_pt2

    package_pt2(str(tmp_path / "two.pt2"), exported_programs={"encoder": export(), "decoder": export(dynamic=True)})
    name = str(tmp_path / "two.pt2")
    problem = refused(name)
    assert "2 programs" in problem.what and "decoder" in problem.where and "program=" in problem.hint
    assert "dynamic" in load(Target(name, (("program", "decoder"),))).notes[1]
    assert "'other'" in refused(name, ("program", "other")).what
    assert "no argument 'width'" in refused(name, ("width", "3")).what


@needs_archives
def test_a_package_without_a_program_is_said(tmp_path):
    writer = torch._C.PyTorchFileWriter(str(tmp_path / "compiled.pt2"))
    for name, data in {"archive_format": b"pt2", "archive_version": b"0", "data/aotinductor/model/m.so": b"x"}.items():
        writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    problem = refused(str(tmp_path / "compiled.pt2"))
    assert "AOTInductor" in problem.what and "torch.export.save" in problem.hint


@pytest.mark.skipif(has_archives, reason="torch reads these archives")
def test_a_torch_without_archives_is_said(tmp_path):
    problem = refused("net.pt2")
    assert torch.__version__ in problem.what and "2.8" in problem.hint


@needs_archives
def test_files_that_are_none(tmp_path):
    (tmp_path / "text.pt2").write_text("not a zip")
    assert "no exported program" in refused(str(tmp_path / "text.pt2")).what
    assert "did you mean" in refused("nett.pt2").hint
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("version", "8.1")
        archive.writestr("serialized_exported_program.json", "{}")
    assert "old torch.export" in refused(str(tmp_path / "old.pt2")).what
    writer = torch._C.PyTorchFileWriter(str(tmp_path / "other.pt2"))
    for name, data in {"archive_format": b"pt3", "models/model.json": b"{}"}.items():
        writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    assert "its archive_format is b'pt3'" in refused(str(tmp_path / "other.pt2")).what


@needs_archives
def test_a_damaged_program_is_told_as_that(tmp_path):
    name = rewritten("net.pt2", tmp_path / "cut.pt2", with_json(lambda text: '{"graph_module": {}}'))
    with pytest.raises(TargetError, match="could not be loaded"):
        load(Target(name))


TOUCH = "__import__('pathlib').Path('ran').touch()"


def evil_pickle(name, data):
    if name != "data/sample_inputs/model.pt":
        return data
    stream = io.BytesIO()
    torch.save(((Runs("ran"),), {}), stream)
    return stream.getvalue()


def with_node(**fields):
    def edit(text):
        program = json.loads(text)
        program["graph_module"]["graph"]["nodes"][1].update(fields)
        return json.dumps(program)

    return with_json(edit)


EVIL = {
    "a size": with_json(lambda text: text.replace("Symbol(", f"{TOUCH} or Symbol(", 1)),
    "an argument": with_json(lambda text: text.replace('"scale"', f'"scale={TOUCH}"')),
    "a pickle": evil_pickle,
    "a function": with_node(target="torch.os.system"),
    "an operation on files": with_node(target="torch.ops.aten.from_file.default"),
    "an operation of a library": with_node(target="torch.ops.image.write_file.default"),
    "under a key that is a name": with_node(
        inputs=[{"name": "x", "arg": {"as_string_to_argument": {"metadata": {"as_operator": "torch.os.system"}}}}]
    ),
    "a default factory": with_json(
        lambda text: text.replace('builtins.dict\\",', 'collections.defaultdict\\", \\"default_factory_module\\": 1,')
    ),
    "a module's name": with_json(lambda text: text.replace("first.lin.weight", 'first.lin.\\"weight')),
    "a library": None,
}


@pytest.mark.parametrize("kind", EVIL)
@needs_archives
def test_a_program_with_code_in_it_asks_for_trust(kind, tmp_path, monkeypatch):
    edit = EVIL[kind]
    name = rewritten("net.pt2", tmp_path / "evil.pt2", edit or (lambda name, data: data))
    if edit is None:
        with zipfile.ZipFile(name, "a") as archive:
            archive.writestr(f"{archive.namelist()[0].partition('/')[0]}/data/aotinductor/model/x.so", b"x")
    monkeypatch.chdir(tmp_path)
    problem = refused(name)
    assert problem.kind == "NotTrusted"
    assert problem.where
    assert problem.hint.endswith("--trust-pickle")
    assert not os.path.exists("ran")


@pytest.mark.parametrize("kind", ["a size", "an argument", "a pickle"])
@needs_archives
def test_with_trust_it_is_loaded_as_torch_loads_it(kind, tmp_path, monkeypatch):
    """Which is why it asks: torch.export.load runs each of these."""
    name = rewritten("net.pt2", tmp_path / "evil.pt2", EVIL[kind])
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(TargetError):  # what is left of the program after it ran is no program
        load(Target(name, trust_pickle=True))
    assert os.path.exists("ran")


@pytest.mark.parametrize(
    "text",
    [
        "Symbol('s77', positive=True, integer=True)",
        "2*s0 + 1",
        "Max(1, s0//2)",
        "FloorDiv(s0 + 3, 4)",
        "Mod(Symbol('u0', integer=True), 8)",
        "-(s0**2)",
        "Eq(s0, 3)",
        "s0 > 3",
    ],
)
@needs_archives
def test_sizes_are_arithmetic(text):
    from inspector.engine.loading.files import exported_check

    assert exported_check._is_arithmetic(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "s0.__class__",
        "sympify('s0')",
        "Max('__import__(1)', 2)",
        "Symbol('s0')('x')",
        "Symbol(name='s0')",
        "[s0 for s0 in (1,)]",
        "(lambda: 1)()",
        "Symbol(Symbol('x').__init__)",
        "Symbol('x; import os')",
        "f'{s0}'",
        "",
        "1; 2",
    ],
)
@needs_archives
def test_all_else_is_none(text):
    from inspector.engine.loading.files import exported_check

    assert not exported_check._is_arithmetic(text)


@needs_archives
def test_a_torch_that_knows_no_opaque_objects_has_plain_tensors_trusted(monkeypatch):
    from torch.export.pt2_archive import constants

    monkeypatch.delattr(constants, "OPAQUE_OBJ_FILENAME_PREFIX", raising=False)
    known = importlib.util.find_spec("inspector.engine.loading.files.exported_check")
    spec = importlib.util.spec_from_file_location(known.name, known.origin)
    anew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(anew)
    look = anew._in_payloads
    assert not list(look(None, {"config": {"w": {"path_name": "weight_0"}}}, "data/weights"))
    assert list(look(None, {"config": {"w": {"path_name": "custom_obj_0"}}}, "data/constants"))


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            x = self.lin(x)
        count = x.abs().sum().to(torch.int64).item()
        torch._check(count >= 0)
        return torch.cond(x.sum() > 0, lambda x: self.lin(x) * 2, lambda x: x - 1, (x,)) + count


@needs_archives
def test_control_flow_and_data_dependent_sizes_need_no_trust(tmp_path):
    torch.export.save(torch.export.export(Branching(), (torch.ones(2, 4),)), tmp_path / "branching.pt2")
    assert opened(str(tmp_path / "branching.pt2"))[2].problem is None


@pytest.mark.parametrize("name", ["scripted.pt", "traced.pt"])
def test_torchscript_shows_what_can_be_seen(name):
    session, said, summary = opened(name)
    assert (said.info.kind, said.info.class_name, said.info.parameters) == ("TorchScript", "Half", 20)
    assert [row.class_name for row in module_rows(session.subject.tree)] == ["Half", "Linear", "ReLU"]
    assert said.info.input_origin == "guessed"
    assert summary.problem is None and summary.output.shape == (1, 4)
    assert session.subject.marks().observed == bytes([2, 2, 2]) and all(session.subject.marks().refused.values())
    (call,) = session.calls_of(()).calls
    assert (call.row.status, call.output.shape, call.inputs[0].shape, call.row.file) == ("ok", (1, 4), (1, 4), "")
    assert session.calls_of(("lin",)).total == 0
    source = session.queries.source(("lin",), "auto")
    assert source.title == "Linear.forward" and "torch.linear" in source.text


def test_a_pass_that_raises_in_torchscript_is_told(tmp_path):
    session, _, summary = opened("scripted.pt", inputs=("1x5",))
    assert summary.problem.kind == "RuntimeError"
    (call,) = session.calls_of(()).calls
    assert call.row.status == "raised"


def test_without_observing_nothing_is_recorded():
    assert opened("scripted.pt", observe=False)[2].calls == 0


def test_it_takes_no_arguments():
    assert "takes no argument" in refused("scripted.pt", ("width", "3")).what


class Saves(nn.Module):
    def forward(self, x):
        torch.save(x, "written")
        return x


class SavesOnLoad(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = torch.ones(2)

    def forward(self, x):
        return x + self.t

    @torch.jit.export
    def __getstate__(self):
        return self.t, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]):
        torch.save(state[0], "written")
        self.t = state[0]
        self.training = state[1]


@pytest.mark.parametrize("kind", [Saves, SavesOnLoad])
def test_torchscript_that_writes_files_asks_for_trust(kind, tmp_path, monkeypatch):
    torch.jit.script(kind()).save(tmp_path / "saves.pt")
    monkeypatch.chdir(tmp_path)
    problem = refused("saves.pt")
    assert "write files" in problem.what and "torch.save(" in problem.where and "--trust-pickle" in problem.hint
    assert not os.path.exists("written")
    load(Target("saves.pt", trust_pickle=True)).model(torch.ones(2))
    assert os.path.exists("written")


def test_a_broken_archive_is_told(tmp_path):
    name = rewritten(
        "scripted.pt", tmp_path / "broken.pt", lambda name, data: data[:-9] if name == "data.pkl" else data
    )
    problem = refused(name)
    assert "broken.pt cannot be read: data.pkl in it is cut off or damaged" in problem.what


class Adds(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.ops.aten.relu(x)
        return y + 1


@pytest.mark.parametrize(
    ("package", "line", "asks"),
    [
        ("some.ops.misc", "", False),
        ("some.misc", "    y = ops.aten.add(x, 1)\n", False),
        ("some.misc", "    y = ops.fs.write(x)\n", True),
        ("some.misc", "    y = ops . fs.write(x)\n", True),
        ("some.misc", "    o = ops\n", True),
        ("some.misc", '    _1 = "C++ ops. \\"save it"\n', False),
        ("some.misc", '    z = "\\\n    _1 = "+ops.fs.write(x)+""\n', True),
        ("some.misc", '    z = "\x0c    _1 = "+ops.fs.write(x)+""\n', True),
    ],
)
def test_a_package_called_ops_is_no_library_of_operations(package, line, asks, tmp_path, monkeypatch):
    monkeypatch.setattr(Adds, "__module__", package)
    torch.jit.save(torch.jit.script(Adds()), tmp_path / "plain.pt")

    def insert(name: str, data: bytes) -> bytes:
        return data.replace(b"    return", line.encode() + b"    return") if name.endswith(".py") else data

    name = rewritten(tmp_path / "plain.pt", tmp_path / "ops.pt", insert)
    found = list(scripted._reasons(pathlib.Path(name)))
    assert bool(found) is asks, found


def test_a_pickled_module_asks_for_trust(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = nn.Linear(2, 2)
    module.extra = Runs("ran")
    torch.save(module, "evil.pt")
    problem = refused("evil.pt")
    assert problem.kind == "NotTrusted"
    assert "it imports pathlib." in problem.where and "torch" in problem.where.splitlines()[-1]
    assert problem.hint == "if you trust where it comes from: inspector evil.pt --trust-pickle"
    assert not os.path.exists("ran")
    load(Target("evil.pt", trust_pickle=True))
    assert os.path.exists("ran")


def test_with_trust_it_is_opened():
    _, said, summary = opened("whole.pt", trust_pickle=True)
    assert (said.info.kind, said.info.modules, summary.calls) == ("pickled module", 3, 3)


SCRIPT = """
import sys, torch
from torch import nn
import parts_of_script

class Outer:
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = parts_of_script.Part(3, 2)

        def forward(self, x):
            return self.part(x)

if __name__ == "__main__":
    torch.save(Outer.Net(), sys.argv[1])
"""


@pytest.fixture
def script(tmp_path):
    """A script that pickled a class of its own, with one of a module beside it."""
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "parts_of_script.py").write_text("from torch import nn\nclass Part(nn.Linear):\n    pass\n")
    space = {"__name__": "__main__"}
    main, before = sys.modules["__main__"], list(sys.path)
    sys.path.insert(0, str(tmp_path))
    argv, sys.argv = sys.argv, ["train.py", str(tmp_path / "net.pt")]
    sys.modules["__main__"] = module = type(sys)("__main__")
    try:
        module.__dict__.update(space)
        exec(compile(SCRIPT, "train.py", "exec"), module.__dict__)
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = main, argv, before
        sys.modules.pop("parts_of_script", None)
    yield tmp_path
    sys.modules.pop("parts_of_script", None)


def test_classes_of_a_script_are_found_in_the_file_that_is_named(script):
    name = str(script / "net.pt")
    problem = refused(name, trust_pickle=True)
    assert "needs Outer, a class of the script that saved it" in problem.what
    assert "main=SCRIPT.py" in problem.hint
    loaded = load(Target(name, (("main", str(script / "train.py")),), trust_pickle=True))
    assert type(loaded.model).__qualname__ == "Outer.Net"
    assert type(loaded.model.part).__name__ == "Part"
    (script / "other.py").write_text("x = 1\n")
    assert "does not define" in refused(name, ("main", str(script / "other.py")), trust_pickle=True).what


def test_a_module_that_is_gone_is_named(script):
    (script / "parts_of_script.py").unlink()
    (script / "train.py").write_text(
        SCRIPT.replace("import parts_of_script", "").replace("parts_of_script.Part", "None")
    )
    problem = refused(str(script / "net.pt"), ("main", str(script / "train.py")), trust_pickle=True)
    assert "needs Part of the module parts_of_script, which cannot be imported" in problem.what
    assert str(script) in problem.where and "PYTHONPATH=DIR" in problem.hint


def test_what_a_module_itself_lacks_is_told_with_its_traceback(script):
    (script / "parts_of_script.py").write_text("import not_there_at_all\n")
    with pytest.raises(TargetError, match="not_there_at_all"):
        load(Target(str(script / "net.pt"), (("main", str(script / "train.py")),), trust_pickle=True))


def test_a_class_that_is_gone_is_named(script):
    (script / "parts_of_script.py").write_text("x = 1\n")
    (script / "train.py").write_text(SCRIPT.replace("parts_of_script.Part(3, 2)", "None"))
    problem = refused(str(script / "net.pt"), ("main", str(script / "train.py")), trust_pickle=True)
    assert "parts_of_script.Part, which is not there any more" in problem.what


def test_modules_in_a_dict(tmp_path):
    name = str(tmp_path / "several.pt")
    torch.save({"model": nn.Linear(2, 3), "epoch": 4}, name)
    loaded = load(Target(name, trust_pickle=True))
    assert loaded.model.out_features == 3 and "'model'" in loaded.notes[0]
    torch.save({"ema": nn.Linear(2, 3), "model": nn.Linear(2, 2)}, name)
    problem = refused(name, trust_pickle=True)
    assert "2 modules" in problem.what and "ema (Linear)" in problem.where and "entry=ema" in problem.hint
    assert load(Target(name, (("entry", "model"),), trust_pickle=True)).model.out_features == 2
    assert "'epoch'" in refused(name, ("entry", "epoch"), trust_pickle=True).what
    assert "no argument 'width'" in refused(name, ("width", "3"), trust_pickle=True).what


def test_an_unpickling_that_raises_is_told_as_theirs(tmp_path, monkeypatch):
    class Exits:
        def __reduce__(self):
            return sys.exit, (3,)

    module = nn.Linear(2, 2)
    module.extra = Exits()
    torch.save(module, tmp_path / "exits.pt")
    with pytest.raises(TargetError, match="could not be unpickled: SystemExit"):
        load(Target(str(tmp_path / "exits.pt"), trust_pickle=True))


def test_the_old_format_too(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert refused(str(tmp_path / "old.pt")).kind == "NotTrusted"
    assert load(Target(str(tmp_path / "old.pt"), trust_pickle=True)).model.in_features == 2


FACTORIES = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x):
        return self.lin(x).relu()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())

    def forward(self, x):
        return self.blocks(x)

def traced_by_fx():
    return torch.fx.symbolic_trace(Net())

def program():
    return torch.export.export(Net(), (torch.ones(2, 4),))

def flat():
    return program().module(), (torch.ones(2, 4),)

def traced():
    return torch.jit.trace(Net(), torch.ones(2, 4)), (torch.ones(2, 4),)
"""


@pytest.fixture
def factories(tmp_path):
    (tmp_path / "factories_of_programs.py").write_text(FACTORIES)
    yield str(tmp_path / "factories_of_programs.py")
    sys.modules.pop("factories_of_programs", None)


def names(row):
    return {badge.name for badge in row.badges}


def badges(session):
    return {".".join(session.subject.tree.paths[row.index]): names(row) for row in module_rows(session.subject.tree)}


def test_an_fx_graph_calls_only_its_leaves(factories):
    session, said, summary = opened(f"{factories}:traced_by_fx")
    assert {path for path, words in badges(session).items() if "inlined" in words} == {"blocks", "blocks.0", "blocks.1"}
    assert (
        "3 of 6 modules are inlined" in said.info.notes[-1]
        and "on the module that was traced they do" in said.info.notes[-1]
    )
    assert summary.calls == 3


def test_a_flat_program_fires_at_the_root_only(factories):
    session, said, summary = opened(f"{factories}:flat")
    inlined = {path for path, words in badges(session).items() if "inlined" in words}
    assert "blocks.0.lin" in inlined and "" not in inlined
    assert "torch.export.unflatten" in said.info.notes[-1]
    assert [call.path for call in session.queries.trace(0, 9).calls if call.path not in ((), ("_guards_fn",))] == []
    assert summary.problem is None


def test_a_program_returned_by_a_factory_is_unflattened(factories):
    session, said, summary = opened(f"{factories}:program")
    # torch before 2.7 keeps no class of what it unflattens
    name = "Net" if hasattr(session.subject.tree.root, "_ty") else "UnflattenedModule"
    assert (said.info.class_name, said.info.input, summary.calls) == (name, "2×4 float32", 6)


def test_children_of_a_trace_say_why_they_cannot_be_hooked(factories):
    session, said, summary = opened(f"{factories}:traced")
    assert said.info.class_name == "Net" and summary.calls == 1
    assert "no hook fires" in session.subject.marks().refused[1]


def test_a_plain_model_has_no_flat_graph():
    session = Session(lambda event: None)
    said = session.adopt(nn.Sequential(nn.Linear(2, 2)), (torch.ones(1, 2),), {}, "mine")
    assert said.info.notes == () and not any(row.badges for row in module_rows(session.subject.tree))


def test_a_module_exported_with_a_graph_for_each_call_shows_them_all():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(4, 4)

        def forward(self, x):
            self.count = getattr(self, "count", 0) + 1
            return self.lin(x) * self.count

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = Counts()

        def forward(self, x):
            return self.part(self.part(x))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(Twice(), (torch.ones(2, 4),), preserve_module_call_signature=("part",))
    model = torch.export.unflatten(program)
    if not hasattr(model, "_ty"):
        pytest.skip("this torch unflattens a module called twice into one graph, and keeps no class")
    source = source_of(model.get_submodule("part"), "class", ("part",))
    assert source.title == "Counts.forward"
    assert "# call 1\n" in source.text and "# call 2\n" in source.text and "2 calls" in source.notes[0]
    assert module_rows(walk(model))[1].class_name == "Counts"


@needs_archives
@pytest.mark.parametrize("name", [b"out/side", b"net/\xff"])
def test_a_member_that_torch_cannot_name_is_no_fault_of_ours(name, tmp_path):
    writer = torch._C.PyTorchFileWriter(str(tmp_path / "net.pt2"))
    for record in ("models/model.json", "side"):
        writer.write_record(record, b"{}", 2)
    writer.write_end_of_file()
    file = tmp_path / "net.pt2"
    file.write_bytes(file.read_bytes().replace(b"net/side", name.ljust(8, b"x")))
    assert "no exported program" in refused(str(file)).what


def test_an_archive_whose_names_are_no_text_is_refused(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "odd.pt2"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("QQQQ", b"")
    file.write_bytes(file.read_bytes().replace(b"QQQQ", b"\xff" * 4))
    with pytest.raises(UsageError, match="exported program"):
        Session(lambda event: None).open(Target(str(file)))
