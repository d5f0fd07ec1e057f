"""What changed against another model, by hand."""

import numpy as np
import pytest
from error_reports import UNKNOWN, labels, named, report, result
from scipy.stats import binomtest
from verdicts import model

from benchmarks.errors.changes import changes, p_values, shown_images
from benchmarks.errors.schema import Changes, Estimate
from benchmarks.errors.sections import changes as section
from benchmarks.report.page import fragment
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.results import EvalResult

NAMES = ("a", "b")
TARGETS = np.array([[1, 0], [1, 0], [0, 1], [0, UNKNOWN], [1, 1], [0, 0]])
BEFORE = np.array([[0.9, 0.1], [0.4, 0.1], [0.1, 0.9], [0.1, 0.4], [0.8, 0.9], [0.3, 0.2]])


def measured(name: str, found: EvalResult) -> tuple[Artifact, EvalResult]:
    one = model(name)
    manifest = one.manifest.model_copy(update={"labels": labels(NAMES)})
    return Artifact(one.path, manifest), found


def compared(most: int = 10) -> Changes:
    after = BEFORE.copy()
    after[0, 0] = 0.2  # a is now missed
    after[1, 0] = 0.6  # a is now found
    after[3, 1] = 0.7  # nobody knows
    after[5, 0] = 0.6  # a is now falsely raised
    pair = (result(TARGETS, scores, NAMES) for scores in (after, BEFORE))
    ours, other = (measured(name, one) for name, one in zip(("new", "old"), pair, strict=True))
    return changes(ours, other, "old", named(6), most)


def test_changes_are_counted_by_label() -> None:
    first, second = compared().labels
    assert (first.now_wrong, first.now_right, first.unknown) == (2, 1, 0)
    assert (second.now_wrong, second.now_right, second.unknown) == (0, 0, 1)
    assert [flip.image_id[-1] for flip in first.flips] == ["0", "5", "1"], "the largest first"
    assert compared().share == pytest.approx(8 / 12)


def test_few_of_many_are_shown_and_files_are_named() -> None:
    found = compared(most=1)
    assert [len(label.flips) for label in found.labels] == [1, 1]
    assert shown_images(found) == [f"{0:016x}", f"{3:016x}"]
    assert found.files[f"{0:016x}"] == "cells/0.png"


def test_p_values_are_those_of_a_sign_test() -> None:
    found = compared()
    assert p_values(found) == (1.0, 1.0)
    many = found.labels[0].model_copy(update={"now_wrong": 12, "now_right": 1})
    update = {"labels": (many, found.labels[1])}
    wanted = 2 * binomtest(12, 13).pvalue
    assert p_values(found.model_copy(update=update))[0] == pytest.approx(wanted)


def test_a_drop_is_shown_as_a_change_with_its_sign() -> None:
    found = compared()
    drop = Estimate(value=0.02, ci95=(0.01, 0.03))
    text = fragment(section, report(changes=found.model_copy(update={"map_drop": drop})))
    assert "mAP changes by −2.0 points (95% interval −3.0 to −1.0)" in text
    assert "cells/0.png" in text


def test_other_images_are_refused() -> None:
    ours = measured("new", result(TARGETS, BEFORE, NAMES))
    other = measured("old", result(TARGETS[:5], BEFORE[:5], NAMES))
    with pytest.raises(UserError, match="not measured on the same data"):
        changes(ours, other, "old", named(6), 3)
