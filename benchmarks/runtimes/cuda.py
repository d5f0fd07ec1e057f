"""ONNX Runtime on an NVIDIA GPU; for fp32 and fp16 models, since it has no int8 convolution."""

import onnxruntime as ort

from benchmarks.runtimes import _nvidia
from benchmarks.runtimes._ort import OrtSession, Provider, built_in, open_ort
from benchmarks.runtimes._session import Availability
from edgepress.core.artifact import Artifact

EP = "CUDAExecutionProvider"


def available() -> Availability:
    """Tell whether this onnxruntime has CUDA and the machine has a driver with a GPU."""
    found = built_in(EP, _nvidia.WHEEL)
    return found if not found.ok else _nvidia.missing_gpu() or found


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or a node of it cannot run on the GPU.
    """
    ort.preload_dlls()
    return open_ort(artifact, 1 if across_images else threads, False, Provider("cuda", EP))
