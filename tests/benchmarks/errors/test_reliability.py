"""Reliability of probabilities: bins by hand, and that they are those of the calibration error."""

import numpy as np
import pytest
from error_reports import UNKNOWN, judged, label_errors, random_scores, report

from benchmarks import metrics
from benchmarks.errors.reliability import reliability
from benchmarks.errors.sections import reliability as section
from benchmarks.report.page import fragment
from benchmarks.statistics.label_decisions import Share


def test_bins_by_hand():
    # Two probabilities, so that equal ones share a bin: of four at 0.2 one has the label.
    targets = [[1], [0], [0], [0], [1], [1], [UNKNOWN]]
    found = reliability(judged(targets, [[0.2]] * 4 + [[0.9]] * 2 + [[0.5]]), 0)
    assert [(one.n, one.share) for one in found] == [(4, 0.25), (2, 1.0)]
    assert [one.prob for one in found] == pytest.approx([0.2, 0.9])
    assert [one.ci95 for one in found] == [Share(1, 4).interval(), Share(2, 2).interval()]


def test_the_bins_make_the_calibration_error():
    targets, probs = random_scores(3, 400, 0.5)
    targets[::9, 1] = UNKNOWN
    held = judged(targets, probs)
    for label in range(3):
        found = reliability(held, label)
        n = sum(one.n for one in found)
        assert n == (~np.isnan(targets[:, label])).sum()
        error = sum(one.n * abs(one.share - one.prob) for one in found) / n
        wanted = metrics.calibration_error(targets[:, label], probs[:, label])
        assert error == pytest.approx(wanted, abs=1e-12)
        assert [one.prob for one in found] == sorted(one.prob for one in found)


def test_without_both_classes_there_are_none():
    assert reliability(judged([[1], [UNKNOWN]], [[0.2], [0.3]]), 0) == ()
    made = fragment(section, report(label_errors([1, 1], [0.2, 0.3])))
    assert 'class="missing"' in made


def test_the_page_says_whether_probabilities_are_calibrated():
    targets, probs = random_scores(1, 200, 0.5)
    label = label_errors(targets[:, 0], probs[:, 0])
    plain = fragment(section, report(label))
    assert "--calibrate" in plain
    assert f"{label.known} images in {len(label.reliability)} bins" in plain
    made = fragment(section, report(label, calibration="platt"))
    assert "are calibrated (platt)" in made
