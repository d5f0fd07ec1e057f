"""`python -m compress.prune --model DIR --data D --budget "latency <= 40%"` removes channels.

What has to go for the budgets is planned first, and measured in the exported file. Channels are
ranked over the dependency graph of torch-pruning (Fang et al. 2023, arXiv 2301.12900), by group
magnitude unless another importance is named, and removed in several rounds. After each round
batch-norm statistics are measured again and the network is tuned for a few epochs with the unpruned
one as its teacher.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field
from torch import nn

from benchmarks.gates.verdicts import judges
from benchmarks.thresholds import ThresholdOptions
from compress.learning import checks, terms
from compress.learning.finish import Trained, Wanted, chosen, finish, wanted_of
from compress.learning.loading import require_batch
from compress.learning.loop import dropping
from compress.learning.teaching import terms_of
from compress.learning.training_data import named, open_for, require_known, training_images
from compress.learning.views.options import check_patience
from compress.pruning import allocation, importance
from compress.pruning.accuracy import judge_of
from compress.pruning.budget import correcting, tables, unpruned
from compress.pruning.budget.correcting import Planned
from compress.pruning.budget.limits import (
    MEASURED,
    require_narrowing,
    require_reachable,
    too_narrow,
)
from compress.pruning.budget.measuring import Files
from compress.pruning.budget.residual import Way, way_of
from compress.pruning.budget.storing import stored
from compress.pruning.budget.unpruned import Unpruned
from compress.pruning.budget.verdicts import verdicts
from compress.pruning.gradients import informed
from compress.pruning.kept_layers import SHOWN, named_like
from compress.pruning.rehearsal import rehearse
from compress.pruning.rounds import Round, RoundOptions, Rounds, check_tuning
from compress.pruning.scans import depth
from compress.pruning.scans.looking import Looking
from compress.pruning.scans.options import Scans
from compress.pruning.scans.sensitivity import Scanned
from compress.pruning.sparsity import masks
from compress.pruning.sparsity.making import Tuning, with_zeros
from compress.stand_ins import costs, targets
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.ending import require
from edgepress.core.judging import JudgingOptions
from edgepress.core.manifest import Architecture, Manifest
from edgepress.core.pruning import Pruning
from edgepress.core.several import Gates
from edgepress.core.stage import Plan, produce
from edgepress.data.context import Context
from models import families
from models.basis.torch_process import seeded
from models.blank import blank_image
from models.defaults import ModelPath, default_model
from models.stored import architecture_of, load_network, rebuilt, try_network


class Config(RoundOptions, Scans, ThresholdOptions, JudgingOptions):
    """Prune the channels of a trained network and tune what is left."""

    model: ModelPath | None = None
    """Artifact to prune; default: the newest under runs/, else the shipped teacher."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/pruned")
    """Folder of the artifact."""
    epochs: int = Field(2, ge=0)
    """Epochs of tuning after each round."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak of the one-cycle schedule of each round."""
    sparsity: str | None = None
    """Zeros among the weights that are left, the smallest of each layer: `2:4` for TensorRT, or a
    share for the download, e.g. 0.5; kept through one more tuning."""
    gate: Gates = ("macs ratio <= 0.999", "params ratio <= 0.999")
    """Gates against the unpruned model, e.g. --gate "map drop <= 0.03": rounds are held against
    such a drop on validation images too, and the last that keeps it is taken."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> Artifact:
    """Prune, tune, evaluate and store.

    Raises:
        UserError: bad input, or a target that this architecture cannot reach.
        GateFailed: a budget cannot be met, before any training; or a gate was not met, and the
            artifact is stored all the same.
        GateUndecided: a gate could not be decided, or the machine is too noisy to plan on.
    """
    check(config)
    parent = artifacts.load(_model(config))
    check(config, parent.manifest.labels.names)
    architecture = architecture_of(parent)
    check_layers(config, architecture)
    try_network(parent, training=True)
    check_network(config, parent)
    context = open_for((parent,), config.data, config.skip_bad_images, judged=config.judged_on)
    require_batch(len(context.rows("train")), config.batch_size)
    if importance.needs(config.importance):
        require_known(context)
    wanted = wanted_of(config.gate, config, context, parent.manifest.labels)
    plan = Plan(
        stage="compress.prune",
        config=config,
        out=config.out,
        parents=(parent,),
        data_identity=context.identity,
        chosen=chosen(architecture) | _named(config) | named(config, context) | judges(config.gate),
    )
    artifact = produce(plan, partial(_build, plan, config, context, wanted))
    require(artifact.manifest.verdicts)
    return artifact


def _named(config: Config) -> dict[str, str]:
    """Return the hashes of what the options name."""
    return {
        "importance": importance.identity(config.importance),
        "allocation": allocation.identity(config.spread),
        "target": targets.identity(_target(config)) if config.budgets.about(*MEASURED) else "",
        **tables.identity(config),
        **terms.identity(config.term),
    }


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    check_patience(config, terms_of(config))
    check_tuning(config)
    importance.find(config.importance)
    allocation.find(config.spread)
    _ = config.longest_s
    if config.sparsity:
        masks.check(config.sparsity)
    _target(config)
    tables.check(config, config.remove_blocks)
    asked = checks.Asked(config.gate, config.demand, config.out, (_model(config),))
    checks.check(asked, labels)


def check_layers(config: Config, architecture: Architecture) -> None:
    """Refuse names of layers and blocks that the network does not have, and an unfit importance.

    Raises:
        UserError: there is one.
    """
    network = partial(families.skeleton, architecture, n_labels=2)
    if config.keep:
        named_like(network(), config.keep)
    if config.remove_blocks:
        depth.require_named(network(), config.remove_blocks)
    importance.require(config.importance, network)
    dropping.require(network, config)


def check_network(config: Config, parent: Artifact) -> None:
    """Refuse blocks, zeros and times that are none of a network, built as its record says.

    Raises:
        UserError: there are such.
    """
    if config.remove_blocks or config.sparsity or config.latency_table:
        labels, spec = len(parent.manifest.labels.names), parent.manifest.image
        network = rebuilt(architecture_of(parent), labels, spec)
        depth.rounds_of(network, spec, config.remove_blocks, config.keep)
        tables.require_of(network, spec, config)
        if config.sparsity:
            masks.require(network, blank_image(spec), config.sparsity)


def _model(config: Config) -> Path:
    return config.model or default_model()


def _target(config: RoundOptions) -> Any:
    """Return the target that files are measured for.

    Raises:
        UserError: there is no such target, it takes another precision, or is not the machine that
            a latency is measured on.
    """
    target = targets.find(config.target, config.precision)
    if config.budgets.about("latency") and not config.latency_table:
        targets.require_timed_here(target)
    return target


def _build(plan: Plan, config: Config, context: Context, wanted: Wanted, workdir: Path) -> Manifest:
    parent = plan.parents[0]
    whole = load_network(parent)
    looking = Looking(context, config.scan_images, config.seed, workdir / "scratch")
    blocks = looking.blocks(whole, config.remove_blocks, config.keep)
    network = depth.shallow(whole, blocks)
    start = depth.without_blocks(architecture_of(parent), blocks)
    rounds = Rounds(config, context, workdir, judge_of(plan, context, config.gate, workdir))
    with seeded(config.seed):
        way, planned = _planned(rounds, network, whole)
        problem, kept = way.problem, way.kept
        correcting.say(planned, problem.limits)
        n_labels, spec = len(parent.manifest.labels.names), parent.manifest.image
        build = partial(rebuilt, n_labels=n_labels, spec=spec)
        prune = partial(rounds.prune, problem.widths)
        rehearse(start, network, prune, planned.rounds, build)
    scanned = Scanned(kept.layers, config.round_to, config.importance, rounds.sample)
    looked = looking.layers(network, scanned) if config.sensitivity else None
    last = rounds.tuned(Round(0, network, start, ()), whole, problem.widths, planned.rounds)
    pruned, zeros = last.network, None
    if config.sparsity:
        tuning = Tuning(parent, whole, training_images(context, config.soft_labels), config)
        with seeded(config.seed):
            pruned, zeros = with_zeros(
                pruned, config.sparsity, tuning, workdir / "scratch" / "zeros"
            )
    found = verdicts(planned, last.number, problem.limits, parent.name)
    if not config.budget:  # --macs is judged by gates, unless its last round was given up
        found = tuple(one for one in found if one.outcome != "pass")
    unfit = kept.told() if kept.unfit else ""
    notes = (*filter(None, (way.note, unfit)), *too_narrow(problem), *last.notes)
    record = Pruning(sensitivity=looked, blocks=blocks, sparsity=zeros)
    trained = Trained(
        pruned,
        last.architecture,
        parent,
        notes=notes,
        verdicts=found,
        pruning=record,
    )
    return finish(plan, trained, context, wanted)


def _planned(rounds: Rounds, network: nn.Module, whole: nn.Module) -> tuple[Way, Planned]:
    """Return what is planned, and the widths after each round; what was measured is kept.

    Raises:
        GateFailed: the budgets cannot be kept.
        GateUndecided: this machine is too noisy to tell.
        UserError: no layer can be narrower, or a file cannot be written or run.
    """
    config, scratch = rounds.config, rounds.workdir / "scratch"
    files = _files(rounds, whole)
    spec = rounds.context.spec
    measured = tables.to_measure(config)
    before = partial(unpruned.measured, whole, network, spec, measured, files)
    known = stored(scratch / "unpruned.json", Unpruned, before)
    with informed(network, importance.needs(config.importance), rounds.sample):
        way = way_of(network, spec, config, known, scratch)
        if way.kept.unfit:
            console.say(way.kept.told(SHOWN))
        require_narrowing(way.problem, way.kept)
        require_reachable(way.problem)
        planner = allocation.find(config.spread)
        plan = partial(correcting.planned, way.problem, planner, config.rounds, files)
        return way, stored(scratch / "plan.json", Planned, plan)


def _files(rounds: Rounds, network: nn.Module) -> Files | None:
    """Return how files are written and timed, and that of the whole network, where it matters.

    Raises:
        UserError: it cannot be exported.
    """
    config, spec = rounds.config, rounds.context.spec
    if not tables.to_measure(config).about(*MEASURED):
        return None
    integers, quantize = targets.integers_of(_target(config)), config.precision == "int8"

    def write(small: nn.Module, path: Path) -> Artifact:
        return costs.stand_in(small, spec, quantize, path, integers)

    whole = write(network, rounds.workdir / "passing" / "whole")
    scratch = rounds.workdir / "scratch"
    return Files(whole, write, costs.PROVIDER, config.threads, config.longest_s, scratch)


if __name__ == "__main__":
    sys.exit(main(Config, run))
