"""ONNX Runtime on an NVIDIA GPU; for fp32 and fp16 models, since it has no int8 convolution."""

from pathlib import Path

import onnxruntime as ort

from benchmarks.runtimes._ort import OrtSession, Provider, open_ort
from benchmarks.runtimes._session import Availability
from compress.core.artifact import Artifact

EP = "CUDAExecutionProvider"
_DRIVER = Path("/proc/driver/nvidia/gpus")


def available() -> Availability:
    """Tell whether this onnxruntime has CUDA and the machine has a driver with a GPU."""
    if EP not in ort.get_available_providers():
        return Availability(
            ok=False,
            reason="this onnxruntime was built without CUDA",
            remedy="pip uninstall onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'",
        )
    if not _DRIVER.is_dir() or not any(_DRIVER.iterdir()):
        return Availability(
            ok=False,
            reason=f"the NVIDIA driver lists no GPU in {_DRIVER}",
            remedy="run on a machine with an NVIDIA GPU and its driver (nvidia-smi lists it)",
        )
    return Availability(ok=True, reason="onnxruntime-gpu and an NVIDIA GPU")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or a node of it cannot run on the GPU.
    """
    ort.preload_dlls()
    return open_ort(artifact, 1 if across_images else threads, False, Provider("cuda", EP))
