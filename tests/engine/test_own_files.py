"""Which files a client is told to look at: the person's own that are imported, also those that a forward imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.engine.session import Session
from inspector.records import AnyEvent, OwnFiles, Target

NET = """
import torch
import early_part_of_net
class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 4)
    def forward(self, x):
        import late_part_of_net
        return super().forward(x)
"""


def test_own_files_are_told_as_they_are_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in (("net_of_own_files", NET), ("early_part_of_net", ""), ("late_part_of_net", "")):
        (tmp_path / f"{name}.py").write_text(text)
    told: list[AnyEvent] = []
    session = Session(told.append)
    session.open(Target(f"{tmp_path}/net_of_own_files.py:Net", inputs=("2x4",)))
    session.announce()
    session.run()
    session.run()
    names = [
        [Path(file).name for file in event.files if str(tmp_path) in file]
        for event in told
        if isinstance(event, OwnFiles)
    ]
    before = ["early_part_of_net.py", "net_of_own_files.py"]
    assert names == [before, [before[0], "late_part_of_net.py", before[1]]]
    files = [file for event in told if isinstance(event, OwnFiles) for file in event.files]
    assert not any("site-packages" in file or "/inspector/" in file for file in files)
