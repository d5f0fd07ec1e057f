"""ONNX Runtime on any Direct3D 12 GPU of a Windows machine; for fp32 and fp16 models."""

from benchmarks.runtimes._ort import OrtSession, Provider, built_in, open_ort
from benchmarks.runtimes._session import Availability
from edgepress.core.artifact import Artifact

EP = "DmlExecutionProvider"


def available() -> Availability:
    """Tell whether this onnxruntime has DirectML."""
    return built_in(
        EP, "on Windows: pip uninstall -y onnxruntime && pip install onnxruntime-directml"
    )


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; a DirectML session takes one image at a time.

    Raises:
        UserError: the model cannot be opened, or a node of it cannot run on the GPU.
    """
    intra_op = 1 if across_images else threads
    return open_ort(artifact, intra_op, False, Provider("directml", EP))
