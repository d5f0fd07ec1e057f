"""How many multiply-accumulates to keep for a wanted latency, found by measuring.

Multiply-accumulates mislead: half of them may be a fifth of the time. So trial networks are pruned,
exported and run in ONNX Runtime in turn with the parent, and the share is bisected.
"""

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path

from torch import nn

from benchmarks.timing.tournament import LatencySettings, Tournament, measure
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from models.onnx_graph.write import to_onnx
from models.pruning_history import History

TRIALS = 6
QUICK = LatencySettings(budget_s=60)
"""A trial whose speed is not decided after this time is taken to be too slow."""

Prune = Callable[[nn.Module, float], History]
"""(network, share of MACs) -> prunes the network in place; returns what went."""


def macs_share(parent: Artifact, network: nn.Module, prune: Prune, wanted: float) -> float:
    """Return the largest share of MACs found whose latency is at most `wanted` of the parent's.

    What a trial is worth does not matter for its speed, so trials are not tuned.

    Raises:
        UserError: no trial was fast enough.
    """
    fast_enough = None
    low, high = 0.0, 1.0
    with tempfile.TemporaryDirectory(prefix="edgepress-latency-") as folder:
        reference = _exported(parent, network, Path(folder) / "parent")
        for number in range(TRIALS):
            share = (low + high) / 2
            trial = copy.deepcopy(network)
            if not _pruned(prune, trial, share):
                low = share
                continue
            candidate = _exported(parent, trial, Path(folder) / f"trial{number}")
            if _fast_enough(reference, candidate, wanted, share):
                low = fast_enough = share
            else:
                high = share
    if fast_enough is None:
        raise UserError(
            "The architecture cannot be pruned to this latency",
            got=f"--latency {wanted:g}",
            next_step="raise --latency or --max-pruning-ratio, or lower --round-to",
        )
    return fast_enough


def _fast_enough(reference: Artifact, candidate: Artifact, wanted: float, share: float) -> bool:
    """Tell whether a trial surely takes at most the wanted share of the reference's time.

    Raises:
        UserError: it could not be timed.
    """

    def decided(so_far: Tournament) -> bool:
        measured = so_far.speedup(1)
        return measured is None or not measured[1][0] < 1 / wanted <= measured[1][1]

    found = measure((reference, candidate), QUICK, decided)
    measured = found.speedup(1)
    if measured is None:
        raise UserError(f"A pruned trial could not be timed ({found.failures[1]})")
    speedup, (low, _) = measured
    console.say(f"  {share:.1%} of the MACs take {1 / speedup:.1%} of the time")
    return low >= 1 / wanted


def _pruned(prune: Prune, network: nn.Module, share: float) -> bool:
    """Prune a trial; `False` where the architecture cannot be made so small."""
    try:
        prune(network, share)
    except UserError:
        return False
    return True


def _exported(parent: Artifact, network: nn.Module, path: Path) -> Artifact:
    files = path.with_name(f"{path.name}-files")
    files.mkdir()
    to_onnx(network, parent.manifest.image, files / artifacts.WEIGHTS["onnx"])
    return artifacts.save(path, files, parent.manifest.model_copy(update={"kind": "onnx"}))
