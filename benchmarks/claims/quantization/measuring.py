"""All int8 files of one network, measured on the same images and in the same minutes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.claims.quantization.result import Entry, NetworkResult
from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.evaluation import EvalSettings, stored_or_evaluated
from benchmarks.statistics import paired
from benchmarks.timing.tournament import LatencySettings, Tournament, measure, ratio
from edgepress.core import environment
from edgepress.core.artifact import Artifact
from edgepress.core.results import EvalResult
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset


@dataclass(frozen=True)
class Made:
    """An int8 file, or why there is none."""

    tool: str
    path: Path | None
    seconds: float
    failure: str | None = None
    search_s: float | None = None
    """Of the seconds, those of the search; only known of ours."""
    peak_rss_bytes: int | None = None
    """Of the process that made it; only known of ours."""


def network_result(
    fp32: Path, made: tuple[Made, ...], dataset: Dataset, views: int
) -> NetworkResult:
    """Evaluate and time the fp32 artifact and every file that was made, ours first.

    Accuracy is averaged over so many views of each test image.

    Raises:
        UserError: the fp32 file or ours cannot be run.
    """
    reference = open_model(fp32)
    there = [one for one in made if one.path is not None]
    models = (reference, *(open_model(one.path) for one in there if one.path is not None))
    evaluations = _evaluate(models, dataset, EvalSettings(views=views))
    tournament = measure(models, LatencySettings())
    rows = {one.tool: row for row, one in enumerate(there, start=1)}
    measured = _Measured(models, evaluations, tournament)
    entries = [
        measured.entry(rows[one.tool], one)
        if one.tool in rows
        else Entry(tool=one.tool, failure=one.failure, seconds=one.seconds)
        for one in made
    ]
    assert evaluations[0].map is not None  # ELPV's test part has every label
    return NetworkResult(
        network=fp32.parent.name,
        image_size=reference.manifest.image.height,
        map_fp32=evaluations[0].map,
        size_fp32_bytes=reference.size_bytes,
        p50_fp32_s=float(np.median(tournament.reference.block_medians_s)),
        aa_ci95=tournament.aa[1],
        entries=tuple(entries),
        environment=environment.describe(),
    )


def _evaluate(
    models: tuple[Artifact, ...], dataset: Dataset, settings: EvalSettings
) -> tuple[EvalResult, ...]:
    context = context_of(dataset, models[0])
    images = context.images("test")
    return tuple(stored_or_evaluated(model, context.dataset, images, settings) for model in models)


@dataclass(frozen=True)
class _Measured:
    """Models, fp32 first and ours second, with what is known of them."""

    models: tuple[Artifact, ...]
    evaluations: tuple[EvalResult, ...]
    tournament: Tournament

    def entry(self, row: int, made: Made) -> Entry:
        """Return what one file is worth."""
        fp32, ours, its = (self.evaluations[one] for one in (0, 1, row))
        drop, speed = paired.map_drop(its, fp32), self.tournament.speedup(row)
        assert its.map is not None  # ELPV's test part has every label
        assert fp32.map is not None
        assert drop is not None
        return Entry(
            tool=made.tool,
            failure=self.tournament.failures[row],
            seconds=made.seconds,
            search_s=made.search_s,
            peak_rss_bytes=made.peak_rss_bytes,
            size_bytes=self.models[row].size_bytes,
            map=its.map,
            map_drop=fp32.map - its.map,
            map_drop_ci95=drop.interval(),
            map_drop_upper=drop.bounds()[1],
            speedup=speed[0] if speed else None,
            speedup_ci95=speed[1] if speed else None,
            behind_ours=paired.interval_of(paired.map_drop(its, ours)) if row > 1 else None,
            slower_than_ours=self._against_ours(row) if row > 1 else None,
        )

    def _against_ours(self, row: int) -> paired.Interval | None:
        """Return the interval of a file's time / ours."""
        its, ours = self.tournament.results[row], self.tournament.results[1]
        return None if its is None or ours is None else ratio(its, ours)[1]
