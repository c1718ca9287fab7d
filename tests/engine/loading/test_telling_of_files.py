"""How much of a download, of a file that is read whole, and of a model that is moved is done, told while it is."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.engine.loading import load
from inspector.engine.usercode import telling
from inspector.engine.usercode.downloads import telling_of_downloads
from inspector.records import Target, Work

MODEL = nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 300))
NBYTES = sum(parameter.nbytes for parameter in MODEL.parameters())
ADDRESS = "ADDRESS_OF_NET"


def build_from_download() -> nn.Module:
    model = nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 300))
    model.load_state_dict(torch.hub.load_state_dict_from_url(os.environ[ADDRESS], progress=False))
    return model


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    monkeypatch.setattr(telling, "PAUSE", 0.0)
    return []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def counts(said: list[Work], what: str) -> list[tuple[int, int]]:
    found = [(work.done, work.total) for work in said if work.what == what and work.unit == "bytes"]
    assert found == sorted(found)
    return found


def test_a_download_whose_own_bar_is_off(
    tmp_path: Path, said: list[Work], served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(ADDRESS, f"{served}/net.pt")
    torch.save(MODEL.state_dict(), tmp_path / "net.pt")
    before = [vars(torch.hub.tqdm)[name] for name in ("__init__", "update")]
    load(Target(f"{__file__}:build_from_download"), said.append)
    size = (tmp_path / "net.pt").stat().st_size
    told = counts(said, "downloading")
    assert told[-1] == (size, size) and len(told) > 2
    assert [vars(torch.hub.tqdm)[name] for name in ("__init__", "update")] == before


def test_a_download_of_the_hub_of_hugging_face(said: list[Work]) -> None:
    """Its bars are tqdm's, and off where whoever calls it wants none."""
    bars = pytest.importorskip("huggingface_hub.utils").tqdm
    with telling_of_downloads(said.append):
        one, other = bars(total=10, unit="B", disable=True), bars(total=20, unit="B", disable=True, initial=5)
        for bar in (one, other, bars(total=3, unit="it", disable=True)):
            bar.update(2)
    assert counts(said, "downloading") == [(7, 30), (9, 30)]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("kind", ["pickled", "script", "legacy"])
def test_a_file_that_is_read_whole(tmp_path: Path, said: list[Work], kind: str) -> None:
    path = tmp_path / "net.pt"
    if kind == "script":
        torch.jit.script(MODEL).save(str(path))
    else:
        value = MODEL if kind == "pickled" else MODEL.state_dict()
        torch.save(value, path, _use_new_zipfile_serialization=kind == "pickled")
    loaded = load(Target(str(path), trust_pickle=kind == "pickled"), said.append)
    size = path.stat().st_size
    told = counts(said, "reading the file")
    assert told and told[-1][0] > 0.9 * size and told[-1][1] == size
    if kind == "pickled":
        assert all(map(torch.equal, loaded.model.state_dict().values(), MODEL.state_dict().values()))


def test_a_model_that_is_moved_and_cast(said: list[Work]) -> None:
    loaded = load(Target(f"{__file__}:build", dtype="float64"), said.append)
    assert counts(said, "casting to float64")[-1] == (NBYTES, NBYTES) and len(counts(said, "casting to float64")) == 4
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float64}
    load(Target(f"{__file__}:build", device="meta"), said.append)
    assert counts(said, "moving to meta")[-1] == (NBYTES, NBYTES)
    assert [work.what for work in said[:2]] == [f"importing {Path(__file__).name}", "building"]


def build() -> nn.Module:
    with torch.device("cpu"):
        return nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 300))
