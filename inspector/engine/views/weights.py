"""What a person looks at in weights without a model."""

from __future__ import annotations

from msgspec.structs import replace

from ...records import (
    CORNER,
    AllHooks,
    Attributes,
    Calls,
    History,
    HookCheck,
    Hooks,
    HookSpec,
    Locations,
    MappingValue,
    Parameters,
    Path,
    Source,
    SourcePart,
    StateDictReport,
    Value,
    Window,
)
from ...text import encodable
from ..modules.weight_tree import NOTHING_TO_CALL, Weights, names_under, state_module
from ..subject.weights_only import refusal
from ..values.summarize import Summarizer
from .parameters import named_tensors
from .queries import Queries
from .state_dict import report_file

_NOTHING = MappingValue("dict", (), (), 0)


class WeightQueries(Queries):
    """There is no code, no hook and no pass to look at."""

    def source(self, path: Path, part: SourcePart, call: int = 0) -> Source:
        self._subject.node(path)
        return Source(path, "class" if part == "auto" else part, "source", notes=(NOTHING_TO_CALL,))

    def calls_of(self, path: Path, window: Window = CORNER, call: int = 0) -> Calls:
        return replace(super().calls_of(path, window, call), note=NOTHING_TO_CALL)

    def history(self, path: Path) -> History:
        return replace(super().history(path), note=NOTHING_TO_CALL)

    def locations(self) -> Locations:
        return Locations(())

    def parameters(self, path: Path, limit: int) -> Parameters:
        return named_tensors(names_under(self._subject.tree), self._subject.node(path).index, limit)

    def hooks(self, path: Path) -> Hooks:
        self._subject.node(path)
        return Hooks(path, (), False, NOTHING_TO_CALL)

    def all_hooks(self, first: int, count: int) -> AllHooks:
        return AllHooks((), 0)

    def check_hook(self, where: str, asked: str | HookSpec, edits: bool) -> HookCheck:
        return HookCheck(problem=refusal(self._subject.target.target).problem)

    def attributes(self, path: Path) -> Attributes:
        """What is kept beside the tensors; of the root also what the file says of itself."""
        module = self._subject.node(path).module
        stored = vars(module)
        held, about = stored.get("others", {}), stored.get("about", {})
        own = names_under(self._subject.tree).owns[self._subject.node(path).index]
        tensor = {"shape": tuple(own.shape), "dtype": own.dtype} if own is not None else {}
        return Attributes(
            path,
            "Weights" if isinstance(module, Weights) else "names below this one" if own is None else "Tensor",
            "",
            NOTHING_TO_CALL if isinstance(module, Weights) else "",
            _NOTHING,
            _NOTHING,
            self._describe({**tensor, **about, **held}),
        )

    def _describe(self, values: dict[str, object]) -> MappingValue:
        describe = Summarizer(False).describe
        shown: dict[str, Value] = {encodable(key, 200): describe(value) for key, value in values.items()}
        return MappingValue("dict", tuple(shown), tuple(shown.values()), len(values))

    def state_dict(self, file: str) -> StateDictReport:
        """How the names of another file go with those of this one."""
        return report_file(state_module(names_under(self._subject.tree)), file, self._subject.backup)
