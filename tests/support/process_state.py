"""Everything that one command could leave changed in its process for the next one."""

import hashlib
import locale
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from typing import Any

import numpy as np
import onnxruntime
import torch
from new_threads import threads_of_a_new_thread


def state() -> dict[str, Any]:
    """Return what the process is set to, by name; equal values are an equal state."""
    return {
        "cwd": os.getcwd(),  # noqa: PTH109
        "environment": dict(os.environ),
        "affinity": os.sched_getaffinity(0),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "umask": _umask(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "locale": locale.setlocale(locale.LC_ALL),
        "path": list(sys.path),
        "recursion": sys.getrecursionlimit(),
        "hooks": (sys.excepthook, threading.excepthook, sys.gettrace(), sys.getprofile()),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "temporary files": tempfile.tempdir,
        "warnings": list(warnings.filters),
        "logging": _logging(),
        "numpy errors": np.geterr(),
        **_draws(),
        **_torch(),
    }


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _logging() -> dict[str, Any]:
    root = logging.root
    levels = {
        name: logger.level
        for name, logger in root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET
    }
    return {"root": root.level, "disabled": root.manager.disable, **levels}


def _draws() -> dict[str, str]:
    states = {
        "torch's draws": torch.get_rng_state().numpy().tobytes(),
        "numpy's draws": repr(np.random.get_state()).encode(),  # noqa: NPY002
        "Python's draws": repr(random.getstate()).encode(),
        "ONNX Runtime's seed": b"%d" % onnxruntime.get_seed()
        if hasattr(onnxruntime, "get_seed")
        else b"",
    }
    return {name: hashlib.sha256(value).hexdigest() for name, value in states.items()}


def _torch() -> dict[str, Any]:
    return {
        "threads": torch.get_num_threads(),
        "threads of a new thread": threads_of_a_new_thread(),
        "threads between operations": torch.get_num_interop_threads(),
        "gradients": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "number format": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matrix products": torch.get_float32_matmul_precision(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "denormals": bool(torch.tensor(1e-40) * 1),
        "anomalies": torch.is_anomaly_enabled(),
        "kernels": (torch.backends.mkldnn.enabled, torch.backends.cudnn.benchmark),
        "convolution": (torch.nn.functional.conv2d, torch.nn.Module.__call__),
    }
