"""What a measurement returns: plain numbers in base units, raw samples kept."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, model_validator

from edgepress.core.noun import Noun

Scores = NDArray[np.float32]
"""Probabilities `[views, n, labels]`."""
Targets = NDArray[np.float32]
"""0 or 1 per label `[n, labels]`; NaN is unknown and is left out of that label's metrics."""

SOFTWARE = "software, not a latency"
"""Part of `provider_opened` where a device is emulated: its times say nothing about the device."""


class EvalResult(Noun):
    """A model's probabilities on one part of a data set, and the metrics made from them.

    With `folds`, those of several models, each on the images of its own fold.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    data_id: str
    """Fingerprint of the data and the part; results compare only when these are equal."""
    label_names: tuple[str, ...]
    image_ids: tuple[str, ...]
    """Image hashes, in the order of the rows."""
    view_names: tuple[str, ...]
    scores: Scores = Field(repr=False)
    """`[views, n, labels]`"""
    targets: Targets = Field(repr=False)
    """`[n, labels]`"""
    ap: dict[str, float | None]
    """Average precision per label, averaged over views, and over the folds within which it is
    defined; `None` where it is undefined."""
    map: float | None
    """Mean of the defined `ap`."""
    f1_macro: float | None
    """Macro F1 of the first view at the stored thresholds."""
    ece: float | None
    """Expected calibration error of the first view, mean over labels."""
    folds: tuple[int, ...] = ()
    """Fold of each image, whose model gave its probabilities; empty where one model gave all."""
    provider_asked: str | None = None
    """Runtime that was asked for (a file of benchmarks/runtimes); `None` where it is not known."""
    provider_opened: str | None = None
    """What the runtime says that it opened."""
    cpu: str | None = None
    """The CPU and its kind, e.g. `AMD EPYC (AVX-512 VNNI)`: int8 saturates on some."""
    groups: tuple[int, ...] = ()
    """Group of each image (patient, module, ...), which counts as one; empty where each image
    stands for itself."""

    trained_on_known: bool = True
    """Whether it is known which images the model was trained on; where it is not, these may be
    among them."""

    @property
    def on_validation(self) -> bool:
        """Whether it is of the validation part, so that thresholds learnt there flatter it."""
        return self.data_id.endswith(":val")

    @model_validator(mode="after")
    def _one_for_every_image_and_label(self) -> Self:
        n, labels = len(self.image_ids), len(self.label_names)
        if self.targets.shape != (n, labels):
            raise ValueError(f"targets {self.targets.shape} of {n} images and {labels} labels")
        if self.scores.shape != (len(self.view_names), n, labels):
            raise ValueError(
                f"scores {self.scores.shape} of {len(self.view_names)} views, {n} images and "
                f"{labels} labels"
            )
        for name, given in (("folds", self.folds), ("groups", self.groups)):
            if given and len(given) != len(self.image_ids):
                raise ValueError(f"{len(given)} {name} of {len(self.image_ids)} images")
        return self


def fold_rows(folds: Sequence[int], n: int) -> tuple[NDArray[np.intp], ...]:
    """Return the rows of each fold, lowest number first; without folds all `n` rows are one.

    >>> [rows.tolist() for rows in fold_rows((2, 1, 2), 3)]
    [[1], [0, 2]]
    """
    if not folds:
        return (np.arange(n),)
    numbers = np.asarray(folds)
    return tuple(np.flatnonzero(numbers == fold) for fold in np.unique(numbers))


class LatencyResult(Noun):
    """Raw latency samples of one model in one runtime, with everything needed to trust them."""

    model: str
    provider_asked: str
    provider_opened: str
    node_share: float
    """Share of graph nodes placed on the provider that was asked for."""
    time_share: float | None = None
    """Share of the operators' time spent on it, by a run with a profiler; `None` where the
    runtime does not tell."""
    threads: int
    batch: int = 1
    warmup_runs: int
    block_medians_s: tuple[float, ...]
    """One median per process, in the order of the rounds."""
    samples_s: tuple[float, ...] = Field(repr=False)
    """All timed runs, seconds."""
    load_s: float
    first_inference_s: float
    peak_rss_bytes: int | None
    """`None` where the model runs in another process, e.g. a browser's."""
    cpu_s: float | None = None
    """Processor time of one inference over all threads, seconds."""
    energy_j: float | None = None
    """Energy of the whole processor package during one inference; `None` without a counter."""
    environment: dict[str, Any] = Field(default_factory=dict)

    @property
    def software(self) -> bool:
        """Whether the device was emulated in software, so that the times mean nothing."""
        return SOFTWARE in self.provider_opened
