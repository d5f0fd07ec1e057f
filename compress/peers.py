"""Other ways to a latency: what pruning to a budget is held against (`benchmarks.claims.pruning`).

Each makes networks of one number, and that is changed until the int8 file takes what it may: the
same file, measured in the same way as `compress.prune --budget` does.
"""

import copy
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch_pruning
from pydantic import Field
from torch import Tensor, nn

from benchmarks.gates import budgets
from benchmarks.thresholds import ThresholdOptions
from compress.learning.finish import Trained, finish, wanted_of
from compress.learning.options import Training
from compress.learning.training_data import open_for, training_images
from compress.pruning.budget.correcting import AIM, CLOSE, share_for
from compress.pruning.budget.measuring import Files, parts
from compress.pruning.budget.options import Budgeting
from compress.pruning.channels import changed
from compress.pruning.recalibration import recalibrate_batchnorm
from compress.pruning.rehearsal import require_again
from compress.pruning.shrinking import Shrinking
from compress.stand_ins import costs
from compress.students import narrowing
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateFailed
from edgepress.core.manifest import Architecture, Manifest
from edgepress.core.quiet import quiet
from edgepress.core.several import Gates
from edgepress.core.stage import Plan, produce
from models.blank import blank_image
from models.network_output import output_layers
from models.pretrained import Start
from models.pruning_history import History
from models.stored import architecture_of, load_network, macs_at, places, rebuilt

STEPS = 200
"""Of torch-pruning, from the whole network to nothing."""
TRIALS = 10
"""Files at most that are written and measured."""

Made = tuple[nn.Module, Architecture]


class Peer(ThresholdOptions):
    """What torch-pruning's own pruner is asked for."""

    batch_size: int = Field(Training().batch_size, ge=2)
    """Images of a step in which batch norms are measured again."""

    model: Path
    data: str
    out: Path
    share: float = Field(gt=0, lt=1)
    """Of the unpruned int8 file's latency, that the pruned one's may take."""
    global_pruning: bool = True
    """Rank the channels of all layers together, those of layers of one kind (isomorphic pruning,
    arXiv 2407.04616), as its README has it; else every layer loses the same share."""
    gate: Gates = ("params <= 1e12",)


def macs_driven(config: Peer) -> Artifact:
    """Prune by torch-pruning to the multiply-accumulates at which the file takes what it may.

    Batch norms are measured again, as `compress.prune` does; nothing is tuned.

    Raises:
        UserError: bad input, or a network that torch-pruning cannot prune.
        GateFailed: no share of the multiply-accumulates is fast enough.
        GateUndecided: this machine is too noisy to tell.
    """
    parent = artifacts.load(config.model)
    context = open_for((parent,), config.data, False)
    wanted = wanted_of(config.gate, config, context, parent.manifest.labels)
    plan = Plan(
        stage="compress.peers",
        config=config,
        out=config.out,
        parents=(parent,),
        data_identity=context.identity,
    )

    def build(workdir: Path) -> Manifest:
        make = partial(pruned, parent, config.global_pruning)
        _, (network, architecture) = fitted(parent, config.share, make)
        recalibrate_batchnorm(
            network, training_images(context), Training(batch_size=config.batch_size)
        )
        return finish(plan, Trained(network, architecture, parent), context, wanted)

    return produce(plan, build)


def pruned(parent: Artifact, global_pruning: bool, share: float) -> Made:
    """Return a network that torch-pruning has pruned to a share of its multiply-accumulates.

    Group norms are the importance, and widths are multiples of 16, which int8 kernels like best.

    Raises:
        UserError: what is left does not fit together, or cannot be built again.
    """
    network, architecture = load_network(parent), architecture_of(parent)
    spec = parent.manifest.image
    images, multiplied = blank_image(spec), places(network, spec)
    most = share * macs_at(network, multiplied)

    def remove() -> torch_pruning.DependencyGraph:
        with quiet():
            pruner = _pruner(network, images, global_pruning)
        for _ in range(STEPS):
            if macs_at(network, multiplied) <= most:
                break
            pruner.step()
        return pruner.DG

    smaller = _longer(architecture, changed(network, images, remove))
    labels = len(parent.manifest.labels.names)
    require_again(network, smaller, partial(rebuilt, n_labels=labels, spec=spec))
    return network, smaller


def _pruner(
    network: nn.Module, images: Tensor, global_pruning: bool
) -> torch_pruning.pruner.BasePruner:
    usual = Shrinking()
    return torch_pruning.pruner.BasePruner(
        network,
        images,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        global_pruning=global_pruning,
        isomorphic=global_pruning,
        pruning_ratio=1.0,
        max_pruning_ratio=usual.max_pruning_ratio,
        iterative_steps=STEPS,
        ignored_layers=[network.get_submodule(name) for name in output_layers(network, images)],
        round_to=usual.round_to,
    )


def width_for(parent: Artifact, share: float) -> float:
    """Return the width of all layers (`--width`) at which the parent's network is as fast as asked.

    Raises:
        UserError: it cannot be narrowed.
        GateFailed: no width is fast enough.
        GateUndecided: this machine is too noisy to tell.
    """
    whole, spec = architecture_of(parent), parent.manifest.image
    labels = len(parent.manifest.labels.names)

    def make(width: float) -> Made:
        architecture = narrowing.narrowed(whole, Start("random"), spec, width)
        return rebuilt(architecture, labels, spec), architecture

    return fitted(parent, share, make)[0]


def fitted(parent: Artifact, share: float, make: Callable[[float], Made]) -> tuple[float, Made]:
    """Return the number, and what is made of it, whose file takes just less than it may.

    Args:
        parent: The unpruned network.
        share: Of its int8 file's latency.
        make: Makes a network; the larger the number below 1, the larger.

    Raises:
        UserError: a network cannot be made, exported or timed.
        GateFailed: none is fast enough.
        GateUndecided: this machine is too noisy to tell.
    """
    budget = budgets.parse((f"latency <= {100 * share:g}%",)).each[0]
    number, points, best = AIM * share, [(1.0, 1.0)], None
    with tempfile.TemporaryDirectory(prefix="edgepress-peer-") as folder:
        files = _files(parent, Path(folder))
        for _ in range(TRIALS):
            made = make(number)
            taken = parts(files, made[0], {budget: share})["latency"]
            points.append((number, taken))
            if taken <= share and (best is None or taken > best[0]):
                best = taken, number, made
            if CLOSE * share <= taken <= share:
                break
            number = round(share_for(points, AIM * share), 4)
    if best is None:
        raise GateFailed(f"No network of {len(points) - 1} takes at most {share:.0%} of the time")
    console.say(f"{best[1]:g} of the whole takes {best[0]:.1%} of its time")
    return best[1], best[2]


def _files(parent: Artifact, folder: Path) -> Files:
    """Return how files are written and timed, and that of the unpruned network."""
    spec = parent.manifest.image

    def write(network: nn.Module, path: Path) -> Artifact:
        return costs.stand_in(copy.deepcopy(network), spec, True, path)

    whole, usual = write(load_network(parent), folder / "whole"), Budgeting()
    return Files(whole, write, costs.PROVIDER, usual.threads, usual.longest_s, folder)


def _longer(architecture: Architecture, history: History) -> Architecture:
    return architecture.model_copy(
        update={"pruning_history": (*architecture.pruning_history, *history)}
    )
