"""Which records answer which request."""

from __future__ import annotations

from . import costs, estimates, events, first_bad, lines, queries, requests, stops, sweeps
from .messages import Event, Request

REPLIES: dict[type[Request], tuple[type[Event], ...]] = {
    requests.Open: (events.Opened, events.Choices),
    requests.ListTargets: (events.Choices,),
    requests.Run: (events.PassEnded,),
    requests.Cancel: (events.Done,),
    requests.SetInput: (events.Opened,),
    requests.Observe: (events.HookMarks,),
    requests.ShowStep: (events.Done,),
    requests.GetCalls: (queries.Calls,),
    requests.SetHook: (events.Changes,),
    requests.ListKinds: (events.Kinds,),
    requests.AddHook: (events.Changes,),
    requests.ReplaceHook: (events.Changes,),
    requests.RemoveHook: (events.Changes,),
    requests.DisableAll: (events.Changes,),
    requests.EditParameters: (events.Changes,),
    requests.LoadStateDict: (events.Changes,),
    requests.Undo: (events.Changes,),
    requests.TakeBaseline: (events.Changes,),
    requests.Save: (events.Saved,),
    requests.LoadRecipe: (events.Changes,),
    requests.Shutdown: (events.Done,),
    sweeps.RunSweep: (sweeps.SweepEnded,),
    costs.MeasureCosts: (costs.Costs,),
    estimates.EstimateMemory: (estimates.MemoryEstimate,),
    first_bad.FindFirstBad: (first_bad.FirstBadValue,),
    stops.SetStops: (stops.Stops,),
    stops.GoOnWith: (events.Done,),
    stops.Evaluate: (stops.Evaluated,),
    stops.CompleteLine: (stops.Completed,),
    lines.GetLines: (lines.CallLines,),
    **queries.ANSWERS,
}
"""Beside `Failed`, which answers any of them."""
