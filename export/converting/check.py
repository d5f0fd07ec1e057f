"""Does a converted model answer as the ONNX file does? Asked of validation images, or test images.

What a format's own tool has quantized is held against a gate, so of test images.

The same network in another file must give the same probabilities. A network that a format's own
tool has quantized gives others, as an int8 file of `export.onnx` does, and is held against that
one's gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.evaluation.evaluation import (
    EvalSettings,
    evaluate,
    evaluate_session,
)
from benchmarks.evaluation.parity import compare
from benchmarks.gates import verdicts as gates
from benchmarks.gates.evidence import Subject
from benchmarks.runtimes import cpu
from edgepress.core import ending
from edgepress.core.alike import OTHER_RUNTIME
from edgepress.core.gates import Outcome
from edgepress.core.results import EvalResult
from edgepress.data.context import Context
from export.converting import shown
from export.converting.formats._format import (
    CannotRunError,
    DoesNotRunError,
    Images,
    Module,
    Probs,
    Shown,
    Source,
)
from export.converting.result import Status, Verification
from export.making.job import DEFAULT_GATES
from export.shipped import photographs
from export.shipped.check import network_input

STATUS: dict[Outcome, Status] = {
    "pass": "verified",
    "fail": "failed",
    "inconclusive": "inconclusive",
}


@dataclass(frozen=True)
class _Converted:
    """A converted model as what answers network inputs."""

    module: Module
    folder: Path
    n_labels: int

    def run(self, images: Probs) -> Probs:
        """Return probabilities `[n, labels]` of images `[n, c, height, width]`."""
        return _probs(self.answers([image[None] for image in images]))

    def answers(self, images: Images) -> Probs | Shown:
        """Return what is said about images that are as the format takes them.

        Raises:
            CannotRunError: this machine lacks what runs the format.
            DoesNotRunError: it fails, or its probabilities are not `[n, labels]` numbers.
        """
        answered = self.module.run(self.folder, images)
        probs = _probs(answered)
        if probs.shape != (len(images), self.n_labels) or not np.isfinite(probs).all():
            raise DoesNotRunError(
                f"it returns {list(probs.shape)} values, or values that are not numbers"
            )
        return answered


def same_answers(
    source: Source, module: Module, photos: Sequence[Path], folder: Path
) -> Verification:
    """Compare a converted model with its ONNX file on photographs."""
    spec, labels = source.model.manifest.image, source.model.manifest.labels
    taken = list(photographs.opened(photos, None, spec.pixel_range))
    inputs = [network_input(one, spec) for one in taken]
    given: Images = taken if module.FORMAT.takes == "photograph" else inputs
    try:
        answered = _Converted(module, folder, len(labels.names)).answers(given)
    except CannotRunError as error:
        return Verification(status="not verified", reason=str(error))
    except DoesNotRunError as error:
        return Verification(status="failed", reason=str(error))
    wanted = cpu.open_session(source.model, 1).run(np.concatenate(inputs))
    found = compare(wanted, _probs(answered), labels.thresholds)
    limit = OTHER_RUNTIME[source.model.manifest.precision]
    met = limit.holds(found.max_prob_diff, found.flipped)
    verification = Verification(
        status="verified" if met else "failed",
        reason=f"probabilities differ by up to {found.max_prob_diff:.2g} (limit {limit.probs:g}) "
        f"and {found.flipped:.2%} of the decisions (limit {limit.flipped:.1%}) on "
        f"{found.n_images} images",
        n_images=found.n_images,
        max_prob_diff=found.max_prob_diff,
        flipped=found.flipped,
    )
    if isinstance(answered, Shown):
        return shown.verify(source, taken, answered, verification, limit.flipped)
    return verification


def as_accurate(source: Source, module: Module, context: Context, folder: Path) -> Verification:
    """Hold a quantized model against the float ONNX file, on all views of all test images."""
    model, labels = source.model, source.model.manifest.labels
    dataset, images = context.dataset, context.require("test").images("test")
    settings = EvalSettings()
    session = _Converted(module, folder, len(labels.names))
    try:
        after = evaluate_session(session, model, dataset, images, settings)
    except CannotRunError as error:
        return Verification(status="not verified", reason=str(error))
    except DoesNotRunError as error:
        return Verification(status="failed", reason=str(error))
    return _by_gate(source, after, evaluate(model, dataset, images, settings))


def _by_gate(source: Source, after: EvalResult, before: EvalResult) -> Verification:
    reference, candidate = Subject(source.given, before), Subject(source.model, after)
    verdicts = gates.check_all(DEFAULT_GATES["int8"], candidate, reference)
    thresholds = source.model.manifest.labels.thresholds
    found = compare(before.scores[0], after.scores[0], thresholds)
    said = "; ".join(verdict.reason for verdict in verdicts)
    return Verification(
        status=STATUS[ending.worst(verdict.outcome for verdict in verdicts)],
        reason=f"{said}. {found.flipped:.2%} of the decisions flip on {found.n_images} images",
        n_images=found.n_images,
        max_prob_diff=found.max_prob_diff,
        flipped=found.flipped,
        verdicts=verdicts,
    )


def _probs(answered: Probs | Shown) -> Probs:
    return answered.probs if isinstance(answered, Shown) else answered
