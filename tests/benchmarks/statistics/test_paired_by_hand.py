"""Two results are compared only where everything is the same: each thing alone is noticed."""

from typing import Any

import numpy as np
import pytest

from benchmarks.folds import folds
from benchmarks.statistics import certifiable, paired
from benchmarks.statistics.bootstrap import group_counts, image_counts
from benchmarks.statistics.changed_decisions import figure
from benchmarks.statistics.decisions import decisions
from benchmarks.statistics.estimate import Estimate
from benchmarks.statistics.shares import limits
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult


def result(**changes: Any) -> EvalResult:
    """Return a result of four images, two labels and two views."""
    plain: dict[str, Any] = {
        "data_id": "data:test",
        "label_names": ("a", "b"),
        "image_ids": ("0", "1", "2", "3"),
        "view_names": ("identity", "flip"),
        "scores": np.full((2, 4, 2), 0.5, np.float32),
        "targets": np.array([[0, 1], [1, 0], [0, 1], [1, 0]], np.float32),
        "ap": {},
        "map": None,
        "f1_macro": None,
        "ece": None,
    }
    return EvalResult(**(plain | changes))


OTHERS = {
    "data_id": "data:val",
    "image_ids": ("1", "0", "2", "3"),
    "label_names": ("b", "a"),
    "view_names": ("identity", "turn"),
    "folds": (1, 1, 2, 2),
    "groups": (0, 0, 1, 1),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_differs_is_refused_by_its_name(name: str) -> None:
    other = result(**{name: OTHERS[name]})
    assert paired.check_paired(result(), result()) is None
    assert paired.check_paired(other, other) is None
    for pair in ((result(), other), (other, result())):
        with pytest.raises(UserError, match=f"not measured on the same data: {name} differs"):
            paired.check_paired(*pair)


def test_the_refusal_says_the_candidates_first() -> None:
    other = result(data_id="data:val")
    with pytest.raises(UserError, match="Got: data:val and data:test"):
        paired.check_paired(other, result())
    other = result(groups=(0, 0, 1, 1))
    with pytest.raises(UserError, match="Got: 2 and 0"):
        paired.check_paired(other, result())


@pytest.mark.parametrize("name", ["data_id", "label_names", "view_names"])
@pytest.mark.parametrize("place", [1, 2])
def test_every_fold_was_measured_on_the_same(name: str, place: int) -> None:
    parts = [result(image_ids=tuple(f"{fold}{row}" for row in range(4))) for fold in range(3)]
    parts[place] = parts[place].model_copy(update={name: OTHERS[name]})
    half = Labels(names=("a", "b"), thresholds=(0.5, 0.5), prevalence=(0.5, 0.5))
    with pytest.raises(UserError, match=f"{name} differs"):
        folds.combined(tuple(parts), (half,) * 3)


def test_pairing_in_thresholds() -> None:
    """Each model decides at its own thresholds, label by label; a blank counts nowhere.

    Scores 0.5 everywhere: at (0.4, 0.6) label a is said of all four and b of none, at (0.6, 0.4)
    the other way about. a is true of images 1 and 3, b of 0 and of 2, where it is unknown.
    """
    targets = np.array([[0, 1], [1, 0], [0, np.nan], [1, 0]], np.float32)
    same = result(targets=targets)
    ours, theirs = (
        Labels(names=("a", "b"), thresholds=thresholds, prevalence=(0.5, 0.5))
        for thresholds in ((0.4, 0.6), (0.6, 0.4))
    )
    found = decisions((same, ours), (same, theirs))
    assert found.after.tolist() == [[True, False]] * 4
    assert found.before is not None
    assert found.before.tolist() == [[False, True]] * 4
    assert found.has.sum(axis=0).tolist() == [2, 1]
    assert found.has_not.sum(axis=0).tolist() == [2, 2]
    a, b = (found.of(np.array([label])) for label in (0, 1))
    assert (figure(a, "recall"), figure(b, "recall")) == (-1.0, 1.0), "reference minus candidate"
    alone = decisions((same, ours))
    assert alone.before is None
    assert figure(alone.of(np.array([0])), "recall") == 1.0
    assert figure(alone.of(np.array([0])), "precision") == 0.5


def test_a_score_at_the_threshold_is_said() -> None:
    half = Labels(names=("a", "b"), thresholds=(0.5, 0.51), prevalence=(0.5, 0.5))
    assert decisions((result(), half)).after.tolist() == [[True, False]] * 4


def test_a_90_percent_interval_is_not_called_95() -> None:
    """A normal figure of 0.3 with standard error 0.1: 1.96 of them two-sided, 1.645 one-sided."""
    two, one = (0.3 - 0.195996, 0.3 + 0.195996), (0.3 - 0.164485, 0.3 + 0.164485)
    known = Estimate(0.3, 0.1, 1e9, 10**9, 10**9, 1.0, (-1.0, 1.0))
    assert known.interval() == pytest.approx(two, abs=1e-5)
    assert known.bounds() == pytest.approx(one, abs=1e-5)
    # Of half of a million images: an SE of half a thousandth.
    assert limits(0.5, 1e6) == pytest.approx((0.5 - 98e-5, 0.5 + 98e-5), abs=2e-6)
    assert limits(0.5, 1e6, 0.9) == pytest.approx((0.5 - 82.2e-5, 0.5 + 82.2e-5), abs=2e-6)


def test_images_are_drawn_as_often_as_there_are_and_the_seed_pairs_them() -> None:
    chunks = list(image_counts([3, 5], 600, 7))
    drawn = [np.concatenate([chunk[fold] for chunk in chunks], axis=1) for fold in (0, 1)]
    assert [part.shape for part in drawn] == [(3, 600), (5, 600)]
    assert {part.dtype for chunk in chunks for part in chunk} == {np.dtype(float)}
    assert [set(part.sum(axis=0)) for part in drawn] == [{3.0}, {5.0}]
    assert drawn[0].mean(axis=1) == pytest.approx([1, 1, 1], abs=0.15)
    again, other = (next(iter(image_counts([3, 5], 600, seed)))[1] for seed in (7, 8))
    assert (again == drawn[1][:, : again.shape[1]]).all()
    assert (other != again).any()


def test_images_of_a_group_are_drawn_together() -> None:
    numbers = [np.array([0, 1, 0, 2])]
    ((grouped,), *_), ((units,), *_) = (
        list(found) for found in (group_counts(numbers, 50, 3), image_counts([3], 50, 3))
    )
    assert (grouped == units[[0, 1, 0, 2]]).all()


def test_what_can_be_certified_beforehand_is_one_half_of_the_views_against_the_other() -> None:
    draw = np.random.default_rng(1)
    targets = (draw.random((40, 2)) < 0.5).astype(np.float32)
    more = {"image_ids": tuple(map(str, range(40))), "targets": targets}
    scores = (targets + draw.normal(0, 1, (4, 40, 2))).astype(np.float32)
    four = result(scores=scores, view_names=("a", "b", "c", "d"), **more)
    first, second = (result(scores=scores[rows], **more) for rows in ([0, 2], [1, 3]))
    expected = (paired.ranks(first) - paired.ranks(second)).mean()
    assert expected is not None
    found = certifiable.expected_drop(four)
    assert found is not None
    assert found.value == pytest.approx(expected.value)
    assert found.se == pytest.approx(expected.se)
    limit = certifiable.certifiable_drop(four)
    assert limit == pytest.approx(certifiable.smallest_certifiable_drop(expected))
    assert (
        certifiable.certifiable_drop(result(scores=scores[:1], view_names=("a",), **more)) is None
    )
    assert certifiable.expected_drop(result(scores=scores[:2], **more)) is not None
