"""What a pass changes in its process reads as before afterwards, or is said: one row for each setting."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import decimal
import faulthandler
import functools
import gc
import locale
import logging
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode
from torch.utils import deterministic
from torch.utils._python_dispatch import TorchDispatchMode

import inspector
from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.passes.guarded import Outcome
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.restore.process import python_settings
from inspector.engine.restore.process.leftovers import LOOKS, Leftovers


@functools.cache
def keep() -> contextlib.ExitStack:
    """Where a guard does not look, since it would put back what a pass enters: in what a cache remembers."""
    return contextlib.ExitStack()


keep()
"""What a pass entered and never left. A list would be put back, as a global of the model's own file is."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="of Linux alone")


class Does(nn.Module):
    """A model that does something to its process, and then what a model does."""

    def __init__(self, act: Callable[[], Any], fails: bool = False) -> None:
        super().__init__()
        object.__setattr__(self, "act", lambda: keep().callback(end, act()))
        self.fails = fails
        self.linear = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.act()
        if self.fails:
            raise KeyboardInterrupt
        return self.linear(torch.ones(1, 2, device="cpu"))


def outcome_of(act: Callable[[], Any], fails: bool = False) -> Outcome[None]:
    model = Does(act, fails)
    tree = walk(model)
    return forward(tree, TensorBackup(tree), (torch.ones(1, 2),), {}, seed=0)


@pytest.fixture(autouse=True)
def forgets() -> Iterator[None]:
    yield
    keep().close()


def end(last: Any) -> None:
    for name in ("terminate", "set", "close"):
        if hasattr(last, name):
            getattr(last, name)()


@functools.cache
def entered() -> list[Any]:
    """To free one would set what was in force when it was entered, for every test after this one."""
    return []


entered()


def enter(context: Any) -> Any:
    context.__enter__()
    entered().append(context)
    return context


class Mode(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


class Dispatches(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def handler(*args: Any) -> None:
    pass


VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("of_a_test", default=0)
VARIABLE_WITH_VALUE: contextvars.ContextVar[int] = contextvars.ContextVar("with_value")
VARIABLE_WITH_VALUE.set(1)


def keys() -> Any:
    return torch._C._dispatch_tls_local_exclude_set().raw_repr()


def put(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


def read(owner: Any, name: str) -> Callable[[], Any]:
    return lambda: getattr(owner, name, "missing")


matmul, cudnn, mkldnn = torch.backends.cuda.matmul, torch.backends.cudnn, torch.backends.mkldnn
soft_files = resource.getrlimit(resource.RLIMIT_NOFILE)

PUT_BACK: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "autocast": (lambda: enter(torch.autocast("cpu", torch.bfloat16)), lambda: torch.is_autocast_enabled("cpu")),
    "autocast: cuda": (lambda: torch.set_autocast_enabled("cuda", True), lambda: torch.is_autocast_enabled("cuda")),
    "autocast: cpu": (lambda: torch.set_autocast_dtype("cpu", torch.half), lambda: torch.get_autocast_dtype("cpu")),
    "autocast cache": (lambda: torch.set_autocast_cache_enabled(False), torch.is_autocast_cache_enabled),
    "autocast nesting": (
        torch.autocast_increment_nesting,
        lambda: (torch.autocast_increment_nesting(), torch.autocast_decrement_nesting())[1],
    ),
    "default device": (lambda: torch.set_default_device("meta"), lambda: torch.empty(1).device),
    "torch function modes": (lambda: enter(Mode()), torch._C._len_torch_function_stack),
    "torch function modes ": (lambda: enter(torch.device("meta")), lambda: torch.empty(1).device),
    "torch dispatch modes": (lambda: enter(Dispatches()), torch._C._len_torch_dispatch_stack),
    "__torch_function__": (
        lambda: enter(torch._C.DisableTorchFunctionSubclass()),
        torch._C._is_torch_function_enabled,
    ),
    "default dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "anomaly detection": (
        lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
    ),
    "deterministic algorithms": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        torch.get_deterministic_debug_mode,
    ),
    "fill uninitialized memory": (
        put(deterministic, "fill_uninitialized_memory", False),
        read(deterministic, "fill_uninitialized_memory"),
    ),
    "inference mode": (lambda: enter(torch.inference_mode()), torch.is_inference_mode_enabled),
    "forward-mode grad": (lambda: torch._C._set_fwd_grad_enabled(False), torch._C._is_fwd_grad_enabled),
    "forward-mode level": (forward_ad.enter_dual_level, read(forward_ad, "_current_level")),
    "vmap, grad and their like": (
        torch._C._functorch._grad_increment_nesting,
        torch._C._functorch.get_dynamic_layer_stack_depth,
    ),
    "profiler": (lambda: enter(torch.profiler.profile()), torch._C._autograd._profiler_enabled),
    "multithreading of autograd": (
        lambda: torch._C._set_multithreading_enabled(False),
        torch._C._is_multithreading_enabled,
    ),
    "cudnn.enabled": (put(cudnn, "enabled", False), read(cudnn, "enabled")),
    "cudnn.benchmark": (put(cudnn, "benchmark", True), read(cudnn, "benchmark")),
    "cudnn.deterministic": (put(cudnn, "deterministic", True), read(cudnn, "deterministic")),
    "matmul precision ": (put(matmul, "allow_tf32", True), read(matmul, "allow_tf32")),
    "cudnn.allow_tf32": (put(cudnn, "allow_tf32", False), read(cudnn, "allow_tf32")),
    "matmul precision": (lambda: torch.set_float32_matmul_precision("high"), torch.get_float32_matmul_precision),
    "cuda.matmul: allow_bf16_reduced_precision_reduction": (
        put(matmul, "allow_bf16_reduced_precision_reduction", False),
        read(matmul, "allow_bf16_reduced_precision_reduction"),
    ),
    "flash sdp": (lambda: torch.backends.cuda.enable_flash_sdp(False), torch.backends.cuda.flash_sdp_enabled),
    "math sdp": (lambda: torch.backends.cuda.enable_math_sdp(False), torch.backends.cuda.math_sdp_enabled),
    "memory-efficient sdp": (
        lambda: torch.backends.cuda.enable_mem_efficient_sdp(False),
        torch.backends.cuda.mem_efficient_sdp_enabled,
    ),
    "mkldnn.enabled": (lambda: mkldnn.set_flags(False), torch._C._get_mkldnn_enabled),
    "nnpack": (lambda: torch._C._set_nnpack_enabled(False), torch._C._get_nnpack_enabled),
    "mha fast path": (
        lambda: torch.backends.mha.set_fastpath_enabled(False),
        torch.backends.mha.get_fastpath_enabled,
    ),
    "sparse invariants": (
        torch.sparse.check_sparse_tensor_invariants.enable,
        torch.sparse.check_sparse_tensor_invariants.is_enabled,
    ),
    "number of threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "flush denormal": (lambda: torch.set_flush_denormal(True), lambda: (torch.tensor([1e-45]) * 1).item()),
    "warn always": (lambda: torch.set_warn_always(True), torch.is_warn_always_enabled),
    "print options of torch": (
        lambda: torch.set_printoptions(precision=1, sci_mode=True),
        lambda: str(torch.tensor([1.2345])),
    ),
    "safe globals of torch.load": (
        lambda: torch.serialization.add_safe_globals([Mode]),
        lambda: set(torch.serialization.get_safe_globals()),
    ),
    "torch.hub directory": (lambda: torch.hub.set_dir("/tmp/hub"), torch.hub.get_dir),
    "swap parameters on conversion": (
        lambda: torch.__future__.set_swap_module_params_on_conversion(True),
        torch.__future__.get_swap_module_params_on_conversion,
    ),
    "sys.stdout": (put(sys, "stdout", None), read(sys, "stdout")),
    "sys.stderr": (put(sys, "stderr", None), read(sys, "stderr")),
    "sys.stdin": (put(sys, "stdin", None), read(sys, "stdin")),
    "sys.excepthook": (put(sys, "excepthook", handler), read(sys, "excepthook")),
    "sys.displayhook": (put(sys, "displayhook", handler), read(sys, "displayhook")),
    "sys.unraisablehook": (put(sys, "unraisablehook", handler), read(sys, "unraisablehook")),
    "sys.breakpointhook": (put(sys, "breakpointhook", handler), read(sys, "breakpointhook")),
    "sys.dont_write_bytecode": (
        put(sys, "dont_write_bytecode", not sys.dont_write_bytecode),
        read(sys, "dont_write_bytecode"),
    ),
    "sys.tracebacklimit": (put(sys, "tracebacklimit", 1), read(sys, "tracebacklimit")),
    "sys.path": (lambda: sys.path.insert(0, "/nowhere"), lambda: list(sys.path)),
    "sys.path ": (put(sys, "path", []), lambda: list(sys.path)),
    "sys.meta_path": (lambda: sys.meta_path.append(Mode), lambda: list(sys.meta_path)),
    "sys.argv": (lambda: sys.argv.append("more"), lambda: list(sys.argv)),
    "trace function": (lambda: sys.settrace(handler), sys.gettrace),
    "profile function": (lambda: sys.setprofile(handler), sys.getprofile),
    "trace function of threads": (lambda: threading.settrace(handler), threading.gettrace),
    "profile function of threads": (lambda: threading.setprofile(handler), threading.getprofile),
    "threading.excepthook": (put(threading, "excepthook", handler), read(threading, "excepthook")),
    "stack size of threads": (lambda: threading.stack_size(1 << 20), threading.stack_size),
    "switch interval": (lambda: sys.setswitchinterval(0.1), sys.getswitchinterval),
    "recursion limit": (lambda: sys.setrecursionlimit(5_000), sys.getrecursionlimit),
    "digits of int": (lambda: sys.set_int_max_str_digits(0), sys.get_int_max_str_digits),
    "garbage collection": (gc.disable, gc.isenabled),
    "thresholds of gc": (lambda: gc.set_threshold(1, 2), gc.get_threshold),
    "debugging of gc": (lambda: gc.set_debug(gc.DEBUG_STATS), gc.get_debug),
    "gc.freeze": (gc.freeze, gc.get_freeze_count),
    "gc.callbacks": (lambda: gc.callbacks.append(handler), lambda: list(gc.callbacks)),
    "tracemalloc": (tracemalloc.start, tracemalloc.is_tracing),
    "start method of processes": (
        lambda: multiprocessing.set_start_method("spawn", force=True),
        lambda: multiprocessing.get_start_method(allow_none=True),
    ),
    "environment: A_TEST": (lambda: os.environ.update(A_TEST="1"), lambda: dict(os.environ)),
    "environment: PATH": (lambda: os.environ.pop("PATH"), lambda: dict(os.environ)),
    "os.environ": (put(os, "environ", {}), read(os, "environ")),
    "working directory": (lambda: os.chdir("/"), os.getcwd),
    "umask": (lambda: os.umask(0o7), lambda: os.umask(os.umask(0o77))),
    "resource limits: NOFILE": (
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft_files[0] - 1, soft_files[1])),
        lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
    ),
    "signal handlers: SIGUSR2": (
        lambda: signal.signal(signal.SIGUSR2, handler),
        lambda: signal.getsignal(signal.SIGUSR2),
    ),
    "signal handlers: SIGCHLD": (
        lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGCHLD),
    ),
    "blocked signals": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}),
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
    ),
    "timers: real": (lambda: signal.alarm(1_000), lambda: round(signal.getitimer(signal.ITIMER_REAL)[0], -2)),
    "timers: profiling": (
        lambda: signal.setitimer(signal.ITIMER_PROF, 1_000),
        lambda: signal.getitimer(signal.ITIMER_PROF),
    ),
    "time zone": (lambda: (os.environ.update(TZ="Asia/Tokyo"), time.tzset()), lambda: time.tzname),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C"), lambda: locale.setlocale(locale.LC_ALL)),
    "errors of numpy": (lambda: numpy.seterr(all="raise"), numpy.geterr),
    "error function of numpy": (lambda: numpy.seterrcall(handler), numpy.geterrcall),
    "print options of numpy": (lambda: numpy.set_printoptions(precision=1), numpy.get_printoptions),
    "decimal: prec": (lambda: setattr(decimal.getcontext(), "prec", 50), lambda: decimal.getcontext().prec),
    "decimal: prec ": (lambda: decimal.setcontext(decimal.Context(prec=9)), lambda: decimal.getcontext().prec),
    "warnings.showwarning": (put(warnings, "showwarning", handler), read(warnings, "showwarning")),
    "levels of loggers: root": (lambda: logging.root.setLevel(logging.DEBUG), lambda: logging.root.level),
    "levels of loggers: asyncio": (
        lambda: logging.getLogger("asyncio").setLevel(1),
        lambda: logging.getLogger("asyncio").level,
    ),
    "logging.disable": (lambda: logging.disable(50), lambda: logging.root.manager.disable),
    "handlers of logging": (
        lambda: logging.root.addHandler(logging.NullHandler()),
        lambda: list(logging.root.handlers),
    ),
    "timeout of sockets": (lambda: socket.setdefaulttimeout(1), socket.getdefaulttimeout),
    "directory of tempfile": (put(tempfile, "tempdir", "/"), read(tempfile, "tempdir")),
}  # fmt: skip

if hasattr(torch._C._autograd, "_top_saved_tensors_default_hooks"):
    PUT_BACK["saved tensor hooks"] = (
        lambda: enter(torch.autograd.graph.save_on_cpu()),
        lambda: torch._C._autograd._top_saved_tensors_default_hooks(True),
    )
PUT_BACK["saved tensor hooks refused"] = (
    lambda: enter(torch.autograd.graph.disable_saved_tensors_hooks("none")),
    torch._C._autograd._saved_tensors_hooks_get_disabled_error_message,
)
if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
    PUT_BACK["CPU affinity"] = (
        lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        lambda: os.sched_getaffinity(0),
    )


@pytest.mark.parametrize("fails", [False, True], ids=["returns", "is interrupted"])
@pytest.mark.parametrize("name", PUT_BACK)
def test_a_setting_is_put_back(name: str, fails: bool) -> None:
    change, look = PUT_BACK[name]
    logging.getLogger("asyncio")
    before = look()
    outcome = outcome_of(change, fails)
    assert look() == before
    assert any(words.startswith(name.strip()) for words in outcome.restored), outcome
    assert outcome.not_restored == ()
    assert isinstance(outcome.error, KeyboardInterrupt) is fails


def leave_open() -> Any:
    return open(os.devnull)


def leave_thread() -> threading.Event:
    event = threading.Event()
    threading.Thread(target=event.wait, name="left", daemon=True).start()
    return event


SAID: dict[str, Callable[[], Any]] = {
    "an open file is left: /dev/null": leave_open,
    "a thread is left running: left": leave_thread,
    "a child process is left running": lambda: subprocess.Popen(["sleep", "60"]),
    "the context variable of_a_test was set": lambda: VARIABLE.set(2),
    "a function was registered for the exit of Python": lambda: atexit.register(handler),
    "fault handler": faulthandler.disable,
}


@linux
@pytest.mark.parametrize("words", SAID)
def test_what_cannot_be_taken_away_is_said(words: str) -> None:
    if words == "fault handler" and not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__)
    outcome = contextvars.copy_context().run(outcome_of, SAID[words])
    faulthandler.enable(sys.__stderr__)
    atexit.unregister(handler)
    assert any(said.startswith(words) for said in outcome.not_restored), outcome
    assert outcome.restored == ()


@linux
def test_files_that_the_driver_of_a_gpu_keeps_are_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "readlink", lambda path: "/dev/nvidia0")
    assert outcome_of(leave_open).not_restored == ()


def test_the_configuration_of_the_compiler_is_put_back() -> None:
    config = pytest.importorskip("torch._dynamo").config
    if not hasattr(config._config["suppress_errors"], "user_override"):
        pytest.skip("this version of torch keeps it elsewhere")
    before = config.suppress_errors
    outcome = outcome_of(lambda: setattr(config, "suppress_errors", not before))
    assert config.suppress_errors is before
    name = "torch._dynamo.config.suppress_errors"
    restored = (
        name
        if isinstance(config._config["suppress_errors"].user_override, contextvars.ContextVar)
        else f"compiler configuration: {name}"
    )
    assert (outcome.restored, outcome.not_restored) == ((restored,), ())


def test_a_context_variable_gets_its_value_back() -> None:
    outcome = outcome_of(lambda: VARIABLE_WITH_VALUE.set(2))
    assert outcome.restored == ("the context variable with_value",)
    assert outcome.not_restored == () and VARIABLE_WITH_VALUE.get() == 1


def test_a_directory_that_is_gone_is_said(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    (words,) = outcome_of(lambda: (os.chdir("/"), gone.rmdir())).not_restored
    assert words.startswith("working directory (") and "No such file" in words


def test_a_descriptor_of_a_look_at_a_panel_is_not_the_model_s() -> None:
    """A panel reads a file, in the engine's other thread, while a pass begins or ends."""
    read_end, write_end = os.pipe()
    with LOOKS.one():
        begun = Leftovers()
    os.close(read_end)
    assert begun.find() == []
    begun = Leftovers()
    with LOOKS.one():
        left = os.dup(write_end)
        assert begun.find() == []
    assert len(begun.find()) == 1
    os.close(left)
    os.close(write_end)


def test_a_closed_descriptor_is_said() -> None:
    read_end, write_end = os.pipe()
    assert outcome_of(lambda: os.close(read_end)).not_restored == (f"descriptor {read_end} was closed",)
    os.close(write_end)


def test_a_hard_limit_is_put_back_as_far_as_it_goes() -> None:
    """In a process of its own: it cannot be raised again."""
    code = """
import resource, torch, inspector
class Lowers(torch.nn.Linear):
    def forward(self, x):
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
        return super().forward(x)
import os
os.geteuid() and None
print(inspector.summary(Lowers(2, 2), torch.ones(1, 2)))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert "resource limits: NOFILE" in done.stdout or "(200, 200)" in done.stdout, done


def test_a_summary_says_what_was_put_back_and_what_not() -> None:
    text = inspector.summary(Does(lambda: (gc.disable(), leave_open())[1]), torch.ones(1, 2))
    assert gc.isenabled()
    assert "an open file is left: /dev/null" in text


def test_what_is_not_changed_is_not_said() -> None:
    outcome = outcome_of(lambda: None)
    assert (outcome.restored, outcome.not_restored) == ((), ())


def test_another_thread_keeps_its_own_modes() -> None:
    """What is kept for a thread is kept for that in which the pass runs."""
    found: list[Any] = []

    def run() -> None:
        found.append(outcome_of(lambda: enter(torch.autocast("cpu"))))
        found.append(torch.is_autocast_enabled("cpu"))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found[0].restored[0].startswith("autocast") and found[1] is False


def test_frozen_objects_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To count them takes as long as there are many."""
    counted: list[int] = []
    monkeypatch.setattr(gc, "get_freeze_count", lambda: counted.append(1) or 1)
    monkeypatch.setattr(python_settings, "_frozen", [])
    for _ in range(3):
        assert outcome_of(lambda: None).restored == ()
    assert len(counted) == 1
