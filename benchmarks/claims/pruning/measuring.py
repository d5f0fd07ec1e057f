"""What the int8 file of a cut takes of the unpruned one's time, and what it counts."""

import math
from pathlib import Path
from typing import Any

from benchmarks.claims.pruning.grid import NEAR
from benchmarks.claims.settings.trying import made
from benchmarks.timing.tournament import LatencySettings, Tournament, measure
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateUndecided
from edgepress.core.noun import Noun

TIMEOUT_S = 1800
LATENCY = LatencySettings(budget_s=90)
SURE = 1.02
"""Upper / lower end of the interval that is narrow enough."""


class Counts(Noun):
    """What a network has by the manifest, and by counting in its file."""

    params: int
    params_in_file: int
    macs: int
    macs_in_file: int | None

    @property
    def alike(self) -> bool:
        """Whether both say the same."""
        return (self.params, self.macs) == (self.params_in_file, self.macs_in_file)


class Measured(Noun):
    """A cut beside the network that it was made of."""

    share: float
    """Of the unpruned int8 file's latency, in turn with it, after the cut was made."""
    ci95: tuple[float, float]
    aa: tuple[float, float]
    """Interval of the unpruned file's share of its own time."""
    counts: Counts

    def met(self, budget: float) -> bool:
        """Tell whether it takes what was asked for."""
        return abs(self.share / budget - 1) <= NEAR


def int8(model: Path, data: Path) -> Artifact:
    """Return the int8 file of a model, which lies beside it; it is made where it is not there.

    Raises:
        UserError: it cannot be exported.
    """
    options: dict[str, Any] = {"model": model, "data": data, "quantize": "int8", "budget": 0}
    options |= {"emulate": 0, "calibration-images": 64}
    return made("export.onnx", model.with_name(f"{model.name}-int8"), options, TIMEOUT_S)


def measured(cut: Artifact, file: Artifact, whole: Artifact) -> Measured:
    """Measure a cut's file in turn with the unpruned one's, and count it.

    Raises:
        UserError: a file does not run.
        GateUndecided: it could not be timed.
    """
    found = measure((whole, file), LATENCY, _known)
    speedup = found.speedup(1)
    if speedup is None:
        raise GateUndecided(f"The file could not be timed ({found.failures[1]})")
    low, high = speedup[1]
    if not 0 < low <= high < math.inf:
        raise GateUndecided("Too few rounds were possible to tell the file's latency")
    return Measured(
        share=1 / speedup[0], ci95=(1 / high, 1 / low), aa=found.aa[1], counts=counts(cut, file)
    )


def _known(so_far: Tournament) -> bool:
    speedup = so_far.speedup(1)
    return speedup is None or speedup[1][1] <= SURE * speedup[1][0]


def counts(cut: Artifact, file: Artifact) -> Counts:
    """Count a network and its file.

    A batch norm has two parameters a channel, of which the file has one, the bias of the
    convolution before it.
    """
    from models import checkpoint  # they need torch, which the figures do not
    from models.onnx_graph.index import count_macs, count_params

    tensors = checkpoint.read(cut.weights)
    norms = sum(len(one) for name, one in tensors.items() if name.endswith("running_mean"))
    known = cut.manifest.measurements
    return Counts(
        params=known.params or 0,
        params_in_file=count_params(file.weights) + norms,
        macs=known.macs or 0,
        macs_in_file=count_macs(file.weights),
    )
