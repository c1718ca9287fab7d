"""Modules whose source is hard to find. Line numbers matter here only relative to each other."""

from __future__ import annotations

import functools
import types

import torch
from torch import nn


class Plain(nn.Module):
    """Adds one."""

    def __init__(self, step: int = 1):
        super().__init__()
        self.step = step
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        # the comment above the work
        return self.inner(x) + self.step


class Inheriting(Plain):
    pass


class NoForward(nn.Module):
    def encode(self, x):
        return x


if torch.__version__ == "never":

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()

        def forward(self, x):
            return x - 1
else:

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()

        def forward(self, x):
            return x + 1


def wrapping(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


def silently_wrapping(function):
    def inner(self, *args):
        return function(self, *args)

    return inner


class Decorated(nn.Module):
    @torch.no_grad()
    @wrapping
    def forward(self, x):
        return x * 3


class SilentlyDecorated(nn.Module):
    @silently_wrapping
    def forward(self, x):
        return x * 4


class CallOverridden(nn.Module):
    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        return x * 2


class CallHandedOn(nn.Module):
    def __call__(self, x):
        return super().__call__(x)

    def forward(self, x):
        return x * 2


class StaticForward(nn.Module):
    @staticmethod
    def forward(x):
        return x


class PropertyForward(nn.Module):
    @property
    def forward(self):
        raise RuntimeError("reading it has side effects")


class AnythingGoes(nn.Module):
    def __getattr__(self, name):
        if name.startswith("_"):
            return super().__getattr__(name)
        return lambda *args, **kwargs: "anything"

    def forward(self, x):
        return x


class NeverTrue(nn.Module):
    def __bool__(self):
        raise RuntimeError("truth value is not defined")

    def __len__(self):
        raise RuntimeError("no length")

    def forward(self, x):
        return x


def local_class():
    class Local(nn.Module):
        def forward(self, x):
            return x + 5

    return Local()


def patched():
    def replacement(self, x):
        return x * 42

    module = nn.Linear(4, 4)
    module.forward = types.MethodType(replacement, module)
    return module


def with_lambda():
    module = nn.Identity()
    module.forward = lambda x: x + 7
    return module


def borrowed():
    module = nn.Identity()
    module.forward = Plain().forward
    return module


def with_wrapper_on_instance():
    module = Plain()
    old = module.forward

    @functools.wraps(old)
    def new_forward(*args, **kwargs):
        return old(*args, **kwargs)

    module._old_forward, module.forward = old, new_forward
    return module


def with_partial_like_accelerate():
    def new_forward(module, *args, **kwargs):
        return module._old_forward(*args, **kwargs)

    module = Plain()
    module._old_forward = module.forward
    module.forward = functools.update_wrapper(functools.partial(new_forward, module), module._old_forward)
    return module


def with_partial_of_builtin():
    module = nn.Identity()
    module.forward = functools.partial(torch.mul, other=2)
    return module


class Callable:
    def __call__(self, x):
        return x + 11


def with_object():
    module = nn.Identity()
    module.forward = Callable()
    return module


def calling(module, x):
    return [
        module(x)
        for _ in range(2)
    ]  # fmt: skip


def with_block(module, x):
    def nested():
        return module(x)

    return nested()


class Dispatched(nn.Module):
    @functools.singledispatchmethod
    def forward(self, x):
        return x * 21

    @forward.register
    def _(self, x: int):
        return x * 22


@functools.singledispatch
def dispatching(self, x):
    return x * 23


@dispatching.register
def _(self: nn.Linear, x):
    return x * 24


class DispatchedFunction(nn.Module):
    forward = dispatching


class ByPartialMethod(nn.Module):
    def scaled(self, x, factor):
        return x * factor

    forward = functools.partialmethod(scaled, factor=25)


def elsewhere(self, x):
    return x * 26


class Borrowing(nn.Module):
    forward = elsewhere


class Monkeypatched(nn.Module):
    def forward(self, x):
        return x * 27


Monkeypatched.forward = elsewhere


class Descriptor:
    def __get__(self, instance, owner=None):
        return functools.partial(self.run, instance)

    def run(self, instance, x):
        return x * 28


class ByDescriptor(nn.Module):
    forward = Descriptor()


class DecoratingObject:
    def __init__(self, function):
        self.function = function
        functools.update_wrapper(self, function)

    def __get__(self, instance, owner=None):
        return functools.partial(self, instance)

    def __call__(self, instance, x):
        return self.function(instance, x)


class DecoratedByObject(nn.Module):
    @DecoratingObject
    def forward(self, x):
        return x * 29


class Cached(nn.Module):
    @functools.lru_cache  # noqa: B019
    def forward(self, x):
        return x * 30


class CachedProperty(nn.Module):
    @functools.cached_property
    def forward(self):
        return lambda x: x * 31


class Making(type):
    def __new__(cls, name, bases, body):
        def forward(self, x):
            return x * 32

        return super().__new__(cls, name, bases, {**body, "forward": forward})


class MadeByMetaclass(nn.Module, metaclass=Making):
    pass


class Mixin:
    def forward(self, x):
        return super().forward(x) * 33


class Mixed(Mixin, Inheriting):
    pass


class Outer:
    class Inner(nn.Module):
        def forward(self, x):
            return x * 34


def disguising(function):
    def inner(*given):
        return function(*given)

    inner.__name__, inner.__qualname__ = function.__name__, function.__qualname__
    return inner


class Disguised(nn.Module):
    @disguising
    def forward(self, x):
        return x * 35


def like_accelerate():
    module = Plain()
    module._old_forward = module.forward

    def new_forward(*args, **kwargs):
        return module._old_forward(*args, **kwargs)

    module.forward = new_forward
    return module


def made_by_a_call():
    return type("Made", (Plain,), {"forward": lambda self, x: x * 36})()


two_lambdas = [lambda x: x * 37, lambda x: x * 38]
