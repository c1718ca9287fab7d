"""What a person looks at: calls, source, attributes, parameters, hooks and histories of a model under inspection."""

from __future__ import annotations

from itertools import islice

from msgspec.structs import replace

from ...errors import InspectorError, UsageError
from ...records import (
    CORNER,
    AllHooks,
    AnyAnswer,
    AnyQuery,
    Attributes,
    Calls,
    GetLocals,
    GetStack,
    Gradients,
    History,
    HookCheck,
    HookRow,
    Hooks,
    HookSpec,
    Location,
    Locations,
    Outcomes,
    Parameters,
    Path,
    Source,
    SourcePart,
    StateDictReport,
    Window,
    queries,
)
from ...text import encodable
from ..changes.applied import AppliedHook
from ..frames.stack import CodeStack
from ..hooks.never_fired import Circumstances
from ..hooks.outcomes import conclude
from ..hooks.spec import describe_hook, resolve_hook
from ..hooks.turns import ObserveFilter
from ..modules.tree import ModuleTree, Node
from ..source import location, site_source, source_of
from ..subject.hook_parts import check_part
from ..subject.runner import Runner
from ..subject.subject import Subject
from ..torch_hooks.outputs import OUTPUT_KIND
from ..values.summarize import Summarizer
from .attributes import attributes_of
from .hook_source import source_of_hook
from .parameters import parameters_of
from .state_dict import report_file

MAX_CALLS_SHOWN = 200


class Queries:
    """Answers that change nothing, and may be asked for from any thread.

    Args:
        subject: The model.
        runner: Knows the last pass.
    """

    def __init__(self, subject: Subject, runner: Runner) -> None:
        self._subject = subject
        self._runner = runner
        self._listed: tuple[HookRow, ...] = ()

    def answer(self, query: AnyQuery) -> AnyAnswer:
        """Raises `InspectorError` where what is asked for is not there."""
        match query:
            case queries.GetTrace():
                return self.trace(query.first, query.count)
            case queries.GetHistory():
                return self.history(query.path)
            case queries.GetGradients():
                return self.gradients(query.first, query.count)
            case queries.GetSource():
                return self.source(query.path, query.part, query.call)
            case queries.GetAttributes():
                return self.attributes(query.path)
            case queries.GetParameters():
                return self.parameters(query.path, query.limit)
            case queries.GetLocations():
                return self.locations()
            case queries.GetHooks():
                return self.hooks(query.path)
            case queries.GetAllHooks():
                return self.all_hooks(query.first, query.count)
            case queries.GetOutcomes():
                return self.outcomes(query.first, query.count)
            case queries.GetHookSource():
                return self.hook_source(query.path, query.kind, query.id, query.of)
            case queries.CheckHook():
                return self.check_hook(query.where, query.hook, query.edits)
            case queries.TryStateDict():
                return self.state_dict(query.file)
            case GetStack():
                return self.stack().describe()
            case GetLocals():
                return self.stack().locals_of(query.number)
            case queries.GetFrameSource():
                return self.stack().source_of(query.number, query.path)

    def calls_of(self, path: Path, window: Window = CORNER, call: int = 0) -> Calls:
        """The first calls of one module in the last pass, and this one of its calls in the step that is looked at."""
        last = self._runner.last
        own = last.of(self._subject.node(path).index)
        first, wanted = own[:MAX_CALLS_SHOWN], own.find(call)
        more = [] if wanted is None or wanted.place in {each.place for each in first} else [wanted]
        shown = last.details(first + more, window)
        return Calls(self._subject.generation, last.number, shown, len(own), path=path)

    def trace(self, first: int, count: int) -> Calls:
        """Calls of the last pass in completion order."""
        last = self._runner.last
        shown = last.details(last.calls[first : first + count])
        return Calls(self._subject.generation, last.number, shown, len(last.calls))

    def history(self, path: Path) -> History:
        """What the last run of several batches gave for one module."""
        histories = self._runner.histories
        series = histories.of(self._subject.node(path).index)
        return History(path, histories.batches, series)

    def gradients(self, first: int, count: int) -> Gradients:
        """Those that the last backward pass left on parameters."""
        found = self._runner.last.gradients
        return Gradients(dict(islice(found.items(), first, first + count)), len(found))

    def source(self, path: Path, part: SourcePart, call: int = 0) -> Source:
        module = self._subject.node(path).module
        if part == "auto":
            whole = source_of(module, "class", path)
            return whole if whole.focus else source_of(module, "forward", path)
        if part == "site":
            return self._site(path, call)
        if part == "hook" or part == "helper" or part == "frame":
            asked = "it comes with `GetHookSource`, `GetLines` or `GetFrameSource`"
            raise UsageError(f"of which {part} is not said", hint=asked)
        return source_of(module, part, path)

    def _site(self, path: Path, number: int) -> Source:
        """Where the module was called: in this call of the step, or where there is none, in the first that a line of
        Python made."""
        last = self._runner.last
        calls = last.of(self._subject.node(path).index)
        wanted = calls.find(number)
        call = next((call for call in (calls if wanted is None else (wanted,)) if call.file), None)
        if call is None:
            note = "no call was seen in the last pass" if last.number else "run a pass to see who calls it: r"
            note = "it was called from inside torch, by no line of Python" if calls else note
            return Source(path, "site", "call site", notes=(note,))
        caller = last.calls.find_started(call.caller)
        source = site_source(call.file, call.line, path)
        return source if caller is None else replace(source, runs_in=self._subject.tree.paths[caller])

    def attributes(self, path: Path) -> Attributes:
        node = self._subject.node(path)
        return attributes_of(node.module, path, Summarizer().describe_now, self._subject.rows[node.index].badges)

    def parameters(self, path: Path, limit: int) -> Parameters:
        self._subject.node(path)
        return parameters_of(self._subject.tree, path, limit, self._runner.last.gradients)

    def locations(self) -> Locations:
        found = ((node.index, location(node.module)) for node in self._subject.tree.nodes)
        return Locations(tuple(Location(index, *place) for index, place in found if place is not None))

    def hooks(self, path: Path) -> Hooks:
        """Those of one module and of the tensors it holds and gave."""
        node, observers = self._subject.node(path), self._subject.observers
        return Hooks(path, self._hook_rows(node), observers.on(node), observers.refused.get(node.index, ""))

    def all_hooks(self, first: int, count: int) -> AllHooks:
        """Hooks `first` and following: the process's, then the model's, module by module. They are listed anew for the
        first, and what follows is of the same list."""
        if first == 0:
            rows = [*self._subject.ledger.process_rows(self._runner.meter)]
            rows += [row for node in self._subject.tree.objects() for row in self._hook_rows(node)]
            self._listed = tuple(rows)
        return AllHooks(self._listed[first : first + count], len(self._listed))

    def outcomes(self, first: int, count: int) -> Outcomes:
        """What became of the hooks that were added, in the last pass."""
        runner = self._runner
        found = runner.hooks.outcomes if runner.summary is not None else self._subject.change_log.expect()
        return Outcomes(found[first : first + count], len(found))

    def _hook_rows(self, node: Node) -> tuple[HookRow, ...]:
        subject, runner = self._subject, self._runner
        fired = runner.last.count(node.index)  # as of the others: in the whole pass, whichever step is looked at
        added = subject.change_log.added.of(node.module)
        path = subject.tree.paths[node.index]
        observe_filter = subject.observers.filters.get(node.index)
        rows = []
        for row in subject.ledger.rows(node.module, fired, path=path, counts=runner.meter):
            member = added.get(row.id) if row.ours else None
            if member is None:
                rows.append(_observe_row(row, observe_filter) if row.ours else row)
            elif member.present:
                rows.append(_own_row(row, member, subject.tree))
        return (*rows, *runner.last.output_hooks.rows(node.index, path))

    def hook_source(self, path: Path | None, kind: str, hook_id: int, of: str = "") -> Source:
        """Raises `UsageError` where there is no such hook."""
        node = self._subject.node(path) if path is not None else None
        if node is not None and kind == OUTPUT_KIND:
            hook = self._runner.last.output_hooks.hook(node.index, hook_id)
            if hook is None:
                raise UsageError("this hook went with the tensors of its pass", hint="b runs a backward pass again")
        else:
            hook = self._subject.ledger.hook(node.module if node is not None else None, kind, hook_id, of)
        return source_of_hook(hook, path)

    def check_hook(self, where: str, asked: str | HookSpec, edits: bool) -> HookCheck:
        """What adding it would do, or where it `edits`, what it would change."""
        change_log = self._subject.change_log
        try:
            hook = resolve_hook(asked, on="parameters" if edits else "")
            nodes = (change_log.check_edit if edits else change_log.check)(where, hook)
            check_part(hook, nodes, self._runner.last, self._subject.tree)
        except InspectorError as error:
            return HookCheck(problem=error.problem)
        paths = self._subject.tree.paths
        names = tuple(encodable(".".join(paths[node.index]) or "(root)", 200) for node in nodes[:8])
        return HookCheck(len(nodes), names)

    def stack(self) -> CodeStack:
        """The frames of what was raised or stands still; none where nothing is."""
        stack = self._subject.stack
        return stack if stack is not None else CodeStack((), self._subject.tree)

    def state_dict(self, file: str) -> StateDictReport:
        """What loading a file would do, and how it can be loaded. Raises `UsageError`."""
        return report_file(self._subject.tree.root, file, self._subject.backup, offers=True)


def _observe_row(row: HookRow, observe_filter: ObserveFilter | None) -> HookRow:
    """With what became of an observing hook that looks at a part; of one that looks at everything there is nothing."""
    return replace(row, outcome=observe_filter.outcome) if observe_filter is not None else row


def _own_row(row: HookRow, member: AppliedHook, tree: ModuleTree) -> HookRow:
    attached = member.attached
    outcome = attached.outcome
    if attached.hook.on.endswith("state_dict") and (outcome is not None or attached.tally.calls):
        # state dicts are made between passes
        outcome = conclude(attached.hook, member.node, attached.tally, Circumstances(tree, lambda node: ()))
    return replace(
        row,
        flags=tuple(flag for flag in row.flags if flag != "prepend"),  # ours only stand before our observing ones
        name=str(attached.hook),
        spec=describe_hook(attached.hook),
        owner="",
        file="",
        line=0,
        fired=outcome.fired if outcome is not None else 0,
        ms=attached.tally.seconds * 1e3,
        alters=attached.hook.alters,
        enabled=member.on,
        outcome=outcome,
    )
