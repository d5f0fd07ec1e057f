"""What a plan is made from, without a data set: only what choices of a student and gates read."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from compress.planning.facts import Facts, Start
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from edgepress.data.grouping import Grouped


def facts(
    arch: str | None = "tiny_network:build",
    kwargs: dict[str, Any] | None = None,
    spec: ImageSpec | None = None,
    artifact: Artifact | None = None,
    targets: np.ndarray | None = None,
) -> Facts:
    """Return the facts of a network with random weights, or of a graph; all images are tested."""
    found = np.zeros((4, 2), np.float32) if targets is None else targets
    names = tuple("abcdefgh"[: found.shape[1]])
    context = SimpleNamespace(
        spec=spec or ImageSpec(height=32, width=32),
        dataset=SimpleNamespace(label_names=names, targets=found),
        images=lambda _part: Grouped(np.arange(len(found))),
    )
    architecture = None if arch is None else Architecture(name=arch, kwargs=kwargs or {})
    start = Start("none" if arch else "graph", arch and Path("model"), architecture, artifact)
    return Facts(start, context, np.full((len(found), 2), 32, np.int32))
