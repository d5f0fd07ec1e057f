"""What an entry says against the first model: drops, p values and changed decisions."""

from dataclasses import replace

import numpy as np
import pytest
from colours import COLOURS, MakeModel

from benchmarks.comparison.against_first import MOST_FLIPS, against_first
from benchmarks.comparison.bench import Bench
from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.report.schema import AgreementEntry, LabelDrop
from edgepress.core.results import EvalResult

N = 500


@pytest.fixture
def bench(make_model: MakeModel) -> Bench:
    """Return two models of which the second is blind to the second label."""
    models = (make_model("old"), make_model("new", COLOURS[::-1].copy()))
    rng = np.random.default_rng(0)
    targets = (rng.random((N, 2)) < 0.4).astype(np.float32)
    good = np.clip(0.3 + 0.4 * targets + rng.normal(0, 0.1, (N, 2)), 0, 1)
    blind = good.copy()
    blind[:, 1] = rng.random(N)
    results = []
    for model, scores in zip(models, (good, blind), strict=True):
        bare = EvalResult(
            data_id="data:test",
            label_names=model.manifest.labels.names,
            image_ids=tuple(f"{row:04d}" for row in range(N)),
            view_names=("identity",),
            scores=scores[None].astype(np.float32),
            targets=targets,
            ap={},
            map=None,
            f1_macro=None,
            ece=None,
        )
        results.append(with_metrics(bare, model.manifest.labels))
    return Bench(models, ("old", "new"), tuple(results))


def drops_of(bench: Bench) -> tuple[LabelDrop, LabelDrop]:
    """Return the drops of both labels."""
    found = against_first(bench, 1)["label_drops"]
    assert isinstance(found, dict)
    seen, blind = found.values()
    return seen, blind


def test_the_blind_label_is_found_and_the_other_is_not(bench: Bench) -> None:
    seen, blind = drops_of(bench)
    assert blind.drop > 0.3
    assert blind.ci95[0] < blind.drop < blind.ci95[1]
    assert blind.p_holm < 0.01
    assert seen.drop == 0
    assert seen.p_holm == 1


def test_the_drop_of_map_has_a_paired_interval(bench: Bench) -> None:
    low, high = against_first(bench, 1)["map_drop_ci95"]  # type: ignore[misc]
    first, second = (result.map for result in bench.evaluations)
    assert first is not None
    assert second is not None
    assert low < first - second < high


def test_flips_are_the_largest_and_are_counted(bench: Bench) -> None:
    found = against_first(bench, 1)["agreement"]
    assert isinstance(found, AgreementEntry)
    before, after = (result.scores[0] for result in bench.evaluations)
    thresholds = np.array(bench.models[0].manifest.labels.thresholds, np.float32)
    differ = (before >= thresholds) != (after >= thresholds)
    assert found.n_flips == differ.sum() > MOST_FLIPS
    assert found.share == pytest.approx(1 - differ.mean())
    assert found.n_now_right + found.n_now_wrong == found.n_flips
    assert len(found.flips) == MOST_FLIPS
    moves = [abs(flip.after - flip.before) for flip in found.flips]
    assert moves == sorted(moves, reverse=True)
    assert moves[0] == pytest.approx(np.abs(after - before)[differ].max(), abs=1e-4)


def test_a_flip_says_what_the_candidate_decided(bench: Bench) -> None:
    found = against_first(bench, 1)["agreement"]
    assert isinstance(found, AgreementEntry)
    threshold = bench.models[1].manifest.labels.thresholds[1]
    assert all(flip.decided == (flip.after >= threshold) for flip in found.flips)


def test_nothing_is_said_of_the_first_or_of_other_images(bench: Bench) -> None:
    first, second = bench.evaluations
    elsewhere = second.model_copy(update={"data_id": "other:test"})
    assert against_first(bench, 0) == {}
    assert against_first(replace(bench, evaluations=()), 1) == {}
    assert against_first(replace(bench, evaluations=(first, elsewhere)), 1) == {}
    assert against_first(bench, 1) != {}
