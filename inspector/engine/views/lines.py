"""What each line of a forward made, as it is asked for."""

from __future__ import annotations

from msgspec.structs import replace

from ...errors import UsageError
from ...records import CallLines, GetLines
from ...text import encodable
from ..recording.call import Place
from ..source import source_of_code
from ..source.running import forward_of
from ..subject.runner import Runner
from ..subject.subject import Subject
from ..tracing.forwards import python_of
from ..tracing.line_recording import LineRecording
from ..tracing.line_store import LineStore
from ..tracing.visits import FrameLines

NOT_CALLED = "not called in this pass, or its observe hook is off"


def find_lines(subject: Subject, runner: Runner, request: GetLines) -> CallLines:
    """Fetches them where that is to be done; raises `UsageError` where there is no such call or function."""
    node = subject.node(request.path)
    own = runner.last.of(node.index)
    number = request.call if request.call is not None else max(len(own) - 1, 0)
    about = CallLines(subject.generation, request.path, number, len(own), runner.last.number, request.frame)
    if not own:
        return replace(about, note=NOT_CALLED if runner.last.number else "no pass yet")
    if number >= len(own):
        raise UsageError(f"there is no call #{number}", hint=f"there are {len(own)}, counted from 0")
    call = own[number]

    def tell() -> None:
        if runner.lines.find(call.place) is not None:
            runner.emit(_answer(runner.lines, about, call.place))

    missing = runner.look_at(node.index, request.force, tell, call.place)
    if runner.lines.find(call.place) is None:
        why = forward_of(python_of(node.module)).why or "its forward did not run as Python in this call"
        return replace(about, missing=missing, note="" if missing else encodable(why, 300))
    return _answer(runner.lines, about, call.place)


def _answer(store: LineStore, about: CallLines, call: Place) -> CallLines:
    """With what is known."""
    recording = store.find(call)
    lines = store.find_frame(call, about.frame) if about.frame or recording is None else recording.roots[call]
    if recording is None or lines is None:
        raise UsageError("what its lines made is not kept of this function", hint="look at the module again")
    return _add_lines(about, recording, lines)


def _add_lines(about: CallLines, recording: LineRecording, lines: FrameLines) -> CallLines:
    return replace(
        about,
        file=encodable(lines.code.co_filename, 5_000),
        lines=lines.records(),
        unreached=tuple(sorted(lines.unreached())),
        source=source_of_code(lines.code, lines.namespace, about.path) if about.frame else None,
        recomputed=lines.recomputed,
        note=encodable("; ".join((*recording.tracer.notes, *recording.faults)), 500),
    )
