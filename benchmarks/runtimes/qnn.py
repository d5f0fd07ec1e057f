"""ONNX Runtime's QNN plugin: the neural processor (HTP) of Qualcomm's chips.

On x86 Linux Qualcomm's library emulates the processor, which proves placement and not speed;
`provider_opened` says so, and no latency gate takes it.
"""

import importlib

from benchmarks.runtimes import _plugin
from benchmarks.runtimes._ort import OrtSession, open_ort
from benchmarks.runtimes._session import Availability
from compress.core.artifact import Artifact

PLUGIN = _plugin.Plugin(
    "qnn",
    "QNNExecutionProvider",
    package="onnxruntime-qnn",
    no_device="run on a machine with a Qualcomm processor; on x86 Linux put the package's folder "
    "on LD_LIBRARY_PATH",
)


def available() -> Availability:
    """Tell whether the plugin is installed and finds a processor."""
    return _plugin.available(PLUGIN)


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or a node of it cannot run on the processor.
    """
    htp = importlib.import_module("onnxruntime_qnn").get_qnn_htp_path()
    provider = _plugin.provider(PLUGIN, {"backend_path": htp})
    return open_ort(artifact, 1 if across_images else threads, False, provider)
