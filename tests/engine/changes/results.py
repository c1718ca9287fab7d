"""What a session's model gives, as plain hooks of torch see it."""

from __future__ import annotations

from torch import Tensor

from inspector.engine.session import Session
from inspector.records import Run


def output_of(session: Session, run: Run | None = None) -> Tensor:
    """The output of the last batch."""
    return result_of(session, run)[0]


def result_of(session: Session, run: Run | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """The output of the last batch, and after a backward pass the gradients of the parameters."""
    root, found, gradients = session.subject.tree.root, list[Tensor](), dict[str, Tensor]()
    handles = [root.register_forward_hook(lambda module, args, output: found.append(output.detach().clone()))]
    for name, parameter in root.named_parameters():
        if parameter.requires_grad:
            keep = lambda p, name=name: gradients.update({name: p.grad.clone()})  # noqa: E731
            handles.append(parameter.register_post_accumulate_grad_hook(keep))
    summary = session.run() if run is None else session.run(run)
    assert summary.problem is None and not summary.faults, summary
    for handle in handles:
        handle.remove()
    return found[-1], gradients
