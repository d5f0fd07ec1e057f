"""How long each stage will take: from what was measured here, and what the stage will do."""

import importlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel

from benchmarks.timing import orders
from benchmarks.timing.tournament import LatencySettings
from compress.learning.racing import choosing
from compress.planning.facts import Facts, Speeds
from compress.pruning import importance
from compress.pruning.importance import Needs
from compress.recipes.handing_over import BUNDLING
from edgepress.core import cli, duration
from edgepress.core.environment import usable_cores
from edgepress.core.several import listed
from edgepress.data import views

# Seconds that depend on the machine alone, and counts of what a stage does: estimates from a few
# runs of a tiny network, and of EfficientNet-Lite0 in docs/results/elpv*/report.json.
OPENING_S = 0.4
"""Of a stage: data, split and manifests are read."""
EPOCH_S = 0.1
"""The first batch is waited for, and a checkpoint written."""
PROCESS_S = 0.9
"""Of a process that times a model."""
CHANGES = 8
"""Settings that a search for an int8 file times, the first one's many runs left out."""
CHANGE_S, CHANGE_RUNS = 0.2, 80
"""Of one of these: making the file, and the inferences of the race."""
CALIBRATING = 2
"""Inferences that one takes whose activations are all kept."""
INT8 = 0.6
"""Time of an int8 file / time of the float one: what can be counted on without VNNI too."""
PARITY = 128
"""Images on which an export is compared with what it was made from."""
EMULATED_S, EMULATED = 3.0, 100
"""A process under an emulated CPU, and how many times slower an inference is in it."""
ADOPTED = 12
"""Passes over the sample of a file from elsewhere, to find out how it takes images."""
REPORT_S, PACKING_S = 2.0, 1.0
"""Writing a report, and packing a bundle."""
GRADIENT: Mapping[Needs, float] = {"gradients": 2.2, "squared-gradients": 4.8}
"""Forward passes that an image's gradients take for an importance; one image at a time is slower
(EfficientNet-Lite0 of 160 pixels, seconds of one core)."""
MODELS = ("model", "teacher", "student")
FORMATS = ("-fp32", "-fp16", "-int8")
"""Endings of the names of steps that make ONNX files."""


@dataclass(frozen=True)
class Work:
    """A step of the recipe: its stage, and the values of its options."""

    stage: str
    """`compress.train`, ..., `export.bundle`, or `compare`."""
    values: Mapping[str, Any]
    """As the recipe states them; `@NAME` is what an earlier step made."""


_DOORS = {"export.bundle": BUNDLING}
"""Modules of stages that are folders."""


class Seconds(NamedTuple):
    """How long something takes."""

    expected: float
    most: float
    """Where every search and measurement goes on until its time is over."""


@dataclass(frozen=True)
class _Job:
    """Work, and what is known of it."""

    work: Work
    facts: Facts
    speeds: Speeds

    @cached_property
    def options(self) -> Any:
        """The options of the stage, with the defaults of those that are not stated."""
        stage = self.work.stage
        config: type[BaseModel] = importlib.import_module(_DOORS.get(stage, stage)).Config
        return config(**cli.check_options(config, dict(self.work.values)))

    @property
    def model(self) -> str:
        """What the step works on, as the recipe names it; empty where it makes a first model."""
        found = (name for option in MODELS for name in listed(self.work.values.get(option)))
        return next(map(str, found), "")

    @property
    def of_student(self) -> bool:
        """Whether that is the student."""
        return self.model.startswith("@") and not self.model.startswith("@teacher")

    @property
    def of_graph(self) -> bool:
        """Whether that is an ONNX file."""
        from_elsewhere = self.facts.start.origin in ("file", "graph") and not self.of_student
        return from_elsewhere or (self.model.startswith("@") and self.model.endswith(FORMATS))

    @property
    def forward_s(self) -> float:
        """One image through the network in PyTorch."""
        return self.speeds.student_forward_s if self.of_student else self.speeds.forward_s

    @property
    def infer_s(self) -> float:
        """One image through its float file, on all cores."""
        speeds = self.speeds
        if not self.of_student:
            return speeds.infer_s
        whole = speeds.forward_s
        return speeds.infer_s * speeds.student_forward_s / whole if whole else self.forward_s

    @property
    def one_core_s(self) -> float:
        """One image through its float file, on one core."""
        return self.infer_s * usable_cores()

    @property
    def train(self) -> int:
        """Training images."""
        return self.facts.images()[0]

    @property
    def val(self) -> int:
        """Images that are looked at before the test part."""
        return len(self.facts.context.rows(self.facts.context.beside_test))

    @property
    def test_views(self) -> int:
        """Images of the test part, each as often as it is shown."""
        most = getattr(self.options, "views", None)
        return self.facts.images()[2] * len(self.all_views[:most])

    @property
    def all_views(self) -> tuple[str, ...]:
        """Views that keep the labels."""
        context = self.facts.context
        return views.usable(context.dataset.views, context.spec)

    def decoding_s(self) -> float:
        """Every image once."""
        return len(self.facts.context.dataset.paths) * self.speeds.decode_s

    def epochs_s(self, each_s: float) -> float:
        """The epochs of the options, of whole batches."""
        batch = self.options.batch_size
        steps = self.train // batch
        epochs = self.options.epochs * getattr(self.options, "patience", 1.0)
        return float(epochs * (steps * batch * each_s + EPOCH_S))

    def measuring_s(self, forward_s: float) -> float:
        """The end of a stage that trains: thresholds on validation, accuracy on the test part."""
        return (self.val + self.test_views) * forward_s


def step_seconds(work: Work, facts: Facts, speeds: Speeds) -> Seconds:
    """Return how long a step will take on this machine.

    Images are decoded by the step that sees them first: a training, a file from elsewhere, the
    export of a model that is there, or a student that takes them in another size.

    Raises:
        UserError: an option that the stage does not have, or a bad value.
    """
    found = _STAGES[work.stage](_Job(work, facts, speeds))
    return Seconds(found.expected + OPENING_S, found.most + OPENING_S)


def _train(job: _Job) -> Seconds:
    learning = job.epochs_s(job.speeds.train_s)
    return _sure(job.decoding_s() + learning + job.measuring_s(job.speeds.forward_s))


def _prune(job: _Job) -> Seconds:
    """Each round prunes, twice, for all are rehearsed, and sees the training part once more."""
    speeds, rounds = job.speeds, job.options.rounds
    seen = job.train * speeds.forward_s
    rounds_s = rounds * (seen + 2 * _gradients_s(job) + job.epochs_s(speeds.teach_s))
    return _sure(2 * speeds.prune_s + rounds_s + job.measuring_s(speeds.student_forward_s))


def _gradients_s(job: _Job) -> float:
    """What an importance of the data is measured for, once."""
    needs = importance.needs(job.options.importance)
    images = min(job.options.importance_images, job.train)
    return images * GRADIENT[needs] * job.speeds.forward_s if needs else 0.0


def _distil(job: _Job) -> Seconds:
    resized = job.options.image_size is not None
    learning = job.epochs_s(_lesson_s(job))
    decoding = job.decoding_s() if resized else 0.0
    measured = job.measuring_s(job.speeds.student_forward_s)
    return _sum(_sure(decoding + learning + measured), _held_against_others(job))


def _lesson_s(job: _Job) -> float:
    """One image in a lesson; further teachers are taken to be as fast as the first."""
    others = max(0, len(job.options.teacher) - 1)
    return job.speeds.teach_s + others * (job.forward_s or job.infer_s)


def _held_against_others(job: _Job) -> Seconds:
    """The race between methods, and the control; each is measured as the student is."""
    options, speeds = job.options, job.speeds
    raced = choosing.races(options, options)
    shares = options.raced_share * job.epochs_s(_lesson_s(job)) if raced else 0.0
    if not (raced or options.control):
        return _sure(0.0)
    again = job.epochs_s(speeds.alone_s) + 2 * job.measuring_s(speeds.student_forward_s)
    return _sure(shares + again)


def _adopt(job: _Job) -> Seconds:
    looking = (ADOPTED + 1) * PARITY * job.one_core_s
    return _sure(job.decoding_s() + looking + (job.val + job.test_views) * job.infer_s)


def _export(job: _Job) -> Seconds:
    """The file is written, held against what it was made from, and its accuracy measured."""
    first = 0.0 if job.model.startswith("@") else job.decoding_s()
    written = 0.0 if job.of_graph else job.speeds.export_s
    compared = PARITY * (job.one_core_s + (job.one_core_s if job.of_graph else job.forward_s))
    known = _sure(first + written + compared)
    if job.options.quantize == "int8":
        return _sum(known, _int8(job))
    return _sum(known, _sure(job.test_views * job.infer_s))


def _int8(job: _Job) -> Seconds:
    """The search, the file's accuracy, what it answers on an emulated CPU, and its latency."""
    options, one = job.options, job.one_core_s
    calibrating = CALIBRATING * min(options.calibration_images, job.train) * one
    judged = job.val * len(job.all_views) * (1 + INT8) * job.infer_s
    changes, longest = CHANGES * (CHANGE_S + CHANGE_RUNS * one), duration.seconds(options.budget)
    search = Seconds(calibrating + judged + min(changes, longest), calibrating + judged + longest)
    files = INT8 if job.of_graph else 1 + INT8  # whose accuracy is not known yet
    measured = (job.val + files * job.test_views) * job.infer_s
    emulated = options.emulate if shutil.which("qemu-x86_64") else 0
    beside = EMULATED_S + emulated * EMULATED * one if emulated else 0.0
    timed = options.gate is None or any("latency" in gate for gate in options.gate)
    latency = _tournament(2, options.latency_time) if timed else _sure(0.0)
    return _sum(search, _sure(measured + beside), latency)


def _compare(job: _Job) -> Seconds:
    models = [str(model) for model in job.work.values["models"]]
    timed = sum(model.endswith(FORMATS) for model in models)
    latency_time = str(job.work.values.get("latency_time", "3m"))
    latency = _tournament(timed, latency_time) if timed else _sure(0.0)
    return _sum(latency, _sure(REPORT_S))


def _bundle(job: _Job) -> Seconds:
    photographs = min(job.val, job.options.check_images)
    each = 2 * (job.speeds.decode_s * usable_cores() + job.one_core_s)
    return _sure(PACKING_S + photographs * each)


def _tournament(models: int, latency_time: str) -> Seconds:
    """Rounds in which every model runs, and the first once more."""
    runners = models + 1
    rounds = orders.rounds(runners, LatencySettings().rounds_min)
    expected = rounds * runners * PROCESS_S
    return Seconds(expected, max(expected, duration.seconds(latency_time)))


def _sure(seconds: float) -> Seconds:
    return Seconds(seconds, seconds)


def _sum(*parts: Seconds) -> Seconds:
    return Seconds(sum(part.expected for part in parts), sum(part.most for part in parts))


_STAGES: Mapping[str, Callable[[_Job], Seconds]] = {
    "compress.train": _train,
    "compress.prune": _prune,
    "compress.distill": _distil,
    "export.adopt": _adopt,
    "export.onnx": _export,
    "export.bundle": _bundle,
    "compare": _compare,
}
