"""Each rule says its sentence where the figures are such, and nothing where they are not."""

from functools import cache

import numpy as np
import pytest
from error_reports import UNKNOWN, label_errors, random_scores, report

from benchmarks.errors import next_steps as rules
from benchmarks.errors.next_steps import next_steps
from benchmarks.errors.schema import (
    Changes,
    Counts,
    ErrorPair,
    ErrorReport,
    Estimate,
    LabelChange,
    LabelErrors,
    Slice,
    SliceRecall,
)


@cache
def measured() -> LabelErrors:
    """Return a label that is decided well, on many images."""
    targets = np.arange(2000) % 2
    probs = np.where(np.random.default_rng(0).random(2000) < 0.95, targets, 1 - targets)
    return label_errors(targets, 0.1 + 0.8 * probs)


def good(name: str = "crack", **changes: object) -> LabelErrors:
    """Return a label of which no rule has anything to say; `changes` overwrite its fields."""
    calm = {"name": name, "confidence": confidence(0.01)}
    return measured().model_copy(update={**calm, **changes})


def confidence(ece: float | None) -> object:
    return measured().confidence.model_copy(update={"ece": ece})


def said(found: ErrorReport, rule: str) -> list[str]:
    return [step.text for step in next_steps(found) if step.rule == rule]


def test_a_good_model_needs_nothing() -> None:
    assert next_steps(report(good(), good("spot"))) == ()


def test_near_the_threshold() -> None:
    counts = Counts(tp=80, fp=20, fn=20, tn=80)
    found = report(good(counts=counts, near_misses=8, near_negatives=11))
    (text,) = said(found, "near_the_threshold")
    assert "crack: 40% of its 20 misses lie within 0.05 below the threshold of 0.500" in text
    assert "find 8 more, for 11 more false alarms" in text
    assert not said(report(good(counts=counts, near_misses=4)), "near_the_threshold")
    few = Counts(tp=80, fp=4, fn=8, tn=80)
    assert not said(report(good(counts=few, near_misses=4)), "near_the_threshold")


def test_few_images() -> None:
    few = Counts(tp=8, fp=3, fn=4, tn=80)
    ap = Estimate(value=0.8, ci95=(0.72, 0.88))
    (text,) = said(report(good(counts=few, ap=ap)), "few_images")
    assert "crack: only 12 images have it here, its AP is known to within ±8 points" in text
    many = Counts(tp=80, fp=3, fn=4, tn=8)
    (text,) = said(report(good(counts=many)), "few_images")
    assert "only 11 images do not have it here" in text
    assert not said(report(good(ap=Estimate(value=0.8, ci95=(0.77, 0.83)))), "few_images")


def test_sure_and_wrong() -> None:
    counts = Counts(tp=80, fp=20, fn=20, tn=80)
    (text,) = said(report(good(counts=counts, sure_errors=6)), "sure_and_wrong")
    assert "in 6 of its 40 wrong decisions the model is sure (below 0.05 or above 0.95)" in text
    assert not said(report(good(counts=counts, sure_errors=3)), "sure_and_wrong")


def test_lopsided() -> None:
    targets, probs = random_scores(1, 600, 0.0)
    label = label_errors(targets[:, 0], probs[:, 0] * 0.55)
    (text,) = said(report(label), "lopsided")
    assert f"{label.counts.fn} misses and {label.counts.fp} false alarms" in text
    assert "if misses cost more, ask for a recall" in text
    best = max(p for p, r in zip(label.curves.pr.precision, label.curves.pr.recall, strict=True)
               if r >= 0.9)  # fmt: skip
    assert f"a recall of 0.9 goes with a precision of {best:.2f} at most" in text
    (other,) = said(report(label_errors(targets[:, 0], 0.45 + probs[:, 0] * 0.55)), "lopsided")
    assert "if false alarms cost more, ask for a precision" in other
    assert not said(report(label_errors(targets[:, 0], probs[:, 0])), "lopsided")


def pair(first: str, second: str, **changes: object) -> ErrorPair:
    values = {
        "first": "crack", "first_kind": first, "second": "spot", "second_kind": second,
        "together": 14, "expected": 2.3, "p_holm": 0.001,
    }  # fmt: skip
    return ErrorPair(**{**values, **changes})


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (
            ("miss", "miss"),
            "crack and spot are missed together in 14 images (2 expected by chance)",
        ),
        (("false alarm", "false alarm"), "crack and spot are falsely raised together"),
        (("miss", "false alarm"), "crack is missed where spot is falsely raised"),
        (("false alarm", "miss"), "spot is missed where crack is falsely raised"),
    ],
)
def test_errors_together(kinds: tuple[str, str], words: str) -> None:
    (text,) = said(report(good(), pairs=(pair(*kinds),)), "errors_together")
    assert words in text
    assert not said(report(good(), pairs=(pair(*kinds, p_holm=0.2),)), "errors_together")
    assert not said(report(good(), pairs=(pair(*kinds, together=3),)), "errors_together")


def dark(difference: float, p_holm: float, **changes: object) -> Slice:
    values = {
        "attribute": "brightness", "name": "brightness below 0.31", "n": 120, "map": 0.8,
        "recall": {}, "p_holm": p_holm,
        "difference": Estimate(value=difference, ci95=(difference - 0.04, difference + 0.05)),
    }  # fmt: skip
    return Slice(**{**values, **changes})


def test_bad_slices() -> None:
    (text,) = said(report(good(), slices=(dark(-0.09, 0.01),)), "bad_slices")
    assert "Images of brightness below 0.31 lose 9.0 points of mAP against the rest" in text
    assert "(95% interval −13.0 to −4.0; 120 images)" in text
    assert "if brightness is the cause, vary the brightness in training" in text
    site = dark(-0.09, 0.01, attribute="site", name="site moon")
    assert "collect more such images" in said(report(good(), slices=(site,)), "bad_slices")[0]
    for harmless in (dark(-0.09, 0.2), dark(0.09, 0.01)):
        assert not said(report(good(), slices=(harmless,)), "bad_slices")


def test_low_recalls() -> None:
    low = SliceRecall(value=0.4, positives=50, rest=0.7, p_holm=0.01)
    lower = SliceRecall(value=0.3, positives=40, rest=0.7, p_holm=0.01)
    first, second = dark(0.0, 1.0, recall={"crack": low}), dark(0.0, 1.0, recall={"crack": lower})
    (text,) = said(report(good(), slices=(first, second)), "low_recalls")
    assert "crack is found in 30% of the 40 images of brightness below 0.31 that have it" in text
    assert "and in 70% of the rest" in text
    for update in ({"p_holm": 0.2}, {"value": 0.9}, {"value": None, "p_holm": None}):
        harmless = dark(0.0, 1.0, recall={"crack": low.model_copy(update=update)})
        assert not said(report(good(), slices=(harmless,)), "low_recalls")


def test_badly_calibrated() -> None:
    (text,) = said(report(good(confidence=confidence(0.08))), "badly_calibrated")
    assert "crack: its probabilities are 8 points off on average" in text
    assert not said(report(good(confidence=confidence(None))), "badly_calibrated")


def test_undefined_labels() -> None:
    found = report(label_errors([0, 0, UNKNOWN], [0.1, 0.9, 0.9]))
    assert said(found, "undefined_labels") == [
        "crack: no image has it in this part, so nothing can be said of it: add images, or "
        "measure on another part."
    ]


def test_worse_than_other() -> None:
    def against(wrong: int, right: int) -> ErrorReport:
        label = LabelChange(
            label="crack", now_right=right, now_wrong=wrong, unknown=0, drop=None, flips=()
        )
        changes = Changes(
            model="teacher", path="x", share=0.9, ci95=(0.8, 1.0), labels=(label,),
            map_drop=Estimate(value=0.01), files={},
        )  # fmt: skip
        return report(good(), changes=changes)

    (text,) = said(against(18, 3), "worse_than_other")
    assert "crack: 18 decisions turned wrong against teacher and 3 right, more than chance" in text
    assert not said(against(5, 3), "worse_than_other")
    assert not said(against(3, 18), "worse_than_other")


def test_what_holds_of_many_labels_is_said_of_two_and_the_others_are_named() -> None:
    names = [f"label {i}" for i in range(10)]
    steps = next_steps(report(*(good(name, confidence=confidence(0.08)) for name in names)))
    assert [step.label for step in steps] == [*names[:2], None]
    assert steps[-1].text == (
        "The same as of label 1 holds of: label 2, label 3, label 4, label 5, label 6, label 7 "
        "and 2 more."
    )
    three = next_steps(report(*(good(name, confidence=confidence(0.08)) for name in names[:3])))
    assert three[-1].text == "The same as of label 1 holds of: label 2."


def test_every_rule_is_tested() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {rule.__name__ for rule in rules.RULES} <= tested
