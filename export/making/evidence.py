"""What is measured of an exported file, and the verdicts of its gates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation import parity
from benchmarks.evaluation.evaluation import (
    EvalSettings,
    evaluate,
    stored_or_evaluated,
)
from benchmarks.evaluation.parity import Parity
from benchmarks.gates import verdicts as gates
from benchmarks.gates.verdicts import Evidence, Subject
from benchmarks.runtimes import _contract, _session
from benchmarks.timing.tournament import LatencySettings, Tournament, measure
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.eval_file import save_eval
from edgepress.core.gates import Gate, Verdict
from edgepress.core.manifest import Measurements
from edgepress.core.results import EvalResult
from edgepress.data.context import Context
from edgepress.data.pixels import decoded, normalise
from edgepress.data.sampling import sample
from export.emulation.avx2 import Emulated, emulate

PARITY_IMAGES = 128
USUAL_DROP = 0.01
"""Of mAP, which a quantized file may lose where nobody says otherwise; it is searched for too."""


@dataclass(frozen=True)
class Request:
    """What is to be measured, and on what."""

    context: Context
    provider: str
    threads: int
    gates: tuple[str, ...]
    views: int | None = None
    """Views of each test image at most (default: all)."""
    latency_time_s: float = 180
    """Time after which the gates on latency are left undecided, seconds."""

    def settings(self) -> EvalSettings:
        """Return how accuracy is evaluated."""
        return EvalSettings(provider=self.provider, views=self.views)


@dataclass(frozen=True)
class Measured:
    """What was found."""

    measurements: Measurements
    verdicts: tuple[Verdict, ...]
    evaluation: EvalResult
    """On the part that the file is judged on."""


def parse_gates(texts: tuple[str, ...]) -> tuple[Gate, ...]:
    """Read gates, which all compare with the one model at hand.

    Raises:
        UserError: a gate that cannot be read, or that names another model.
    """
    parsed = gates.parse_all(texts)
    for gate in parsed:
        if gate.against is not None:
            raise UserError(
                "The gates of an export compare with the model that it is made from",
                got=str(gate),
                next_step="leave out 'vs ...', or use python -m benchmarks.gate afterwards",
            )
    return parsed


def gather(
    draft: Artifact, reference: Artifact, request: Request, folder: Path, found: Parity
) -> Measured:
    """Measure a file, store its evaluation in `folder` and decide its gates.

    `found` is the parity of the two networks: of their probabilities before any calibration.

    Raises:
        UserError: the runtime is not available, or the model cannot be run.
    """
    context = request.context
    images = context.images(context.judged)
    result = evaluate(draft, context.dataset, images, request.settings())
    save_eval(result, folder)
    measurements = draft.manifest.measurements.model_copy(
        update={
            "map": result.map,
            "parity_max_prob_diff": found.max_prob_diff,
            "parity_flipped": found.flipped,
        }
    )
    measured = _with(draft, measurements)
    verdicts = _verdicts(measured, result, reference, request)
    return Measured(measurements, verdicts, result)


def parity_of(candidate: Artifact, reference: Artifact, request: Request) -> Parity:
    """Compare two models on validation images (training images where there are none)."""
    images = parity_images(request.context)
    probs = [_run(model, request, images) for model in (reference, candidate)]
    return parity.compare(probs[0], probs[1], reference.manifest.labels.thresholds)


def parity_images(context: Context, most: int = PARITY_IMAGES) -> NDArray[np.float32]:
    """Return a sample of validation images `[n, c, height, width]` (training ones without any).

    Raises:
        UserError: there is no image.
    """
    dataset, spec = context.dataset, context.spec
    rows = context.rows(context.beside_test)
    if not len(rows):
        raise UserError("There is no image to compare the models on", got=dataset.source)
    return normalise(decoded(dataset, spec)[sample(dataset.targets, rows, most)], spec)


def emulated(candidate: Artifact, request: Request, n_images: int) -> Emulated:
    """Compare a file under an emulated CPU with itself, on the images that parity is taken on.

    Raises:
        UserError: the emulated process failed.
    """
    images = parity_images(request.context, n_images)
    thresholds = candidate.manifest.labels.thresholds
    return emulate(candidate.weights, images, _run(candidate, request, images), thresholds)


def parity_verdicts(export: Artifact, found: Parity, texts: tuple[str, ...]) -> tuple[Verdict, ...]:
    """Hold the parity of an intermediate fp32 export against gates."""
    update = {"parity_max_prob_diff": found.max_prob_diff, "parity_flipped": found.flipped}
    measured = _with(export, export.manifest.measurements.model_copy(update=update))
    verdicts = (gates.check(gate, Evidence(Subject(measured))) for gate in parse_gates(texts))
    return tuple(
        one.model_copy(update={"reason": f"fp32 export against PyTorch: {one.reason}"})
        for one in verdicts
    )


def show(artifact: Artifact, said: Sequence[str] = ()) -> None:
    """Print an artifact's notes, but those that were said already, and its verdicts."""
    for note in (note for note in artifact.manifest.notes if note not in said):
        console.say(f"note: {note}")
    for verdict in artifact.manifest.verdicts:
        console.result(f"{verdict.outcome}: {verdict.gate} ({verdict.reason})")


def _run(model: Artifact, request: Request, images: NDArray[np.float32]) -> NDArray[np.float32]:
    runtime = _session.find(_session.name_for(model, request.provider))
    probs = runtime.open_session(model, request.threads).run(images)
    return _contract.checked(probs, images, model)


def _with(model: Artifact, measurements: Measurements) -> Artifact:
    return replace(model, manifest=model.manifest.model_copy(update={"measurements": measurements}))


def _verdicts(
    candidate: Artifact, result: EvalResult, reference: Artifact, request: Request
) -> tuple[Verdict, ...]:
    wanted = parse_gates(request.gates)
    ours, theirs = Subject(candidate, result), Subject(reference)
    if any(gates.needs_accuracy(gate) for gate in wanted):
        context = request.context
        images = context.images(context.judged)
        before = stored_or_evaluated(reference, context.dataset, images, request.settings())
        theirs = replace(theirs, evaluation=before)
    if any(gates.needs_latency(gate) for gate in wanted):
        return _timed(ours, theirs, wanted, request)
    return tuple(gates.check(gate, Evidence(ours, theirs)) for gate in wanted)


def _timed(
    ours: Subject, theirs: Subject, wanted: tuple[Gate, ...], request: Request
) -> tuple[Verdict, ...]:
    """Decide gates of which some need times, which are taken until those are decided."""
    on_latency = [gate for gate in wanted if gates.needs_latency(gate)]

    def evidence(so_far: Tournament) -> Evidence:
        first, second = so_far.results
        pair = replace(ours, latency=second), replace(theirs, latency=first)
        return Evidence(*pair, so_far.aa[1])

    settings = LatencySettings(
        provider=request.provider, threads=request.threads, budget_s=request.latency_time_s
    )
    models = (theirs.artifact, ours.artifact)
    found = measure(models, settings, lambda so_far: gates.decided(on_latency, evidence(so_far)))
    return tuple(gates.check(gate, evidence(found)) for gate in wanted)
