"""A condition on a tensor's summary: `nan > 0`, `std > 10`, `zeros > 0.5`, `min < 0 and max > 6`, `shape[1] != 64`,
`abs(mean) > 1`; of an output also `abs(mean - baseline) > 1`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MEASURES: dict[str, Callable[[Tensor], float]] = {
    "min": lambda finite: finite.min().item(),
    "max": lambda finite: finite.max().item(),
    "mean": lambda finite: finite.mean().item(),
    "std": lambda finite: finite.std(correction=0).item(),
}
"""Of the finite elements in double precision; without any, no comparison holds."""
COUNTS: dict[str, Callable[[Tensor], float]] = {
    "nan": lambda tensor: tensor.isnan().sum().item(),
    "inf": lambda tensor: tensor.isinf().sum().item(),
    "zeros": lambda tensor: (tensor == 0).sum().item(),
}
NAMES = (*MEASURES, *COUNTS)
SIZES: dict[str, Callable[[Tensor], Any]] = {
    "shape": lambda tensor: tuple(tensor.shape),
    "ndim": lambda tensor: tensor.ndim,
    "numel": lambda tensor: tensor.numel(),
}
"""What more can be compared, also of a tensor without values."""

_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Name, ast.Load,
    ast.Constant, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Call, ast.Subscript, ast.Tuple, ast.UAdd,
)  # fmt: skip
BASELINE = "baseline"
"""The same measure in the baseline, where it is compared with one: `abs(mean - baseline) > 1`."""
_THEN = f"_{BASELINE}"
_BUILTINS = {"__builtins__": {"abs": abs}}


@dataclass(frozen=True)
class Condition:
    """One that was parsed. `names` are the measures that `code` compares."""

    text: str
    code: str
    names: tuple[str, ...]

    @property
    def needs_baseline(self) -> bool:
        """Whether something is compared with what it was in the baseline."""
        return any(name.endswith(_THEN) for name in self.names)

    def write(self) -> tuple[tuple[str, ...], str]:
        """For a script: which names `measure` has to give, and a function of the tensor and of those."""
        tree = ast.parse(self.code, mode="eval")
        text = ast.unparse(_OfTensor().visit(tree))
        numbers = tuple(name for name in self.names if name not in SIZES)
        return numbers, f"lambda {', '.join(('tensor', *numbers))}: {text}"

    def measure(self, tensor: Tensor, then: Tensor | None = None) -> dict[str, Any]:
        """What it compares of this tensor; without another one `then`, the baseline is the same."""
        own = tuple(dict.fromkeys(name.removesuffix(_THEN) for name in self.names))
        now = _measure_all(tensor, own)
        past = _measure_past(then, own, tensor.numel()) if then is not None and self.needs_baseline else now
        return {name: past[name.removesuffix(_THEN)] if name.endswith(_THEN) else now[name] for name in self.names}

    def holds(self, tensor: Tensor, then: Tensor | None = None) -> bool:
        """Whether it is true of this tensor, which was `then` in the baseline."""
        try:
            return bool(eval(self.code, dict(_BUILTINS), self.measure(tensor, then)))
        except IndexError:  # of a shape that has no such dimension
            return False

    def explain(self, tensor: Tensor, then: Tensor | None = None) -> str:
        """`nan 3, std 0.25, baseline std 0.5`: what was compared."""
        found = self.measure(tensor, then)
        return ", ".join(f"{_say(name)} {_write(value)}" for name, value in found.items())


class _OfTensor(ast.NodeTransformer):
    """Sizes are those of a name `tensor`."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in SIZES:
            return node
        size: ast.expr = ast.Attribute(ast.Name("tensor", ast.Load()), node.id, ast.Load())
        return size if node.id != "numel" else ast.Call(size, [], [])


def _say(name: str) -> str:
    return f"{BASELINE} {name.removesuffix(_THEN)}" if name.endswith(_THEN) else name


def _write(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def measure(tensor: Tensor, names: tuple[str, ...]) -> dict[str, float]:
    """These measures of a tensor."""
    tensor = tensor.detach()
    tensor = tensor.abs() if tensor.is_complex() else tensor
    found = {name: COUNTS[name](tensor) for name in names if name in COUNTS}
    found |= {name: COUNTS[name[:-6]](tensor) / max(tensor.numel(), 1) for name in names if name.endswith("_share")}
    wanted = [name for name in names if name in MEASURES]
    if wanted:
        finite = tensor.double()
        finite = finite[torch.isfinite(finite)]
        found.update({name: MEASURES[name](finite) if finite.numel() else float("nan") for name in wanted})
    return found


def _measure_all(tensor: Tensor, names: tuple[str, ...]) -> dict[str, Any]:
    """As `measure`, with sizes; what has no values has a shape."""
    numbers = tuple(name for name in names if name not in SIZES)
    found: dict[str, Any] = dict(measure(tensor, numbers)) if numbers else {}
    return {name: found[name] if name in found else SIZES[name](tensor) for name in names}


def _measure_past(then: Tensor, names: tuple[str, ...], numel: int) -> dict[str, Any]:
    """Of the elements that were kept of a tensor of so many; counts are as many as there would be in all."""
    found = measure(then, tuple(name for name in names if name not in SIZES))
    share = numel / max(then.numel(), 1)
    return {name: round(value * share) if name in COUNTS else value for name, value in found.items()}


def parse_condition(text: str, baseline: bool = False) -> Condition | None:
    """None for an empty text. With `baseline`, it may compare with that. Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text[:80]!r} is no condition") from None
    nodes = list(ast.walk(tree))
    known = (*NAMES, *SIZES, BASELINE) if baseline else (*NAMES, *SIZES)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called)
    strange = [name for name in names if name not in known]
    if BASELINE in strange:
        raise ValueError("the baseline is known of whole outputs alone: stop after a module, or a hook on='output'")
    if strange:
        raise ValueError(f"{strange[0]!r} cannot be compared; there are {', '.join(known)}")
    if not all(isinstance(node, _ALLOWED) for node in nodes) or not names or not _compares(tree.body):
        raise ValueError(f"{text[:80]!r} is no comparison of {', '.join(known)} with numbers")
    return Condition(text, *_compare_shares(tree))


class _Shares(ast.NodeTransformer):
    """A count that is compared with less than one is meant as a share of all elements."""

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        _name_baseline(node)
        parts = [node.left, *node.comparators]
        if any(
            isinstance(each, ast.Constant) and isinstance(each.value, float) and 0 < each.value < 1 for each in parts
        ):
            for each in parts:
                if isinstance(each, ast.Name) and each.id in COUNTS:
                    each.id += "_share"  # as `measure` knows it
        return node


def _name_baseline(node: ast.Compare) -> None:
    """The baseline is that of what it is compared with. Raises ValueError where that is nothing, or several things."""
    named = [each for each in ast.walk(node) if isinstance(each, ast.Name) and each.id != "abs"]
    measures = {each.id for each in named if each.id != BASELINE}
    for each in named:
        if each.id == BASELINE:
            if len(measures) != 1 or measures & SIZES.keys():
                raise ValueError("the baseline is compared with one measure of values: abs(mean - baseline) > 1")
            each.id = next(iter(measures)) + _THEN


def _compare_shares(tree: ast.Expression) -> tuple[str, tuple[str, ...]]:
    """What is to be evaluated, and what that measures."""
    changed = ast.unparse(_Shares().visit(tree))
    names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id != "abs")
    return changed, tuple(names)


def _compares(node: ast.expr) -> bool:
    """Whether the whole is made of comparisons, so that it is true or false and not a number."""
    if isinstance(node, ast.BoolOp):
        return all(map(_compares, node.values))
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _compares(node.operand)
    return isinstance(node, ast.Compare) and all(_is_number(part) for part in (node.left, *node.comparators))


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _is_number(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    if isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id == "abs"
        return named and len(node.args) == 1 and not node.keywords and _is_number(node.args[0])
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id == "shape" and _is_number(node.slice)
    if isinstance(node, ast.Tuple):
        return all(map(_is_number, node.elts))
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and isinstance(node.value, (int, float)))
