"""ONNX Runtime's WebGPU plugin: any GPU with Vulkan, Metal or Direct3D 12, or a software one.

A software adapter (SwiftShader, lavapipe) runs the real kernels on the CPU: it proves parity and
placement, and its latency means nothing; `provider_opened` says so, and no latency gate takes it.
"""

from benchmarks.runtimes import _plugin
from benchmarks.runtimes._ort import OrtSession, open_ort
from benchmarks.runtimes._session import Availability
from compress.core.artifact import Artifact

PLUGIN = _plugin.Plugin(
    "webgpu",
    "WebGpuExecutionProvider",
    package="onnxruntime-ep-webgpu",
    no_device="without a GPU: apt-get install libvulkan1 chromium-common && export "
    "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER=1 "
    "VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json",
)


def available() -> Availability:
    """Tell whether the plugin is installed and finds an adapter."""
    return _plugin.available(PLUGIN)


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or a node of it cannot run on the GPU.
    """
    intra_op = 1 if across_images else threads
    return open_ort(artifact, intra_op, False, _plugin.provider(PLUGIN))
