"""Several models, each on a fold of its own: what their results mean together, and how sure."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from benchmarks import metrics
from benchmarks.claims.selftest.simulated import PREVALENCE, Pair, draw
from benchmarks.evaluation import evaluation
from benchmarks.evaluation.label_ap import ap_per_label
from benchmarks.folds import folds
from benchmarks.statistics import paired
from benchmarks.thresholds import learn
from edgepress.core import eval_file
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult

NAMES = tuple(f"label {number}" for number in range(len(PREVALENCE)))
HALF = (0.5,) * len(PREVALENCE)
LABELS = Labels(names=NAMES, thresholds=HALF, prevalence=PREVALENCE)


def on_scale(result: EvalResult, fold: int, power: float) -> EvalResult:
    """Return the result of another fold's images on another scale, in the same order."""
    scores = (result.scores.astype(float) ** power).astype(np.float32)
    update = {"scores": scores, "data_id": "simulated"}
    ids = tuple(f"{fold}-{image_id}" for image_id in result.image_ids)
    return result.model_copy(update=update | {"image_ids": ids})


Parts = list[EvalResult]


def simulate(pair: Pair, k: int, n: int, seed: int, scales: bool = True) -> tuple[Parts, Parts]:
    """Return k folds of n images of candidates and of baselines, each model on its own scale."""
    drawn = [draw(pair, n, 1000 * seed + fold) for fold in range(k)]
    powers = [4.0**fold if scales else 1.0 for fold in range(k)]
    both = [
        (on_scale(ours, fold, power), on_scale(theirs, fold, 1 / power))
        for fold, ((ours, theirs), power) in enumerate(zip(drawn, powers, strict=True))
    ]
    return [ours for ours, _ in both], [theirs for _, theirs in both]


def whole(parts: Parts) -> EvalResult:
    return folds.combined(parts, [LABELS] * len(parts))


STUDENT = Pair(drop=0.02, correlation=0.9)


def test_the_map_of_all_folds_is_the_mean_of_theirs_and_pooling_would_differ() -> None:
    parts, _ = simulate(STUDENT, k=3, n=300, seed=0)
    found = whole(parts)
    assert found.map == pytest.approx(np.mean([part.map for part in parts]), abs=1e-12)
    assert found.folds == (1,) * 300 + (2,) * 300 + (3,) * 300
    pooled = metrics.mean_defined(ap_per_label(found.scores, found.targets))
    assert pooled < found.map - 0.05, "one ranking of all scores compares the models' scales"


def drop_of(ours: EvalResult, theirs: EvalResult) -> paired.Estimate:
    found = paired.map_drop(ours, theirs)
    assert found is not None
    return found


def test_scales_change_nothing_in_value_or_error() -> None:
    pairs = [simulate(STUDENT, 3, 200, 0, scales) for scales in (True, False)]
    found = [(whole(ours), whole(theirs)) for ours, theirs in pairs]
    assert found[0][0].map == found[1][0].map
    assert drop_of(*found[0]) == drop_of(*found[1])


def test_the_error_is_that_of_a_mean_over_folds() -> None:
    """Each is `weight = 1 / 4`, and the folds share no image."""
    ours, theirs = simulate(STUDENT, k=4, n=200, seed=1)
    alone = [drop_of(*both).se for both in zip(ours, theirs, strict=True)]
    together = drop_of(whole(ours), whole(theirs))
    assert together.se == pytest.approx(np.sqrt(np.sum(np.square(alone))) / 4, rel=1e-9)


def test_the_interval_covers_the_true_drop() -> None:
    covered, estimates = 0, []
    for seed in range(40):
        ours, theirs = map(whole, simulate(STUDENT, k=3, n=100, seed=seed))
        low, high = drop_of(ours, theirs).interval()
        covered += low <= STUDENT.drop <= high
        estimates.append(theirs.map - ours.map)
    assert covered >= 34  # 38 expected, and fewer than 34 in one of 300 such experiments
    assert np.mean(estimates) == pytest.approx(STUDENT.drop, abs=0.01)


def test_one_fold_is_no_fold_bit_for_bit() -> None:
    one, _ = draw(STUDENT, 200, 0)
    same = one.model_copy(update={"folds": (7,) * 200})
    assert ap_per_label(one.scores, one.targets) == ap_per_label(
        same.scores, same.targets, same.folds
    )
    assert paired.ranks(one).mean() == paired.ranks(same).mean()


def in_groups(part: EvalResult, groups: list[int]) -> EvalResult:
    return part.model_copy(update={"groups": tuple(groups)})


def test_groups_of_folds_are_apart_even_where_their_numbers_are_equal() -> None:
    parts, _ = simulate(STUDENT, k=2, n=60, seed=0)
    for second in (0, 100):
        groups = [np.repeat(np.arange(20), 3), second + np.arange(60) // 6]
        both = zip(parts, groups, strict=True)
        each = [in_groups(part, own.tolist()) for part, own in both]
        alone = [paired.ranks(part).mean().se for part in each]
        found = paired.ranks(whole(each)).mean()
        assert found.se == pytest.approx(np.hypot(*alone) / 2, rel=1e-9)


def test_copies_of_an_image_count_for_one() -> None:
    one, _ = draw(STUDENT, 150, 0)
    copied = one.model_copy(
        update={
            "scores": np.repeat(one.scores, 4, axis=1),
            "targets": np.repeat(one.targets, 4, axis=0),
            "image_ids": tuple(f"{name}-{copy}" for name in one.image_ids for copy in range(4)),
        }
    )
    grouped = in_groups(copied, np.repeat(np.arange(150), 4).tolist())
    found = [paired.ranks(result).mean() for result in (one, grouped, copied)]
    assert astuple(found[1])[:6] == pytest.approx(astuple(found[0])[:6], rel=1e-9)
    assert found[2].se < 0.6 * found[1].se, "as if the copies were news"


def test_groups_of_one_image_are_no_groups_bit_for_bit() -> None:
    one, _ = draw(STUDENT, 200, 0)
    same = in_groups(one, list(range(200)))
    assert paired.ranks(one).mean() == paired.ranks(same).mean()
    with pytest.raises(UserError, match="groups differs"):
        paired.map_drop(one, same)
    with pytest.raises(ValueError, match="2 groups of 200 images"):
        eval_file.unpack(eval_file.pack(in_groups(one, [1, 2])))


def test_a_label_that_a_fold_lacks_is_left_out_there() -> None:
    parts, _ = simulate(STUDENT, k=3, n=100, seed=0)
    targets = parts[1].targets.copy()
    targets[:, 2] = 0
    lacking = parts[1].model_copy(update={"targets": targets})
    parts[1] = evaluation.with_metrics(lacking, LABELS)
    found = whole(parts)
    assert folds.undefined(parts) == {"label 2": 1}
    assert found.ap["label 2"] == pytest.approx(
        (parts[0].ap["label 2"] + parts[2].ap["label 2"]) / 2
    )
    estimate = paired.ranks(found).label(2)
    assert estimate.value == pytest.approx(found.ap["label 2"])
    positives = (parts[0].targets[:, 2].sum(), parts[2].targets[:, 2].sum())
    assert estimate.fewest == sum(positives), "the fold without it has none of them"


def test_other_folds_of_the_same_images_do_not_pair() -> None:
    one = whole(simulate(STUDENT, k=2, n=50, seed=0)[0])
    other = one.model_copy(update={"folds": (1,) * 30 + (2,) * 70})
    with pytest.raises(UserError, match="folds differs"):
        paired.map_drop(one, other)


def test_parts_of_other_data_are_not_combined() -> None:
    one, two = simulate(STUDENT, k=2, n=50, seed=0)[0]
    with pytest.raises(UserError, match="data_id differs"):
        whole([one, two.model_copy(update={"data_id": "other"})])


def test_f1_uses_the_thresholds_of_each_model() -> None:
    parts, _ = simulate(STUDENT, k=2, n=200, seed=0)
    own = [
        LABELS.model_copy(
            update={"thresholds": learn(part.targets, part.scores[0], part.label_names).thresholds}
        )
        for part in parts
    ]
    found = folds.combined(parts, own)
    decided = [
        part.scores[0] >= np.float32(labels.thresholds)
        for part, labels in zip(parts, own, strict=True)
    ]
    truth = np.concatenate([part.targets for part in parts]) == 1
    decided = np.concatenate(decided)
    hits = 2 * (truth & decided).sum(axis=0)
    f1 = hits / (truth.sum(axis=0) + decided.sum(axis=0))
    assert found.f1_macro == pytest.approx(f1.mean())
    assert found.f1_macro > whole(parts).f1_macro + 0.05


def test_storing_keeps_the_folds_and_older_files_have_none(tmp_path: Path) -> None:
    found = whole(simulate(STUDENT, k=2, n=50, seed=0)[0])
    eval_file.save_eval(found, tmp_path)
    stored = eval_file.load_eval(tmp_path / "eval.npz")
    assert stored.folds == found.folds
    assert stored.map == found.map
    single, _ = draw(STUDENT, 50, 0)
    packed = eval_file.pack(single)
    assert "folds" not in str(packed["text"]), "readable by versions that know no folds"
    assert eval_file.unpack(packed).folds == ()


def test_a_fold_for_every_image_or_none() -> None:
    single, _ = draw(STUDENT, 50, 0)
    packed = eval_file.pack(single.model_copy(update={"folds": (1, 2)}))
    with pytest.raises(ValueError, match="2 folds of 50 images"):
        eval_file.unpack(packed)
