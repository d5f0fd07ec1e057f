"""`python -m compress.prune --model DIR --data D --macs 0.5` removes whole channels of a network.

Channels are ranked over the dependency graph of torch-pruning (Fang et al. 2023, arXiv 2301.12900),
by group magnitude unless another importance is named, and removed in several rounds. After each
round batch-norm statistics are measured again and the network is tuned for a few epochs with the
unpruned one as its teacher.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pydantic import Field
from torch import nn

from benchmarks.gates.verdicts import judges
from benchmarks.thresholds import ThresholdOptions
from compress.learning import checks, terms
from compress.learning.finish import Trained, Wanted, chosen, finish, wanted_of
from compress.learning.loading import require_batch
from compress.learning.teaching import Student, Teaching, teach, terms_of
from compress.learning.training_data import open_for, require_known, training_images
from compress.learning.views.options import check_patience, longer
from compress.pruning import importance
from compress.pruning.gradients import Sample, informed
from compress.pruning.kept_layers import SHOWN, named_like
from compress.pruning.latency_target import Prune, macs_share
from compress.pruning.recalibration import recalibrate_batchnorm
from compress.pruning.rehearsal import rehearse
from compress.pruning.scans import depth
from compress.pruning.scans.looking import Looking
from compress.pruning.scans.options import Scans
from compress.pruning.scans.sensitivity import Scanned
from compress.pruning.shrinking import Shrinking, kept_of, shrinking
from compress.pruning.sparsity import masks
from compress.pruning.sparsity.making import Tuning, with_zeros
from edgepress.core import artifact as artifacts
from edgepress.core import console, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.ending import require
from edgepress.core.manifest import Architecture, Manifest
from edgepress.core.pruning import Pruning
from edgepress.core.several import Gates
from edgepress.core.stage import Plan, produce
from edgepress.data.context import Context
from models import families
from models.basis.torch_process import seeded
from models.blank import blank_image
from models.defaults import default_model
from models.stored import architecture_of, load_network, rebuilt, try_network


class Config(Teaching, Shrinking, Scans, ThresholdOptions):
    """Prune the channels of a trained network and tune what is left."""

    model: Path | None = None
    """Artifact to prune; default: the newest under runs/, else the shipped teacher."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/pruned")
    """Folder of the artifact."""
    macs: float = Field(0.5, gt=0, lt=1)
    """Share of the parent's multiply-accumulates to keep."""
    latency: float | None = Field(None, gt=0, lt=1)
    """Share of the parent's latency to keep, measured in ONNX Runtime on this CPU with one thread;
    replaces --macs."""
    rounds: int = Field(3, ge=1, le=100)
    """Rounds of pruning and tuning."""
    epochs: int = Field(2, ge=0)
    """Epochs of tuning after each round."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak of the one-cycle schedule of each round."""
    sparsity: str | None = None
    """Zeros among the weights that are left, the smallest of each layer: `2:4` for TensorRT, or a
    share for the download, e.g. 0.5; kept through one more tuning."""
    gate: Gates = ("macs ratio <= 0.999", "params ratio <= 0.999")
    """Gates against the unpruned model, e.g. --gate "map drop <= 0.03"."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> Artifact:
    """Prune, tune, evaluate and store.

    Raises:
        UserError: bad input, or a target that this architecture cannot reach.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    check(config)
    parent = artifacts.load(_model(config))
    check(config, parent.manifest.labels.names)
    architecture = architecture_of(parent)
    check_layers(config, architecture)
    try_network(parent, training=True)
    check_network(config, parent)
    context = open_for((parent,), config.data, config.skip_bad_images)
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
        chosen=chosen(architecture)
        | {"importance": importance.identity(config.importance)}
        | terms.identity(config.term)
        | judges(config.gate),
    )
    artifact = produce(plan, partial(_build, plan, config, context, wanted))
    require(artifact.manifest.verdicts)
    return artifact


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    check_patience(config, terms_of(config))
    importance.find(config.importance)
    if config.sparsity:
        masks.check(config.sparsity)
    asked = checks.Asked(config.gate, config.demand, config.out, (_model(config),))
    checks.check(asked, labels)


def check_layers(config: Config, architecture: Architecture) -> None:
    """Refuse a pattern in --keep that fits no layer of the network, and an unfit importance.

    Raises:
        UserError: there is one.
    """
    network = partial(families.skeleton, architecture, n_labels=2)
    if config.keep:
        named_like(network(), config.keep)
    importance.require(config.importance, network)


def check_network(config: Config, parent: Artifact) -> None:
    """Refuse blocks and zeros that a network, built as its record says, cannot lose and have.

    Raises:
        UserError: there are such.
    """
    if config.remove_blocks or config.sparsity:
        labels, spec = len(parent.manifest.labels.names), parent.manifest.image
        network = rebuilt(architecture_of(parent), labels, spec)
        depth.rounds_of(network, spec, config.remove_blocks, config.keep)
        if config.sparsity:
            masks.require(network, blank_image(spec), config.sparsity)


def _model(config: Config) -> Path:
    return config.model or default_model()


def _build(plan: Plan, config: Config, context: Context, wanted: Wanted, workdir: Path) -> Manifest:
    parent = plan.parents[0]
    network, spec = load_network(parent), context.spec
    looking = Looking(context, config.scan_images, config.seed, workdir / "scratch")
    blocks = looking.blocks(network, config.remove_blocks, config.keep)
    shallow = depth.shallow(network, blocks)
    kept = kept_of(shallow, spec, config)
    if kept.unfit:
        console.say(kept.told(SHOWN))
    architecture = architecture_of(parent)
    history = list(architecture.pruning_history)
    sample = partial(_sample, config, context)
    prune = informed(
        shrinking(network, spec, config, kept), importance.needs(config.importance), sample
    )
    prune = depth.first(blocks, prune)
    with seeded(config.seed):
        share = _share(config, parent, prune, workdir / "scratch")
        shares = [share ** (number / config.rounds) for number in range(1, config.rounds + 1)]
        _rehearse(parent, network, prune, shares)
    scanned = Scanned(kept.layers, config.round_to, config.importance, sample)
    looked = looking.layers(shallow, scanned) if config.sensitivity else None
    teacher, images = load_network(parent), training_images(context)
    for number, left in enumerate(shares, 1):
        console.say(f"round {number}/{config.rounds}")
        scratch = workdir / "scratch" / str(number)
        scratch.mkdir(exist_ok=True)
        with seeded(config.seed + number):
            history += prune(network, left)
            recalibrate_batchnorm(network, images, config)
            student = Student(network, spec)
            fitted = teach(student, teacher, images, longer(config), scratch)
            network = fitted.network
    zeros = None
    if config.sparsity:
        tuning = Tuning(parent, teacher, images, config)
        with seeded(config.seed):
            network, zeros = with_zeros(
                network, config.sparsity, tuning, workdir / "scratch" / "zeros"
            )
    pruned = architecture.model_copy(update={"pruning_history": tuple(history)})
    notes: tuple[str, ...] = (kept.told(),) if kept.unfit else ()
    notes += () if fitted.teacher_views is None else (fitted.teacher_views.note,)
    record = Pruning(sensitivity=looked, blocks=blocks, sparsity=zeros)
    return finish(
        plan, Trained(network, pruned, parent, notes=notes, pruning=record), context, wanted
    )


def _sample(config: Config, context: Context) -> Sample:
    """Return the images that an importance of the data is measured on."""
    images = training_images(context)
    return Sample(images, config.importance_images, config.batch_size, config.seed)


def _rehearse(parent: Artifact, network: nn.Module, prune: Prune, shares: list[float]) -> None:
    """Prune a copy in all rounds and build it again, before any training.

    Raises:
        UserError: a round would fail, or the pruned network could not be built again.
    """
    n_labels, spec = len(parent.manifest.labels.names), parent.manifest.image
    build = partial(rebuilt, n_labels=n_labels, spec=spec)
    rehearse(architecture_of(parent), network, prune, shares, build)


def _share(config: Config, parent: Artifact, prune: Prune, scratch: Path) -> float:
    """Return the share of MACs to keep; one that was measured is kept for a resumed run."""
    if config.latency is None:
        return config.macs
    found = scratch / "macs_share"
    if not found.exists():
        share = macs_share(parent, load_network(parent), prune, config.latency)
        writable.write_whole(found, repr(share))
    return float(found.read_text())


if __name__ == "__main__":
    sys.exit(main(Config, run))
