"""The kinds of state, one file for those that are alike. A new one is a class and a line here."""

from __future__ import annotations

from ...values.per_type import PerType
from .arrays import KeptArray
from .atoms import is_constant
from .buffers import KeptBuffer
from .carriers import Callable, MemoryView, Tuple, Variable, View, WeakReference
from .classes import KeptClass
from .containers import KeptDeque, KeptDict, KeptList, KeptOrderedDict, KeptSet
from .contexts import KeptDecimals, KeptLocal, KeptLock, KeptVariables
from .files import KeptFile, KeptStream
from .functions import KeptCache, KeptFunction
from .held_tensors import HeldTensor, Storage
from .iterators import KeptFrame, KeptIterator
from .kind import Kept
from .modules import KeptModule
from .names import KeptSpace
from .objects import KeptObject, KeptShared
from .origin import OURS, root_of
from .randoms import KeptNumpyRandom, KeptPythonRandom, KeptSeeds, KeptTorchGenerator

WHOLE: tuple[type[Kept], ...] = (
    HeldTensor, KeptModule, KeptClass, KeptFunction, KeptCache, View, MemoryView, Variable, KeptShared, KeptLocal,
    KeptSpace,
)  # fmt: skip
"""Kinds that keep all that there is of a thing; the first that claims it does."""

CONTENTS: tuple[type[Kept], ...] = (
    KeptOrderedDict, KeptDict, KeptList, KeptSet, KeptDeque, Tuple, Callable, WeakReference,
    KeptArray, KeptBuffer, Storage,
    KeptTorchGenerator, KeptPythonRandom, KeptNumpyRandom, KeptSeeds,
    KeptIterator, KeptFrame, KeptStream, KeptFile,
    KeptLock, KeptDecimals, KeptVariables,
)  # fmt: skip
"""Kinds that keep what is in a thing, which may have attributes besides; the first that claims it does."""

LOOKED_THROUGH: tuple[type[Kept], ...] = (Tuple, View, MemoryView, Variable, WeakReference, Callable, Storage)
"""Kinds that have nothing to put back."""


def _find_kinds(kind: type) -> tuple[type[Kept], ...]:
    if is_constant(kind) or root_of(kind) == OURS:
        return ()
    whole = next((each for each in WHOLE if each.claims(kind)), None)
    if whole is not None:
        return (whole,)
    contents = next((each for each in CONTENTS if each.claims(kind)), None)
    found = () if contents is None else (contents,)
    return (*found, KeptObject) if KeptObject.claims(kind) else found


kinds_of = PerType(_find_kinds)
"""What keeps things of a type: nothing where they have no state, or none that can be seen."""
