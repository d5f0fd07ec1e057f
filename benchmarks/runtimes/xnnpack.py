"""ONNX Runtime with XNNPACK, the CPU kernels of phones; in no wheel on PyPI."""

from benchmarks.runtimes._ort import OrtSession, Provider, built_in, open_ort
from benchmarks.runtimes._session import Availability
from edgepress.core.artifact import Artifact

EP = "XnnpackExecutionProvider"


def available() -> Availability:
    """Tell whether this onnxruntime was built with XNNPACK."""
    return built_in(
        EP,
        "in a clone of microsoft/onnxruntime: ./build.sh --config Release --use_xnnpack "
        "--build_wheel, and pip install the wheel",
    )


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or XNNPACK cannot take every node of it.
    """
    # XNNPACK has threads of its own; those of ONNX Runtime would only compete with them.
    options = {"intra_op_num_threads": str(threads)}
    return open_ort(artifact, 1, False, Provider("xnnpack", EP, options=options))
