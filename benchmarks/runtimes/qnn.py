"""ONNX Runtime's QNN plugin: the neural processor (HTP) of Qualcomm's chips.

On x86 Linux Qualcomm's library emulates the processor, which proves placement and not speed;
`provider_opened` says so, and no latency gate takes it.
"""

import importlib

from benchmarks.runtimes._plugin import Plugin


def _options() -> dict[str, str]:
    return {"backend_path": importlib.import_module("onnxruntime_qnn").get_qnn_htp_path()}


PLUGIN = Plugin(
    "qnn",
    "QNNExecutionProvider",
    package="onnxruntime-qnn",
    no_device="run on a machine with a Qualcomm processor; on x86 Linux put the package's folder "
    "on LD_LIBRARY_PATH",
    options=_options,
)
available = PLUGIN.available
open_session = PLUGIN.open_session
