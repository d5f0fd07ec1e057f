"""How long the work takes on this machine, measured on a few batches of these data."""

import copy
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.evaluation.candidates import BareModel
from benchmarks.evaluation.evaluation import probabilities
from benchmarks.runtimes import cpu
from benchmarks.runtimes._session import Runs
from benchmarks.runtimes.torch_ import BATCH, TorchSession
from compress.learning import losses, methods
from compress.learning.loading import TrainingImages
from compress.learning.loop.run import Loss
from compress.learning.options import Training
from compress.learning.teachers.loading import teacher_of
from compress.learning.teaching import Student, Teaching, lesson
from compress.learning.training import step_times
from compress.planning.costing.stopping import Patience, timed, typical
from compress.planning.facts import Facts, Speeds
from compress.pruning.shrinking import Shrinking, kept_of
from compress.pruning.to_share import shrinking
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.environment import usable_cores
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Architecture, Manifest
from edgepress.data import views
from edgepress.data.pixels import decoded_alone
from models import stem
from models.basis.torch_process import seeded
from models.onnx_graph.write import to_onnx
from models.stored import rebuilt

TRAINING, RUNS = Patience(4.0), Patience(1.0)
"""For the steps of a training, and for evaluating."""
DECODING_S = 1.5
"""Longest time of reading images."""
EPOCHS = 1000
"""Of a training that nobody waits for."""
IMAGES = 32
"""Read at most: steps are made of these again and again, which takes the time that others take."""
EVALUATED = 64
"""Run at a time where a model is evaluated (`benchmarks.evaluation.evaluation`)."""


@dataclass(frozen=True)
class Named:
    """A student given by name."""

    architecture: Architecture
    image_size: int
    """Height and width of its input, pixels."""


@dataclass(frozen=True)
class How:
    """What decides how long the work takes, beside the data."""

    architecture: Architecture | None
    """Of the network that is trained or loaded; `None` where there is only a graph."""
    spec: ImageSpec
    batch_size: int
    student: float | Named | None
    """The share of multiply-accumulates that pruning keeps, or a network; `None` is none."""
    teacher: Artifact | None = None
    """Who teaches; `None` is the network that is to be trained. Where there is only a graph, it is
    that."""
    shrinking: Shrinking = field(default_factory=Shrinking)
    """How the student is pruned."""
    control: bool = True
    """Whether a student is trained without its teacher too."""


@dataclass(frozen=True)
class _Bench:
    """What is timed, and on which images."""

    facts: Facts
    how: How
    pixels: NDArray[np.uint8]
    """A few images of the training part, `[n, h, w, channels]`."""

    def images(self) -> TrainingImages:
        """Return a training part of the size that it has, made of the few images."""
        context, spec = self.facts.context, self.how.spec
        targets = context.targets("train")
        return TrainingImages(
            pixels=self.pixels,
            targets=targets,
            views=views.usable(context.dataset.views, spec),
            spec=spec,
            rows=np.resize(np.arange(len(self.pixels)), len(targets)),
        )

    def manifest(self, spec: ImageSpec) -> Manifest:
        """Return what the runtimes read of a model that is not stored."""
        names = self.facts.context.dataset.label_names
        half, unknown = (0.5,) * len(names), (None,) * len(names)
        labels = Labels(names=names, thresholds=half, prevalence=unknown)
        return Manifest(
            id="", stage=__name__, config={}, kind="torch", image=spec, labels=labels, data=None
        )


def measured(facts: Facts, how: How) -> Speeds:
    """Measure how long the work takes, with the code that does it, in about 20 seconds at most.

    Nothing is stored, and what torch, numpy and Python keep for the process stays as it was.

    Raises:
        UserError: images that cannot be read, fewer than one batch, or a network that cannot be
            built, pruned, trained or exported.
    """
    console.say("measuring how long the work takes on this machine ...")
    pixels, decode_s = _decoded(facts, how.spec)
    bench = _Bench(facts, how, pixels)
    with seeded(0):  # new layers draw their weights
        network = None if how.architecture is None else _built(bench, how.architecture, how.spec)
        found = {**_of_network(bench, network), **_of_student(bench, network)}
    return Speeds(decode_s=decode_s, **found)


def _decoded(facts: Facts, spec: ImageSpec) -> tuple[NDArray[np.uint8], float]:
    """Read images spread over the training part, by all cores; return them and the time of one."""
    rows = facts.context.rows("train")
    chosen = rows[np.linspace(0, len(rows) - 1, min(IMAGES, len(rows))).astype(int)]
    read, cores = partial(decoded_alone, facts.context.dataset, spec), usable_cores()
    found: list[NDArray[np.uint8]] = []
    start = time.perf_counter()
    with ThreadPoolExecutor(cores) as pool:
        for first in range(0, len(chosen), cores):
            found += pool.map(read, chosen[first : first + cores])
            if time.perf_counter() - start > DECODING_S:
                break
    return np.concatenate(found), (time.perf_counter() - start) / len(found)


def _built(bench: _Bench, architecture: Architecture, spec: ImageSpec) -> nn.Module:
    """Build a network whose weights do not matter."""
    return rebuilt(architecture, len(bench.facts.context.dataset.label_names), spec)


def _of_network(bench: _Bench, network: nn.Module | None) -> dict[str, float]:
    """Return what is to be known of the network that is trained or loaded, or of the graph."""
    how = bench.how
    if network is None:
        graph = how.teacher or bench.facts.start.artifact
        return {"train_s": 0.0, "infer_s": 0.0 if graph is None else _run_s(bench, graph)}
    loss = losses.find("bce")
    train_s = _step_s(
        copy.deepcopy(network),
        bench,
        Training(batch_size=how.batch_size),
        lambda logits, batch: loss(logits, batch.targets, batch.weights),
    )
    export_s, infer_s = _exported(bench, network)
    return {
        "train_s": train_s,
        "export_s": export_s,
        "infer_s": infer_s,
        "forward_s": _forward_s(bench, network, how.spec),
    }


def _of_student(bench: _Bench, network: nn.Module | None) -> dict[str, float]:
    """Return what is to be known of the student and of its lessons."""
    how = bench.how
    if how.student is None:
        return {"teach_s": 0.0}
    if isinstance(how.student, Named):
        student, prune_s = _named(bench, how.student), 0.0
    else:
        assert network is not None  # a graph cannot be pruned
        student, prune_s = _pruned(bench, how.student, network)
    settings = Teaching(batch_size=how.batch_size)
    if how.teacher is None:
        teacher = copy.deepcopy(network)
        assert teacher is not None  # where there is only a graph, it is the teacher
    else:
        teacher, settings = teacher_of((how.teacher,), settings)
    lessons = {"teach_s": settings}
    if how.control:
        lessons["alone_s"] = methods.applied(methods.NONE, settings)
    found = {}
    for name, each in lessons.items():
        with lesson(student, teacher, how.spec, each) as given:
            found[name] = _step_s(given.pupil, bench, each, given.loss)
    return {
        **found,
        "prune_s": prune_s,
        "student_forward_s": _forward_s(bench, student.network, student.spec),
    }


def _named(bench: _Bench, wanted: Named) -> Student:
    """Return a student with random weights, as `compress.distill` makes it."""
    side = {"height": wanted.image_size, "width": wanted.image_size}
    spec = bench.how.spec.model_copy(update=side)
    architecture, channels = stem.as_taught(wanted.architecture, spec)
    spec = spec.in_channels(channels)
    return Student(_built(bench, architecture, spec), spec)


def _pruned(bench: _Bench, share: float, network: nn.Module) -> tuple[Student, float]:
    """Return a pruned copy of a network, and how long `compress.prune` takes to prune one."""
    spec, options = bench.how.spec, bench.how.shrinking
    small, start = copy.deepcopy(network), time.perf_counter()
    kept = kept_of(network, spec, options)
    shrinking(network, spec, options, kept)(small, share)
    return Student(small, spec), time.perf_counter() - start


def _step_s(network: nn.Module, bench: _Bench, settings: Training, loss: Loss) -> float:
    """Return the seconds of a step for each image; the network is changed."""
    settings = settings.model_copy(update={"epochs": EPOCHS})
    times = step_times(network, bench.images(), settings, loss, TRAINING.enough)
    return typical(times) / settings.batch_size


def _exported(bench: _Bench, network: nn.Module) -> tuple[float, float]:
    """Return the seconds of an export, and those that an image takes in the file."""
    with tempfile.TemporaryDirectory(prefix="edgepress-speed-") as folder:
        file, spec = Path(folder) / "network.onnx", bench.how.spec
        start = time.perf_counter()
        to_onnx(copy.deepcopy(network), spec, file)
        export_s = time.perf_counter() - start
        model = BareModel(file, bench.manifest(spec).model_copy(update={"kind": "onnx"}))
        return export_s, _run_s(bench, model)


def _run_s(bench: _Bench, graph: Artifact) -> float:
    """Return the seconds that an image takes in an ONNX file, as it is evaluated."""
    session = cpu.open_session(graph, usable_cores(), across_images=True)
    return _evaluating_s(session, graph)


def _forward_s(bench: _Bench, network: nn.Module, spec: ImageSpec) -> float:
    """Return the seconds that an image takes in PyTorch, as it is evaluated."""
    manifest = bench.manifest(spec)
    scalings = manifest.labels.scalings
    session = TorchSession(copy.deepcopy(network).eval(), BATCH, usable_cores(), scalings)
    return _evaluating_s(session, Artifact(Path(), manifest))


def _evaluating_s(session: Runs, model: Artifact) -> float:
    spec = model.manifest.image
    images = np.zeros((EVALUATED, spec.height, spec.width, spec.channels), np.uint8)
    work = partial(probabilities, session, model, ("identity",), images)
    return timed(work, RUNS) / EVALUATED
