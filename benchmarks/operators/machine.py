"""On what times were measured: those of another machine tell little of this one."""

import platform
from collections.abc import Mapping

import onnxruntime as ort

from edgepress.core.cpu import this_cpu


def describe(threads: int) -> dict[str, str]:
    """Return what times hang on besides the files: CPU, runtime, threads."""
    return {
        "cpu": this_cpu().name,
        "cpu_kind": this_cpu().kind,
        "architecture": platform.machine(),
        "runtime": "onnxruntime",
        "runtime_version": ort.__version__,
        "threads": str(threads),
    }


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Return in what two machines differ, empty where in nothing.

    >>> differences({"cpu": "A", "threads": "1"}, {"cpu": "B", "threads": "1"})
    'cpu A, not B'
    """
    return "; ".join(
        f"{key} {one.get(key, 'unknown')}, not {other.get(key, 'unknown')}"
        for key in sorted({*one, *other})
        if one.get(key) != other.get(key)
    )
