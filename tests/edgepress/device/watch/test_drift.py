"""The two tests for drift and their limits: by hand, against SciPy, and by false alarms counted."""

import numpy as np
import pytest
from scipy.stats import entropy
from watched import LABELS, images, probs, reference, values

from edgepress.device.watch import MIN_IMAGES, Watch, WatchError
from edgepress.device.watch import reference as build
from edgepress.device.watch.drift import Groups, group_starts, page_hinkley
from edgepress.device.watch.making.building import from_values
from edgepress.device.watch.signals import BINS

REFERENCE = reference()


def watched(rows: np.ndarray, known: dict | None = None) -> Watch:
    watch = Watch(known or REFERENCE)
    for one in rows:
        watch.count(one, 0.01)
    return watch


def test_psi_by_hand() -> None:
    groups = Groups([[0, 10]])
    found, expected = np.array([49.5, 49.5]), np.array([24.5, 74.5])
    # shares (50, 50) of 100 against (25, 75) of 100: 0.25 ln 2 - 0.25 ln(2/3)
    by_hand = 0.25 * np.log(2) - 0.25 * np.log(2 / 3)
    assert groups.psi(found, 99, expected, 99)[0] == pytest.approx(by_hand)


def test_psi_is_the_symmetric_divergence_of_each_signal() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 50, (2, 3, BINS))
    groups = Groups([list(range(BINS)), [0, 4, 9], [0]])
    found, expected = (groups.add_up(one) for one in counts)
    for signal, starts in enumerate(groups.starts):
        p, q = (np.add.reduceat(one[signal], starts) + 0.5 for one in counts.astype(float))
        n, m = 1000, 1000
        p, q = p / (n + 0.5 * len(starts)), q / (m + 0.5 * len(starts))
        by_scipy = ((p - q) * np.log(p / q)).sum()
        assert groups.psi(found, n, expected, m)[signal] == pytest.approx(by_scipy)
    same = groups.psi(found, 1000, found, 1000)
    assert same == pytest.approx(0)
    shares = np.array([0.2, 0.8]), np.array([0.6, 0.4])
    two = Groups([[0, 1]]).psi(shares[0] * 1e9, 10**9, shares[1] * 1e9, 10**9)[0]
    assert two == pytest.approx(entropy(*shares) + entropy(*shares[::-1]), rel=1e-6)


def test_page_hinkley_by_hand() -> None:
    sums = np.zeros((2, 1))
    for deviation, rise, fall in ((1.0, 0.75, 0.0), (-2.0, 0.0, 1.75), (0.5, 0.25, 1.0)):
        sums = page_hinkley(sums, np.array([deviation]), 0.25)
        assert sums.ravel().tolist() == [rise, fall]


def test_groups_hold_about_as_many_and_what_was_never_seen() -> None:
    counts = np.zeros(BINS, np.int64)
    counts[5:25] = 10
    starts = group_starts(counts)
    assert starts[:2] == [0, 5]
    assert starts[-1] == 25
    held = np.add.reduceat(counts, starts)
    assert held[0] == held[-1] == 0
    assert len(starts) <= 10
    assert held[1:-1].min() >= 15
    only = np.zeros(BINS, np.int64)
    only[7] = 100
    assert group_starts(only) == [0, 7, 8]
    ends = np.zeros(BINS, np.int64)
    ends[[0, BINS - 1]] = 50
    assert group_starts(ends)[0] == 0


def test_a_darker_camera_is_found_and_an_unchanged_one_is_not() -> None:
    quiet = watched(values(500, seed=1))
    assert quiet.findings() == []
    assert (quiet.complete, quiet.alarmed, quiet.run) == (5, 0, 0)
    dark = watched(values(300, seed=2, darker=0.08))
    found = {one.test: one for one in dark.findings() if one.signal == "brightness"}
    assert set(found) == {"psi", "page_hinkley"}
    for one in found.values():
        assert one.value > one.limit
        assert one.text.startswith("Brightness is lower than where the model was made")
    assert (dark.complete, dark.alarmed, dark.run) == (3, 3, 3)
    assert dark.alarms["psi"] == {"brightness": 3}
    assert dark.psi()["brightness"] == pytest.approx(found["psi"].value, abs=1e-6)


def test_page_hinkley_need_not_wait_for_the_end_of_the_window() -> None:
    watch = Watch(REFERENCE)
    for one in values(99, seed=3, darker=0.16):
        watch.count(one, 0.01)
        if watch.findings():
            break
    assert watch.images < 30
    assert [(one.test, one.signal) for one in watch.findings()] == [("page_hinkley", "brightness")]


def test_a_drift_that_has_ended_is_over_after_a_window() -> None:
    watch = watched(np.concatenate([values(100, 4, darker=0.2), values(200, 5)]))
    assert watch.findings() == []
    assert (watch.complete, watch.run) == (3, 0)
    assert watch.alarmed >= 1


def test_images_of_another_size_are_found_and_a_single_one_is_not() -> None:
    rows = values(100, seed=6)
    rows[0, 4:6] = 9.9
    assert watched(rows).findings() == []
    rows[:, 4] = 9.9
    assert [one.signal for one in watched(rows).findings()] == ["width"]


def test_unchanged_windows_alarm_as_rarely_as_stated() -> None:
    """Fresh references and streams: 600 windows, of which 5% may be in alarm."""
    alarmed = complete = 0
    for seed in range(12):
        known = from_values(values(150, 1000 + seed), LABELS, 50, false_alarms=0.05)
        watch = watched(values(2500, 2000 + seed), known)
        alarmed, complete = alarmed + watch.alarmed, complete + watch.complete
    assert complete == 600
    assert 0 < alarmed <= 0.05 * complete


def test_limits_fall_with_the_size_of_the_window() -> None:
    limits = [
        [one["psi_limit"] for one in reference(window=window)["signals"].values()]
        for window in (20, 50, 125)
    ]
    assert (np.diff(limits, axis=0) < 0).all()
    assert max(limits[0]) > 0.25, "a usual limit would be wrong here"


def test_the_reference_comes_from_images_and_is_the_same_each_time() -> None:
    made = [build(probs(60), images(60), LABELS, 40) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0]["signals"]["height"]["page_hinkley_limit"] is None
    assert sum(made[0]["signals"]["brightness"]["counts"]) == 60
    watch = Watch(made[0])
    for image, one in zip(images(40, seed=8, light=0.4), probs(40, 8), strict=True):
        watch.observe(image, one, 0.01)
    assert "brightness" in {one.signal for one in watch.findings()}


@pytest.mark.parametrize(
    ("scores", "n", "says"),
    [
        (probs(MIN_IMAGES - 1), MIN_IMAGES - 1, "at least 50"),
        (probs(60), 59, "not as many images"),
        (probs(60), 61, "not as many images"),
        (probs(60)[:, :1], 60, "2 labels"),
        (probs(60) * 2, 60, "between 0 and 1"),
        (probs(60) * np.float32("nan"), 60, "between 0 and 1"),
    ],
)
def test_what_makes_no_reference_is_refused(scores: np.ndarray, n: int, says: str) -> None:
    with pytest.raises(WatchError, match=says):
        build(scores, images(n), LABELS)


def test_a_reference_needs_thresholds() -> None:
    with pytest.raises(WatchError, match="threshold for each label"):
        build(probs(60), images(60), {"names": ["crack", "dirt"]})
