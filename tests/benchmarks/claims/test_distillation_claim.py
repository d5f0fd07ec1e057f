"""Students are compared with controls of the same problem, teacher and seed."""

from collections import Counter
from pathlib import Path

import evaluated
import numpy as np
import pytest

from benchmarks.claims.distillation import __main__ as command
from benchmarks.claims.distillation import problems
from benchmarks.claims.distillation.grid import PROBLEMS, Trial, grid
from benchmarks.claims.distillation.result import Outcome, Result, comparisons, table
from benchmarks.statistics.paired import map_drop
from benchmarks.statistics.seeds import gained
from compress.learning import methods
from edgepress.core.errors import UserError

RNG = np.random.default_rng(0)
TARGETS = (RNG.random((300, 3)) < 0.4).astype(np.float32)


def scores(noise: float, seed: int = 0):
    """Return a result of scores that are the truth with noise."""
    drawn = np.random.default_rng(seed).normal(size=TARGETS.shape)
    return evaluated.result(1 / (1 + np.exp(-(2 * TARGETS - 1 + noise * drawn))), TARGETS)


def trial(method: str, seed: int = 0, teacher: str = "finished") -> Trial:
    return Trial(problem="tail", teacher=teacher, method=method, seed=seed)


def test_every_trial_has_its_control_and_comes_once():
    found = grid(tuple(PROBLEMS), command.METHODS, 3)
    assert len(set(found)) == len(found)
    assert set(problems.WRITERS) == set(PROBLEMS)
    for one in found:
        assert one.model_copy(update={"method": "none"}) in found
    kinds = Counter(one.teacher for one in found if one.method == "auto")
    assert kinds == dict.fromkeys(("finished", "unfinished", "shuffled"), 9)
    assert {one.seed for one in found[: len(found) // 3]} == {0}, "a whole table comes first"


def test_methods_are_those_of_the_room():
    assert set(command.METHODS) <= set(methods.names()) - {"none"}


def test_a_gain_of_one_seed_is_the_paired_difference():
    student, control = scores(0.8), scores(1.2, seed=1)
    found, alone = gained([[(student, control)]]), map_drop(control, student)
    assert (found.value, found.se) == (alone.value, alone.se)
    assert found.value == pytest.approx(student.map - control.map)


def test_seeds_that_differ_make_a_gain_less_sure():
    good, bad, control = scores(0.6), scores(1.4, seed=1), scores(1.0, seed=2)
    alike, unlike = gained([[(good, control)] * 2]), gained([[(good, control), (bad, control)]])
    mean = (good.map + bad.map) / 2 - control.map
    assert unlike.value == pytest.approx(mean)
    apart = np.var([good.map - control.map, bad.map - control.map], ddof=1) / 2
    assert unlike.se > np.sqrt(apart)
    assert alike.se == pytest.approx(gained([[(good, control)]]).se)
    assert gained([]) is None


def test_only_pairs_with_a_control_are_compared():
    found = comparisons(
        [
            (trial("none"), scores(1.2)),
            (trial("bckd"), scores(0.8, seed=1)),
            (trial("bckd", seed=1), scores(0.8, seed=2)),
            (trial("bckd", teacher="shuffled"), scores(0.8, seed=3)),
        ]
    )
    assert [(one.teacher, one.method, one.seeds) for one in found] == [("finished", "bckd", 1)]
    assert found[0].ci95[0] < found[0].gain < found[0].ci95[1]


def test_labels_are_given_to_other_images(tmp_path: Path):
    before = problems.written("digits", tmp_path)
    after = problems.written("digits", tmp_path, shuffled=True)
    (head, *rows), (same, *mixed) = (
        (folder / "labels.csv").read_text().splitlines() for folder in (before, after)
    )
    names, labels = zip(*(row.split(",", 1) for row in rows), strict=True)
    others, shuffled = zip(*(row.split(",", 1) for row in mixed), strict=True)
    assert (head, names, Counter(labels)) == (same, others, Counter(shuffled))
    assert np.mean([one == other for one, other in zip(labels, shuffled, strict=True)]) < 0.2
    assert problems.written("digits", tmp_path) == before, "what is there stays"


def test_the_table_has_the_bad_teachers_apart():
    compared = comparisons(
        [
            (trial(method, teacher=teacher), scores(noise))
            for teacher in ("finished", "shuffled")
            for method, noise in (("none", 1.2), ("auto", 0.8))
        ]
    )
    result = Result(
        outcomes=[Outcome(trial=trial("auto"), map=0.5, method="bckd")],
        comparisons=compared,
        teachers={"tail finished": 0.654, "tail shuffled": 0.2},
        environment={},
    )
    first, second = table(result).split("\n\n")[1:]
    assert "finished (65.4) | auto: bckd 1x |" in first
    assert "shuffled" not in first
    assert "shuffled (20.0) | auto |" in second


def test_an_unknown_problem_is_refused(tmp_path: Path):
    config = command.Config(problem=("digit",), work=tmp_path, out=tmp_path / "out.json")
    with pytest.raises(UserError, match="did you mean 'digits'"):
        command.run(config)


def test_an_unknown_method_is_refused_before_a_teacher_is_trained(tmp_path: Path):
    config = command.Config(method=("soft-label",), work=tmp_path / "w", out=tmp_path / "out.json")
    with pytest.raises(UserError, match="did you mean 'soft-labels'"):
        command.run(config)
    assert not (tmp_path / "w").exists()
