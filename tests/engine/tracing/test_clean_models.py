"""Models of torchvision, timm and transformers with random weights: nothing is said of those that are fine.

A family is the models of one file of torchvision or timm, or one kind of transformers. Each has a process of its own,
so that memory is given back, forked from one that has imported the library. To run some:
`python -m tests.engine.tracing.test_clean_models timm vision_transformer resnet`.
"""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.values import nested

from .test_first_bad import look

NAME = "tests.engine.tracing.test_clean_models"
FINE = "are fine"
SHARDS = 6
LIMIT_S = 600
"""Of a family."""
MOST = 40_000_000
"""Parameters of a model that is tried."""
SIZES = {
    "hidden_size": 32, "d_model": 32, "n_embd": 32, "dim": 32, "embedding_size": 32, "intermediate_size": 64,
    "ffn_dim": 64, "d_ff": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "hidden_dim": 64, "num_hidden_layers": 2,
    "n_layer": 2, "num_layers": 2, "n_layers": 2, "encoder_layers": 2, "decoder_layers": 2, "num_decoder_layers": 2,
    "num_attention_heads": 4, "n_head": 4, "num_heads": 4, "n_heads": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 99, "pad_token_id": 0,
    "max_position_embeddings": 64, "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2, "num_experts": 4,
    "n_routed_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_group": 1,
    "topk_group": 1, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "v_head_dim": 8, "d_kv": 8, "state_size": 4, "rotary_dim": 8, "image_size": 32, "patch_size": 8,
}  # fmt: skip
"""Of a configuration of transformers, where it has such."""

Made = tuple[nn.Module, dict[str, Any]]
"""A model and what it is called with."""


def of_torchvision(family: str) -> Iterator[Callable[[], Made]]:
    from torchvision import models

    def make(name: str) -> Made:
        options = {"init_weights": False} if family in ("googlenet", "inception") else {}
        size = 299 if family == "inception" else 224 if "transformer" in family or family == "maxvit" else 96
        model = models.get_model(name, weights=None, **options)
        return model, {next(iter(inspect.signature(model.forward).parameters)): torch.rand(2, 3, size, size)}

    for name in models.list_models(module=models):
        if models.get_model_builder(name).__module__.rpartition(".")[2] == family:
            yield partial(make, name)


def of_timm(family: str) -> Iterator[Callable[[], Made]]:
    import timm

    def make(name: str) -> Made:
        model = timm.create_model(name, pretrained=False)
        return model, {"x": torch.randn(2, *model.default_cfg["input_size"])}

    def count(name: str) -> int:
        with torch.device("meta"):
            return sum(each.numel() for each in timm.create_model(name).parameters())

    names = sorted(timm.list_models(module=family), key=len)[:12]
    for name in sorted(names, key=count)[:2]:
        yield partial(make, name)


def of_transformers(family: str) -> Iterator[Callable[[], Made]]:
    import transformers

    def make(attention: str) -> Made:
        config = transformers.CONFIG_MAPPING[family]()
        shrink(config)
        config._attn_implementation = attention
        kinds = (transformers.AutoModelForCausalLM, transformers.AutoModelForSeq2SeqLM, transformers.AutoModel)
        kind = next(each for each in kinds if type(config) in each._model_mapping)
        with torch.device("meta"):
            check_size(kind.from_config(config))
        model = kind.from_config(config)
        if model.main_input_name == "pixel_values":
            return model, {"pixel_values": torch.randn(2, 3, 32, 32)}
        ids, mask = torch.randint(3, 90, (2, 10)), torch.ones(2, 10, dtype=torch.long)
        mask[0, :4] = 0
        decoder = {"decoder_input_ids": ids} if config.is_encoder_decoder else {}
        return model, {"input_ids": ids, "attention_mask": mask, **decoder}

    for attention in ("eager", "sdpa"):
        yield partial(make, attention)


def shrink(config: Any) -> None:
    """To what is run in no time."""
    for name, size in SIZES.items():
        if type(getattr(config, name, None)) is int:
            setattr(config, name, size)
    for inner in vars(config).values():
        if hasattr(inner, "model_type"):
            shrink(inner)
    if getattr(config, "layer_types", None):
        config.layer_types = (list(dict.fromkeys(config.layer_types)) + config.layer_types)[:2]


def check_size(model: nn.Module) -> nn.Module:
    """Raises ValueError."""
    if sum(each.numel() for each in model.parameters()) > MOST:
        raise ValueError("too large")
    return model


def add_up(output: object, sample: object) -> Tensor:
    """A loss of everything."""
    found = [each for each in nested.tensors_in(output) if each.is_floating_point() and each.requires_grad]
    return torch.stack([each.float().clamp(-1e4, 1e4).mean() for each in found]).sum()


def is_finite(model: nn.Module, inputs: dict[str, Any]) -> bool:
    """Whether outputs and gradients are, by torch alone. Raises what the model does."""
    output = model(**inputs)
    add_up(output, None).backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    model.zero_grad()
    return all(bool(each.isfinite().all()) for each in (*nested.tensors_in(output), *gradients))


FAMILIES: dict[str, Callable[[str], Iterator[Callable[[], Made]]]] = {
    "torchvision": of_torchvision,
    "timm": of_timm,
    "transformers": of_transformers,
}


def list_families(library: str) -> list[str]:
    module: Any = importlib.import_module(library)
    if library == "timm":
        return sorted(module.list_modules())
    if library == "transformers":
        return sorted(module.CONFIG_MAPPING)
    builders = map(module.models.get_model_builder, module.models.list_models(module=module.models))
    return sorted({each.__module__.rpartition(".")[2] for each in builders})


def look_at(library: str, family: str) -> None:
    """Prints of how many models nothing was said. Raises AssertionError."""
    fine = 0
    for make in FAMILIES[library](family):
        torch.manual_seed(0)
        try:
            model, inputs = make()
            if not is_finite(check_size(model).train(), inputs):
                continue
        except Exception as error:  # many take other inputs, or are too large
            print(f"{family}: {type(error).__name__}: {str(error)[:80]!r}")
            continue
        for loss in (None, add_up):
            answer = look(model, (inputs,), loss, call=lambda model, inputs: model(**inputs))
            assert not answer.found, answer
        fine += 1
    print(f"{family}: {fine} {FINE}", flush=True)


def look_at_all(library: str, families: Iterable[str]) -> int:
    """Returns in how many something was said, or that took too long."""
    torch.set_num_threads(1)  # before anything runs: threads do not come along
    importlib.import_module(library)
    failed = 0
    for family in families:
        process = multiprocessing.get_context("fork").Process(target=look_at, args=(library, family))
        process.start()
        process.join(LIMIT_S)
        if process.is_alive():
            process.kill()
            process.join()
        if process.exitcode:
            print(f"{family}: ended with {process.exitcode}", file=sys.stderr, flush=True)
            failed += 1
    return failed


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("library", FAMILIES)
def test_nothing_is_said_of_models_that_are_fine(library: str, shard: int) -> None:
    pytest.importorskip(library)
    command = [sys.executable, "-W", "ignore", "-m", NAME, library, *list_families(library)[shard::SHARDS]]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    assert ran.returncode == 0, ran.stderr[-5_000:]
    assert any(line.endswith(FINE) and " 0 " not in line for line in ran.stdout.splitlines()), ran.stdout


if __name__ == "__main__":
    sys.exit(look_at_all(sys.argv[1], sys.argv[2:]))
