"""ONNX Runtime's WebGPU plugin: any GPU with Vulkan, Metal or Direct3D 12, or a software one.

A software adapter (SwiftShader, lavapipe) runs the real kernels on the CPU: it proves parity and
placement, and its latency means nothing; `provider_opened` says so, and no latency gate takes it.
"""

from benchmarks.runtimes._plugin import Plugin

PLUGIN = Plugin(
    "webgpu",
    "WebGpuExecutionProvider",
    package="onnxruntime-ep-webgpu",
    no_device="without a GPU: apt-get install libvulkan1 chromium-common && export "
    "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER=1 "
    "VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json",
)
available = PLUGIN.available
open_session = PLUGIN.open_session
