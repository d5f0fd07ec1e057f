"""ONNX Runtime on Apple's CoreML: Neural Engine, GPU or CPU, as CoreML decides."""

from benchmarks.runtimes._ort import OrtSession, Provider, built_in, open_ort
from benchmarks.runtimes._session import Availability
from edgepress.core.artifact import Artifact

EP = "CoreMLExecutionProvider"
_OPTIONS = {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "1"}
"""MLProgram is the format that Apple still extends; the older one has fewer operators."""


def available() -> Availability:
    """Tell whether this onnxruntime has CoreML."""
    return built_in(EP, "on a Mac: pip install onnxruntime, whose macOS wheel has CoreML")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or CoreML cannot take every node of it.
    """
    intra_op = 1 if across_images else threads
    return open_ort(artifact, intra_op, False, Provider("coreml", EP, options=_OPTIONS))
