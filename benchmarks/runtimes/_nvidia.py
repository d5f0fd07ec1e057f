"""What the providers for NVIDIA GPUs share: whether the machine has one."""

from pathlib import Path

from benchmarks.runtimes._session import Availability

WHEEL = "pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'"
"""The onnxruntime that has the providers for NVIDIA GPUs."""
_GPUS = Path("/proc/driver/nvidia/gpus")


def missing_gpu() -> Availability | None:
    """Return why there is no GPU to run on, or `None` where the driver lists one."""
    if _GPUS.is_dir() and any(_GPUS.iterdir()):
        return None
    return Availability(
        ok=False,
        reason=f"the NVIDIA driver lists no GPU in {_GPUS}",
        remedy="run on a machine with an NVIDIA GPU and its driver (nvidia-smi lists it)",
    )
