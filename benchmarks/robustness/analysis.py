"""From what was measured to the figures of the report."""

from benchmarks.comparison.bench import Bench
from benchmarks.errors.schema import Estimate
from benchmarks.evaluation.robustness import Robustness, drop, map_of
from benchmarks.robustness.schema import CorruptionEntry, ModelRobustness
from benchmarks.statistics import paired
from benchmarks.statistics.paired import Ranks


def entries(bench: Bench) -> tuple[ModelRobustness, ...]:
    """Return the figures of every model, each against the first."""
    return tuple(_entry(bench, row) for row in range(len(bench.models)))


def _entry(bench: Bench, row: int) -> ModelRobustness:
    model, ours, first = bench.models[row], bench.robustness[row], bench.robustness[0]
    clean = paired.ranks(ours.clean)
    clean_drop = paired.ranks(first.clean) - clean
    image = model.manifest.image
    return ModelRobustness(
        name=bench.names[row],
        path=str(model.path),
        kind=model.manifest.kind,
        precision=model.manifest.precision,
        size_bytes=model.size_bytes,
        input=(image.height, image.width),
        clean=_estimate(clean),
        clean_drop=_estimate(clean_drop),
        corruptions={
            name: _corruption(several, first.corrupted[name], clean_drop)
            for name, several in ours.corrupted.items()
        },
        all=_corruption(_by_strength(ours), _by_strength(first), clean_drop),
    )


def _corruption(
    ours: tuple[Ranks, ...], first: tuple[Ranks, ...], clean_drop: Ranks
) -> CorruptionEntry:
    found = drop(ours, first)
    return CorruptionEntry(
        map=tuple(map(map_of, ours)),
        mean=map_of(paired.mean_of(ours)),
        drop=_estimate(found),
        beyond=_estimate(found - clean_drop),
    )


def _by_strength(found: Robustness) -> tuple[Ranks, ...]:
    """Return the mean over the corruptions at each strength."""
    return tuple(paired.mean_of(several) for several in zip(*found.corrupted.values(), strict=True))


def _estimate(found: Ranks) -> Estimate:
    mean = found.mean()
    return Estimate(value=mean and mean.value, ci95=paired.interval_of(mean))
