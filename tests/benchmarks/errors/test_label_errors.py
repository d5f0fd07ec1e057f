"""Counts, curves, confidence and worst images of a label, by hand and against scikit-learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from error_reports import UNKNOWN, judged, label_errors, named, random_scores, result
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from benchmarks.errors import confidence, worst
from benchmarks.errors import label_errors as module
from benchmarks.errors.curves import curves
from benchmarks.statistics.shares import limits

BY_HAND = judged(
    [[1], [1], [1], [0], [0], [UNKNOWN]],
    [[0.9], [0.48], [0.02], [0.97], [0.46], [0.99]],
)
"""Found, just missed, surely missed, surely raised, rightly not and near, unknown."""


def test_counts_by_hand_leave_the_unknown_out() -> None:
    found = module.counts(BY_HAND, 0)
    assert (found.tp, found.fp, found.fn, found.tn) == (1, 1, 2, 1)
    assert BY_HAND.wrong[:, 0].tolist() == [False, True, True, True, False, False]


def test_counts_are_scikit_learns() -> None:
    targets, probs = random_scores(3, 200, 0.0)
    one = judged(targets, probs, (0.3, 0.5, 0.8))
    for label in range(3):
        found = module.counts(one, label)
        tn, fp, fn, tp = confusion_matrix(targets[:, label], one.decided[:, label]).ravel()
        assert (found.tp, found.fp, found.fn, found.tn) == (tp, fp, fn, tn)


def test_a_label_without_both_classes_is_undefined_and_says_why() -> None:
    one = judged([[0, 1, UNKNOWN, 1], [0, 1, UNKNOWN, 0]], [[0.6] * 4] * 2)
    assert [module.undefined(one, label) for label in range(4)] == [
        "no image has it",
        "every image has it",
        "no image with a known target",
        None,
    ]
    for label, estimates in enumerate(module.estimates(one)):
        assert (estimates["recall"].value is None) == (label < 3)
        assert (curves(one, label) is None) == (label < 3)
    assert module.estimates(one)[0]["precision"].ci95 is None


def test_estimates_and_their_intervals() -> None:
    targets, probs = random_scores(2, 400, 0.0)
    one = judged(targets, probs)
    for label, estimates in enumerate(module.estimates(one)):
        counts = module.counts(one, label)
        recall = counts.tp / (counts.tp + counts.fn)
        assert estimates["recall"].value == pytest.approx(recall)
        assert estimates["precision"].value == pytest.approx(counts.tp / (counts.tp + counts.fp))
        exact = limits(recall, counts.tp + counts.fn)
        assert estimates["recall"].ci95 == pytest.approx(exact, abs=0.01)


def test_three_of_three_found_are_not_all_that_there_are() -> None:
    recall = module.estimates(judged([[1]] * 3 + [[0]] * 9, [[0.9]] * 3 + [[0.1]] * 9))[0]["recall"]
    assert recall.value == 1
    assert recall.ci95 == pytest.approx((0.025 ** (1 / 3), 1))


def test_images_of_a_group_count_as_one() -> None:
    targets, probs = random_scores(1, 40, 0.0)
    loose = judged(np.repeat(targets, 10, axis=0), np.repeat(probs, 10, axis=0))
    grouped = replace(loose, groups=tuple(np.repeat(range(40), 10).tolist()))
    for name in ("precision", "recall", "f1"):
        one, other = (module.estimates(each)[0][name] for each in (loose, grouped))
        assert one.value == other.value
        assert np.ptp(other.ci95) > 2 * np.ptp(one.ci95)


def test_nothing_predicted_is_precision_0_as_everywhere() -> None:
    estimates = module.estimates(judged([[1], [0]], [[0.1], [0.2]]))[0]
    assert (estimates["precision"].value, estimates["recall"].value) == (0, 0)


def test_the_operating_point_lies_on_the_curves() -> None:
    targets, probs = random_scores(1, 90, 0.0)
    one = judged(targets, probs, (0.4,))
    found = curves(one, 0)
    fpr, tpr, cuts = roc_curve(targets[:, 0], probs[:, 0], drop_intermediate=False)
    place = np.flatnonzero(cuts >= 0.4)[-1]
    assert (found.at.fpr, found.at.recall) == pytest.approx((fpr[place], tpr[place]))
    points = zip(found.pr.recall, found.pr.precision, strict=True)
    assert (round(found.at.recall, 4), round(found.at.precision, 4)) in set(points)
    area = np.trapezoid(found.roc.tpr, found.roc.fpr)
    assert area == pytest.approx(roc_auc_score(targets[:, 0], probs[:, 0]), abs=1e-3)


def test_curves_are_thinned_and_keep_their_ends() -> None:
    targets, probs = random_scores(1, 5000, 0.0)
    found = curves(judged(targets, probs), 0)
    assert len(found.roc.fpr) <= 100
    assert (found.roc.fpr[0], found.roc.tpr[-1]) == (0, 1)


def test_confidence_by_hand() -> None:
    found = confidence.confidence(BY_HAND, 0)
    assert len(found.right) == len(found.wrong) == len(found.edges) - 1 == 20
    assert sum(found.right) == 2
    assert [place for place, count in enumerate(found.wrong) if count] == [0, 9, 19]
    known = [0.01, 0.2704, 0.9604, 0.9409, 0.2116]  # (probability - target)^2
    assert found.brier == pytest.approx(np.mean(known))


def test_near_misses_and_what_they_would_cost() -> None:
    assert confidence.near_misses(BY_HAND, 0) == (1, 1)
    assert confidence.sure_errors(BY_HAND, 0) == 2


def test_the_worst_come_first_and_unknown_ones_never() -> None:
    one = judged([[1], [1], [0], [0], [UNKNOWN], [1]], [[0.3], [0.1], [0.7], [0.9], [1.0], [0.8]])
    assert worst.worst_rows(one, 0, "miss") == [1, 0]
    assert worst.worst_rows(one, 0, "false alarm") == [3, 2]
    (image,) = worst.worst_images(one, named(6), [4])
    assert (image.file, image.probs, image.truth) == ("cells/4.png", {"a": 1.0}, {"a": None})


def test_files_are_named_below_the_folder_of_all(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]
    assert worst.names(("x", "y"), paths).files == ("a/1.png", "b/1.png")
    assert worst.names(("x",), paths[:1]).files == ("1.png",)


def test_a_label_report_holds_what_its_parts_say() -> None:
    targets, probs = random_scores(1, 200, 0.0)
    found = label_errors(targets[:, 0], probs[:, 0])
    whole = result(targets, probs, ("crack",))
    assert found.ap.value == whole.ap["crack"]
    assert found.ap.ci95[0] < found.ap.value < found.ap.ci95[1]
    assert len(found.misses) == min(3, found.counts.fn)
    assert found.misses[0].probs["crack"] <= found.misses[-1].probs["crack"]
