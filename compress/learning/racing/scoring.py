"""How good a network is that is not stored yet."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.evaluation.evaluation import EvalSettings, evaluate_session
from benchmarks.runtimes.torch_ import BATCH, TorchSession
from edgepress.core.artifact import Artifact
from edgepress.core.environment import usable_cores
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest
from edgepress.core.results import EvalResult
from edgepress.data.context import Context
from edgepress.data.parts import Part


def is_defined(targets: NDArray[np.float32]) -> bool:
    """Return whether mAP is defined on images of these targets `[n, labels]`."""
    return any({0.0, 1.0} <= set(column) for column in targets.T)


@dataclass(frozen=True)
class Scorer:
    """Evaluates networks on the images of a data set, as they take them."""

    context: Context
    spec: ImageSpec

    def evaluated(self, network: nn.Module, part: Part, name: str) -> EvalResult:
        """Return the probabilities of a network in eval mode, not calibrated, and its metrics.

        Raises:
            UserError: the part is empty, or a probability is not finite.
        """
        model = Artifact(Path(name), self._manifest())
        session = TorchSession(network, BATCH, usable_cores(), model.manifest.labels.scalings)
        settings = EvalSettings(provider="torch", views=self.context.views)
        images = self.context.images(part)
        return evaluate_session(session, model, self.context.dataset, images, settings)

    def seen_as(self, spec: ImageSpec) -> "Scorer":
        """Return one for networks that take images of another spec."""
        return replace(self, spec=spec)

    def _manifest(self) -> Manifest:
        """Return what evaluation reads of a model that is not stored."""
        names = self.context.dataset.label_names
        labels = Labels(
            names=names, thresholds=(0.5,) * len(names), prevalence=(None,) * len(names)
        )
        return Manifest(
            id="",
            stage=__name__,
            config={},
            kind="torch",
            image=self.spec,
            labels=labels,
            data=self.context.reference(),
        )
