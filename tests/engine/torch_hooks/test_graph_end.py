"""The graph of a pass is let go node by node, in an order in which none frees another."""

from __future__ import annotations

import subprocess
import sys

import torch

from inspector.engine.torch_hooks.graph_end import let_go, take_graph

DEEP = """
import torch
from torch import nn
from inspector.engine.session import Session
from inspector.records import Run

session = Session(lambda event: None)
session.adopt(nn.Sequential(*[nn.ReLU() for _ in range(8_000)]), (torch.ones(1, requires_grad=True),), {}, "deep")
session.run(Run(session.generation, backward=True, batches=2))
print(len(session.runner.last.calls))
"""


def test_a_graph_deeper_than_the_stack_ends_with_its_pass() -> None:
    command = ["bash", "-c", 'ulimit -s 1024; exec "$0" -c "$1"', sys.executable, DEEP]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.split() == ["16002"]


def test_each_node_comes_before_what_it_leads_to() -> None:
    x = torch.ones(3, requires_grad=True)
    first = x * 2
    second = first.exp() + first
    nodes = take_graph({"both": [second.sin() * first, second]})
    places = {id(node): place for place, node in enumerate(nodes)}
    ends = [(node, each) for node in nodes for each, _ in node.next_functions if each is not None]
    assert len(places) == len(nodes) == 6
    assert all(places[id(node)] < places[id(each)] for node, each in ends)
    let_go(nodes)
    assert not nodes and not take_graph(torch.ones(2))
