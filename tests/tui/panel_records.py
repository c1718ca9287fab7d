"""Records as the engine would send them, made by hand: a small residual block in the middle of its second pass."""

from __future__ import annotations

import math
import random

import msgspec

from inspector import records as r
from inspector.client.model import Model

FILE = "/opt/env/lib/python3.11/site-packages/torchvision/models/resnet.py"
PATH = ("layer1", "0")
BLOCK = 2  # index of the block in `a_model`

CODE = '''\
class BasicBlock(nn.Module):
    """Two convolutions and a way round them."""

    expansion: int = 1

    def __init__(self, inplanes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        # Both self.conv1 and self.downsample layers downsample the input when stride != 1
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        if self.downsample is not None:
            raise NotImplementedError(f"a very long message about {self.downsample!r} that does not fit on one line")

        out += identity
        return self.relu(out)
'''
FIRST_LINE = 60
FORWARD_LINE = FIRST_LINE + 14


def a_model() -> Model:
    """root, layer1, layer1.0 with conv1, bn1, relu, conv2; all observed, one pass done."""
    names = [(-1, "", "ResNet"), (0, "layer1", "Sequential"), (1, "0", "BasicBlock")]
    names += [(BLOCK, key, cls) for key, cls in (("conv1", "Conv2d"), ("bn1", "BatchNorm2d"), ("relu", "ReLU"))]
    names += [(BLOCK, "conv2", "Conv2d")]
    model = Model(an_info(len(names)), 1)
    model.add_rows([r.ModuleRow(n, parent, key, cls, 64, 64, 256) for n, (parent, key, cls) in enumerate(names)])
    model.marks = r.HookMarks(1, b"\1" * len(names))
    model.add_calls(r.CallColumns.of(the_calls()))
    return model


def an_info(rows: int) -> r.ModelInfo:
    return r.ModelInfo("resnet18", "torchvision", "ResNet", rows, rows, 128, 128, 1, 512, False, "cpu", "2.15.0")


def the_calls() -> list[r.CallRow]:
    """In order of their end, numbered as entries and exits in time."""
    brief = r.Brief((1, 64, 56, 56))

    def row(module: int, call: int, start: int, end: int, depth: int, line: int, **more: object) -> r.CallRow:
        return r.CallRow(module, call, start, end, depth, 0.42, "ok", brief, file=FILE, line=line, in_step=call, **more)  # type: ignore[arg-type]

    forward = FORWARD_LINE
    return [
        row(3, 0, 3, 4, 3, forward + 3),
        row(4, 0, 5, 6, 3, forward + 4, holds="NaN"),
        row(5, 0, 7, 8, 3, forward + 5),
        row(6, 0, 9, 10, 3, forward + 7),
        row(5, 1, 11, 12, 3, forward + 12),
        row(2, 0, 2, 13, 2, 93),
        row(1, 0, 1, 14, 1, 271),
        row(0, 0, 0, 15, 0, 0),
    ]


def a_source(**changed: object) -> r.Source:
    fields = dict(
        path=PATH, part="class", title="BasicBlock", text=CODE, file=FILE, first_line=FIRST_LINE, focus=FORWARD_LINE
    )
    return r.Source(**{**fields, **changed})  # type: ignore[arg-type]


def a_tensor(shape: tuple[int, ...] = (1, 64, 56, 56), shift: float = 0.0, **changed: object) -> r.TensorValue:
    counts = tuple(int(1000 * math.exp(-(((n - 24) / 9) ** 2))) for n in range(64))
    draw = random.Random(5)
    rows = tuple(tuple(round(draw.gauss(0, 1), 5) for _ in range(8)) for _ in range(6))
    fields = dict(
        shape=shape, dtype="float32", device="cpu", nbytes=4 * math.prod(shape),
        statistics=r.Statistics(min=-3.1265, max=7.9142 + shift, mean=0.81234 + shift, std=0.92, zeros=41_000),
        histogram=r.Histogram(-3.1265, 7.9142, counts),
        preview=r.Preview((0, 0, 0, 0)[-len(shape) :], rows),
    )  # fmt: skip
    return r.TensorValue(**{**fields, **changed})  # type: ignore[arg-type]


def a_call(**changed: object) -> r.CallDetail:
    fields = dict(
        row=the_calls()[5], path=PATH, class_name="BasicBlock", inputs=(a_tensor(),),
        kwargs=r.MappingValue("dict", ("scale",), (r.ScalarValue("float", 0.5),), 1),
        output=a_tensor(shift=0.03125), previous=a_tensor(),
    )  # fmt: skip
    return r.CallDetail(**{**fields, **changed})  # type: ignore[arg-type]


def the_outputs(*calls: r.CallDetail, **changed: object) -> r.Calls:
    calls = calls or (a_call(), a_call(row=the_calls()[4]))
    return r.Calls(**{**dict(generation=1, number=2, calls=calls, total=len(calls)), **changed})  # type: ignore[arg-type]


def the_parameters() -> r.Parameters:
    weight = a_tensor(
        (64, 64, 3, 3),
        type="Parameter",
        requires_grad=True,
        preview=None,
        statistics=r.Statistics(min=-0.3, max=0.28, mean=0.0012, std=0.0231, zeros=3),
    )
    few = r.Statistics(min=0.0531, max=0.4142, mean=0.21234, std=0.12)
    small = a_tensor((64,), histogram=None, preview=None, statistics=few)
    count = r.TensorValue((), "int64", "cpu", statistics=r.Statistics(min=0, max=0, mean=0, std=0, zeros=1))
    broken = r.TensorValue((64,), "float32", "cpu", statistics=r.Statistics(nan=64))
    rows = (
        r.ParameterRow("conv1.weight", "parameter", weight, trainable=True, gradient=small),
        r.ParameterRow("bn1.weight", "parameter", small, trainable=True, tied=("layer1.1.bn1.weight",)),
        r.ParameterRow("bn1.bias", "parameter", broken),
        r.ParameterRow("lazy", "parameter", r.OtherValue("UninitializedParameter", "has no shape yet")),
        r.ParameterRow("bn1.running_mean", "buffer", small),
        r.ParameterRow("bn1.num_batches_tracked", "buffer", count, persistent=False),
    )
    return r.Parameters(PATH, rows, total=418)


def the_hooks() -> r.Hooks:
    rows = (
        r.HookRow(7, "forward", True, "observe", file="/x/inspector/engine/hooks/observe.py", line=40, fired=2,
                  path=PATH),
        r.HookRow(8, "forward", True, "scale(2, where='[0]')", fired=1234, ms=0.412, path=PATH, alters=True,
                  spec=r.HookSpec("scale", {"factor": 2}, "output", "[0]"),
                  outcome=r.HookOutcome(PATH, "scale(2, where='[0]')", fault="the output has no item 0")),
        r.HookRow(3, "forward", False, "Trainer.log_norm", "trainer", "/home/me/trainer.py", 88, ("always_call",),
                  path=PATH),
        r.HookRow(1, "forward_pre", False, "spectral_norm", "torch.nn.utils", "/t/spectral_norm.py", 12,
                  locked="parametrization: taking it out would lose the weight", path=PATH),
        r.HookRow(9, "full_backward", False, "clip", "__main__", enabled=False, path=PATH),
        r.HookRow(2, "post_accumulate_grad", False, "step", "trainer", path=PATH, of="weight"),
    )  # fmt: skip
    return r.Hooks(PATH, rows, observed=True)


def the_attributes() -> r.Attributes:
    def mapping(**items: r.Value) -> r.MappingValue:
        return r.MappingValue("dict", tuple(items), tuple(items.values()), len(items))

    pair = r.SequenceValue("tuple", (r.ScalarValue("int", 3), r.ScalarValue("int", 3)), 2, is_tuple=True)
    text = r.ScalarValue("str", "zeros")
    return r.Attributes(
        PATH,
        "torch.nn.modules.conv.Conv2d",
        "(self, input: Tensor, scale: float = 1.0, *, output_size: list[int] | None = None) -> Tensor",
        "Applies a 2D convolution over an input signal composed of several input planes.\n\n    Args:\n"
        "        in_channels: Number of channels in the input image",
        mapping(in_channels=r.ScalarValue("int", 64), kernel_size=pair, eps=r.ScalarValue("float", 1e-5), mode=text),
        mapping(training=r.ScalarValue("bool", False), requires_grad=r.ScalarValue("str", "all")),
        mapping(config=mapping(depth=r.ScalarValue("int", 2), names=r.SequenceValue("list", (text,), 9))),
    )


def a_stack(path: r.Path = PATH) -> r.Stack:
    rows = [r.FrameRow(0, "<module>", "/x/train.py", 9, "main()", "yours")]
    rows += [r.FrameRow(1, "BasicBlock.forward", FILE, FORWARD_LINE, "out += identity", "package", path, 0)]
    return r.Stack(tuple(rows), 2, 1, a_problem())


def the_locals() -> r.Locals:
    held = r.MappingValue("dict", ("key",), (a_tensor(),), 1)
    values = {"out": a_tensor(), "held": held, "other": r.OtherValue("Odd", "text")}
    rows = [r.LocalRow(name, "variable", value) for name, value in values.items()]
    return r.Locals(1, (r.LocalRow("self", "argument", r.OtherValue("Odd", ""), PATH), *rows), 9, "note")


def the_lines(path: r.Path = PATH) -> r.CallLines:
    line = FORWARD_LINE + 1
    made = r.LineVisit(0, 1, (r.LineValue("out", a_tensor()),), (r.LineCall("self.conv1(x)", a_tensor(), 1),), "raised")
    return r.CallLines(1, path, total=1, number=1, file=FILE, lines=(r.LineRuns(line, 1, (made,)),), note="note")


def a_problem() -> r.Problem:
    trace = (
        r.TraceLine("Traceback (most recent call last):"),
        r.TraceLine(f'  File "{FILE}", line 77, in forward', place=True),
        r.TraceLine("    out = self.conv1(x)"),
        r.TraceLine("RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x512 and 4x2)"),
    )
    return r.Problem(
        "mat1 and mat2 shapes cannot be multiplied (1x512 and 4x2)", f"{FILE}:77", "press s to change the sample input",
        "RuntimeError", PATH, trace,
    )  # fmt: skip


def a_comparison(**changed: object) -> r.CallDetail:
    """The block's call with an output that a hook has moved, and what it was in the baseline."""
    counts = tuple(int(900 * math.exp(-(((n - 31) / 6) ** 2))) for n in range(64))
    row = r.CallRow(
        BLOCK, 0, 2, 13, 2, 0.42, "ok", r.Brief((1, 64, 56, 56)), file=FILE, line=93, altered=True,
        delta=r.Delta(0.3216, 0.9512, 3.0625),
    )  # fmt: skip
    fields = dict(
        row=row, baseline=a_tensor(), difference=r.Histogram(-1.5, 3.0625, counts),
        gradients=(a_tensor(histogram=None, preview=None),),
    )  # fmt: skip
    return a_call(**{**fields, **changed})


def the_ranking() -> tuple[r.Ranked, ...]:
    return (
        r.Ranked(281, 0.6127, 0.1032, "tabby cat"),
        r.Ranked(285, 0.2014, 0.7561, "Egyptian cat"),
        r.Ranked(7, 0.0004, 0.0003, "a cock that is no hen and has a name that goes on"),
        r.Ranked(900, 0.0, 0.0),
    )


def the_history(batches: int = 10) -> r.History:
    loss = tuple(2.3 * math.exp(-n / 4) + 0.05 * (n % 2) for n in range(batches))
    mean = tuple(None if n == 3 else math.sin(n / 2) for n in range(batches))
    grown = tuple(math.inf if n == batches - 1 else 10.0 ** (n - 4) for n in range(batches))
    names = {"loss": loss, "output mean": mean, "output std": (0.92,) * batches, "weight gradient": grown}
    return r.History(PATH, batches, tuple(r.Series(name, values) for name, values in names.items()))


def a_model_after_backward() -> Model:
    """Gradients of every kind: ordinary, small, exploding, zero and NaN; one module was not reached."""
    model = a_model()
    sizes = {0: 0.021, 1: 0.034, 2: 0.012, 3: 3.2e-7, 4: math.nan, 6: 41.5}
    calls = []
    for number, call in enumerate(model.calls):
        size = (0.0 if call.call else 0.0087) if call.module == 5 else sizes.get(call.module)
        size = size if number != 2 else None
        ratio = {3: 2e-6, 6: 54_321.0}.get(call.module)
        calls.append(msgspec.structs.replace(call, gradient=size, gradient_norm=size, weight_ratio=ratio))
    model.start_trace(model.trace + 1)
    model.add_calls(r.CallColumns.of(calls))
    return model
