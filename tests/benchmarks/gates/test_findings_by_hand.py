"""What is counted, timed and compared of models, to the last figure."""

import re
from dataclasses import astuple

import numpy as np
import pytest
from verdicts import LABELS, evaluation, found_by, latency, model

from benchmarks.evaluation.evaluation import with_metrics
from benchmarks.gates import metrics, verdicts
from benchmarks.gates.evidence import Evidence, Finding, Subject
from benchmarks.statistics import agreement
from edgepress.core.labels import Labels
from edgepress.core.results import EvalResult

INT8 = verdicts.parse("int8_convs >= 1")


@pytest.mark.parametrize(
    ("measured", "share", "told"),
    [
        ({"int8_convs_fused": 3, "convs_total": 4}, 0.75, "3 of the 4 .* of 4 in all"),
        ({"int8_convs_fused": 3, "convs_total": 4, "convs_kept_float": 1}, 1.0, "3 of the 3"),
        (
            {"int8_convs_fused": 3, "convs_total": 4, "dense_total": 2, "dense_int8": 0},
            0.5,
            "3 of the 6",
        ),
        (
            {
                "int8_convs_fused": 3,
                "convs_total": 4,
                "dense_total": 3,
                "dense_int8": 1,
                "dense_kept_float": 2,
            },
            0.8,
            "4 of the 5 .* of 7 in all",
        ),
        ({"int8_convs_fused": 0, "convs_total": 4, "convs_kept_float": 4}, 1.0, "of 4$"),
        ({"int8_convs_fused": 0, "convs_total": 1}, 0.0, "0 of the 1"),
    ],
)
def test_layers_that_compute_with_integers(measured: dict[str, int], share: float, told: str):
    found = found_by(INT8, Evidence(Subject(model("new", **measured))))
    assert found is not None
    assert (found.measured, found.bounds) == (share, (share, share))
    assert re.search(told, found.reason)


@pytest.mark.parametrize("known", [{}, {"int8_convs_fused": 3}, {"convs_total": 4}])
def test_layers_that_nobody_counted_are_not_measured(known: dict[str, int]):
    assert found_by(INT8, Evidence(Subject(model("new", **known)))) is None


@pytest.mark.parametrize("missing", [(0,), (1,), (0, 1)])
def test_a_drop_from_or_to_nothing_is_not_measured(missing: tuple[int, ...]):
    results = [evaluation(0), evaluation(0.1)]
    gate = verdicts.parse("map drop <= 0.1")
    for known in (True, False):
        subjects = [Subject(model(str(place)), one) for place, one in enumerate(results)]
        assert (found_by(gate, Evidence(*subjects)) is not None) == known
        for place in missing:
            results[place] = results[place].model_copy(update={"map": None})


def test_a_count_is_exact_and_its_share_that_of_the_reference():
    new, old = Subject(model("new", macs=30)), Subject(model("old", macs=40))
    own, share = verdicts.parse("macs <= 50"), verdicts.parse("macs ratio <= 0.5")
    found = found_by(own, Evidence(new, old))
    assert found == Finding(30, (30, 30), None, "macs is 30")
    found = found_by(share, Evidence(new, old))
    told = "macs is 75.00% of the reference's (30 of 40)"
    assert found == Finding(0.75, (0.75, 0.75), None, told)
    assert found_by(own, Evidence(Subject(model("new")))) is None
    for nothing in (None, Subject(model("old")), Subject(model("old", macs=0))):
        assert found_by(share, Evidence(new, nothing)) is None


def test_the_latency_is_the_median_over_processes():
    gate = verdicts.parse("latency <= 1")
    times = latency(0.001).model_copy(update={"block_medians_s": tuple(range(1, 10))})
    found = found_by(gate, Evidence(Subject(model("new"), latency=times)))
    assert found is not None
    assert (found.measured, found.bounds, found.ci95) == (5.0, (1.0, 9.0), (1.0, 9.0))
    few = times.model_copy(update={"block_medians_s": (1.0, 2.0, 3.0)})
    found = found_by(gate, Evidence(Subject(model("new"), latency=few)))
    assert found is not None
    assert (found.measured, found.bounds, found.ci95) == (2.0, (0.0, np.inf), None)
    assert found_by(gate, Evidence(Subject(model("new")))) is None


def test_the_worst_drop_is_not_known_where_one_label_is_not():
    gate = verdicts.parse("worst_ap drop <= 1")
    old, new = evaluation(0), evaluation(0.6)
    found = found_by(gate, Evidence(Subject(model("new"), new), Subject(model("old"), old)))
    assert found is not None
    assert found.measured == pytest.approx(max(old.ap[name] - new.ap[name] for name in old.ap))
    assert found.ci95 is None
    targets = old.targets.copy()
    targets[:, 1] = 0
    sides = [
        Subject(model(name), with_metrics(one.model_copy(update={"targets": targets}), LABELS))
        for name, one in (("new", new), ("old", old))
    ]
    assert found_by(gate, Evidence(*sides)) is None
    bare = Subject(model("bare"))
    for pair in ((sides[0], None), (bare, sides[1]), (sides[0], bare)):
        assert found_by(gate, Evidence(*pair)) is None


def test_agreement_needs_both_and_counts_each_decision():
    gate = verdicts.parse("agreement >= 0.9")
    old = evaluation(0, n=8)
    scores = old.scores.copy()
    scores[0, [1, 2], [0, 1]] = 1 - np.round(scores[0, [1, 2], [0, 1]])
    new = old.model_copy(update={"scores": scores})
    sides = Subject(model("new"), new), Subject(model("old"), old)
    found = found_by(gate, Evidence(*sides))
    assert found is not None
    assert found.measured == 14 / 16
    bare = Subject(model("bare"))
    for pair in ((sides[0], None), (bare, sides[1]), (sides[0], bare)):
        assert found_by(gate, Evidence(*pair)) is None


def test_flips_come_with_the_largest_move_first_and_say_what_was_and_is():
    old = evaluation(0, n=3)
    before = np.array([[0.25, 0.75], [0.375, 0.25], [0.25, 0.25]], np.float32)
    after = np.array([[0.875, 0.75], [0.25, 0.625], [0.25, 0.5]], np.float32)
    targets = np.array([[1, 0], [0, np.nan], [0, 0]], np.float32)
    old, new = (
        old.model_copy(update={"scores": np.stack([table, 1 - table]), "targets": targets})
        for table in (before, after)
    )
    found = agreement.agreement((model("new"), new), (model("old"), old))
    assert found.share == pytest.approx(0.5)
    assert [astuple(flip) for flip in found.flips] == [
        ("0", "a", True, True, 0.25, 0.875),
        ("1", "b", None, True, 0.25, 0.625),
        ("2", "b", False, True, 0.25, 0.5),
    ]


def labelled(targets: np.ndarray, scores: np.ndarray) -> EvalResult:
    """Return one view of as many labels as there are columns."""
    names = tuple("abcdefgh"[: targets.shape[1]])
    labels = Labels(names=names, thresholds=(0.5,) * len(names), prevalence=(0.5,) * len(names))
    rows = tuple(str(row) for row in range(len(targets)))
    bare = evaluation(0, n=2).model_copy(
        update={
            "label_names": names,
            "image_ids": rows,
            "view_names": ("identity",),
            "scores": scores[None].astype(np.float32),
            "targets": targets.astype(np.float32),
        }
    )
    return with_metrics(bare, labels)


def test_labels_of_one_image_are_named_and_only_so_many():
    targets = np.zeros((20, 7))
    targets[range(7), range(7)] = 1
    scores = np.random.default_rng(0).random((20, 7))
    found = found_by(
        verdicts.parse("map >= 0.5"), Evidence(Subject(model("new"), labelled(targets, scores)))
    )
    assert found is not None
    assert "; a, b, c, d, e and 2 more have or lacks a label in one image only" in found.reason
    assert "by how much AP vary there" in found.reason
    one = labelled(targets[:, :1], scores[:, :1])
    found = found_by(verdicts.parse("ap[a] >= 0.5"), Evidence(Subject(model("new"), one)))
    assert found is not None
    assert found.reason.startswith("AP of a is ")
    assert "; a has or lacks a label in one image only" in found.reason
    assert "by how much AP varies there" in found.reason


def test_the_least_sure_label_is_the_one_that_may_drop_most():
    """a drops a little and is known well; b does not drop at all, and is in three images only."""
    rng = np.random.default_rng(1)
    targets = np.zeros((400, 2))
    targets[:200, 0], targets[:3, 1] = 1, 1
    old = np.clip(0.4 * targets + rng.normal(0.3, 0.2, (400, 2)), 0, 1)
    new = old.copy()
    new[:, 0] = np.clip(new[:, 0] + rng.normal(0, 0.3, 400), 0, 1)
    pair = (
        Subject(model(name), labelled(targets, one)) for name, one in (("new", new), ("old", old))
    )
    found = found_by(verdicts.parse("worst_ap drop <= 1"), Evidence(*pair))
    assert found is not None
    assert "AP drops most for a, " in found.reason
    assert "; that is b" in found.reason


def test_int8_convs_says_what_to_do():
    assert metrics.find("int8_convs").advice.startswith(
        "see in the notes which convolutions stayed"
    )
