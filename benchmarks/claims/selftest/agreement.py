"""Does every runtime of this machine compute what the CPU computes, on real images?"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.selftest.check import Check
from benchmarks.runtimes import _session
from edgepress.core.alike import INTEGERS, KERNELS
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.data import pixels
from edgepress.data.context import context_of
from edgepress.data.dataset import open_data
from edgepress.data.sampling import sample

IMAGES = 32


def run(models: tuple[Artifact, ...]) -> tuple[Check, ...]:
    """Compare every available runtime with the CPU, for each model.

    Raises:
        UserError: the CPU cannot run a model.
    """
    if not models:
        return (
            Check(
                name="every runtime computes what the CPU computes",
                demanded="the same probabilities within 1e-4",
                measured="no ONNX model: make demo, or --models DIR",
                met=None,
            ),
        )
    names = [name for name in _session.names_available() if name not in ("cpu", "torch")]
    return tuple(_check(model, name) for model in models for name in names)


def _check(model: Artifact, name: str) -> Check:
    images = _images(model)
    reference = _session.find("cpu").open_session(model, threads=1).run(images)
    demanded = "the same probabilities within 1e-4"
    if model.manifest.precision != "fp32":
        demanded = f"at most {100 * INTEGERS.flipped:g}% of decisions flipped"
    title = f"{model.name} on {name}, {len(images)} real images"
    try:
        session = _session.find(name).open_session(model, threads=1)
        found = session.run(images)
    except UserError as error:
        return Check(name=title, demanded=demanded, measured=f"not run: {error}", met=None)
    title = f"{model.name} on {session.provider_opened}, {len(images)} real images"
    difference = float(np.abs(found - reference).max())
    thresholds = np.asarray(model.manifest.labels.thresholds, np.float32)
    flipped = float(np.mean((found >= thresholds) != (reference >= thresholds)))
    fp32 = model.manifest.precision == "fp32"
    return Check(
        name=title,
        demanded=demanded,
        measured=f"largest difference {difference:.1e}, {100 * flipped:.2f}% flipped",
        met=difference <= KERNELS.probs if fp32 else flipped <= INTEGERS.flipped,
    )


def _images(model: Artifact) -> NDArray[np.float32]:
    """Return test images as the network sees them, `[n, c, h, w]`."""
    source = model.manifest.data.source if model.manifest.data else "elpv"
    dataset = open_data(source, skip_bad_images=True)  # as its training may have done
    rows = sample(dataset.targets, context_of(dataset, model).rows("test"), IMAGES)
    decoded = np.asarray(pixels.decoded(dataset, model.manifest.image)[rows])
    return pixels.normalise(decoded, model.manifest.image)
