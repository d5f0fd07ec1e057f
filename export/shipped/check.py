"""Is the graph that is shipped the pipeline that was measured? Asked of real photographs."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from benchmarks.evaluation.parity import Parity, compare
from benchmarks.runtimes import cpu
from edgepress.core import ending
from edgepress.core.alike import PREPARED
from edgepress.core.artifact import Artifact
from edgepress.core.gates import Verdict, at_most
from edgepress.core.image_spec import ImageSpec
from edgepress.data.images import to_pixels
from edgepress.data.pixels import normalise
from export.graph.audit import audit
from export.shipped.photographs import Photograph


@dataclass(frozen=True)
class Checked:
    """What the shipped graph gave, and how far that is from the pipeline."""

    probs: NDArray[np.float32]
    """`[n, labels]`"""
    parity: Parity

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The two gates."""
        found = self.parity
        return (
            _verdict("shipped_parity", found.max_prob_diff, PREPARED.probs, found.n_images),
            _verdict("shipped_flipped", found.flipped, PREPARED.flipped, found.n_images),
        )


def check(model: Artifact, shipped: Path, photographs: Iterable[Photograph]) -> Checked:
    """Run the shipped graph and the pipeline on the same photographs.

    Raises:
        GateFailed: the answers differ, an output `labels` is not what the thresholds say, or the
            graph runs fewer convolutions in integers than the model by itself.
    """
    labels = model.manifest.labels
    ours, theirs, above = _answers(model, shipped, photographs)
    checked = Checked(ours, compare(theirs, ours, labels.thresholds))
    failed = [one.reason for one in checked.verdicts if one.outcome == "fail"]
    if (above != (ours >= np.array(labels.thresholds, np.float32))).any():
        failed.append("the output `labels` is not `probs` at the thresholds")
    failed += _lost_integers(model, shipped)
    ending.refuse("The bundle's graph is not the model", failed)
    return checked


def open_shipped(shipped: Path) -> ort.InferenceSession:
    """Open a bundle's graph as the device does."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(shipped, options, providers=["CPUExecutionProvider"])


def network_input(photograph: Photograph, spec: ImageSpec) -> NDArray[np.float32]:
    """Return `[1, channels, h, w]` as the pipeline prepares it."""
    return normalise(to_pixels(Image.fromarray(photograph), spec)[None], spec)


def _answers(
    model: Artifact, shipped: Path, photographs: Iterable[Photograph]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return probabilities of the graph and of the pipeline, and the graph's labels."""
    session, network = open_shipped(shipped), cpu.open_session(model, 1)
    ours, theirs, above = [], [], []
    for photograph in photographs:
        probs, found = session.run(["probs", "labels"], {"image": photograph})
        ours.append(probs)
        above.append(found)
        theirs.append(network.run(network_input(photograph, model.manifest.image)))
    return np.concatenate(ours), np.concatenate(theirs), np.concatenate(above)


def _lost_integers(model: Artifact, shipped: Path) -> list[str]:
    """Return what is wrong where the runtime no longer fuses what it fused in the model itself."""
    if model.manifest.precision != "int8":
        return []
    alone, whole = audit(model.weights).int8_convs, audit(shipped).int8_convs
    if whole >= alone:
        return []
    return [f"{whole} convolutions are computed with integers, {alone} in the model by itself"]


def _verdict(metric: str, measured: float, limit: float, n: int) -> Verdict:
    reason = (
        f"{metric} is {measured:.3g} on {n} photographs, preprocessing in the graph against that "
        f"of training; the limit is {limit:g}"
    )
    return at_most(metric, measured, limit, reason)
