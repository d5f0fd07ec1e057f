"""The claim on the sampler of a search: the volume, the surrogate, and the hours of both."""

import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from benchmarks.claims.search.__main__ import RECORDED, found, point
from benchmarks.claims.search.hypervolume import hypervolume
from benchmarks.claims.search.surrogate import Surrogate
from edgepress.core.errors import UserError
from edgepress.core.search import SearchRecord, TrialRecord

BUDGET = "latency <= 50%"


def by_inclusion(points: list[tuple[float, ...]]) -> float:
    """Return the volume of boxes at the origin, box by box."""
    total = 0.0
    for count in range(1, len(points) + 1):
        for some in combinations(points, count):
            total -= (-1) ** count * math.prod(map(min, zip(*some, strict=True)))
    return total


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_volume_is_that_of_the_boxes(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    points = [tuple(map(float, rng.random(dimensions))) for _ in range(7)]
    assert hypervolume(points) == pytest.approx(by_inclusion(points))
    assert hypervolume([*points, points[0]]) == pytest.approx(by_inclusion(points))
    assert hypervolume([]) == 0.0


@pytest.fixture(scope="module")
def record() -> SearchRecord:
    """Forty trials: accuracy is best at a rate of 1e-3, a wide network is slow and large."""
    trials = []
    for number in range(40):
        rate, width = 10 ** (-4 + number % 8 / 4), (0.25, 0.5, 0.75, 1.0, 0.9)[number // 8]
        over = {BUDGET: width / 0.8 - 1}
        known = {"state": "complete", "map": 0.9 + 0.05 * width - 0.1 * (math.log10(rate) + 3) ** 2}
        trials.append(
            TrialRecord(
                number=number,
                choices={"rate": rate, "width": width, "kind": "odd" if number % 2 else "even"},
                latency_ratio=width / 2,
                size_ratio=width / 4,
                excess=over,
                **(
                    {"state": "infeasible", "seconds": 20.0}
                    if over[BUDGET] > 0
                    else known | {"seconds": 600 * width}
                ),
            )
        )
    return SearchRecord(
        budgets=(BUDGET,), gates=(), space={}, seed=0, teacher_map=0.95, trials=tuple(trials[:40])
    )


@pytest.fixture(scope="module")
def few(record: SearchRecord) -> SearchRecord:
    return record.model_copy(update={"trials": record.trials[:20]})


@pytest.fixture(scope="module")
def surrogate(record: SearchRecord) -> Surrogate:
    more = record.trials + tuple(
        one.model_copy(update={"number": 40 + one.number}) for one in record.trials[:16]
    )
    return Surrogate(record.model_copy(update={"trials": more}))


def test_a_surrogate_tells_what_was_not_tried(surrogate: Surrogate) -> None:
    good = surrogate.trial(0, {"rate": 1e-3, "width": 0.6, "kind": "even"})
    assert good.state == "complete"
    assert good.map == pytest.approx(0.93, abs=0.01)
    assert (good.latency_ratio, good.size_ratio) == pytest.approx((0.3, 0.15), rel=0.05)
    assert good.seconds == pytest.approx(360, rel=0.1)
    wide = surrogate.trial(1, {"rate": 1e-3, "width": 0.95, "kind": "odd"})
    assert (wide.state, wide.map, wide.seconds) == ("infeasible", None, 20.0)
    assert wide.excess[BUDGET] == pytest.approx(0.95 / 0.8 - 1, abs=0.03)
    assert surrogate.explained > 0.9


def test_too_few_trials_are_a_message(few: SearchRecord) -> None:
    with pytest.raises(UserError, match="Too few trials"):
        Surrogate(few)


def test_a_search_ends_with_its_hours_and_with_its_space(surrogate: Surrogate) -> None:
    """600 s of width 0.5: 300 s each, so that twelve fit into an hour."""
    same = {"rate": 1e-3, "width": 0.5, "kind": "even"}
    took = surrogate.trial(0, same).seconds
    seen: list[int] = []
    result = found(surrogate, lambda before, n: seen.append(len(before)) or same, 1.0, 0.9)
    assert result.trials == int(3600 // took)
    assert seen == list(range(result.trials + 1))
    assert result.by_hour == (result.hypervolume,)
    one = point(surrogate.trial(0, same), 0.9)
    assert result.hypervolume == pytest.approx(math.prod(one))
    ended = found(surrogate, lambda _, n: same if n < 2 else None, 1.0, 0.9)
    assert ended.trials == 2


def test_both_have_the_same_hours_and_ours_alone_looks_back(command, tmp_path: Path) -> None:
    out = tmp_path / "claim.json"
    done = command("benchmarks.claims.search.__main__", "--seeds", 1, "--hours", 2, "--out", out)
    assert done.code == 0, done.err
    told = json.loads(out.read_text())
    (one,) = told["seeds"]
    assert told["recorded"] == len(SearchRecord.model_validate_json(RECORDED.read_bytes()).trials)
    assert one["ours"]["hypervolume"] > 0
    assert one["ours"] != one["random"]
    assert len(one["ours"]["by_hour"]) == 2
    text = out.with_suffix(".md").read_text()
    assert "of 1 seeds" in text
    assert "made_up.json" in text


def test_a_record_that_is_none_is_a_message(command, tmp_path: Path) -> None:
    done = command("benchmarks.claims.search.__main__", "--record", tmp_path / "search.json")
    assert done.code == 2
    assert "cannot be read" in done.err
