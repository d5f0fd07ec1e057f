"""Run a model over a part of a data set, view by view, and keep its probabilities."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from benchmarks import metrics
from benchmarks.evaluation.answers import check_answers
from benchmarks.evaluation.label_ap import ap_per_label
from benchmarks.runtimes import _contract, _session
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.cpu import this_cpu
from edgepress.core.environment import usable_cores
from edgepress.core.errors import NotFiniteError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.labels import Labels
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult, Scores
from edgepress.data import pixels, views
from edgepress.data.context import check_labels, require_images
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Grouped, Rows
from edgepress.data.split import is_known

_CHUNK = 64
_ON_THE_CPU = ("cpu", "openvino", "torch")
"""Runtimes that compute on the CPU that a result names; which device others find is not known
before they open a model."""


class EvalSettings(Noun):
    """How probabilities are computed."""

    provider: str = "cpu"
    """Runtime for ONNX models; torch models run in torch."""
    threads: int = Field(default_factory=usable_cores, ge=1)
    """Threads (default: every core this process may use)."""
    views: int | None = Field(None, ge=1)
    """Label-preserving views of each image at most (default: all that the data set declares)."""

    def views_of(self, model: Artifact, dataset: Dataset) -> tuple[str, ...]:
        """Return the views that a model is evaluated on."""
        return views.usable(dataset.views, model.manifest.image)[: self.views]


def data_id(dataset: Dataset, images: Grouped) -> str:
    """Return what names the part of a data set that images are of in an `EvalResult`."""
    return f"{dataset.fingerprint}:{images.part or 'some'}"


def evaluate(
    model: Artifact, dataset: Dataset, images: Rows | Grouped, settings: EvalSettings
) -> EvalResult:
    """Return the probabilities `[views, n, labels]` of images, and the metrics made from them.

    Args:
        model: The model.
        dataset: The data set.
        images: Its rows `[n]`; what is to decide a gate comes with its groups and its part
            (`Context.images`).
        settings: How the model is run.

    Raises:
        UserError: the labels differ, the runtime is not available, or a probability is not finite.
    """
    session = open_session(model, dataset, settings)
    return evaluate_session(session, model, dataset, images, settings)


def evaluate_session(
    session: _session.Runs,
    model: Artifact,
    dataset: Dataset,
    images: Rows | Grouped,
    settings: EvalSettings,
) -> EvalResult:
    """Return what `evaluate` does of a session that is open.

    Raises:
        UserError: there is no image, or a probability is not finite.
    """
    view_names = settings.views_of(model, dataset)
    told = _grouped(images)
    chunks = in_chunks(require_images(told, dataset, told.part).rows)
    done = [
        probabilities(session, model, view_names, chunk)
        for chunk in console.track(
            _images(model, dataset, chunks), f"evaluating {model.name}", len(chunks)
        )
    ]
    result = as_result(model, dataset, images, np.concatenate(done, axis=1), settings)
    return result.model_copy(update=_measured_with(session))


def _measured_with(session: _session.Runs) -> dict[str, str | None]:
    """Return what computed the probabilities, as a result tells it."""
    told = {name: getattr(session, name, None) for name in ("provider_asked", "provider_opened")}
    return {**told, "cpu": this_cpu().shown}


def open_session(model: Artifact, dataset: Dataset, settings: EvalSettings) -> _session.Session:
    """Open a model to run it on many images of a data set.

    Raises:
        UserError: the labels differ, the runtime is not available, or the model answers otherwise
            than when it was measured.
    """
    check_labels(model, dataset)
    name = _session.name_for(model, settings.provider)
    session = _session.find(name).open_session(model, settings.threads, across_images=True)
    check_answers(session, model, name)
    return session


def in_chunks(rows: Rows) -> list[Rows]:
    """Return the rows in pieces whose images fit into memory together."""
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]


def probabilities(
    session: _session.Runs,
    model: Artifact,
    view_names: tuple[str, ...],
    images: NDArray[np.uint8],
) -> Scores:
    """Return probabilities `[views, n, labels]` of images `[n, h, w, c]`.

    Raises:
        UserError: the model does not return one probability per label.
    """
    spec = model.manifest.image
    inputs = (pixels.normalise(views.apply(view, images), spec) for view in view_names)
    each = [_contract.checked(session.run(seen), seen, model) for seen in inputs]
    return np.stack(each).astype(np.float32)


def as_result(
    model: Artifact,
    dataset: Dataset,
    images: Rows | Grouped,
    scores: Scores,
    settings: EvalSettings,
) -> EvalResult:
    """Return probabilities `[views, n, labels]` of images with the metrics made from them.

    Raises:
        UserError: a probability is not finite.
    """
    if not np.isfinite(scores).all():
        raise NotFiniteError("The model returns probabilities that are not finite", got=model.path)
    told = _grouped(images)
    result = EvalResult(
        data_id=data_id(dataset, told),
        label_names=dataset.label_names,
        image_ids=_ids(dataset, told.rows),
        view_names=settings.views_of(model, dataset),
        scores=scores,
        targets=dataset.targets[told.rows],
        groups=told.groups,
        trained_on_known=is_known(model, dataset),
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
    )
    return with_metrics(result, model.manifest.labels)


def with_metrics(result: EvalResult, labels: Labels) -> EvalResult:
    """Return the result with AP per label, mAP, F1 and ECE filled in from its scores."""
    ap = ap_per_label(result.scores, result.targets, result.folds)
    first = result.scores[0]
    return result.model_copy(
        update={
            "ap": dict(zip(result.label_names, ap, strict=True)),
            "map": metrics.mean_defined(ap),
            "f1_macro": metrics.f1_macro(result.targets, first, labels.thresholds),
            "ece": metrics.expected_calibration_error(result.targets, first),
        }
    )


def stored_or_evaluated(
    model: Artifact, dataset: Dataset, images: Rows | Grouped, settings: EvalSettings
) -> EvalResult:
    """Return the result that the model's stage stored, or a new one if it is of something else.

    Other views of the same images are other images, and another runtime or CPU gives other
    probabilities. The groups are those given: another model of the comparison may tell more of
    them than the one that stored the result.

    Raises:
        UserError: as `evaluate`.
    """
    path = model.file(EVAL_FILE)
    provider = _session.name_for(model, settings.provider)
    if path is not None and provider in _ON_THE_CPU:
        stored = load_eval(path)
        wanted = (
            data_id(dataset, _grouped(images)),
            _ids(dataset, _grouped(images).rows),
            settings.views_of(model, dataset),
            provider,
            this_cpu().shown,
        )
        found = (stored.data_id, stored.image_ids, stored.view_names)
        if (*found, stored.provider_asked, stored.cpu) == wanted:
            return stored.model_copy(update={"groups": _grouped(images).groups})
    return evaluate(model, dataset, images, settings)


def _grouped(images: Rows | Grouped) -> Grouped:
    return images if isinstance(images, Grouped) else Grouped(images)


def _ids(dataset: Dataset, rows: Rows) -> tuple[str, ...]:
    return tuple(dataset.image_ids[row] for row in rows)


def _images(model: Artifact, dataset: Dataset, chunks: list[Rows]) -> Iterator[NDArray[np.uint8]]:
    """Yield the pixels of each chunk, `[n, h, w, c]`, read from the cache when it is its turn."""
    everything = pixels.decoded(dataset, model.manifest.image)
    for chunk in chunks:
        yield np.asarray(everything[chunk])
