"""Are the labels that a format shows to a user those of the runtime on the device?"""

import tempfile
from pathlib import Path

import onnx

from edgepress.device.bundle import MODEL, Bundle
from edgepress.device.images import decode
from edgepress.device.model.session import Predictor
from export.converting.formats._format import Images, Shown, Source
from export.converting.result import Verification
from export.shipped import graph, photographs


def verify(
    source: Source, taken: Images, shown: Shown, found: Verification, limit: float
) -> Verification:
    """Return what was found with the labels of photographs held against the device runtime's.

    `limit` is the share of the decisions, one per image and label, that may differ.
    """
    pairs = list(zip(by_device(source, taken), shown.labels, strict=True))
    images = sum(ours != theirs for ours, theirs in pairs)
    flipped = sum(len(set(ours) ^ set(theirs)) for ours, theirs in pairs)
    decisions = len(pairs) * len(source.model.manifest.labels.names)
    failed = found.status == "failed" or flipped > limit * decisions
    return found.model_copy(
        update={
            "status": "failed" if failed else "verified",
            "reason": f"{found.reason}; {images} of them show other labels than the device runtime",
            "shown_otherwise": images,
        }
    )


def by_device(source: Source, taken: Images) -> tuple[tuple[str, ...], ...]:
    """Return the labels of photographs `[height, width, 3]` that a bundle's runtime gives."""
    labels = {"names": list(source.model.manifest.labels.names)}
    with tempfile.TemporaryDirectory(prefix="edgepress-shown-") as folder:
        onnx.save(graph.whole(source.model), Path(folder) / MODEL)
        predictor = Predictor(Bundle(Path(folder), {"labels": labels, "runtime": {}}))
        return tuple(predictor.predict(decode(photographs.png(one))).labels for one in taken)
