"""What a measurement returns: plain numbers in base units, raw samples kept."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from compress.core.noun import Noun

Scores = NDArray[np.float32]
"""Probabilities `[views, n, labels]`."""
Targets = NDArray[np.float32]
"""0 or 1 per label `[n, labels]`; NaN is unknown and is left out of that label's metrics."""

SOFTWARE = "software, not a latency"
"""Part of `provider_opened` where a device is emulated: its times say nothing about the device."""


class EvalResult(Noun):
    """A model's probabilities on one part of a data set, and the metrics made from them."""

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
    """Average precision per label, averaged over views; `None` where it is undefined."""
    map: float | None
    """Mean of the defined `ap`."""
    f1_macro: float | None
    """Macro F1 of the first view at the stored thresholds."""
    ece: float | None
    """Expected calibration error of the first view, mean over labels."""


class LatencyResult(Noun):
    """Raw latency samples of one model in one runtime, with everything needed to trust them."""

    model: str
    provider_asked: str
    provider_opened: str
    node_share: float
    """Share of graph nodes placed on the provider that was asked for."""
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
