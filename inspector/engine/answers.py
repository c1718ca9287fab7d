"""The one table of requests: what carries out each, and gives its reply.

The type checker knows that `AnyRequest` has no member without an arm here: for one that has none, `answer` would end
without a reply. Which thread a request is for, and whether it is of a model, the record itself says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..app_keys import change_app_keys
from ..records import (
    AnyEvent,
    AnyRequest,
    CallLines,
    Choices,
    CompleteLine,
    Done,
    EstimateMemory,
    Evaluate,
    FindFirstBad,
    GetAllHooks,
    GetGradients,
    GetHistory,
    GetLines,
    GetOutcomes,
    GetTrace,
    GoOnWith,
    Look,
    MeasureCosts,
    ModelRequest,
    PassEnded,
    Query,
    RunSweep,
    SetStops,
    requests,
)

if TYPE_CHECKING:  # the server greets its client before torch is imported
    from .session import Session


_LEAVES_THE_MODEL = (
    *(requests.Run, requests.GetCalls, GetLines, requests.ShowStep, Look),
    *(SetStops, GoOnWith, Evaluate, CompleteLine),
    *(GetAllHooks, GetGradients, GetHistory, GetOutcomes, GetTrace),
)
"""A pass puts it back, and the others do not touch it: after any other request a snapshot looks through it anew."""


def answer(session: Session, request: AnyRequest) -> AnyEvent:
    """The reply to a request.

    Raises:
        InspectorError: It cannot be carried out, or is of a model that is no longer open; nothing was done.
    """
    if isinstance(request, ModelRequest):
        session.check(request.generation)
        session.check_path(getattr(request, "path", None))
        if not isinstance(request, _LEAVES_THE_MODEL):
            session.subject.backup.found = None
    if isinstance(request, Query):
        return session.queries.answer(request)
    match request:
        case requests.Open():
            change_app_keys(dict(request.keys))
            return session.open(request.target)
        case requests.ListTargets():
            return _list_targets()
        case requests.ListKinds():
            return session.kinds()
        case requests.Cancel():
            session.cancel()
            return Done()
        case requests.Shutdown():
            session.close()
            return Done()

        case requests.Run():
            return PassEnded(session.generation, session.run(request))
        case RunSweep():
            return session.tasks.sweeps.run(request)
        case MeasureCosts():
            return session.tasks.costs.measure(request)
        case FindFirstBad():
            return session.tasks.first_bad.find(request)
        case EstimateMemory():
            return session.tasks.estimates.run(request)
        case requests.SetInput():
            return session.set_input(request.specs)
        case requests.ShowStep():
            session.show_step(request.step)
            return Done()
        case requests.GetCalls():
            return session.calls_of(request.path, request.values, request.force, request.window, request.call)
        case GetLines():
            return _find_lines(session, request)

        case SetStops():
            return session.runner.stopper.set(request.stops)
        case GoOnWith():
            session.runner.stopper.standstill.go_on(request.how)
            return Done()
        case Evaluate():
            session.subject.check_changeable()
            if not session.runner.stopper.standstill.stands:  # no pass puts back what the line does
                session.subject.backup.found = None
            return session.runner.stopper.standstill.evaluate(request)
        case CompleteLine():
            return session.runner.stopper.standstill.complete(request)

        case requests.Observe():
            return session.observe(request.paths, request.subtree, request.on)
        case requests.SetHook():
            return session.set_hook(request.path, request.kind, request.id, request.on, request.of)
        case requests.AddHook():
            return session.add_hook(request.where, request.hook)
        case requests.ReplaceHook():
            return session.replace_hook(request.path, request.kind, request.id, request.hook)
        case requests.RemoveHook():
            return session.change(lambda log: log.remove(request.path, request.kind, request.id))
        case requests.DisableAll():
            return session.change(lambda log: log.disable_all())
        case requests.EditParameters():
            return session.edit_parameters(request.where, request.hook)
        case requests.LoadStateDict():
            return session.load_state_dict(request.file, request.renames, request.partial)
        case requests.Undo():
            return session.change(lambda log: log.redo() if request.redo else log.undo())
        case requests.TakeBaseline():
            return session.change(lambda log: log.take_baseline())
        case requests.LoadRecipe():
            return session.load_recipe(request.file, request.text)
        case requests.Save():
            return session.save(request.file)


def _list_targets() -> Choices:
    """Every name that needs no file."""
    from .loading import list_targets  # torch is there by now, and was not when this was imported

    return Choices("Targets", list_targets())


def _find_lines(session: Session, request: GetLines) -> CallLines:
    from .views.lines import find_lines  # as above

    return find_lines(session.subject, session.runner, request)
