"""Run models over images, clean and corrupted; every model sees the same pixels."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.evaluation import (
    EvalSettings,
    as_result,
    in_chunks,
    open_session,
    probabilities,
)
from benchmarks.evaluation.robustness import Robustness
from benchmarks.robustness.corruptions import STRENGTHS, corrupt
from benchmarks.runtimes._session import Session
from benchmarks.statistics import paired
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import value_hash
from edgepress.core.image_spec import ImageSpec
from edgepress.core.results import EvalResult, Scores
from edgepress.data import pixels
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Grouped, Rows
from edgepress.data.sampling import sample

Step = tuple[str, int]
"""A corruption and its strength."""
CLEAN: Step = ("clean", 0)
IMAGES = 512
"""Images that are measured by default, at most."""


@dataclass(frozen=True)
class Images:
    """Images of a data set, and the seed of their corruptions."""

    dataset: Dataset
    chosen: Grouped
    seed: int

    @property
    def rows(self) -> Rows:
        """The images' rows in the data set."""
        return self.chosen.rows

    def corrupted(self, spec: ImageSpec, chunk: Rows, step: Step) -> NDArray[np.uint8]:
        """Return images `[n, h, w, c]` as one preprocessing makes them, with a corruption."""
        images = np.asarray(pixels.decoded(self.dataset, spec)[chunk])
        if step == CLEAN:
            return images
        return corrupt(images, *step, [self._seed_of(row) for row in chunk])

    def _seed_of(self, row: int) -> int:
        """Return the seed of an image by its content: which others are chosen changes nothing."""
        return int(value_hash([self.seed, self.dataset.image_ids[row]]), 16)


@dataclass(frozen=True)
class _Runner:
    model: Artifact
    session: Session
    views: tuple[str, ...]


def choose(images: Grouped, targets: NDArray[np.float32], most: int, seed: int) -> Grouped:
    """Return a sample of at most so many of the images, in their order.

    `targets` are those of all images of the data set, `[images, labels]`.
    """
    chosen = sample(targets, images.rows, most, seed)
    return images.take(np.flatnonzero(np.isin(images.rows, chosen)))


def measure(
    models: tuple[Artifact, ...], images: Images, names: tuple[str, ...], settings: EvalSettings
) -> tuple[Robustness, ...]:
    """Return what each model is worth under each of the named corruptions.

    Raises:
        UserError: the labels differ, the runtime is not available, a probability is not finite,
            or no label has both classes in these images.
    """
    dataset = images.dataset
    runners = [
        _Runner(model, open_session(model, dataset, settings), settings.views_of(model, dataset))
        for model in models
    ]
    steps = [CLEAN, *((name, strength) for name in names for strength in STRENGTHS)]
    scores = _scores(runners, images, steps)
    total = len(models) * len(steps)
    results = (
        (place, step, as_result(models[place], dataset, images.chosen, found, settings))
        for (place, step), found in scores.items()
    )
    by_model: list[dict[str, list[EvalResult]]] = [defaultdict(list) for _ in models]
    for place, (name, _), result in console.track(results, "metrics", total):
        by_model[place][name].append(result)
    _check_defined(by_model[0][CLEAN[0]][0])
    return tuple(
        _robustness(found, name)
        for found, name in zip(by_model, (f"ranking {model.name}" for model in models), strict=True)
    )


def _robustness(results: dict[str, list[EvalResult]], told: str) -> Robustness:
    """Rank the images of every condition."""
    (clean,) = results.pop(CLEAN[0])
    return Robustness(
        clean,
        {
            name: tuple(paired.ranks(result) for result in several)
            for name, several in console.track(results.items(), told, len(results))
        },
    )


def _scores(
    runners: list[_Runner], images: Images, steps: list[Step]
) -> dict[tuple[int, Step], Scores]:
    """Return probabilities `[1, n, labels]` by the model's place and the step."""
    chunks = in_chunks(images.rows)
    work = ((step, chunk) for step in steps for chunk in chunks)
    found: dict[tuple[int, Step], list[Scores]] = defaultdict(list)
    for step, chunk in console.track(work, "corrupting and running", len(steps) * len(chunks)):
        for place, scores in enumerate(_one_chunk(runners, images, chunk, step)):
            found[place, step].append(scores)
    return {key: np.concatenate(scores, axis=1) for key, scores in found.items()}


def _one_chunk(runners: list[_Runner], images: Images, chunk: Rows, step: Step) -> Iterator[Scores]:
    """Yield what each model says; images are made once for each size and resampling."""
    made: dict[str, NDArray[np.uint8]] = {}
    for runner in runners:
        spec = runner.model.manifest.image
        key = spec.model_dump_json(exclude={"mean", "std"})
        if key not in made:
            made[key] = images.corrupted(spec, chunk, step)
        yield probabilities(runner.session, runner.model, runner.views, made[key])


def _check_defined(clean: EvalResult) -> None:
    if clean.map is None:
        raise UserError(
            "No label has images with it and without it among those chosen",
            got=f"{len(clean.image_ids)} images",
            next_step="take more: --images N",
        )
