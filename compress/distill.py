"""`python -m compress.distill --teacher DIR --student NAME_OR_DIR` teaches a small network.

The student sees the same augmented image as the teacher and learns the teacher's probability of
each label and the teacher's feature maps, with the hard labels mixed in.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import Field

from benchmarks.gates.verdicts import judges
from benchmarks.thresholds import ThresholdOptions
from compress.learning import checks, methods, terms
from compress.learning import options as training_options
from compress.learning.finish import Trained, Wanted, finish, wanted_of
from compress.learning.loading import require_batch
from compress.learning.loop import dropping
from compress.learning.racing import choosing, final
from compress.learning.racing.choosing import MethodOptions
from compress.learning.racing.race import Race
from compress.learning.racing.scoring import Scorer
from compress.learning.teachers.loading import as_shown, teacher_of, try_teachers
from compress.learning.teaching import Student, Teaching, terms_of
from compress.learning.training_data import lesson_images, named, open_for
from compress.learning.views.options import check_patience, longer
from compress.planning.students import listing
from compress.planning.students.listing import ListingOptions
from compress.students.starting import Start, rewrites_of, start_of
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.ending import require
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.judging import JudgingOptions
from edgepress.core.manifest import Manifest
from edgepress.core.several import Gates
from edgepress.core.stage import Plan, produce
from edgepress.data.context import Context
from models import families
from models.basis.torch_process import seeded
from models.defaults import ZOO_TEACHER, ModelPaths, default_student
from models.stored import architecture_of


class Config(ListingOptions, MethodOptions, Teaching, ThresholdOptions, JudgingOptions):
    """Distil a teacher into a student."""

    teacher: ModelPaths = ()
    """Artifact of the teacher, PyTorch or ONNX (which teaches probabilities only, and runs on the
    CPU). Several teach the mean of their logits; gates compare with the first, whose features and
    image size count. Default: the teacher shipped in models/zoo/."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/distilled")
    """Folder of the artifact."""
    epochs: int = Field(30, ge=0)
    """Passes over the training images."""
    gate: Gates = ("map drop <= 0.05",)
    """Gates against the teacher, e.g. --gate "map drop <= 0.03"."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


@dataclass(frozen=True)
class _Lesson:
    """Who teaches whom, on which images, and what is wanted of the student."""

    teachers: tuple[Artifact, ...]
    start: Start
    context: Context
    wanted: Wanted


def run(config: Config) -> Artifact | listing.Listing:
    """Train the student, evaluate and store it; or list what students cost.

    Raises:
        UserError: bad input, or a student with other labels than the teacher.
        GateFailed: a gate was not met; the artifact is stored all the same.
        GateUndecided: a gate could not be decided.
    """
    if config.list_students:
        return listing.listed(config, artifacts.load(_named(config)[0]))
    check(config)
    teachers = tuple(map(artifacts.load, _named(config)))
    teacher, *others = teachers
    check(config, teacher.manifest.labels.names)
    start = start_of(config, teacher.manifest.image)
    config = config.model_copy(update={"student": start.options.student})
    foreseen = _foreseen(config, teacher)
    raced = choosing.races(config, config)
    try_teachers(teachers, as_shown(teacher, config) if raced else foreseen)
    check_patience(config, terms_of(foreseen))
    start.try_out(training=config.epochs > 0)
    dropping.require(partial(families.skeleton, start.architecture, n_labels=2), config)
    if start.spec.channels < teacher.manifest.image.channels:
        console.say("the student takes one channel: its images are made grey")
    context = open_for(
        (teacher, *start.parents),
        config.data,
        config.skip_bad_images,
        tuple(others),
        config.judged_on,
    )
    if config.epochs:
        require_batch(len(context.rows("train")), config.batch_size)
    wanted = wanted_of(config.gate, config, context, teacher.manifest.labels)
    lesson = _Lesson(teachers, start, context, wanted)
    plan = Plan(
        stage="compress.distill",
        config=config,
        out=config.out,
        parents=(*teachers, *start.parents),
        data_identity=context.identity,
        chosen=_chosen(config, lesson) | named(config, context) | judges(config.gate),
    )
    artifact = produce(plan, partial(_build, plan, config, lesson))
    require(artifact.manifest.verdicts)
    return artifact


def check(config: Config, labels: Sequence[str] | None = None) -> None:
    """Refuse what can be known to fail before an image is read; recipes ask for every step.

    Raises:
        UserError: there is such a thing.
    """
    terms.parse(config.term)
    training_options.check(config)
    choosing.check(config, config)
    rewrites_of(config)
    listing.require_unused(config)
    models = (*_named(config), Path(config.student or default_student()))
    checks.check(checks.Asked(config.gate, config.demand, config.out, models), labels)


def _named(config: Config) -> tuple[Path, ...]:
    """Return where the teachers lie, the one that gates compare with first."""
    return config.teacher or (ZOO_TEACHER,)


def _foreseen(config: Config, teacher: Artifact) -> Teaching:
    """Return settings by which a student learns; before a race, those of one that can be stored."""
    if choosing.races(config, config):
        return methods.applied("soft-labels", config)
    if config.method == methods.AUTO:
        return as_shown(teacher, config)
    return methods.applied(config.method, config)


def _build(plan: Plan, config: Config, lesson: _Lesson, workdir: Path) -> Manifest:
    race = _race(config, lesson, workdir / "scratch")
    kept = final.trained(config, race)
    views = kept.fitted.teacher_views
    trained = Trained(
        kept.fitted.network,
        lesson.start.architecture,
        lesson.teachers[0],
        kept.fitted.waiting_share,
        notes=kept.fitted.notes,
    )
    context = replace(lesson.context, spec=lesson.start.spec)
    manifest = finish(plan, trained, context, lesson.wanted)
    how = final.judged(race, kept, load_eval(workdir / "files" / EVAL_FILE))
    taught = how.model_copy(update={"teacher_views": views})
    return manifest.model_copy(update={"distillation": taught})


def _race(config: Config, lesson: _Lesson, folder: Path) -> Race:
    """Return what students of this teacher learn from, each from the same start."""
    context, start = lesson.context, lesson.start
    network, settings = teacher_of(lesson.teachers, longer(config))
    features = settings.feature_weight == config.feature_weight
    if not features and config.method == methods.AUTO:
        console.say("an ONNX file shows no feature maps: the student learns its probabilities")
    elif config.patience > 1 and choosing.races(config, config):
        console.say("--patience: methods with feature maps, which are not stored, do not race")
        features = False

    def student() -> Student:
        with seeded(config.seed):
            return Student(start.network(context.dataset.label_names), start.spec)

    scorer = Scorer(context, start.spec)
    images = lesson_images(context, start.spec, config.soft_labels)
    return Race(student, network, images, settings, scorer, folder, features)


def _chosen(config: Config, lesson: _Lesson) -> dict[str, str]:
    """Return the hashes of what is chosen by name, for the student and for the teachers."""
    found = lesson.start.chosen()
    for number, teacher in enumerate(lesson.teachers, 1):
        if teacher.manifest.kind == "torch":
            network = architecture_of(teacher)
            identity = families.identity(network.name, network.rewrites)
            found[f"network of teacher {number}"] = identity
    return found | terms.identity(config.term) | choosing.identity(config, config)


if __name__ == "__main__":
    sys.exit(main(Config, run))
