"""ONNX Runtime with NVIDIA TensorRT, which builds an engine for the GPU when the model is opened.

It takes int8 only with symmetric activations; its engines are not stored, so a load is a build.
"""

import ctypes.util
import importlib
import importlib.util

import onnxruntime as ort

from benchmarks.runtimes import _nvidia
from benchmarks.runtimes._ort import OrtSession, Provider, built_in, open_ort
from benchmarks.runtimes._session import Availability
from edgepress.core.artifact import Artifact

EP = "TensorrtExecutionProvider"
_PACKAGE = "tensorrt"


def available() -> Availability:
    """Tell whether this onnxruntime has TensorRT, and its libraries and a GPU are there."""
    remedy = f"{_nvidia.WHEEL} {_PACKAGE}"
    found = built_in(EP, remedy)
    if found.ok and not (_packaged() or ctypes.util.find_library("nvinfer")):
        return Availability(ok=False, reason="TensorRT's libraries are missing", remedy=remedy)
    return found if not found.ok else _nvidia.missing_gpu() or found


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or TensorRT cannot take every node of it.
    """
    ort.preload_dlls()
    if _packaged():
        importlib.import_module(_PACKAGE)  # loads the libraries that the provider links against
    return open_ort(artifact, 1 if across_images else threads, False, Provider("tensorrt", EP))


def _packaged() -> bool:
    return importlib.util.find_spec(_PACKAGE) is not None
