"""AP's influences, its intervals by hand, groups, blanks, and what few positives can certify."""

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluated import result
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score
from verdicts import accuracy

from benchmarks.statistics import paired
from benchmarks.statistics.average_precision import Ranking
from benchmarks.statistics.estimate import Estimate
from benchmarks.statistics.rank_statistics import map_bias
from edgepress.core.results import EvalResult


def small(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return targets `[n]` with two of each class at least, and scores `[2, n]` with ties."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(4, 16))
    targets = draw.permutation([1, 1, 0, 0, *draw.integers(0, 2, n - 4)])
    return targets.astype(float), draw.integers(0, 5, (2, n)) / 4


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 2.5, 0.3]))
def test_the_influence_is_the_derivative_of_sklearns_ap(seed: int, weight: float) -> None:
    targets, scores = small(seed)
    once = np.where(targets == 1, weight, 1.0)

    def ap(weights: np.ndarray) -> float:
        return np.mean([average_precision_score(targets, s, sample_weight=weights) for s in scores])

    ranking = Ranking.of(targets, scores, weight)
    assert ranking.ap.mean() == pytest.approx(ap(once))
    for image, found in enumerate(ranking.influence()):
        step = 1e-5 * once * (np.arange(len(targets)) == image)
        assert found == pytest.approx((ap(once + step) - ap(once - step)) / 2e-5, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_the_bias_is_that_of_leaving_one_out_by_force(seed: int) -> None:
    targets, scores = small(seed)
    rows = np.arange(len(targets))
    without = np.array(
        [
            np.mean([average_precision_score(targets[rows != row], s[rows != row]) for s in scores])
            for row in rows
        ]
    )
    ranking, wanted = Ranking.of(targets, scores), 0.0
    for value in (0, 1):
        of_class = without[targets == value]
        wanted += (len(of_class) - 1) * (of_class.mean() - ranking.ap.mean())
    assert ranking.bias() == pytest.approx(wanted, abs=1e-9)
    whole = result(np.repeat(scores[:, :, None], 2, axis=2), np.stack([targets, targets], axis=1))
    assert map_bias(whole) == pytest.approx(wanted, abs=1e-6)


def test_the_standard_error_by_hand() -> None:
    """From the top: 1 0 1 0, precision 1 and 2/3.

    Influences of the positives, by the formula: the first adds its own 1 - 5/6, and to the second
    (3 - 2) / 3^2; the second its own 2/3 - 5/6 and as much. Less their mean they are +-1/6, of the
    sum over two +-1/12 each; with m / (m - 1) = 2 their squares sum to 1/36. The negatives' are
    -2/3^2 and 0, less their mean and over two +-1/18, with 2 they add 4/324.
    """
    found = paired.ranks(result([[0.9], [0.8], [0.7], [0.1]], [[1], [0], [1], [0]])).mean()
    assert found.value == pytest.approx(5 / 6)
    assert found.se**2 == pytest.approx(4 / 144 + 4 / 324)
    assert (found.units, found.fewest, found.share) == (2, 2, 1.0)


WIDE = Estimate(0.3, 0.1, np.inf, 10**9, 10**9, 1.0, (-1.0, 1.0))


def test_the_intervals_by_hand() -> None:
    assert WIDE.interval() == pytest.approx((0.3 - 0.1959964, 0.3 + 0.1959964), abs=1e-6)
    assert WIDE.bounds() == pytest.approx((0.3 - 0.1644854, 0.3 + 0.1644854), abs=1e-6)
    few = replace(WIDE, df=3.0)
    assert few.interval() == pytest.approx((0.3 - 0.3182446, 0.3 + 0.3182446), abs=1e-6)
    assert few.bounds() == pytest.approx((0.3 - 0.2353363, 0.3 + 0.2353363), abs=1e-6)
    odds, step = math.log(0.3 / 0.7), 0.1959964 / (0.3 * 0.7)
    ends = [1 / (1 + math.exp(-(odds + sign * step))) for sign in (-1, 1)]
    assert replace(WIDE, span=(0.0, 1.0)).interval() == pytest.approx(ends, abs=1e-6)


def test_the_bounds_add_what_is_not_seen_and_the_interval_does_where_few_are() -> None:
    twenty = replace(WIDE, units=20, fewest=20, share=0.5)
    unseen = 0.5 * (1 - 0.05 ** (1 / 20))
    assert twenty.interval() == pytest.approx(WIDE.interval())
    assert twenty.bounds()[1] == pytest.approx(0.3 + math.hypot(0.1644854, unseen), abs=1e-6)
    assert twenty.bounds()[0] == pytest.approx(WIDE.bounds()[0]), "unseen is only worse"
    assert twenty.shown_bounds() == pytest.approx(WIDE.bounds())
    value = replace(twenty, span=(0.0, 1.0))
    seen = replace(WIDE, span=(0.0, 1.0)).bounds()
    assert value.bounds()[0] == pytest.approx(0.3 - math.hypot(0.3 - seen[0], unseen))
    assert value.bounds()[1] == pytest.approx(seen[1])
    nine = replace(WIDE, units=9, fewest=9)
    unseen = 1 - 0.025 ** (1 / 9)
    assert nine.interval()[1] == pytest.approx(0.3 + math.hypot(0.1959964, unseen), abs=1e-6)


@pytest.mark.parametrize("few", [5, 1000])
@pytest.mark.parametrize("value", [0.12, -0.3, 0.0])
def test_a_p_value_is_the_level_whose_interval_just_has_nothing(value: float, few: int) -> None:
    found = replace(WIDE, value=value, df=7.0, units=few, fewest=few)
    p = found.p_value()
    low, high = found._ends(p / 2, found.few) if p < 1 else (0.0, 0.0)
    assert min(abs(low), abs(high)) == pytest.approx(0, abs=1e-9)
    assert (p < 0.05) == (not found.interval()[0] <= 0 <= found.interval()[1])


def test_a_normal_case_is_covered_as_often_as_it_says() -> None:
    """A 90% interval would be caught: 95% of 4,000 are 3,800, give or take 28."""
    values = np.random.default_rng(0).normal(0.0, 0.1, 4000)
    ends = [replace(WIDE, value=float(value)).interval() for value in values]
    assert sum(low <= 0 <= high for low, high in ends) == pytest.approx(3800, abs=60)
    sides = [replace(WIDE, value=float(value)).bounds() for value in values]
    assert sum(high >= 0 for _, high in sides) == pytest.approx(3800, abs=60)
    assert sum(low <= 0 for low, _ in sides) == pytest.approx(3800, abs=60)


def random_result(
    seed: int, positives: int, labels: int, n: int = 120, **more: object
) -> EvalResult:
    draw = np.random.default_rng(seed)
    targets = np.zeros((n, labels))
    for label in range(labels):
        targets[draw.choice(n, positives, replace=False), label] = 1
    return result(1.5 * targets + draw.standard_normal((2, n, labels)), targets, **more)


def figures(found: Estimate) -> tuple[float, ...]:
    """Return all but the span."""
    return found.value, found.se, found.df, found.units, found.fewest, found.share


def test_unknown_targets_count_nowhere() -> None:
    one = random_result(0, 12, 3)
    draw = np.random.default_rng(1)
    blanks = np.full((30, 3), np.nan, np.float32)
    more = one.model_copy(
        update={
            "targets": np.vstack([one.targets, blanks]),
            "scores": np.concatenate(
                [one.scores, draw.random((2, 30, 3)).astype(np.float32)], axis=1
            ),
            "image_ids": tuple(map(str, range(150))),
        }
    )
    for found, wanted in (
        (paired.ranks(more), paired.ranks(one)),
        (paired.drops(more, more), paired.drops(one, one)),
    ):
        for ours, theirs in (
            (found.mean(), wanted.mean()),
            *((found.label(column), wanted.label(column)) for column in range(3)),
        ):
            assert figures(ours) == pytest.approx(figures(theirs), rel=1e-9)
    assert map_bias(more) == pytest.approx(map_bias(one), rel=1e-9)


def test_one_blank_is_out_of_its_label_only() -> None:
    one = random_result(0, 12, 2)
    targets = one.targets.copy()
    row = int(np.flatnonzero(targets[:, 0] == 0)[0])
    targets[row, 0] = np.nan
    found = paired.ranks(one.model_copy(update={"targets": targets}))
    rows = np.arange(120) != row
    alone = result(one.scores[:, rows, :1], one.targets[rows, :1])
    wanted = paired.ranks(alone).label(0)
    assert (found.label(0).value, found.label(0).se) == pytest.approx((wanted.value, wanted.se))
    assert found.label(1) == paired.ranks(one).label(1)


def test_labels_that_err_together_are_less_sure_than_those_that_do_not() -> None:
    one = random_result(0, 30, 4, n=400)
    same = result(np.repeat(one.scores[:, :, :1], 4, 2), np.repeat(one.targets[:, :1], 4, 1))
    alone = paired.ranks(one).label(0)
    assert paired.ranks(same).mean().se == pytest.approx(alone.se)
    assert paired.ranks(one).mean().se < 0.7 * alone.se


def test_images_of_a_group_are_one_piece_of_evidence() -> None:
    """Groups of very different sizes whose images are all alike: as sure as their number."""
    draw = np.random.default_rng(0)
    sizes = np.tile([1, 2, 9], 30)
    number = np.repeat(np.arange(90), sizes)
    targets, scores = (draw.random(90) < 0.4)[number][:, None], draw.standard_normal(90)
    scores = (scores[number] + targets[:, 0])[:, None]
    grouped = paired.ranks(result(scores, targets, groups=tuple(number.tolist()))).mean()
    loose = paired.ranks(result(scores, targets)).mean()
    assert grouped.value == loose.value
    assert grouped.se > 1.8 * loose.se
    assert grouped.df < loose.df / 2
    assert grouped.fewest == len(set(number[targets[:, 0]]))


def test_one_group_with_every_positive_says_nothing_and_is_named() -> None:
    one = random_result(0, 12, 1)
    groups = np.where(one.targets[:, 0] == 1, 0, np.arange(120) + 1)
    whole = one.model_copy(update={"groups": tuple(groups.tolist())})
    ranks = paired.ranks(whole)
    assert ranks.alone() == (0,)
    low, high = ranks.label(0).bounds()
    assert low < 0.1
    assert high > 0.9
    verdict = accuracy("map >= 0.2", whole, whole)
    assert verdict.outcome == "inconclusive"
    assert "label0 has or lacks a label in one group only" in verdict.reason


def test_a_lone_label_costs_the_mean_what_it_may_hide() -> None:
    """The largest variance of what lies between 0 and 1 is 1/4; of a difference, 1."""
    one, other = random_result(0, 30, 4), random_result(0, 30, 4)
    targets = one.targets.copy()
    targets[:, 3] = 0
    targets[5, 3] = 1
    both = [part.model_copy(update={"targets": targets}) for part in (one, other)]
    ranks = paired.ranks(both[0])
    three = paired.ranks(result(one.scores[:, :, :3], one.targets[:, :3])).mean()
    assert ranks.mean().se ** 2 == pytest.approx((0.75 * three.se) ** 2 + 0.125**2, rel=0.05)
    drops = paired.drops(*both)
    assert drops.mean().se == pytest.approx(0.25), "nothing else differs"


def test_lone_positives_show_their_error_by_the_spread_between_labels() -> None:
    """Of two labels at 1 and 1/2, each by one positive: +-1/4, over two labels, times two."""
    scores = [[0.9, 0.5], [0.1, 0.9], [0.2, 0.1], [0.3, 0.2]]
    found = paired.ranks(result(scores, [[1, 1], [0, 0], [0, 0], [0, 0]]))
    assert found.mean().value == pytest.approx(0.75)
    assert found.alone() == (0, 1)
    deviations = np.array([0.25, -0.25]) * np.sqrt(2) / 2
    negatives = paired.ranks(result(np.array(scores)[:, 1:], [[1], [0], [0], [0]]))
    of_negatives = (negatives._deviations[1][:, 0] / 2) ** 2
    total = deviations.sum() ** 2 + of_negatives.sum()  # both positives are one image
    assert found.mean().se ** 2 == pytest.approx(total)


def halves(labels: int, positives: int) -> EvalResult:
    """Return labels of AP exactly 1/2: each positive right below as many negatives."""
    n = 2 * positives
    targets = np.tile([0, 1], positives)
    scores = np.array([n - 2 * (row // 2) - (targets[row] == 1) for row in range(n)]) / n
    return result(np.repeat(scores[:, None], labels, 1), np.repeat(targets[:, None], labels, 1))


@pytest.mark.parametrize("positives", [1, 2, 3, 5, 10])
def test_labels_of_ap_one_half_do_not_pass_as_more(positives: int) -> None:
    whole = halves(200, positives)
    assert whole.map == pytest.approx(0.5)
    verdict = accuracy("map >= 0.505", whole, whole)
    assert verdict.outcome != "pass"
    assert verdict.ci95[0] <= verdict.measured <= verdict.ci95[1]


def lookup(n: int, positives: int, fallen: int) -> EvalResult:
    """Return four labels; of each label's positives at the top so many are at the bottom."""
    targets = np.zeros((n, 4))
    scores = np.tile(np.linspace(0.5, 0.4, n)[:, None], 4)
    for label in range(4):
        rows = np.arange(positives) + label * positives
        targets[rows, label] = 1
        scores[rows, label] = 0.9
        scores[rows[:fallen], label] = 0.1
    return result(scores, targets)


def test_a_drop_of_25_points_is_none_of_20() -> None:
    before, after = lookup(4000, 8, 0), lookup(4000, 8, 2)
    assert before.map - after.map == pytest.approx(0.25, abs=0.01)
    verdict = accuracy("map drop <= 0.20", after, before)
    assert verdict.outcome != "pass"
    assert verdict.ci95[0] <= verdict.measured <= verdict.ci95[1]


@pytest.mark.parametrize(("positives", "share"), [(3, 0.7), (10, 0.3), (30, 0.12)])
def test_failures_that_no_positive_shows_are_not_certified(positives: int, share: float) -> None:
    """One label, whose positives fall to the bottom with that probability; limit: half of it."""
    draw = np.random.default_rng(positives)
    passed = 0
    n = 20 * positives
    targets = (np.arange(n) < positives).astype(float)[:, None]
    before = result(np.where(targets == 1, 0.9, np.linspace(0.5, 0.4, n)[:, None]), targets)
    for _ in range(100):
        fallen = (draw.random((n, 1)) < share) & (targets == 1)
        after = result(np.where(fallen, 0.1, before.scores[0]), targets)
        passed += paired.map_drop(after, before).bounds()[1] <= share * 0.95
    assert passed <= 9  # 5 expected at most, and 10 or more in one of 35 such experiments


def test_an_ordinary_int8_file_passes() -> None:
    """1,049 images, four labels with 280 to 600 positives, eight views, a drop of 0.05 points."""
    draw = np.random.default_rng(0)
    n, counts = 1049, (280, 350, 480, 600)
    targets = np.stack([draw.permutation(n) < count for count in counts], axis=1)
    logits = 3.0 * targets + draw.standard_normal((n, 4)) + 0.2 * draw.standard_normal((8, n, 4))
    noisy = logits + 0.15 * draw.standard_normal((8, n, 4))
    before, after = (result(norm.cdf(one - 1.5), targets) for one in (logits, noisy))
    verdict = accuracy("map drop <= 0.01", after, before)
    assert abs(verdict.measured) < 0.003
    assert verdict.outcome == "pass", verdict.reason
    few = [result(one.scores[:, :263], one.targets[:263]) for one in (before, after)]
    found = paired.map_drop(few[1], few[0])
    assert found.shown_bounds()[1] < 0.006, "what the search of int8 is steered by"
