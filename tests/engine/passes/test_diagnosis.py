"""What a failed pass is told to be: the cause, the place, and a command that really helps."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine.session import Session
from inspector.engine.usercode.packages import how_to_install
from inspector.errors import UsageError
from inspector.records import Problem, Run

Built = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


class Chain(nn.Module):
    """Its layers one after the other, in a forward of its own."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


class Multiplies(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x)[0]


class Fails(nn.Module):
    """Raises at one of its calls."""

    def __init__(self, error: BaseException, at: int) -> None:
        super().__init__()
        self.error, self.left = error, at

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if not self.left:
            raise self.error
        return x


class FailsBackward(nn.Module):
    """Its part of the backward pass raises."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Raising.apply(x)


class Raising(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * mask


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Two()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


class Asks(nn.Module):
    def __init__(self, error: Callable[[], object]) -> None:
        super().__init__()
        self.layer, self.error = nn.Linear(4, 4), error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.error()
        return self.layer(x)


def on_two_devices() -> nn.Module:
    model = Chain(nn.Linear(4, 5), nn.Linear(5, 5))
    model.layers[1].to("meta")
    return model


def problem(model: nn.Module, *args: Any, **kwargs: Any) -> Problem:
    session = Session(lambda event: None)
    opened = session.adopt(model, args, kwargs, "net")
    assert opened.problem is None
    found = session.run().problem
    assert found is not None
    session.close()
    return found


IMAGE = torch.zeros(1, 1, 8, 8)
WRONG: dict[str, tuple[Callable[[], nn.Module], torch.Tensor, str, str]] = {
    "features": (lambda: Chain(nn.Linear(4, 5), nn.Linear(5, 2)), torch.zeros(2, 7), "layers.0",
                 "(Linear) takes …×4 float32 on cpu, and got 2×7 float32"),
    "further in": (lambda: Chain(nn.Linear(4, 5), nn.Linear(5, 2)), torch.zeros(2, 3, 5), "layers.0", "…×4"),
    "channels": (lambda: Chain(nn.Conv2d(3, 4, 3)), IMAGE, "layers.0", "takes N×3×H×W float32 on cpu, and got 1×1×8×8"),
    "transposed": (lambda: Chain(nn.ConvTranspose2d(3, 4, 3)), IMAGE, "layers.0", "takes N×3×H×W"),
    "1d": (lambda: Chain(nn.Conv1d(3, 4, 3)), torch.zeros(1, 1, 8), "layers.0", "takes N×3×L"),
    "3d": (lambda: Chain(nn.Conv3d(3, 4, 3)), torch.zeros(1, 1, 8, 8, 8), "layers.0", "takes N×3×D×H×W"),
    "normalised channels": (lambda: Chain(nn.BatchNorm2d(3)), torch.zeros(1, 4, 8, 8), "layers.0", "takes N×3×H×W"),
    "groups": (lambda: Chain(nn.GroupNorm(2, 6)), torch.zeros(1, 4, 8, 8), "layers.0", "takes N×6×…"),
    "normalised shape": (lambda: Chain(nn.LayerNorm(6)), torch.zeros(2, 4), "layers.0", "takes …×6"),
    "floats as indices": (lambda: Chain(nn.Embedding(10, 4)), torch.zeros(1, 4), "layers.0", "whole numbers 0..9"),
    "indices too large": (lambda: Chain(nn.Embedding(10, 4)), torch.full((1, 4), 20), "layers.0",
                          "whole numbers 0..9 (int64 or int32), and got 1×4 int64 20..20"),
    "no module": (Multiplies, torch.zeros(2, 4), "", "x 2×4 float32, self.weight 5×4 float32"),
    "steps": (lambda: Chain(nn.LSTM(8, 4, batch_first=True)), torch.zeros(2, 3, 4), "layers.0", "batch×steps×8"),
    "cell": (lambda: Chain(nn.GRUCell(8, 4)), torch.zeros(2, 4), "layers.0", "batch×8"),
    "queries": (Attends, torch.zeros(2, 3, 12), "attention", "queries batch×steps×16"),
    "half": (lambda: Chain(nn.Linear(4, 5)), torch.zeros(2, 4).half(), "layers.0", "and got 2×4 float16"),
    "half model": (lambda: Chain(nn.Linear(4, 5)).half(), torch.zeros(2, 4), "layers.0", "takes …×4 float16"),
    "whole numbers": (lambda: Chain(nn.Linear(4, 5)), torch.zeros(2, 4, dtype=torch.long), "layers.0", "int64 0..0"),
    "flattened": (lambda: Chain(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 26 * 26, 2)), torch.zeros(1, 1, 32, 32),
                  "layers.2", "takes …×2704"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_input_is_told_with_the_module_and_what_runs(name: str) -> None:
    make, given, path, why = WRONG[name]
    found = problem(make(), given)
    assert ".".join(found.path or ()) == path
    assert why in found.why
    assert "test_diagnosis.py:" in found.where
    typed = [word for word in shlex.split(found.hint.partition("  (")[0]) if word != "-i"]
    assert found.inputs == tuple(typed)
    session = Session(lambda event: None)
    session.adopt(make(), (given,), {}, "net")
    session.set_input(tuple(typed))
    assert session.run().problem is None, found.hint
    session.close()


def test_what_was_tried_leaves_no_trace() -> None:
    session = Session(lambda event: None)
    session.adopt(Chain(nn.Linear(4, 5)), (torch.zeros(2, 7),), {}, "net")
    first, second = session.run(), session.run()
    assert (first.number, second.number, second.calls) == (1, 2, first.calls)
    assert first.problem == second.problem
    session.close()


@pytest.mark.parametrize(("make", "path"), [(Two, ()), (Outer, ("inner",))])
def test_a_missing_argument_is_told_with_the_signature(make: Callable[[], nn.Module], path: tuple[str, ...]) -> None:
    found = problem(make(), torch.zeros(2, 4))
    assert "mask" in found.what and "takes (x: Tensor, mask: Tensor)" in found.why.replace("torch.", "")
    assert found.path == path and "test_diagnosis.py:" in found.where
    if path == ():
        assert found.hint.startswith("-i 2x4 -i 2x4:bool")


def test_specs_that_forward_does_not_take_are_answered_with_specs() -> None:
    session = Session(lambda event: None)
    session.adopt(Two(), (torch.zeros(2, 4), torch.ones(2, 4)), {}, "net")
    with pytest.raises(UsageError) as raised:
        session.set_input(("1x4",))
    hint = raised.value.problem.hint
    assert hint.startswith("for example -i x=2x4 -i mask=")
    session.set_input(tuple(word for word in shlex.split(hint.removeprefix("for example ")) if word != "-i"))
    assert session.run().problem is None
    with pytest.raises(UsageError, match="no parameter 'msk'") as raised:
        session.set_input(("1x4", "msk=1x4"))
    assert "did you mean mask=…?" in raised.value.problem.hint
    session.close()


def test_a_model_on_two_devices_is_told_where_its_parts_are() -> None:
    found = problem(on_two_devices(), torch.zeros(2, 4))
    assert "layers.0.weight on cpu, layers.1.weight on meta" in found.why and "-d meta" in found.hint


def test_out_of_memory_tells_who_has_it() -> None:
    found = problem(Asks(lambda: torch.empty(10**15)), torch.zeros(2, 4))
    assert "4.0 PB were asked for at once" in found.why and "parameters 80 B" in found.why
    assert "-i" in found.hint and "-d meta" in found.hint


def test_out_of_memory_in_training_tells_it_by_category_and_names_the_module() -> None:
    """The third batch fails in the second layer: gradients and states are those of the two before, and what the graph
    holds of this one is the rest."""
    failing = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    model = Chain(nn.Linear(250, 1_000, bias=False), Fails(failing, at=3))
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(20_000, 250),), {}, "net")
    summary = session.run(Run(1, backward=True, batches=4, optimizer="Adam(lr=0.1)"))
    found = summary.problem
    session.close()
    assert found is not None and found.path == ("layers", "1") and "2.1 GB were asked for at once" in found.why
    for part in ("parameters 1.0 MB", "gradients 1.0 MB", "the optimizer's state 2.0 MB", "copies of them"):
        assert part in found.why, found.why
    rest = re.search(r"activations and temporary tensors ([\d.]+) MB", found.why)
    assert rest is not None and float(rest[1]) >= 0.9 * 20_000 * 1_000 * 4 / 1e6
    assert all(parameter.grad is None for parameter in model.parameters())


def test_out_of_memory_in_the_backward_pass_names_the_module_that_it_is_at() -> None:
    model = Chain(nn.Linear(4, 4), FailsBackward(), nn.Linear(4, 4))
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(2, 4),), {}, "net")
    found = session.run(Run(1, backward=True)).problem
    session.close()
    assert found is not None and found.path == ("layers", "1") and found.why.startswith("in the backward pass; 2.1 GB")


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("cv2", "opencv-python"),
        ("skimage.io", "scikit-image"),
        ("some_thing.part", "some-thing"),
        ("sklearn.svm", "scikit-learn"),
    ],
)
def test_a_missing_package_is_told_with_its_name_on_the_index(name: str, package: str) -> None:
    assert f"-m pip install {package} " in how_to_install(ModuleNotFoundError("no", name=name))


def test_a_missing_part_of_what_is_there_is_not_to_be_installed() -> None:
    assert how_to_install(ModuleNotFoundError("no", name="torch.nothing")) == ""


def test_a_missing_package_in_forward_is_told_too() -> None:
    found = problem(Asks(lambda: __import__("not_there_at_all")), torch.zeros(2, 4))
    assert "pip install not-there-at-all" in found.hint


def test_a_property_in_the_failing_line_is_not_run() -> None:
    class Lazy(nn.Module):
        @property
        def weight(self) -> torch.Tensor:
            self.asked = getattr(self, "asked", 0) + 1
            return torch.ones(5, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.weight

    model = Lazy()
    found = problem(model, torch.zeros(2, 4))
    assert "x 2×4" in found.why and "self.weight" not in found.why
