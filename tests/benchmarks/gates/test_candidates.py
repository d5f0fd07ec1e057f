"""Gates on several candidates of which one is to be chosen."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from verdicts import check, evaluation, model

from benchmarks.comparison.bench import Bench
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Subject
from benchmarks.statistics import paired
from benchmarks.statistics.estimate import Estimate

OLD, NEW = evaluation(0), evaluation(0.3)


def test_a_bound_at_a_third_of_the_error_by_hand():
    """Where no positive is missing from what is seen, it is that of the normal distribution."""
    wide = Estimate(0.3, 0.1, float("inf"), 1000, 10**9, 1.0, (-1.0, 1.0))
    low, high = wide.bounds(0.05 / 3)
    reach = 0.1 * norm.isf(0.05 / 3)
    assert (low, high) == pytest.approx((0.3 - reach, 0.3 + reach), abs=1e-6)


def test_what_one_passes_several_may_not():
    drop = paired.map_drop(NEW, OLD)
    highest = [drop.bounds(0.05 / n)[1] for n in (1, 3)]
    gate = f"map drop <= {np.mean(highest)}"
    pair = Subject(model("new"), NEW), Subject(model("old"), OLD)
    alone, third = (check(gate, *pair, among=n) for n in (1, 3))
    assert (alone.outcome, third.outcome) == ("pass", "inconclusive")
    assert alone.ci95 == third.ci95
    assert "with 98.3% confidence at most" in third.reason
    assert third.reason.endswith("(at 98.3%, one of 3 candidates)")
    assert "candidates" not in alone.reason


def test_every_candidate_is_held_against_the_first_model():
    models = tuple(map(model, ("old", "new", "other")))
    bench = Bench(models, ("old", "new", "other"), (OLD, NEW, OLD), candidates=2)
    found = bench.check_candidates([verdicts.parse("map drop <= 0.001")])
    assert [found[row][0].outcome for row in (1, 2)] == ["fail", "inconclusive"]
    assert all("of 2 candidates" in one.reason for row in found.values() for one in row)


def test_all_models_cannot_be_candidates(command, tmp_path: Path):
    teacher = "models/zoo/elpv_teacher"
    done = command("benchmarks.compare", teacher, teacher, "--candidates", 2, "--out", tmp_path)
    assert done.code == 2
    assert "--candidates 2 of 2 models" in done.err
