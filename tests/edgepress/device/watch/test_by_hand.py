"""The watch by hand: bins, groups, both tests at their limits, and what two devices add up to."""

import copy
import functools
import math
import operator
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta
from watched import LABELS, reference, values

from edgepress.device.watch import Watch, WatchError, findings, latency, watch_from
from edgepress.device.watch.checking import check_labels
from edgepress.device.watch.drift import Groups, group_starts, page_hinkley, seen_ranges
from edgepress.device.watch.making import alarms
from edgepress.device.watch.making.alarms import both_ways, page_hinkley_limits, watched
from edgepress.device.watch.signals import (
    ANSWER,
    BINS,
    IMAGE,
    SCORE,
    Scale,
    bins,
    brightness,
    doubtful,
    edges,
    measure,
    scales,
    sharpness,
)
from edgepress.device.watch.window import Window, counts_from, whole, window_from

ONE = {"names": ["crack"], "thresholds": [0.5]}
SIGNALS = ("score:crack", "brightness", "sharpness", "width", "height", "labels", "near_threshold")


# ---- signals


def test_the_scales_are_fixed() -> None:
    """Counts of devices in the field add up only while these stay."""
    assert list(scales(ONE)) == list(SIGNALS)
    assert (SCORE.low, SCORE.high, SCORE.kind) == (-8, 8, "logit")
    assert {
        "brightness": Scale(0, 1, "linear"),
        "sharpness": Scale(0, 16, "log2"),
        "width": Scale(5, 13, "log2"),
        "height": Scale(5, 13, "log2"),
    } == IMAGE
    assert {"labels": Scale(0, 32), "near_threshold": Scale(0, 32)} == ANSWER
    assert list(scales({"names": ["a"]})) == ["score:a", *IMAGE]


def test_an_image_is_measured_by_hand() -> None:
    image = np.zeros((3, 4, 3), np.uint8)
    image[1, 1] = (30, 60, 90)  # grey 60
    # Laplacians at (1, 1) and (1, 2): -4 * 60 and 60, variance 150^2
    assert sharpness(image) == pytest.approx(150**2)
    assert brightness(image) == pytest.approx(60 / 12 / 255)
    found = measure(image, [0.75], ONE)
    logs = np.log2([1 + 150**2, 1 + 4, 1 + 3])
    assert found == pytest.approx([math.log(3), 60 / 12 / 255, *logs, 1, 0])


def test_of_a_large_image_every_second_pixel_counts() -> None:
    image = np.zeros((256, 384, 3), np.uint8)
    image[::2, ::3] = 102
    assert brightness(image) == pytest.approx(0.4)
    image[:] = 0
    image[1::2] = image[:, 1::3] = 255
    assert brightness(image) == 0
    small = np.zeros((255, 255, 3), np.uint8)  # not yet twice 128: every pixel
    small[::2] = 255
    assert brightness(small) == pytest.approx(128 / 255)


def test_of_a_high_image_32_rows_are_sharp_or_not() -> None:
    image = np.zeros((1 + 31 * 3 + 2, 9, 3), np.uint8)
    rows = np.arange(1, len(image) - 1, 3)
    assert len(rows) == 32
    image[rows, 4] = 255
    inner = np.zeros((32, 7))
    inner[:, [2, 4]], inner[:, 3] = 255, -4 * 255
    assert sharpness(image) == pytest.approx(inner.var())


def test_scores_are_clipped_and_kept_in_single_precision() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    ends = measure(image, [0.0, 1.0], LABELS)[:2]
    assert ends == pytest.approx([-math.log(1e6 - 1), math.log(1e6 - 1)], rel=1e-6)
    assert np.isnan(measure(image, [0.5, float("nan")], LABELS)[1])


def test_bins_by_hand() -> None:
    of = bins([Scale(0, 1), Scale(-8, 8, "logit"), Scale(5, 13, "log2")])
    table = [
        ([0, -8, 5], [0, 0, 0]),
        ([1 / 32, -7.5, 5.25], [1, 1, 1]),
        ([0.5, 0, 9], [16, 16, 16]),
        ([0.49, -0.01, 8.99], [15, 15, 15]),
        ([1, 8, 13], [31, 31, 31]),
        ([-5, -99, 0], [0, 0, 0]),
        ([7, 99, 20], [31, 31, 31]),
    ]
    for given, places in table:
        assert of.places(np.array(given)).tolist() == places


def test_edges_by_hand() -> None:
    assert edges(Scale(0, 1)) == pytest.approx(np.arange(33) / 32)
    log = edges(Scale(5, 13, "log2"))
    assert (log[0], log[4], log[32]) == pytest.approx((31, 63, 8191))
    logit = edges(SCORE)
    assert (logit[16], logit[18]) == pytest.approx((0.5, math.e / (1 + math.e)))


def test_a_label_is_doubtful_up_to_a_tenth_from_its_threshold() -> None:
    labels = {"names": ["a", "b"], "thresholds": [0.5, 0.25]}
    assert doubtful([0.599, 0.9], labels)
    assert doubtful([0.0, 0.151], labels)
    assert not doubtful([0.601, 0.9], labels)
    assert not doubtful([0.25, 0.5], labels)


# ---- groups and PSI


def histogram(**at: int) -> np.ndarray:
    counts = np.zeros(BINS, np.int64)
    for name, count in at.items():
        counts[int(name[1:])] = count
    return counts


def test_groups_of_bins_by_hand() -> None:
    even = np.zeros(BINS, np.int64)
    even[5:25] = 10  # 200 images: a group is full at 25
    assert group_starts(even) == [0, 5, 8, 11, 14, 17, 20, 23, 25]
    assert group_starts(histogram(b0=8, b1=8, b30=8, b31=8)) == [0, 1, 2, 31]
    assert group_starts(histogram(b3=8)) == [0, 3, 4]
    assert group_starts(histogram(b0=1)) == [0, 1]
    assert group_starts(histogram(b31=1)) == [0, 31]


def test_what_is_left_is_a_group_from_half_a_group_on() -> None:
    # 80 images, a group is full at 10; 5 are left over, then 4
    assert group_starts(histogram(b4=75, b5=5)) == [0, 4, 5, 6]
    assert group_starts(histogram(b4=76, b5=4)) == [0, 4, 6]
    assert group_starts(histogram(b4=9, b5=1, b6=70)) == [0, 4, 6, 7]
    assert group_starts(histogram(b4=10, b6=70)) == [0, 4, 5, 7]
    assert group_starts(histogram(b4=10, b5=9, b6=61)) == [0, 4, 5, 7]


def test_groups_of_several_signals_in_one_row() -> None:
    groups = Groups([[0, 10, 20], [0, 5]])
    assert groups.flat.tolist() == [0, 10, 20, 32, 37]
    assert groups.firsts.tolist() == [0, 3]
    assert groups.sizes.tolist() == [3, 3, 3, 2, 2]
    counts = np.stack([histogram(b0=1, b9=2, b10=4, b31=8), histogram(b4=5, b5=10)])
    assert groups.add_up(counts).tolist() == [3, 4, 8, 5, 10]
    shares = groups.shares(np.array([3.0, 4, 8, 5, 10]), 15)
    assert shares == pytest.approx([3.5 / 16.5, 4.5 / 16.5, 8.5 / 16.5, 5.5 / 16, 10.5 / 16])


def test_psi_of_two_signals_of_unequal_counts_by_hand() -> None:
    groups = Groups([[0, 10], [0, 5]])
    found, expected = np.array([3.0, 7, 10, 0]), np.array([10.0, 10, 2, 18])
    p = np.array([3.5, 7.5, 10.5, 0.5]) / 11
    q = np.array([10.5, 10.5, 2.5, 18.5]) / 21
    terms = (p - q) * np.log(p / q)
    by_hand = [terms[:2].sum(), terms[2:].sum()]
    assert groups.psi(found, 10, expected, 20) == pytest.approx(by_hand)
    windows = np.stack([found, expected / 2])
    assert groups.psi(windows, 10, expected, 20)[0] == pytest.approx(by_hand)
    assert groups.psi(windows, 10, expected, 20).shape == (2, 2)


def test_page_hinkley_of_two_signals_by_hand() -> None:
    sums = np.array([[1.0, 0.0], [0.0, 2.0]])
    after = page_hinkley(sums, np.array([0.5, -1.0]), 0.25)
    assert after.tolist() == [[1.25, 0.0], [0.0, 2.75]]
    assert sums.tolist() == [[1.0, 0.0], [0.0, 2.0]]


# ---- limits


def test_deviations_end_where_the_bins_end_that_were_seen() -> None:
    rows = np.array([[0.0, 1.0], [2.0, 3.0]])  # means 1 and 2, spreads 1
    rise, fall = both_ways(rows, np.array([-1.0, -np.inf]), np.array([np.inf, 5.0]))
    assert rise.tolist() == [[-1, -1], [1, 1], [1, 3]]
    assert fall.tolist() == [[1, 1], [-1, -1], [2, 1]]


def test_the_allowance_bears_the_error_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 1, (400, 1))
    ends = rows.min(axis=0), rows.max(axis=0)
    keep, allowance = watched(both_ways(rows, *ends), 0.005, rng)
    assert keep.tolist() == [True]
    # Rise or fall beyond it in 10% of normal means: 1.645 of their errors, and a little for the end
    assert 0.25 + 1.645 / 20 < allowance < 0.25 + 1.25 * 1.645 / 20


def test_a_share_may_be_off_as_by_clopper_and_pearson() -> None:
    rows = np.zeros((100, 1))
    rows[:5] = 1
    off = alarms._weights(101, 20000, np.random.default_rng(0)) @ both_ways(
        rows, np.zeros(1), np.ones(1)
    )
    upper = 0.05 + np.quantile(off[0], 0.95) * rows.std()
    assert upper == pytest.approx(beta.ppf(0.95, 6, 95), abs=0.002)


@pytest.mark.parametrize(("found", "kept"), [(1, False), (2, False), (25, True)])
def test_what_was_found_too_seldom_is_not_watched(found: int, kept: bool) -> None:
    rows = np.zeros((50, 1))
    rows[:found] = 1
    ends = np.zeros(1), np.ones(1)
    keep, _ = watched(both_ways(rows, *ends), 0.005, np.random.default_rng(0))
    assert keep.tolist() == [kept]


def test_ranges_are_those_of_the_bins_seen() -> None:
    counts = np.stack([histogram(b3=2, b5=1), histogram(b0=2, b31=1)])
    low, high = seen_ranges(counts, [Scale(0.0, 32.0), Scale(0.0, 1.0)])
    assert low.tolist() == [3.0, -np.inf]
    assert high.tolist() == [6.0, np.inf]


def test_one_limit_is_the_quantile_of_the_draws() -> None:
    cubes = np.arange(101.0)[None] ** 3
    assert alarms._joint([cubes], 0.1) == pytest.approx([90**3])
    assert alarms._joint([cubes], 0.25) == pytest.approx([75**3])


def test_limits_hold_for_nine_of_ten_references() -> None:
    two = np.stack([np.arange(101.0), np.arange(101.0) + 10]) ** 3
    assert alarms._joint([two], 0.1) == pytest.approx([(90 + 0.9 * 10) ** 3])


def test_limits_hold_on_the_mean_over_the_references() -> None:
    few = np.zeros((20, 100))
    few[0] = 1.0  # one of 20 references alarms always: 5% of all draws
    assert alarms._joint([few**3], 0.04) == pytest.approx([1.0])
    assert alarms._joint([few**3], 0.06) == pytest.approx([0.0])


def test_the_limits_of_several_signals_hold_together() -> None:
    up, down = np.arange(101.0)[None], np.arange(100.0, -1, -1)[None]
    # The worst of both is beyond u for a rate of 10% where each alone is at 5%.
    assert alarms._joint([up**3, down**3], 0.1) == pytest.approx([95**3, 95**3], rel=0.02)
    assert alarms._joint([up**3, (2 * up) ** 3], 0.1) == pytest.approx([90**3, 180**3])


def test_page_hinkley_limits_of_constant_streams_by_hand() -> None:
    steady = np.array([[[1.0, -1.0, 0.2, 0.0]] * 2, [[-1.0, 1.0, -0.2, 0.0]] * 2])
    found = page_hinkley_limits(steady, 0.25, 10, 0.05, np.random.default_rng(0))
    # After 9 windows at 0.75 an image; the windows' peaks rise, and the limit is near the last.
    assert 0.9 * 90 * 0.75 < found[0] == found[1] <= 1.1 * 90 * 0.75
    assert found[2:].max() < 3, "nothing but the margin that all signals share"


def test_unchanged_windows_hold_every_image_and_the_unseen_kinds_rarely() -> None:
    of_image = np.array([[0, 3], [1, 3], [1, 4], [0, 4]])  # nothing in group 2
    never = np.array([False, False, True, False, False])
    drawn = alarms._found(of_image, never, 8, np.random.default_rng(0))
    found = np.stack(list(drawn))
    assert found.shape == (alarms._TRUTHS, alarms._WINDOWS, 5)
    assert (found[..., :2].sum(axis=-1) == 8).all()
    assert (found[..., 3:].sum(axis=-1) == 8).all()
    assert found.mean(axis=(0, 1)) == pytest.approx([4, 4, 8 / 4, 4, 4], abs=0.8)
    assert found[..., 0].mean(axis=1).std() > 1, "every truth has shares of its own"


def test_half_of_the_rate_is_for_each_test() -> None:
    plain = reference(n=100, window=20, false_alarms=0.1)
    rows = values(100, seed=99)
    of = list(scales(LABELS).values())
    places = bins(of).places(rows)
    facts = list(plain["signals"].values())
    groups = Groups([one["groups"] for one in facts])
    psi = alarms.psi_limits(places, groups, 20, 0.05, np.random.default_rng(0))
    assert [one["psi_limit"] for one in facts] == pytest.approx(psi.tolist(), rel=1e-5)
    varies, rng = rows.std(axis=0) > 1e-9, np.random.default_rng(1)
    low, high = seen_ranges(np.array([one["counts"] for one in facts]), of)
    deviations = both_ways(rows[:, varies], low[varies], high[varies])
    keep, allowance = watched(deviations, 0.05, rng)
    hinkley = page_hinkley_limits(deviations[:, :, keep], allowance, 20, 0.05, rng)
    found = [one["page_hinkley_limit"] for one in facts if one["spread"] is not None]
    assert found == pytest.approx(hinkley.tolist(), rel=1e-5)
    assert plain["page_hinkley_allowance"] == pytest.approx(allowance, rel=1e-5)


# ---- a watch of a reference made by hand


def plain_reference(**changed: Any) -> dict[str, Any]:
    """Return a reference of 100 images; only the brightness (mean 0.5, spread 0.1) is judged."""
    facts = {
        "counts": histogram(b0=100).tolist(), "groups": [0, 1], "psi_limit": 9.0,
        "mean": 0.0, "spread": None, "page_hinkley_limit": None,
    }  # fmt: skip
    signals = {name: copy.deepcopy(facts) for name in SIGNALS}
    signals["brightness"] |= {
        "counts": histogram(b8=50, b24=50).tolist(), "groups": [0, 16], "mean": 0.5, "spread": 0.1,
        "page_hinkley_limit": 1.5, "psi_limit": 1.0, **changed,
    }  # fmt: skip
    return {
        "schema_version": 1, "images": 100, "window": 4, "false_alarms": 0.01,
        "page_hinkley_allowance": 0.25, "labels": copy.deepcopy(ONE), "signals": signals,
    }  # fmt: skip


def seen(*brightnesses: float, known: dict[str, Any] | None = None) -> Watch:
    """Return a watch that has seen images of these brightnesses."""
    watch = Watch(known or plain_reference())
    for one in brightnesses:
        watch.count(np.array([-9.0, one, 0, 0, 0, 0, 0]), 0.01)
    return watch


def test_page_hinkley_alarms_above_its_limit_and_begins_again() -> None:
    at = seen(0.6, 0.6)  # z = 1, twice 0.75: exactly the limit
    assert at.sums[:, 1] == pytest.approx([1.5, 0])
    assert at.findings() == []
    above = seen(0.6, 0.6, 0.6)
    assert above.window.alarms["page_hinkley"] == {"brightness": pytest.approx(2.25)}
    assert above.sums[:, 1].tolist() == [0, 0]
    below = seen(0.4, 0.4, 0.4)
    assert below.window.alarms["page_hinkley"] == {"brightness": pytest.approx(2.25)}
    assert seen(0.6, 0.4, 0.6, 0.4).findings() == []


def test_both_sums_begin_again_and_of_this_signal_only() -> None:
    watch = seen()
    watch.sums[:] = [[1, 1.4, 2, 0, 0, 0, 0], [3, 1.2, 0, 0, 0, 0, 0]]
    watch.count(np.array([-9.0, 0.6, 0, 0, 0, 0, 0]), 0.01)
    assert watch.sums[:, 1].tolist() == [0, 0]
    assert watch.sums[:, 0] == pytest.approx([0.75, 2.75])
    assert watch.sums[:, 2] == pytest.approx([1.75, 0])


def test_what_the_reference_never_showed_counts_as_the_end_of_what_it_showed() -> None:
    lone = seen(1.0)  # the bins seen end at 25/32: z is 2.8125, not 5
    assert lone.window.alarms["page_hinkley"] == {"brightness": pytest.approx(2.5625)}
    assert seen(0.0).window.alarms["page_hinkley"] == {"brightness": pytest.approx(2.25)}


def test_a_signal_that_never_varied_is_not_judged_by_page_hinkley() -> None:
    watch = seen()
    for _ in range(3):
        watch.count(np.array([9.0, 0.5, 9, 9, 9, 9, 9]), 0.01)
    assert watch.findings() == []


def test_psi_is_computed_when_the_window_is_whole() -> None:
    watch = seen(0.3, 0.3, 0.3)
    assert (watch.complete, watch.window.images, watch.psi()) == (0, 3, {})
    watch = seen(0.3, 0.7, 0.3, 0.7)
    assert (watch.complete, watch.window.images, watch.latest.images) == (1, 0, 4)
    assert watch.psi()["brightness"] == pytest.approx(0)
    p, q = np.array([4.5, 0.5]) / 5, np.array([50.5, 50.5]) / 101
    by_hand = float(((p - q) * np.log(p / q)).sum())
    dark = seen(0.3, 0.3, 0.3, 0.3, known=plain_reference(page_hinkley_limit=99.0))
    assert dark.psi()["brightness"] == pytest.approx(by_hand)
    assert by_hand < 1.0
    assert dark.findings() == []


@pytest.mark.parametrize(("limit", "alarmed"), [(0.87, 1), (0.88, 0)])
def test_psi_alarms_above_its_limit(limit: float, alarmed: int) -> None:
    known = plain_reference(psi_limit=limit, page_hinkley_limit=99.0)
    watch = seen(*[0.3] * 4, known=known)  # 0.4 ln 9 = 0.8789
    assert (watch.alarmed, watch.run) == (alarmed, alarmed)
    assert [one.test for one in watch.findings()] == ["psi"] * alarmed


def test_alarms_in_a_row_are_counted_and_a_quiet_window_ends_them() -> None:
    known = plain_reference(psi_limit=0.5, page_hinkley_limit=99.0)
    dark, plain = [0.3] * 4, [0.3, 0.7] * 2
    for windows, expected in (
        ([dark], (1, 1, 1)),
        ([dark, dark], (2, 2, 2)),
        ([dark, dark, plain], (3, 2, 0)),
        ([dark, plain, dark, dark], (4, 3, 2)),
    ):
        watch = seen(*functools.reduce(operator.iadd, windows, []), known=known)
        assert (watch.complete, watch.alarmed, watch.run) == expected
        assert watch.alarms["psi"] == ({"brightness": expected[1]})


def test_two_devices_add_up_by_hand() -> None:
    known = plain_reference(psi_limit=0.5, page_hinkley_limit=99.0)
    dark, plain = [0.3] * 4, [0.3, 0.7] * 2
    one = seen(*dark, *dark, 0.65, known=known)  # a streak of two
    two = seen(*plain, *dark, *dark, *dark, 0.31, 0.31, known=known)  # a streak of three
    two.invalid, two.devices = 2, 3
    both = one.merge(two)
    assert (both.devices, both.images, both.invalid) == (4, 27, 2)
    assert (both.complete, both.alarmed) == (6, 5)
    assert both.run == 3, "a streak is of one device: streaks do not add up"
    assert both.alarms["psi"] == {"brightness": 5}
    assert both.sums[:, 1] == pytest.approx(np.maximum(one.sums[:, 1], two.sums[:, 1]))
    assert both.sums[:, 1].min() > 0
    assert (both.window.images, both.latest.images) == (3, 8)
    assert both.total[1].tolist() == (one.total + two.total)[1].tolist()
    assert both.latest.counts[1].sum() == 8
    assert both.latency.total() == 27
    assert two.merge(one).state() == both.state()


def test_a_streak_of_one_device_stays_what_it_is_among_many() -> None:
    known = plain_reference(psi_limit=0.5, page_hinkley_limit=99.0)
    fleet = Watch(known)
    for _ in range(5):
        fleet = fleet.merge(seen(*[0.3] * 4, known=known))
    assert (fleet.alarmed, fleet.run, fleet.devices) == (5, 1, 6)


def test_of_alarms_in_one_signal_the_largest_stays() -> None:
    one, two = Window(7, 4), Window(7, 3)
    one.alarm("psi", "brightness", 2.0)
    one.alarm("psi", "brightness", 1.0)
    two.alarm("psi", "brightness", 3.0)
    two.alarm("page_hinkley", "width", 1.0)
    assert one.alarms == {"psi": {"brightness": 2.0}, "page_hinkley": {}}
    assert one.merged(two).alarms == {"psi": {"brightness": 3.0}, "page_hinkley": {"width": 1.0}}
    assert (one.merged(two).images, one.merged(two).signals) == (7, 7)
    assert not Window(7).alarmed
    assert one.alarmed


# ---- what is said


def test_findings_in_words() -> None:
    known = plain_reference(psi_limit=0.5, page_hinkley_limit=99.0)
    (dark,) = seen(*[0.3] * 4, known=known).findings()
    assert dark.text == (
        "Brightness is lower than where the model was made: PSI 0.879, limit 0.5 (4 images)."
    )
    assert (dark.value, dark.limit, dark.images) == (pytest.approx(0.878890, abs=1e-6), 0.5, 4)
    (light,) = seen(*[0.8] * 4, known=known).findings()
    assert light.text.startswith("Brightness is higher than")
    (open_window,) = seen(0.6, 0.6, 0.6).findings()
    assert open_window.text.endswith("Page-Hinkley 2.25, limit 1.5 (3 images).")


def test_scores_are_spoken_of_in_the_plural() -> None:
    window = Window(7, 2)
    window.counts[0, 31] = 2
    window.alarm("psi", "score:crack", 9.5)
    (found,) = findings.drifts(window, plain_reference()["signals"])
    assert found.text.startswith("The scores of crack are higher than where the model was made")


@pytest.mark.parametrize(
    ("counts", "moved"),
    [
        ({"b8": 2, "b25": 2}, "is higher than"),  # by half a bin
        ({"b8": 2, "b23": 2}, "is lower than"),
        ({"b0": 1, "b31": 1, "b17": 1}, "is spread otherwise than"),
        ({"b20": 1}, "is higher than"),
    ],
)
def test_which_way_a_signal_moved(counts: dict[str, int], moved: str) -> None:
    window = Window(7, sum(counts.values()))
    window.counts[1] = histogram(**counts)
    window.alarm("psi", "brightness", 9.5)
    (found,) = findings.drifts(window, plain_reference()["signals"])
    assert found.text.startswith(f"Brightness {moved} where the model was made")
    window.counts[0] = histogram(b0=1)
    window.alarm("psi", "score:crack", 9.5)
    plural = findings.drifts(window, plain_reference()["signals"])[1]
    assert plural.text.startswith("The scores of crack are spread otherwise than where")


def test_answers_that_are_no_probabilities_by_hand() -> None:
    watch = seen(0.5)
    watch.count(np.array([float("nan"), 0.5, 0, 0, 0, 0, 0]), 0.01)
    (found,) = watch.findings()
    assert (found.value, found.images, found.limit) == (1, 2, 0)
    assert (watch.images, watch.invalid, watch.latency.total()) == (1, 1, 2)


# ---- latency


def test_latencies_by_hand() -> None:
    assert [latency.bin_of(one) for one in (0, 1e-5, 1.09e-5, 1.1e-5, 1.21e-5)] == [0, 0, 0, 1, 2]
    assert latency.bin_of(float("nan")) == 0
    assert latency.bin_of(1e9) == latency.bin_of(1e3) == math.floor(math.log(1e8) / math.log(1.1))
    sketch = latency.Sketch({0: 1, 10: 2, 20: 1})
    found = [latency.quantile(sketch, share) for share in (0, 0.25, 0.26, 0.75, 0.76, 1)]
    places = [0, 0, 10, 10, 20, 20]
    assert found == pytest.approx([1e-5 * 1.1 ** (place + 0.5) for place in places])


# ---- what is damaged


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("schema_version",), 2),
        (("schema_version",), True),
        (("images",), 0),
        (("images",), 99),
        (("window",), 0),
        (("window",), -1),
        (("window",), 1.5),
        (("false_alarms",), 0),
        (("false_alarms",), 1),
        (("false_alarms",), True),
        (("page_hinkley_allowance",), float("nan")),
        (("page_hinkley_allowance",), "0.2"),
        (("page_hinkley_allowance",), True),
        (("labels", "names"), ["crack", "crack"]),
        (("labels", "names"), [7]),
        (("labels", "names"), ["dirt"]),
        (("labels", "thresholds"), [0.5, 0.5]),
        (("labels", "thresholds"), [float("inf")]),
        (("signals", "brightness", "groups"), [1, 16]),
        (("signals", "brightness", "groups"), [0, 16, 8]),
        (("signals", "brightness", "groups"), [0, 16, 16]),
        (("signals", "brightness", "groups"), [0, 32]),
        (("signals", "brightness", "groups"), []),
        (("signals", "brightness", "psi_limit"), None),
        (("signals", "brightness", "mean"), float("inf")),
        (("signals", "brightness", "spread"), 0),
        (("signals", "brightness", "spread"), -1),
        (("signals", "brightness", "page_hinkley_limit"), 0),
        (("signals", "brightness", "counts"), [100] + [0] * 30),
        (("signals", "brightness", "counts"), [99] + [0] * 31),
        (("signals", "brightness", "counts"), [101, -1] + [0] * 30),
    ],
)
def test_a_damaged_reference_is_refused(path: tuple[str, ...], wrong: object) -> None:
    known = plain_reference()
    inside = known
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = wrong
    with pytest.raises(WatchError):
        Watch(known)


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": ["a", "a"]},
        {"names": [7]},
        {"names": ["a", "b"], "thresholds": [0.5]},
        {"names": ["a"], "thresholds": [True]},
        {"names": ["a"], "thresholds": [float("nan")]},
    ],
)
def test_what_are_no_labels(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"labels|threshold|not a number"):
        check_labels(wrong)
    assert check_labels({"names": ["a", "b"]}) is None
    assert check_labels({"names": ["a", "b"], "thresholds": [0.5, 1]}) is None


def test_edges_of_what_a_reference_may_be() -> None:
    known = plain_reference(groups=[0, 31], spread=1e-9, page_hinkley_limit=1e-9)
    known["images"] = 100
    assert Watch(known).signals == list(SIGNALS)


@pytest.mark.parametrize("wrong", [True, -1, 1.0, "1", None, 2**53])
def test_numbers_of_things(wrong: object) -> None:
    with pytest.raises(WatchError, match="not a number of things"):
        whole(wrong)
    assert [whole(n) for n in (0, 1, 2**53 - 1)] == [0, 1, 2**53 - 1]


def test_histograms_hold_every_image_once() -> None:
    good = {"a": histogram(b3=2).tolist(), "b": histogram(b0=1, b31=1).tolist()}
    assert counts_from(good, ["a", "b"], 2).sum() == 4
    for names, images in ((["b", "a"], 2), (["a"], 2), (["a", "b"], 3)):
        with pytest.raises(WatchError):
            counts_from(good, names, images)


def test_an_alarm_of_an_unknown_signal_is_refused() -> None:
    state = Window(1).state(["a"])
    assert window_from(state, ["a"]).images == 0
    state["alarms"]["psi"]["b"] = 1.0
    with pytest.raises(WatchError, match="not watched: b"):
        window_from(state, ["a"])


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("schema_version",), 2),
        (("images",), 5),
        (("invalid",), 1),
        (("devices",), -1),
        (("latency",), {"-1": 4}),
        (("latency",), {"194": 4}),
        (("latency",), {"3": 3}),
        (("windows", "alarmed"), 2),
        (("windows", "run"), 2),
        (("alarms", "psi"), {"x": 1}),
        (("alarms", "psi"), {"brightness": -1}),
        (("page_hinkley", "rise"), [0.0] * 6),
        (("page_hinkley", "fall"), [-0.1] + [0.0] * 6),
        (("labels",), {"names": ["crack"], "thresholds": [0.4]}),
    ],
)
def test_a_damaged_state_is_refused(path: tuple[str, ...], wrong: object) -> None:
    state = seen(0.3, 0.7, 0.3, 0.7).state()
    assert watch_from(copy.deepcopy(state)).state() == state
    inside = state
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = wrong
    with pytest.raises(WatchError):
        watch_from(state)
