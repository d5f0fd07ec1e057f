"""OpenVINO itself on the CPU, which reads ONNX files as they are; int8 as QDQ."""

import importlib.util
from typing import Any

import numpy as np

from benchmarks.runtimes import _contract
from benchmarks.runtimes._contract import Port
from benchmarks.runtimes._session import (
    ONE_THREAD,
    SLEEPING,
    Availability,
    Images,
    Probs,
    broke,
    cannot_open,
    said,
)
from edgepress.core.artifact import Artifact

_DEVICE = "CPU"


class OpenVinoSession:
    """A compiled model; `jobs` images are in flight at a time."""

    provider_asked = "openvino"
    node_share = 1.0
    """One device is named, so there is no other that a node could run on."""

    def __init__(self, compiled: Any, output: str, jobs: int) -> None:
        """Wrap a compiled model."""
        import openvino

        threads = compiled.get_property("INFERENCE_NUM_THREADS")
        self.waiting = ONE_THREAD if threads == 1 else SLEEPING  # as TBB's do, at once
        devices = ",".join(compiled.get_property("EXECUTION_DEVICES"))
        self.provider_opened = f"OpenVINO:{devices}"
        self._output = output
        self._queue = openvino.AsyncInferQueue(compiled, jobs) if jobs > 1 else None
        self._request = compiled.create_infer_request()
        self._ran_before = False
        self.batch = _contract.images_per_run(_port(compiled.inputs[0]))

    def run(self, images: Images) -> Probs:
        """Return probabilities `[n, labels]` of images `[n, c, height, width]`.

        Raises:
            UserError: OpenVINO fails.
        """
        n = self.batch
        each = [images[row : row + n] for row in range(0, len(images), n)]
        try:
            done = self._in_flight(each) if self._queue else [self._one(image) for image in each]
        except RuntimeError as error:
            raise broke(self.provider_opened, error) from None
        return np.concatenate(done)

    def _one(self, image: Images) -> Probs:
        if self._ran_before:
            self._request.infer({0: image}, share_inputs=True)
        else:
            # With one thread `infer` (2026.4) says nothing when it fails, e.g. for want of memory,
            # and returns whatever lies there; the asynchronous way, a little slower, says it.
            self._request.start_async({0: image}, share_inputs=True)
            self._request.wait()
            self._ran_before = True
        return self._probs(self._request)

    def _in_flight(self, each: list[Images]) -> list[Probs]:
        done: dict[int, Probs] = {}
        queue: Any = self._queue
        queue.set_callback(lambda request, row: done.__setitem__(row, self._probs(request)))
        for row, image in enumerate(each):
            queue.start_async({0: image}, row)
        queue.wait_all()
        return [done[row] for row in range(len(each))]

    def _probs(self, request: Any) -> Probs:
        # The tensor is the request's own memory, which the next image overwrites.
        probs: Probs = request.get_tensor(self._output).data.copy()
        return probs


def available() -> Availability:
    """Tell whether OpenVINO is installed and loads."""
    if importlib.util.find_spec("openvino") is None:
        return Availability(
            ok=False,
            reason="the package openvino is not installed",
            remedy="pip install openvino",
        )
    try:
        import openvino

        devices = openvino.Core().available_devices
    except (ImportError, RuntimeError) as error:
        return Availability(
            ok=False,
            reason=f"openvino cannot be loaded ({said(error)})",
            remedy="pip install --force-reinstall openvino",
        )
    if _DEVICE not in devices:
        reason = f"openvino has no CPU device, only {', '.join(devices) or 'none'}"
        return Availability(ok=False, reason=reason, remedy="pip install openvino")
    return Availability(ok=True, reason=f"openvino {openvino.__version__.split('-')[0]}")


def open_session(artifact: Artifact, threads: int, across_images: bool = False) -> OpenVinoSession:
    """Open an ONNX model.

    Raises:
        UserError: the model cannot be opened, or does not fit its manifest.
    """
    import openvino

    jobs = threads if across_images else 1
    try:
        compiled = openvino.Core().compile_model(
            artifact.weights, _DEVICE, _settings(threads, jobs)
        )
    except RuntimeError as error:
        raise cannot_open("OpenVINO", artifact, error) from None
    outputs = {port.get_any_name(): _port(port) for port in compiled.outputs}
    name = _contract.output_name(list(outputs))
    _contract.check(artifact, [_port(port) for port in compiled.inputs], outputs[name])
    return OpenVinoSession(compiled, name, jobs)


def _settings(threads: int, streams: int) -> dict[str, str | int | bool]:
    return {
        "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": threads,
        # CPUs with bf16 would compute in it unasked, and no longer agree with the fp32 model.
        "INFERENCE_PRECISION_HINT": "f32",
        # The cores are those that the process was put on.
        "ENABLE_CPU_PINNING": False,
    }


def _port(port: Any) -> Port:
    sizes = [dim.get_length() if dim.is_static else None for dim in port.get_partial_shape()]
    return Port(port.get_element_type().get_type_name(), sizes)
