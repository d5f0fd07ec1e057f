"""What the harness adds to the latency of a bare loop over the same session."""

import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.claims.selftest import synthetic
from benchmarks.claims.selftest.check import Check
from benchmarks.runtimes._ort import CPU, OrtSession, Provider
from benchmarks.timing.worker import timed_block

BLOCKS = 60
BLOCK_S = 0.05


def run(folder: Path) -> tuple[Check, ...]:
    """Time one session through the harness and bare, in turn."""
    model = synthetic.write(folder / "model.onnx", convs=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    bare = ort.InferenceSession(model.weights, options, providers=[CPU])
    harness = OrtSession(bare, Provider("cpu", CPU), workers=1)
    spec = model.manifest.image
    image = np.zeros((1, *spec.shape), np.float32)
    ratios = [
        np.median(timed_block(harness, image, BLOCK_S)) / np.median(_bare_block(bare, image))
        for _ in range(BLOCKS)
    ]
    added = float(np.median(ratios)) - 1
    return (
        Check(
            name="what the harness adds to the latency of a bare session.run loop",
            demanded="less than 2%",
            measured=f"{100 * added:.2f}%",
            met=added < 0.02,
        ),
    )


def _bare_block(session: ort.InferenceSession, image: NDArray[np.float32]) -> list[float]:
    samples = []
    end = time.perf_counter() + BLOCK_S
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(["probs"], {"image": image})
        samples.append(time.perf_counter() - start)
    return samples
