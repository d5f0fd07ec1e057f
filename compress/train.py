"""`python -m compress.train --arch NAME --data D` trains a network on labelled images."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from benchmarks.gates.verdicts import judges
from benchmarks.thresholds import ThresholdOptions
from compress.learning import checks, losses
from compress.learning import options as training_options
from compress.learning.finish import Trained, Wanted, chosen, finish, wanted_of
from compress.learning.loading import require_batch
from compress.learning.loop import dropping
from compress.learning.loop.prevalence import begin_at_prevalence
from compress.learning.options import Training
from compress.learning.training import fit
from compress.learning.training_data import (
    named,
    require_known,
    say_imbalance,
    training_images,
    warn_untaught,
)
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.ending import require
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Channels, ImageSpec, Range
from edgepress.core.judging import JudgingOptions
from edgepress.core.manifest import Architecture, Manifest
from edgepress.core.several import Gates
from edgepress.core.stage import Plan, produce
from edgepress.data import splitting
from edgepress.data.context import Context
from edgepress.data.dataset import open_data
from edgepress.data.splitting import Splitting
from models import checkpoint, families, pretrained, stem
from models.basis.torch_process import seeded


class Config(Training, Splitting, ThresholdOptions, JudgingOptions):
    """Train a multi-label network and store it as an artifact."""

    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    arch: str = "efficientnet_lite0"
    """timm or torchvision name, or your own `package.module:factory`."""
    arch_kwargs: str = "{}"
    """JSON object of further arguments of the architecture, e.g. '{"drop_rate": 0.2}'."""
    weights: str = "imagenet"
    """`imagenet`, `random`, or a file of this architecture: safetensors, or of torch.save."""
    weights_key: str | None = None
    """Where in the file the weights are, e.g. state_dict_ema; default: where they fit."""
    out: Path = Path("runs/train")
    """Folder of the artifact."""
    image_size: int = Field(224, ge=32, le=1024)
    """Height and width of the input, pixels."""
    channels: Channels | None = None
    """3 for RGB, 1 for grey; default: what the network takes. Weights of three channels are added
    up for one."""
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bilinear"
    """Pillow filter of the resize."""
    pixel_range: Range | None = None
    """LOW HIGH: the samples of images of more than 8 bits that become black and white, e.g. 0 4095
    for 12 bits in 16-bit files or 0 1 for floats (default: what the files say)."""
    loss: str = "bce"
    """`bce`; for many rare labels `asl`, `focal`, `weighted-bce`, `two-way`, `zlpr` or
    `distribution-balanced`; for labels that not everybody has marked `hill` or `splc`; or another
    file of compress/learning/losses."""
    head_init: Literal["network", "prevalence"] = "network"
    """What a new output layer says at first: as the network is built, or how frequent each label
    is."""
    views: int | None = Field(None, ge=1)
    """Label-preserving views of each test image at most that accuracy is averaged over: fewer are
    quicker to measure and certify less (default: all that the data set declares)."""
    gate: Gates = ("map >= 0.5",)
    """Gates, e.g. --gate "map >= 0.85"."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> Artifact:
    """Train, evaluate and store.

    Raises:
        UserError: bad data, split, architecture or weights.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    config = _told(config, _checked(config))
    context = _context(config)
    checks.check(_asked(config), context.dataset.label_names)
    require_known(context)
    warn_untaught(context)
    say_imbalance(context)
    if config.epochs:
        require_batch(len(context.rows("train")), config.batch_size)
    wanted = wanted_of(config.gate, config, context)
    plan = Plan(
        stage="compress.train",
        config=config,
        out=config.out,
        parents=(),
        data_identity=context.identity,
        chosen=chosen(architecture(config), config.weights)
        | {"loss": losses.identity(config.loss)}
        | named(config, context)
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
    _checked(config, labels)


def _checked(config: Config, labels: Sequence[str] | None = None) -> Config:
    """Return the resolved options of a training that nothing known speaks against."""
    splitting.check(config)
    checks.check(_asked(config), labels)
    losses.find(config.loss)
    training_options.check(config)
    resolved = _resolved(config)
    start, training = _start(config), config.epochs > 0
    pretrained.check(architecture(resolved), start, _spec(resolved), training)
    dropping.require(partial(families.skeleton, architecture(resolved), n_labels=2), config)
    return resolved


def _asked(config: Config) -> checks.Asked:
    return checks.Asked(config.gate, config.demand, config.out)


def architecture(config: Config) -> Architecture:
    """Return what is to be built.

    Raises:
        UserError: its arguments are not a JSON object.
    """
    return Architecture(name=config.arch, kwargs=_arch_kwargs(config))


def _build(plan: Plan, config: Config, context: Context, wanted: Wanted, workdir: Path) -> Manifest:
    built, labels = architecture(config), context.dataset.label_names
    start = replace(_start(config), labels=labels)
    images = training_images(context, config.soft_labels)
    with seeded(config.seed):
        network = pretrained.start_network(built, len(labels), start, context.spec)
    if config.head_init == "prevalence":
        _require_new_head(built, start)
        begin_at_prevalence(network, images.targets, context.spec)
    loss = losses.of_batches(config.loss, images.targets, config.epochs)
    fitted = fit(network, images, config, loss, workdir / "scratch")
    notes = losses.notes(config.loss, config.calibrate) if config.epochs else ()
    for note in notes:
        console.say(note)
    trained = Trained(
        fitted.network,
        built,
        reference=None,
        waiting_share=fitted.waiting_share,
        notes=(*notes, *fitted.notes),
    )
    return finish(plan, trained, context, wanted)


def _require_new_head(built: Architecture, start: pretrained.Start) -> None:
    """Refuse to write over an output layer that a file brings.

    Raises:
        UserError: it brings one.
    """
    if start.file is None:
        return
    new, _ = pretrained.held_against(built, start, checkpoint.files.read(start.file))
    if not new:
        raise UserError(
            "--head-init prevalence is for a new output layer",
            got=f"{start.file}, which brings its own",
            next_step="leave --head-init out",
        )


def _context(config: Config) -> Context:
    dataset, spec = open_data(config.data, config.skip_bad_images), _spec(config)
    dataset.check_ranges(spec.pixel_range)
    split = splitting.split_by(dataset, config)
    return Context(dataset, split, spec, config.views, config.judged_on)


def _spec(config: Config) -> ImageSpec:
    spec = ImageSpec(
        height=config.image_size,
        width=config.image_size,
        interpolation=config.interpolation,
        pixel_range=config.pixel_range,
    )
    return spec.in_channels(config.channels or spec.channels)


def _resolved(config: Config) -> Config:
    """Return the options with the channels of the images, and how a network of these is built.

    Raises:
        UserError: the network cannot be built, or not for so many channels.
    """
    built, channels = stem.resolved(architecture(config), _spec(config), config.channels)
    kwargs = json.dumps(built.kwargs)
    return config.model_copy(update={"channels": channels, "arch_kwargs": kwargs})


def _told(config: Config, resolved: Config) -> Config:
    """Return the resolved options; say what nobody has asked for."""
    if config.channels is None and resolved.channels == 1:
        console.say("the network takes one channel: its images are made grey")
    return resolved


def _start(config: Config) -> pretrained.Start:
    return pretrained.Start(config.weights, config.weights_key or None)


def _arch_kwargs(config: Config) -> dict[str, Any]:
    try:
        kwargs = json.loads(config.arch_kwargs)
    except json.JSONDecodeError as error:
        raise UserError(f"--arch-kwargs is not JSON ({error})", got=config.arch_kwargs) from None
    if not isinstance(kwargs, dict):
        raise UserError("--arch-kwargs must be a JSON object", got=config.arch_kwargs)
    return kwargs


if __name__ == "__main__":
    sys.exit(main(Config, run))
