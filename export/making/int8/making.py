"""One int8 file, made to order: what is searched with, and by what it is judged."""

import tempfile
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from shutil import copyfile

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.candidates import BareModel
from benchmarks.evaluation.evaluation import evaluate
from benchmarks.runtimes import _session
from benchmarks.statistics import paired
from edgepress.core import console
from edgepress.core.environment import usable_cores
from edgepress.core.results import EvalResult
from edgepress.data.grouping import Grouped
from edgepress.data.parts import Part
from edgepress.data.pixels import decoded, normalise
from edgepress.data.sampling import sample
from export.making import evidence
from export.making.int8.calibration import Calibration
from export.making.int8.checks import check_images
from export.making.int8.last_resort import Tuner, tuned_if_missed
from export.making.int8.quantize import open_workshop
from export.making.int8.search import Found, Search
from export.making.int8.timing import Stopwatch
from export.making.int8.trials import Demands, Judges
from export.targets._target import Target

NOISE_IMAGES = 64
"""Images on which parts of the network are ranked by the noise that they make."""
TRAINING_IMAGES = 512
"""Judged on where there is no validation part."""


@dataclass(frozen=True)
class Order:
    """What is wanted, and what it is made from."""

    reference: BareModel
    """The float file, and what is known of it."""
    target: Target
    images: Calibration
    request: evidence.Request
    budget_s: float
    on_target: bool
    """Whether this machine and runtime are the target."""
    tuner: Tuner | None = None
    """What is tried where the search misses accuracy."""


def make(order: Order, source: Path, out: Path) -> Found:
    """Search for the best int8 file and write it.

    Raises:
        UserError: the runtime cannot open or run a file, the calibration images show nothing, the
            network cannot be quantized, or its fine-tuning fails.
    """
    target = order.target
    check_images(order.images)
    console.say(f"int8 for {target.name} ({target.description}), {len(order.images.rows)} images")
    with tempfile.TemporaryDirectory(prefix="edgepress-int8-") as folder:
        workshop = open_workshop(source, target, order.images, Path(folder))
        accuracy = _Accuracy(order)
        judges = Judges(_stopwatch(order), accuracy.map_drop, accuracy.noise)
        demands = Demands(_allowed_drop(order), order.budget_s)
        end = time.monotonic() + order.budget_s
        search = Search(workshop, judges, demands)
        found = search.run()
        if order.tuner is not None:
            found = tuned_if_missed(found, search, order.tuner, end - time.monotonic())
        copyfile(found.path, out)
    return replace(found, path=out)


def _stopwatch(order: Order) -> Stopwatch | None:
    """Return what times files, `None` where this machine and runtime are not the target."""
    request = order.request
    if not order.on_target:
        return None
    return Stopwatch(
        as_model=lambda path: BareModel(path, order.reference.manifest),
        reference=order.reference.path,
        provider=request.provider,
        threads=request.threads,
    )


def _allowed_drop(order: Order) -> float:
    """Return the smallest drop of mAP that a gate allows, as a share."""
    gates = evidence.parse_gates(order.request.gates)
    limits = [gate.limit for gate in gates if (gate.metric, gate.form) == ("map", "drop")]
    return min(limits, default=evidence.USUAL_DROP)


class _Accuracy:
    """mAP on images that are neither calibrated on nor tested on."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def map_drop(self, path: Path) -> float:
        """Return by how much the mAP of a file is surely at most lower than the float file's.

        The one-sided 95% bound of what the images show; what they cannot show is left to the gate,
        which holds the file against the test part. Validation images are few, so that a noisy
        file may seem better than the float one: that is taken for chance, and the bound is that of
        a file as good. Infinite where mAP is undefined.
        """
        before, after = self._float, self._evaluate(path)
        drop = paired.map_drop(after, before)
        return np.inf if drop is None else drop.shown_bounds()[1] - min(0.0, drop.value)

    def noise(self, path: Path) -> float:
        """Return the mean squared difference of a file's logits from the float file's."""
        return float(np.mean((self._float_logits - self._logits(path)) ** 2))

    @cached_property
    def _float_logits(self) -> NDArray[np.float32]:
        return self._logits(self._order.reference.path)

    def _logits(self, path: Path) -> NDArray[np.float32]:
        """Return the logits of a sample of the judged images, `[n, labels]`."""
        request, spec = self._order.request, self._order.reference.manifest.image
        dataset = request.context.dataset
        rows = sample(dataset.targets, self._judged.rows, NOISE_IMAGES)
        images = normalise(decoded(dataset, spec)[rows], spec)
        model = BareModel(path, self._order.reference.manifest)
        session = _session.find(request.provider).open_session(model, usable_cores(), True)
        probs = session.run(images).clip(1e-6, 1 - 1e-6)
        logits: NDArray[np.float32] = np.log(probs) - np.log1p(-probs)
        return logits

    @cached_property
    def _float(self) -> EvalResult:
        return self._evaluate(self._order.reference.path)

    def _evaluate(self, path: Path) -> EvalResult:
        """Evaluate on all views, whatever the test part has: the images are few, the bound wide."""
        request, manifest = self._order.request, self._order.reference.manifest
        settings = request.settings().model_copy(update={"views": None})
        dataset = request.context.dataset
        return evaluate(BareModel(path, manifest), dataset, self._judged, settings)

    @cached_property
    def _part(self) -> Part:
        return self._order.request.context.beside_test

    @cached_property
    def _judged(self) -> Grouped:
        most = None if self._part == "val" else TRAINING_IMAGES
        return self._order.request.context.images(self._part).take(slice(most))
