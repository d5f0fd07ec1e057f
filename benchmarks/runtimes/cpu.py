"""ONNX Runtime on the CPU."""

from benchmarks.runtimes._ort import CPU, OrtSession, Provider, open_ort
from benchmarks.runtimes._session import Availability
from edgepress.core.artifact import Artifact


def available() -> Availability:
    """Tell that the CPU is there; it always is."""
    return Availability(ok=True, reason="part of onnxruntime")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model.

    Raises:
        UserError: the model cannot be opened, or does not fit its manifest.
    """
    return open_ort(artifact, threads, across_images, Provider("cpu", CPU))
