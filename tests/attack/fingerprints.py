"""What a model, its code and its process are now: everything that plain Python reaches, as a dict from a place to what
is there. Shares nothing with what restores a model, so that what that one overlooks is seen here."""

from __future__ import annotations

import collections
import contextvars
import ctypes
import decimal
import functools
import gc
import hashlib
import locale
import logging
import os
import random
import re
import signal
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

Print = dict[str, Any]

_SCALARS = (int, float, complex, str, bytes, bool, type(None), torch.dtype, torch.device, torch.Size, range, slice)
_TENSOR_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM, signal.SIGPIPE)
_LARGEST = 100_000


def print_of(*roots: Any, own: str, identities: bool = True) -> Print:
    """Everything reached from `roots`, and the process.

    Args:
        *roots: Models and inputs.
        own: Modules whose names begin so are looked into: their classes, and the globals that their functions name.
        identities: Also which objects they are; without, equal things in two models are equal.
    """
    walk = _Walk(own, identities)
    for number, root in enumerate(roots):
        walk.visit(f"root{number}", root)
    return {**walk.found, **process_print()}


def differences(before: Print, after: Print) -> list[str]:
    """The places that are not as before."""
    places = [*before, *(place for place in after if place not in before)]
    return [place for place in places if before.get(place, _ABSENT) != after.get(place, _ABSENT)]


_ABSENT = object()


class _Walk:
    def __init__(self, own: str, identities: bool) -> None:
        self.found: Print = {}
        self._own = own
        self._identities = identities
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # ids are of use only while their objects live

    def visit(self, place: str, value: Any) -> None:
        pending = [(place, value)]
        while pending and len(self.found) < _LARGEST:
            place, value = pending.pop()
            if type(value) in _SCALARS:
                self.found[place] = repr(value)
            elif id(value) in self._seen:
                self.found[place] = type(value).__name__, self._name(value)
            else:
                self._seen[id(value)] = len(self._seen)
                self._alive.append(value)
                self.found[place] = type(value).__name__, self._name(value), *self._own_words(value)
                pending += reversed([(f"{place}{step}", inner) for step, inner in self._inside(value)])

    def _name(self, value: Any) -> int:
        return id(value) if self._identities else self._seen[id(value)]

    def _own_words(self, value: Any) -> tuple[Any, ...]:
        """What a value is by itself, apart from what it holds."""
        if isinstance(value, Tensor):
            return _tensor_words(value, self._identities)
        if isinstance(value, np.ndarray):
            return value.shape, str(value.dtype), value.flags.writeable, value.strides, _hash(value.tobytes())
        if isinstance(value, bytearray | memoryview):
            return (_hash(bytes(value)),)
        if isinstance(value, set | frozenset):
            return (sorted(map(repr, value)) if all(type(item) in _SCALARS for item in value) else len(value),)
        if isinstance(value, dict):
            return tuple(self._key(number, key) for number, key in enumerate(value))
        return _other_words(value)

    def _key(self, number: int, key: Any) -> object:
        """Numbers are those of hooks, which are never given twice."""
        if type(key) is int and not self._identities:
            return number
        return repr(key) if type(key) in _SCALARS else self._identities and id(key)

    def _inside(self, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            items = enumerate(list(dict.items(value)))
            yield from ((f"[{self._key(number, key)!s:.60}]", inner) for number, (key, inner) in items)
        yield from _items(value)
        if isinstance(value, types.FunctionType):
            yield from self._of_function(value)
        elif isinstance(value, types.MethodType):
            yield from ((".__self__", value.__self__), (".__func__", value.__func__))
        elif isinstance(value, type):
            if self._is_own(value.__module__):
                yield from ((f".{name}", inner) for name, inner in vars(value).items() if not name.startswith("__"))
        elif isinstance(value, types.ModuleType):
            if not hasattr(value, "__file__") and value.__spec__ is None:
                yield from ((f".{name}", inner) for name, inner in vars(value).items())
        else:
            yield from self._of_object(value)

    def _of_object(self, value: Any) -> Iterator[tuple[str, Any]]:
        for name, inner in _attributes(value).items():
            yield f".{name}", inner
        if self._is_own(type(value).__module__):
            for kind in type(value).__mro__:
                for slot in kind.__dict__.get("__slots__", ()):
                    if hasattr(kind.__dict__.get(slot), "__get__"):
                        yield f".{slot}", _read_slot(kind, slot, value)
        yield ".__class__", type(value)
        if isinstance(value, Tensor) and (value.is_leaf or value.retains_grad):
            yield ".grad", value.grad
            yield from ((f".{name}", getattr(value, name, None) or None) for name in _TENSOR_HOOKS)

    def _of_function(self, function: types.FunctionType) -> Iterator[tuple[str, Any]]:
        if not self._is_own(function.__module__ or ""):
            return
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            with_content = _ABSENT is not (content := _read_cell(cell))
            yield f"<{name}>", content if with_content else None
        yield ".__defaults__", function.__defaults__
        yield ".__dict__", vars(function)
        for name in _names(function.__code__):
            if name in function.__globals__ and not isinstance(function.__globals__[name], types.ModuleType):
                yield f"::{name}", function.__globals__[name]

    def _is_own(self, module: str) -> bool:
        return module.startswith(self._own)


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
        elif isinstance(constant, str):
            yield constant


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple | collections.deque):
        yield from ((f"[{number}]", item) for number, item in enumerate(tuple(value)))
    elif isinstance(value, weakref.ref) and not isinstance(value, weakref.WeakMethod):
        yield "()", value()
    elif isinstance(value, types.CellType):
        yield "<>", _read_cell(value)
    elif isinstance(value, types.GeneratorType) and value.gi_frame is not None:
        yield from ((f"<{name}>", local) for name, local in value.gi_frame.f_locals.items())
    elif isinstance(value, property):
        yield ".fget", value.fget
    elif isinstance(value, staticmethod | classmethod | functools.partial):
        yield ".func", getattr(value, "__func__", None) or value.func  # type: ignore[union-attr]


def _attributes(value: Any) -> dict[str, Any]:
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    if not isinstance(found, dict):
        return {}
    if isinstance(value, logging.Logger):  # without what all loggers of the process share, which imports add to
        return {name: inner for name, inner in found.items() if name not in ("manager", "parent", "_cache")}
    return found


def _read_slot(kind: type, slot: str, value: Any) -> Any:
    try:
        return kind.__dict__[slot].__get__(value, type(value))
    except AttributeError:
        return None


def _read_cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _ABSENT


def _version_of(tensor: Tensor) -> int | None:
    """None of one that has none: it may have been swapped with one of inference mode, which it does not say."""
    try:
        return tensor._version
    except RuntimeError:
        return None


def _tensor_words(tensor: Tensor, identities: bool) -> tuple[Any, ...]:
    with torch._C.DisableTorchFunctionSubclass():
        words: tuple[Any, ...] = type(tensor).__name__, str(tensor.dtype), tensor.requires_grad, str(tensor.device)
        if isinstance(tensor, nn.parameter.UninitializedTensorMixin | FakeTensor):
            return words
        words += tuple(tensor.shape) if not tensor.is_nested else (), _version_of(tensor)
        graph = None if tensor.is_leaf else tensor.grad_fn
        words += tensor.retains_grad, type(graph).__name__, graph._sequence_nr() if graph and identities else 0
        if tensor.is_meta:
            return *words, tensor.stride()
        plain = tensor.detach()
        if plain.is_nested:
            return *words, _hash(plain.values().numpy().tobytes())
        address = plain.data_ptr() if plain.layout is torch.strided else 0
        if plain.is_quantized:
            plain = plain.int_repr()
        if plain.layout is not torch.strided:
            return *words, str(plain.layout), _hash(plain.to_dense().numpy().tobytes())
        memory = plain.untyped_storage()
        words += memory.nbytes(), memory.is_shared()
        if memory.nbytes() == 0:
            return words
        elements = plain.clone().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
        place = (plain.stride(), plain.storage_offset(), address) if identities else plain.stride()
        return *words, place, _hash(elements.numpy().tobytes())


def _other_words(value: Any) -> tuple[Any, ...]:
    """Of objects that plain attributes do not tell of."""
    if isinstance(value, torch.Generator):
        return (_hash(value.get_state().numpy().tobytes()),)
    if isinstance(value, random.Random):
        return (_hash(repr(value.getstate()).encode()),)
    if isinstance(value, np.random.Generator):
        return (repr(value.bit_generator.state),)
    if isinstance(value, np.random.RandomState):
        return (_hash(repr(value.get_state()).encode()),)
    if isinstance(value, types.GeneratorType):
        return (None if value.gi_frame is None else value.gi_frame.f_lasti,)
    if isinstance(value, functools._lru_cache_wrapper):
        return (value.cache_info().currsize,)
    if isinstance(value, np.random.SeedSequence):
        return (value.n_children_spawned,)
    if isinstance(value, decimal.Context):
        return (repr(value),)
    if isinstance(value, contextvars.Context):
        return ([(variable.name, id(held)) for variable, held in value.items()],)
    if isinstance(value, ctypes.Array | ctypes._SimpleCData):
        return (_hash(bytes(value)),)
    if isinstance(value, ctypes._Pointer):
        return (_hash(bytes(value.contents)),)
    if type(value).__module__ == "itertools":
        return (_reduced(value),)
    if hasattr(type(value), "__length_hint__"):
        return (type(value).__length_hint__(value),)
    return ()


def _reduced(value: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.sub("0x[0-9a-f]+", "", repr(value.__reduce__()))
        except TypeError:
            return ""


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def process_print() -> Print:
    """The settings of this process that a model could change, by name."""
    mask = os.umask(0o77)
    os.umask(mask)
    found: Print = {
        "umask": mask,
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "sys.path": (id(sys.path), list(sys.path)),
        "streams": (id(sys.stdin), id(sys.stdout), id(sys.stderr)),
        "hooks of sys": (id(sys.excepthook), id(sys.displayhook), id(threading.excepthook)),
        "tracing": (sys.gettrace(), sys.getprofile()),
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval()),
        "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "warnings": list(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "decimal": decimal.getcontext().prec,
        "handlers": [signal.getsignal(number) for number in _SIGNALS],
        "alarm": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "random": _hash(repr(random.getstate()).encode()),
        "numpy random": _hash(repr(np.random.get_state()).encode()),
        "torch random": _hash(torch.get_rng_state().numpy().tobytes()),
        "numpy errors": np.geterr(),
        "numpy printing": repr(np.get_printoptions()),
    }
    return found | {f"torch {name}": value for name, value in _torch_settings().items()}


def _torch_settings() -> Print:
    printing = torch._tensor_str.PRINT_OPTS
    return {
        "dtype": torch.get_default_dtype(),
        "device": str(torch.get_default_device()),
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "autocast cache": torch.is_autocast_cache_enabled(),
        "anomaly": (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        ),
        "threads": torch.get_num_threads(),
        "precision": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.cudnn.enabled),
        "mkldnn": torch.backends.mkldnn.enabled,
        "attention": (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()),
        "checking": torch.distributions.Distribution._validate_args,
        "printing": (printing.precision, printing.threshold, printing.linewidth, printing.sci_mode),
        "global hooks": [
            [id(hook) for hook in getattr(nn.modules.module, name).values()]
            for name in ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")
        ],
    }  # fmt: skip
