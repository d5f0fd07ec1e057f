"""From draws to the figures of the report."""

import numpy as np

from benchmarks import statistics
from benchmarks.bench import Bench
from benchmarks.errors.schema import Estimate
from benchmarks.robustness.result import (
    Condition,
    Drop,
    Robustness,
    condition,
    drop,
    mean_map,
)
from benchmarks.robustness.schema import CorruptionEntry, ModelRobustness


def entries(bench: Bench) -> tuple[ModelRobustness, ...]:
    """Return the figures of every model, each against the first."""
    return tuple(_entry(bench, row) for row in range(len(bench.models)))


def _entry(bench: Bench, row: int) -> ModelRobustness:
    model, ours, first = bench.models[row], bench.robustness[row], bench.robustness[0]
    clean = condition(ours.clean)
    clean_drop = drop((clean,), (condition(first.clean),))
    image = model.manifest.image
    return ModelRobustness(
        name=bench.names[row],
        path=str(model.path),
        kind=model.manifest.kind,
        precision=model.manifest.precision,
        size_bytes=model.size_bytes,
        input=(image.height, image.width),
        clean=Estimate(value=clean.map, ci95=statistics.interval(clean.draws)),
        clean_drop=_estimate(clean_drop),
        corruptions={
            name: _corruption(several, first.corrupted[name], clean_drop)
            for name, several in ours.corrupted.items()
        },
        all=_corruption(_by_strength(ours), _by_strength(first), clean_drop),
    )


def _corruption(
    ours: tuple[Condition, ...], first: tuple[Condition, ...], clean_drop: Drop
) -> CorruptionEntry:
    found = drop(ours, first)
    return CorruptionEntry(
        map=tuple(one.map for one in ours),
        mean=mean_map(ours),
        drop=_estimate(found),
        beyond=_estimate(found - clean_drop),
    )


def _by_strength(found: Robustness) -> tuple[Condition, ...]:
    """Return the mean over the corruptions at each strength."""
    return tuple(
        Condition(mean_map(several), np.mean([one.draws for one in several], axis=0))
        for several in zip(*found.corrupted.values(), strict=True)
    )


def _estimate(found: Drop) -> Estimate:
    return Estimate(value=found.value, ci95=found.ci95)
