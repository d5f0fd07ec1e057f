"""What models evaluated fold by fold are worth, as figures, as a table and as a file."""

from collections.abc import Iterator
from typing import Any

from benchmarks.evaluation.tables import percent, percent_range
from benchmarks.folds import folds
from benchmarks.folds.folds import Measured
from benchmarks.statistics import paired as statistics
from benchmarks.statistics.paired import Interval
from benchmarks.statistics.rank_statistics import map_bias
from edgepress.core import console, environment
from edgepress.core.commands import own_command
from edgepress.core.gates import Verdict
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult

BIAS_SHARE = 0.25
"""A bias below this share of the standard error can be ignored (Efron and Tibshirani 1993, "An
Introduction to the Bootstrap", section 10.3)."""


class FoldEntry(Noun):
    """One fold: its models and what they are worth on it."""

    number: int
    """Of the pair, in the order given."""
    candidate: str
    """Id of the artifact."""
    baseline: str | None
    n_images: int
    map: float | None
    map_baseline: float | None
    drop: float | None
    """Baseline minus candidate."""
    drop_ci95: Interval | None


class Side(Noun):
    """The candidates, or the baselines, over all folds."""

    map: float | None
    """Mean over labels of the mean over folds of AP."""
    map_ci95: Interval | None
    map_se: float | None
    """Standard error of `map`."""
    map_bias: float | None
    """The jackknife's estimate of how much too high `map` is, because AP is within small folds."""
    ap: dict[str, float | None]
    f1_macro: float | None
    ece: float | None


class Result(Noun):
    """What was found; shares, not per cent."""

    schema_version: int = 1
    command: str
    data: str
    fingerprint: str
    n_images: int
    """Images tested, over all folds."""
    n_data: int
    """Images of the data set."""
    views: tuple[str, ...]
    group_column: str | None
    """Column of the data whose groups count as one; `None`: near-duplicates are the only ones."""
    n_groups: int | None
    """Groups among the images tested; `None`: each image stands for itself."""
    folds: tuple[FoldEntry, ...]
    candidate: Side
    baseline: Side | None
    drop: float | None
    drop_ci95: Interval | None
    smallest_certifiable_drop: float | None
    """Limit that a candidate without a drop would pass, if it differed as these pairs do."""
    undefined: dict[str, int]
    """Labels with the number of folds that do not hold both an image with and one without it."""
    verdicts: tuple[Verdict, ...]
    environment: dict[str, Any]


def describe(measured: Measured, verdicts: tuple[Verdict, ...]) -> Result:
    """Return what was found, as plain figures."""
    whole, baseline, dataset = measured.whole, measured.baseline, measured.dataset
    smallest = None
    if baseline is not None:
        paired = statistics.map_drop(whole, baseline)
        smallest = None if paired is None else statistics.smallest_certifiable_drop(paired)
    drop, drop_ci95 = _drop(whole, baseline)
    return Result(
        command=own_command("benchmarks.out_of_fold"),
        data=dataset.source,
        fingerprint=dataset.fingerprint,
        n_images=len(whole.image_ids),
        n_data=len(dataset.image_ids),
        views=whole.view_names,
        group_column=folds.known_data(measured.pairs[0]).split.group_column,
        n_groups=len(set(whole.groups)) or None,
        folds=tuple(_fold_entry(measured, row) for row in range(len(measured.pairs))),
        candidate=_side(whole),
        baseline=None if baseline is None else _side(baseline),
        drop=drop,
        drop_ci95=drop_ci95,
        smallest_certifiable_drop=smallest,
        undefined=folds.undefined(measured.parts),
        verdicts=verdicts,
        environment=environment.describe(),
    )


def _fold_entry(measured: Measured, row: int) -> FoldEntry:
    pair, part = measured.pairs[row], measured.parts[row]
    before = measured.baseline_parts[row] if measured.baseline_parts else None
    drop, drop_ci95 = _drop(part, before)
    return FoldEntry(
        number=pair.number,
        candidate=pair.candidate.manifest.id,
        baseline=None if pair.baseline is None else pair.baseline.manifest.id,
        n_images=len(part.image_ids),
        map=part.map,
        map_baseline=None if before is None else before.map,
        drop=drop,
        drop_ci95=drop_ci95,
    )


def _drop(
    candidate: EvalResult, baseline: EvalResult | None
) -> tuple[float | None, Interval | None]:
    """Return the drop of mAP and its 95% interval."""
    if baseline is None or candidate.map is None or baseline.map is None:
        return None, None
    drop = statistics.map_drop(candidate, baseline)
    return baseline.map - candidate.map, statistics.interval_of(drop)


def _side(whole: EvalResult) -> Side:
    found = statistics.ranks(whole).mean()
    return Side(
        map=whole.map,
        map_ci95=statistics.interval_of(found),
        map_se=None if found is None else found.se,
        map_bias=map_bias(whole),
        ap=whole.ap,
        f1_macro=whole.f1_macro,
        ece=whole.ece,
    )


def show(result: Result) -> None:
    """Print a table of the folds, the figures of all of them, and a line per gate."""
    header = ["pair", "images", "mAP %", "mAP % of the baseline", "drop, points", "95% interval"]
    width = len(header) if result.baseline is not None else 3
    title = f"{result.data}: each fold tested with the models that have not seen it"
    console.table(title, header[:width], [row[:width] for row in _rows(result)])
    for line in _lines(result):
        console.result(line)
    _warn_of_bias(result)
    for verdict in result.verdicts:
        console.result(f"{verdict.outcome.upper():12} {verdict.gate}: {verdict.reason}")


def _warn_of_bias(result: Result) -> None:
    """Say so where the folds are too small for the value of mAP to be taken as it is."""
    side = result.candidate
    if side.map_bias is None or side.map_se is None or side.map_bias <= BIAS_SHARE * side.map_se:
        return
    console.warn(
        f"AP within folds this small reads too high, by about {percent(side.map_bias)} points "
        "here: gates like `map >= 0.8` are too lenient; a drop has it on both sides and loses it"
    )


def _rows(result: Result) -> Iterator[tuple[str, ...]]:
    for fold in result.folds:
        figures = (fold.map, fold.map_baseline, fold.drop)
        yield (
            str(fold.number),
            str(fold.n_images),
            *map(percent, figures),
            percent_range(fold.drop_ci95),
        )
    before = None if result.baseline is None else result.baseline.map
    figures = (result.candidate.map, before, result.drop)
    yield "all", str(result.n_images), *map(percent, figures), percent_range(result.drop_ci95)


def _lines(result: Result) -> Iterator[str]:
    tested = f"{result.n_images} of {result.n_data} images, {len(result.folds)} folds"
    for side, name in ((result.candidate, "candidates"), (result.baseline, "baselines")):
        if side is not None:
            yield (
                f"mAP of the {name}: {percent(side.map)}% (95% interval "
                f"{percent_range(side.map_ci95)}%), F1 {percent(side.f1_macro)}%, "
                f"calibration error {percent(side.ece)}%; {tested}"
            )
    if result.n_groups is not None:
        yield (
            f"intervals from the {result.n_groups} groups of "
            f"{folds.named(result.group_column)}, each with all its images as one"
        )
    for name, count in result.undefined.items():
        yield (
            f"AP of {name} is undefined in {count} of {len(result.folds)} folds, which are left "
            "out of its mean: with fewer folds each would hold images of it"
        )
    if result.smallest_certifiable_drop is not None:
        yield (
            f"smallest drop of mAP these {result.n_images} images can certify: "
            f"{percent(result.smallest_certifiable_drop)} points (for candidates that differ from "
            "their baselines as these do)"
        )
