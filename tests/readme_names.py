"""What stands for "your model" and "your data" where code of the README runs.

| name | what it is |
|---|---|
| `model`, `x`, `y` | a resnet18 of 10 classes in training mode, a batch of 2 images of 64×64, and their classes |
| `other` | another one of the same classes, with other weights |
| `clean`, `corrupted` | two batches of one image each |
| `loss_fn`, `optimizer`, `loader` | cross entropy; SGD over `model`; three batches of (images, classes) |
| `lm`, `ids` | a Llama of 2 layers with random weights in evaluation mode, and 1×8 token ids |
| `tokens`, `answer`, `wrong` | as `ids`, and two ids of tokens |
| `torch`, `nn` | as everybody imports them |

`model` also takes `input_ids`, so that one line can show keyword inputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet


class Model(ResNet):
    """A resnet18 for images, or for ids that it takes for the brightness of one."""

    def __init__(self) -> None:
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=10)

    def forward(self, x: Tensor | None = None, input_ids: Tensor | None = None) -> Tensor:
        if x is None:
            assert input_ids is not None
            x = input_ids.float().mean().expand(2, 3, 64, 64)
        return super().forward(x)


def make_names() -> dict[str, Any]:
    """The names that code of the README may use, made anew."""
    torch.manual_seed(0)
    model, x, y = Model(), torch.randn(2, 3, 64, 64), torch.tensor([3, 7])
    lm, ids = make_llama()
    return {
        "torch": torch,
        "nn": nn,
        "model": model,
        "other": Model(),
        "x": x,
        "y": y,
        "clean": x[:1],
        "corrupted": x[1:],
        "loss_fn": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "loader": [(torch.randn(2, 3, 64, 64), torch.tensor([1, 2])) for _ in range(3)],
        "lm": lm,
        "ids": ids,
        "tokens": ids,
        "answer": 5,
        "wrong": 6,
    }


def make_llama() -> tuple[Any, Tensor]:
    """A tiny one, and ids for it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = LlamaConfig(**sizes, num_attention_heads=4, pad_token_id=0, eos_token_id=None)
    return LlamaForCausalLM(config).eval(), torch.arange(8)[None]
