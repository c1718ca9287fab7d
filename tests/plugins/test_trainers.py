"""Callbacks of trainers, where nobody sits at a terminal: they report, and leave the model as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import inspector
from inspector.api import breakpoint as breakpoint_module
from inspector.plugins.watch import TrainingWatch


class Net(nn.Module):
    def __init__(self, bad_at: int = -1, raise_at: int = -1) -> None:
        super().__init__()
        self.linear, self.bad_at, self.raise_at, self.calls = nn.Linear(3, 1), bad_at, raise_at, 0

    def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        hidden = self.linear(x)
        number, self.calls = self.calls, self.calls + 1
        if number == self.raise_at:
            raise ValueError("raised here")
        return {"loss": hidden.mean() * (float("nan") if number == self.bad_at else 1.0)}


@pytest.fixture(autouse=True)
def _nowhere_was_stopped() -> Iterator[None]:
    breakpoint_module._passed_over.clear()
    yield
    breakpoint_module._passed_over.clear()


def train(model: nn.Module, watch: TrainingWatch, steps: int = 4) -> list[float]:
    """As trainers do."""
    watch.attach(model)
    optimizer, losses = torch.optim.SGD(model.parameters(), 0.1), []
    for step in range(steps):
        watch.begin_step(model, step)
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3))["loss"]
        loss.backward()
        watch.look(model)
        optimizer.step()
        losses.append(loss.item())
    watch.detach()
    return losses


@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_the_first_bad_gradient_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    model = Net(bad_at=1)
    train(model, TrainingWatch("bad"))
    told = capsys.readouterr().err
    assert told.count("watch.look(model)") == 1 and "1 NaN" in told
    assert not model._forward_hooks


@pytest.mark.filterwarnings("ignore:inspector.breakpoint")
def test_every_so_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("inspector.plugins.watch.stop", lambda *given: opened.append(given))
    model = Net()
    train(model, TrainingWatch([2, "exception"]))
    assert [each[3] for each in opened] == ["step 0", "step 2"] and opened[0][:3] == (model, (), {})
    assert opened[1][1][0].equal(torch.ones(2, 3))  # what it was called with in the step before


def test_what_is_bad_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("inspector.plugins.watch.stop", lambda *given: said.append(given[3]))
    train(Net(bad_at=1), TrainingWatch("bad"))
    model, watch = Net(), TrainingWatch("bad")
    model.linear.weight.register_hook(lambda gradient: gradient / 0)
    train(model, watch)
    assert said == ["not finite: the loss", "not finite: the gradient of linear.weight"]


def test_an_error_is_told_of_and_raised(capsys: pytest.CaptureFixture[str]) -> None:
    model = Net(raise_at=2)
    with pytest.raises(ValueError, match="raised here"):
        train(model, TrainingWatch("exception"))
    told = capsys.readouterr().err
    assert told.count("ValueError: raised here") == 1 and "hidden" in told
    assert not model._forward_hooks


def test_an_error_passes_hooks_of_others_that_came_later(capsys: pytest.CaptureFixture[str]) -> None:
    model, watch, others = Net(raise_at=0), TrainingWatch("exception"), []
    watch.attach(model)
    model.register_forward_hook(lambda *_: others.append(1), always_call=True)
    with pytest.raises(ValueError, match="raised here"):
        model(torch.ones(2, 3))
    assert others == [1] and "raised here" in capsys.readouterr().err
    watch.detach()
    assert len(model._forward_hooks) == 1


def test_training_is_what_it_was() -> None:
    torch.manual_seed(0)
    expected = train(Net(), TrainingWatch("exception"))
    torch.manual_seed(0)
    assert train(Net(), TrainingWatch(("bad", "exception"))) == expected


@pytest.mark.parametrize("when", ["nonsense", 0, (), ("bad", -1), True])
def test_what_is_no_occasion_is_refused(when: Any) -> None:
    with pytest.raises(inspector.UsageError, match="is no occasion"):
        TrainingWatch(when)


@pytest.mark.filterwarnings("ignore")
def test_the_trainer_of_transformers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from inspector.plugins.transformers_trainer import InspectorCallback

    model = Net(bad_at=1)
    data = [{"x": torch.ones(3), "labels": torch.zeros(1)} for _ in range(8)]
    arguments = transformers.TrainingArguments(
        str(tmp_path), max_steps=4, per_device_train_batch_size=2, report_to=[], use_cpu=True, disable_tqdm=True,
        save_strategy="no",
    )  # fmt: skip
    transformers.Trainer(model, arguments, train_dataset=data, callbacks=[InspectorCallback("bad")]).train()
    assert "on_pre_optimizer_step" in capsys.readouterr().err
    assert not model._forward_hooks


def test_the_trainer_of_transformers_as_it_calls_back(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    from inspector.plugins.transformers_trainer import InspectorCallback

    model, callback = Net(raise_at=0), InspectorCallback()
    callback.on_train_begin(None, None, None, model=model)
    callback.on_step_begin(None, SimpleNamespace(global_step=0), None, model=model)
    with pytest.raises(ValueError, match="raised here"):
        model(torch.ones(2, 3))
    assert "raised here" in capsys.readouterr().err and not model._forward_hooks


@pytest.mark.filterwarnings("ignore")
def test_the_trainer_of_lightning(capsys: pytest.CaptureFixture[str]) -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    from inspector.plugins.lightning_trainer import InspectorCallback

    class Trained(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self, **options: int) -> None:
            super().__init__()
            self.net, self.fails_at = Net(**options), -1

        def training_step(self, batch: list[Tensor], number: int) -> Tensor:
            loss = self.net(batch[0])["loss"]
            if number == self.fails_at:
                raise ValueError("raised in the step")
            return loss  # type: ignore[no-any-return]

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    def fit(model: nn.Module, when: Any) -> str:
        options = dict.fromkeys(
            ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
        )
        trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", callbacks=[InspectorCallback(when)], **options)
        data = TensorDataset(torch.ones(8, 3))
        capsys.readouterr()
        try:
            trainer.fit(model, DataLoader(data, batch_size=2))
        except ValueError as error:
            assert "raised" in str(error)
        assert not model._forward_hooks
        return capsys.readouterr().err

    assert "on_before_optimizer_step" in fit(Trained(bad_at=1), "bad")
    assert fit(Trained(), ("bad", "exception")).count("in training_step") == 0
    assert fit(Trained(raise_at=1), "exception").count("ValueError: raised here") == 1
    own = Trained()
    own.fails_at = 2
    told = fit(own, "exception")  # in no call of a module
    assert told.count("ValueError: raised in the step") == 1 and "training_step" in told


@pytest.mark.parametrize("library", ["lightning", "transformers"])
def test_without_its_library_a_callback_says_what_to_install(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"{library}_trainer"
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not there
    monkeypatch.setitem(sys.modules, f"{library}.pytorch", None)
    monkeypatch.delitem(sys.modules, f"inspector.plugins.{module}", raising=False)
    with pytest.raises(ImportError, match=rf"needs {library}: pip install 'torch-inspector"):
        __import__(f"inspector.plugins.{module}")
