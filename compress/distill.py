"""`python -m compress.distill --teacher DIR --student NAME_OR_DIR` teaches a small network.

The student sees the same augmented image as the teacher and learns the teacher's probability of
each label and the teacher's feature maps, with the hard labels mixed in.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import Field
from torch import nn

from benchmarks.gates.verdicts import judges
from benchmarks.thresholds import ThresholdOptions
from compress.learning import checks, terms
from compress.learning.finish import Trained, Wanted, chosen, finish, wanted_of
from compress.learning.loading import require_batch
from compress.learning.onnx_teacher import teacher_of
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.training_data import open_for, training_images
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.ending import require
from edgepress.core.errors import UserError
from edgepress.core.image_spec import Channels, ImageSpec
from edgepress.core.manifest import Architecture, Manifest
from edgepress.core.several import Gates
from edgepress.core.stage import Plan, produce
from edgepress.data.context import Context
from models import families, pretrained, stem
from models.basis.torch_process import seeded
from models.defaults import ZOO_TEACHER, default_student
from models.stored import architecture_of, load_network, try_network


class Config(Teaching, ThresholdOptions):
    """Distil a teacher into a student."""

    teacher: Path | None = None
    """Artifact of the teacher, PyTorch or ONNX (which teaches probabilities only, and runs on the
    CPU); default: the teacher shipped in models/zoo/."""
    student: str | None = None
    """Architecture name, or an artifact to go on from, e.g. a pruned one; default: the newest
    pruned artifact under runs/, else mobilenetv3_small_050."""
    weights: str = "random"
    """Start of a student given by name: `imagenet`, `random` or a file."""
    weights_key: str | None = None
    """Where in the file the weights are, e.g. state_dict_ema; default: where they fit."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/distilled")
    """Folder of the artifact."""
    epochs: int = Field(30, ge=0)
    """Passes over the training images."""
    image_size: int | None = Field(None, ge=32, le=1024)
    """Height and width of the student's input, pixels; default: the teacher's."""
    channels: Channels | None = None
    """Channels of the images of a student given by name, 3 for RGB and 1 for grey; default: the
    teacher's. A student that is an artifact keeps its own."""
    gate: Gates = ("map drop <= 0.05",)
    """Gates against the teacher, e.g. --gate "map drop <= 0.03"."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> Artifact:
    """Train the student, evaluate and store it.

    Raises:
        UserError: bad input, or a student with other labels than the teacher.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    check(config)
    teacher = artifacts.load(config.teacher or ZOO_TEACHER)
    check(config, teacher.manifest.labels.names)
    config = config.model_copy(update={"student": config.student or default_student()})
    start = _student_artifact(config.student)
    _try(config, teacher, start)
    if _spec(config, teacher.manifest.image, start).channels < teacher.manifest.image.channels:
        console.say("the student takes one channel: its images are made grey")
    parents = (teacher,) if start is None else (teacher, start)
    context = open_for(parents, config.data, config.skip_bad_images)
    if config.epochs:
        require_batch(len(context.rows("train")), config.batch_size)
    wanted = wanted_of(config.gate, config, context, teacher.manifest.labels)
    plan = Plan(
        stage="compress.distill",
        config=config,
        out=config.out,
        parents=parents,
        data_identity=context.identity,
        chosen=_chosen(config, teacher, start) | judges(config.gate),
    )
    artifact = produce(plan, partial(_build, plan, config, context, wanted))
    require(artifact.manifest.verdicts)
    return artifact


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    terms.parse(config.term)
    models = (config.teacher or ZOO_TEACHER, Path(config.student or default_student()))
    checks.check(checks.Asked(config.gate, config.demand, config.out, models), labels)


def _build(plan: Plan, config: Config, context: Context, wanted: Wanted, workdir: Path) -> Manifest:
    teacher = plan.parents[0]
    spec = _spec(config, context.spec, _start(plan))
    images, scratch = training_images(context), workdir / "scratch"
    network, settings = teacher_of(teacher, config)
    if settings.feature_weight != config.feature_weight:
        console.say("an ONNX file shows no feature maps: the student learns its probabilities")
    with seeded(config.seed):
        architecture, student = _student(plan, config, spec)
        taught = teach(Student(student, spec), network, images, settings, scratch)
    trained = Trained(taught, architecture, teacher)
    return finish(plan, trained, replace(context, spec=spec), wanted)


def _chosen(config: Config, teacher: Artifact, start: Artifact | None) -> dict[str, str]:
    """Return the hashes of what is chosen by name, for the student and for the teacher.

    Where the student goes on from an artifact, the option of weights says nothing.
    """
    if start is None:
        found = chosen(str(config.student), config.weights)
    else:
        found = chosen(architecture_of(start).name) | {"weights": "of the artifact"}
    if teacher.manifest.kind == "torch":
        found["teacher network"] = families.identity(architecture_of(teacher).name)
    return found | terms.identity(config.term)


def _spec(config: Config, teachers: ImageSpec, start: Artifact | None) -> ImageSpec:
    """Return the student's images: the teacher's, in the size and the channels of its own.

    An artifact's weights were trained for its own normalisation.

    Raises:
        UserError: its channels are not those asked for, or the teacher sees less than it.
    """
    spec = teachers
    if config.image_size is not None:
        size = {"height": config.image_size, "width": config.image_size}
        spec = teachers.model_copy(update=size)
    if start is None:
        spec = spec.in_channels(_named_in_channels(config, spec)[1])
    else:
        own = start.manifest.image.model_dump(include={"channels", "mean", "std"})
        spec = spec.model_copy(update=own)
    if spec.channels != (config.channels or spec.channels) or spec.channels > teachers.channels:
        raise UserError(
            "The student cannot be given images of its channels",
            got=f"{spec.channels} of the student, {teachers.channels} of the teacher"
            + (f", --channels {config.channels}" if config.channels else ""),
            allowed="the teacher's channels, or 1; an artifact keeps its own",
            next_step="another --student, or a teacher of 3 channels",
        )
    return spec


def _try(config: Config, teacher: Artifact, start: Artifact | None) -> None:
    """Run both networks once, before the work.

    Raises:
        UserError: one fails, its weights do not fit, or a term asks for what it does not show.
    """
    if teacher.manifest.kind == "torch":
        try_network(teacher, training=False)
    elif terms.observe(terms.parse(config.term)):
        raise UserError(
            "An ONNX teacher shows no features, which a term of the loss needs",
            got=f"--term {' '.join(config.term)}",
            next_step="leave that term out, or name the PyTorch artifact that the file is from",
        )
    if start is not None:
        try_network(start, training=config.epochs > 0)
        return
    spec = _spec(config, teacher.manifest.image, start)
    pretrained.check(_named(config, spec), _weights(config), spec, config.epochs > 0)


def _weights(config: Config) -> pretrained.Start:
    return pretrained.Start(config.weights, config.weights_key)


def _student(plan: Plan, config: Config, spec: ImageSpec) -> tuple[Architecture, nn.Module]:
    """Return a student to be taught, and what builds it."""
    start = _start(plan)
    if start is not None:
        network = load_network(start)
        return architecture_of(start), network
    architecture, labels = _named(config, spec), len(plan.parents[0].manifest.labels.names)
    return architecture, pretrained.start_network(architecture, labels, _weights(config), spec)


def _start(plan: Plan) -> Artifact | None:
    """Return the artifact that the student goes on from, `None` where it is a name."""
    return plan.parents[1] if len(plan.parents) == 2 else None


def _named(config: Config, spec: ImageSpec) -> Architecture:
    return _named_in_channels(config, spec)[0]


def _named_in_channels(config: Config, spec: ImageSpec) -> tuple[Architecture, Channels]:
    """Return what builds a student given by name, and its channels.

    Raises:
        UserError: the architecture cannot be built, or not for so many channels.
    """
    named = Architecture(name=config.student or default_student())
    return stem.as_taught(named, spec, config.channels)


def _student_artifact(student: str | None) -> Artifact | None:
    path = Path(str(student))
    return artifacts.load(path) if artifacts.is_artifact(path) or path.is_dir() else None


if __name__ == "__main__":
    sys.exit(main(Config, run))
