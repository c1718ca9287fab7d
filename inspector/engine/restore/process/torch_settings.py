"""Settings of torch that hold for the whole process."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import torch
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals
from torch.utils import deterministic

from ..kinds.containers import same
from .random_states import cuda_in_use
from .setting import Setting, attribute, find_pairs

_C: Any = torch._C

_FLAGS = (
    ("default dtype", "get_default_dtype", "set_default_dtype"),
    ("number of threads", "get_num_threads", "set_num_threads"),
    ("warn always", "is_warn_always_enabled", "set_warn_always"),
)
_C_FLAGS = (
    ("matmul precision", "_get_float32_matmul_precision", "_set_float32_matmul_precision"),
    ("multithreading of autograd", "_is_multithreading_enabled", "_set_multithreading_enabled"),
    ("view replay", "_is_view_replay_enabled", "_set_view_replay_enabled"),
    ("cudnn.enabled", "_get_cudnn_enabled", "_set_cudnn_enabled"),
    ("cudnn.benchmark", "_get_cudnn_benchmark", "_set_cudnn_benchmark"),
    ("cudnn.deterministic", "_get_cudnn_deterministic", "_set_cudnn_deterministic"),
    ("cudnn.allow_tf32", "_get_cudnn_allow_tf32", "_set_cudnn_allow_tf32"),
    ("cuda.matmul.allow_tf32", "_get_cublas_allow_tf32", "_set_cublas_allow_tf32"),
    ("cuda.matmul.allow_fp16_accumulation", "_get_cublas_allow_fp16_accumulation",
     "_set_cublas_allow_fp16_accumulation"),
    ("linalg library", "_get_linalg_preferred_backend", "_set_linalg_preferred_backend"),
    ("blas library", "_get_blas_preferred_backend", "_set_blas_preferred_backend"),
    ("flash sdp", "_get_flash_sdp_enabled", "_set_sdp_use_flash"),
    ("memory-efficient sdp", "_get_mem_efficient_sdp_enabled", "_set_sdp_use_mem_efficient"),
    ("math sdp", "_get_math_sdp_enabled", "_set_sdp_use_math"),
    ("cudnn sdp", "_get_cudnn_sdp_enabled", "_set_sdp_use_cudnn"),
    ("other sdp", "_get_overrideable_sdp_enabled", "_set_sdp_use_overrideable"),
    ("sdp reduced precision", "_get_math_sdp_allow_fp16_bf16_reduction", "_set_math_sdp_allow_fp16_bf16_reduction"),
    ("mkldnn.enabled", "_get_mkldnn_enabled", "_set_mkldnn_enabled"),
    ("mkldnn.deterministic", "_get_mkldnn_deterministic", "_set_mkldnn_deterministic"),
    ("mkldnn.allow_tf32", "_get_onednn_allow_tf32", "_set_onednn_allow_tf32"),
    ("nnpack", "_get_nnpack_enabled", "_set_nnpack_enabled"),
    ("quantized engine", "_get_qengine", "_set_qengine"),
    ("cpu.matmul reduced precision", "_get_cpu_allow_fp16_reduced_precision_reduction",
     "_set_cpu_allow_fp16_reduced_precision_reduction"),
    ("sparse invariants", "_check_sparse_tensor_invariants", "_set_check_sparse_tensor_invariants"),
    ("graph executor", "_get_graph_executor_optimize", "_set_graph_executor_optimize"),
)  # fmt: skip
_FUTURE = (
    ("overwrite parameters on conversion", "get_overwrite_module_params_on_conversion",
     "set_overwrite_module_params_on_conversion"),
    ("swap parameters on conversion", "get_swap_module_params_on_conversion",
     "set_swap_module_params_on_conversion"),
)  # fmt: skip

_SUBNORMAL = [sys.float_info.min]
"""In a list, lest Python divides it once and for all."""


def _read_flushing() -> bool:
    """Whether the processor takes numbers too small for zero: nothing says so but a division."""
    return _SUBNORMAL[0] / 2 == 0


def _read_deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _write_deterministic(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


def _read_anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


_PRECISIONS = (
    ("generic", "all"), ("cuda", "all"), ("cuda", "matmul"), ("cuda", "conv"), ("cuda", "rnn"), ("mkldnn", "all"),
    ("mkldnn", "matmul"), ("mkldnn", "conv"), ("mkldnn", "rnn"),
)  # fmt: skip


def _read_precisions() -> dict[str, str]:
    return {f"{backend}.{op}": _C._get_fp32_precision_getter(backend, op) for backend, op in _PRECISIONS}


def _write_precisions(values: dict[str, str]) -> None:
    for name, value in values.items():
        if _C._get_fp32_precision_getter(*name.split(".")) != value:
            _C._set_fp32_precision_setter(*name.split("."), value)


_PRINTED = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")


def _read_print_options() -> dict[str, Any]:
    options = torch._tensor_str.PRINT_OPTS
    return {name: getattr(options, name) for name in _PRINTED}


def _write_print_options(values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(torch._tensor_str.PRINT_OPTS, name, value)


def _is_torchs(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).startswith("torch.")


_looked_through: list[list[Any]] = [[], []]
"""The safe globals that were found last, and those of them that are not torch's: they are seldom others."""


def _read_safe_globals() -> list[Any]:
    """Without torch's own, which its modules add when they are imported."""
    found = get_safe_globals()
    if not same(found, _looked_through[0]):
        _looked_through[:] = found, sorted((value for value in found if not _is_torchs(value)), key=id)
    return _looked_through[1]


def _write_safe_globals(values: list[Any]) -> None:
    own = [value for value in get_safe_globals() if _is_torchs(value)]
    clear_safe_globals()
    add_safe_globals([*own, *values])


def _read_reductions() -> dict[str, Any]:
    matmul = torch.backends.cuda.matmul
    names = ("allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction")
    return {name: getattr(matmul, name) for name in names}


def _write_reductions(values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(torch.backends.cuda.matmul, name, value)


def _read_cuda() -> tuple[int, Any] | None:
    """The current device and stream; None where CUDA was not started."""
    if not cuda_in_use():
        return None
    stream = torch.cuda.current_stream()
    return torch.cuda.current_device(), (stream.stream_id, stream.device_index, stream.device_type)


def _write_cuda(value: tuple[int, Any] | None) -> None:
    device, stream = value or (0, None)
    if stream is not None:
        _C._cuda_setStream(stream_id=stream[0], device_index=stream[1], device_type=stream[2])
    torch.cuda.set_device(device)


TORCH: tuple[Setting, ...] = (
    *find_pairs(torch, _FLAGS),
    *find_pairs(_C, _C_FLAGS),
    *find_pairs(torch.__future__, _FUTURE),
    Setting("flush denormal", _read_flushing, torch.set_flush_denormal),
    Setting("deterministic algorithms", _read_deterministic, _write_deterministic),
    attribute("fill uninitialized memory", deterministic, "fill_uninitialized_memory"),
    Setting("anomaly detection", _read_anomaly, lambda value: torch.set_anomaly_enabled(*value)),
    Setting("cuda.matmul", _read_reductions, _write_reductions),
    *(
        [Setting("fp32 precision", _read_precisions, _write_precisions, plain=True)]
        if hasattr(_C, "_get_fp32_precision_getter")
        else []
    ),
    Setting("mha fast path", torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled),
    Setting("print options of torch", _read_print_options, _write_print_options),
    Setting("safe globals of torch.load", _read_safe_globals, _write_safe_globals),
    attribute("torch.hub directory", torch.hub, "_hub_dir"),
    attribute("checking of distributions", torch.distributions.Distribution, "_validate_args"),
    Setting("CUDA device and stream", _read_cuda, _write_cuda),
    *find_pairs(
        torch.multiprocessing, [("tensor sharing between processes", "get_sharing_strategy", "set_sharing_strategy")]
    ),
    *find_pairs(_C, [("sdp order", "_get_sdp_priority_order", "_set_sdp_priority_order")]),
)

with contextlib.suppress(ImportError):
    import torch.backends.opt_einsum as opt_einsum

    TORCH += (
        attribute("opt_einsum.enabled", opt_einsum, "enabled"),
        attribute("opt_einsum.strategy", opt_einsum, "strategy"),
    )
