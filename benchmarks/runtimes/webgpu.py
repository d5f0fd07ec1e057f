"""ONNX Runtime's WebGPU plugin: any GPU with Vulkan, Metal or Direct3D 12, or a software one.

A software adapter (SwiftShader, lavapipe) runs the real kernels on the CPU: it proves parity and
placement, and its latency means nothing; `provider_opened` says so.
"""

import importlib
import importlib.util
from functools import cache
from typing import Any

import onnxruntime as ort

from benchmarks.runtimes._ort import OrtSession, Provider, open_ort
from benchmarks.runtimes._session import Availability
from compress.core.artifact import Artifact

EP = "WebGpuExecutionProvider"
_PLUGIN = "onnxruntime_ep_webgpu"
_SOFTWARE = (
    "without a GPU: apt-get install libvulkan1 chromium-common && export "
    "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER=1 "
    "VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json"
)


def available() -> Availability:
    """Tell whether the plugin is installed and finds an adapter."""
    if importlib.util.find_spec(_PLUGIN) is None:
        return Availability(
            ok=False,
            reason="the package onnxruntime-ep-webgpu is not installed",
            remedy="pip install onnxruntime-ep-webgpu",
        )
    if not _devices():
        return Availability(ok=False, reason="the WebGPU plugin finds no adapter", remedy=_SOFTWARE)
    return Availability(ok=True, reason=f"onnxruntime-ep-webgpu on {_label()}")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OrtSession:
    """Open an ONNX model; images run one after the other whatever `across_images` says.

    Raises:
        UserError: the model cannot be opened, or a node of it cannot run on the GPU.
    """
    provider = Provider(
        "webgpu",
        EP,
        add=lambda options: options.add_provider_for_devices([_devices()[0]], {}),
        label=_label(),
    )
    return open_ort(artifact, 1 if across_images else threads, False, provider)


@cache
def _devices() -> tuple[Any, ...]:
    """Register the plugin, once per process, and return the devices it offers."""
    ort.set_default_logger_severity(3)
    library = importlib.import_module(_PLUGIN).get_library_path()
    ort.register_execution_provider_library(EP, library)
    return tuple(device for device in ort.get_ep_devices() if device.ep_name == EP)


def _label() -> str:
    software = _devices()[0].device.type == ort.OrtHardwareDeviceType.CPU
    return f"{EP} (software adapter)" if software else EP
