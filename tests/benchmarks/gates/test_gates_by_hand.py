"""The rule alone, on made-up figures: outcome, margin and words at, below and above the limit."""

import math

import pytest
from verdicts import evaluation, latency, model, pretend

from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Finding, Subject
from edgepress.core import ending
from edgepress.core.gates import Verdict
from edgepress.core.results import SOFTWARE

AT_MOST, AT_LEAST = "map drop <= 0.25", "map >= 0.25"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch):
    """Hold a figure with these bounds against a gate."""

    def check(
        text: str, value: float, low: float, high: float, evidence: Evidence | None = None
    ) -> Verdict:
        gate = verdicts.parse(text)
        found = Finding(value, (low, high), (low, high), "made up")
        pretend(monkeypatch, (verdicts.base_metric(gate), gate.form), found)
        return verdicts.check(gate, evidence or Evidence(Subject(model("new"))))

    return check


@pytest.mark.parametrize(
    ("text", "bounds", "outcome", "margin"),
    [
        (AT_MOST, (0.0, 0.125), "pass", 0.125),
        (AT_MOST, (0.0, 0.25), "pass", 0.0),
        (AT_MOST, (0.125, 0.5), "inconclusive", -0.25),
        (AT_MOST, (0.25, 0.5), "inconclusive", -0.25),
        (AT_MOST, (0.375, 0.5), "fail", -0.125),
        (AT_LEAST, (0.375, 0.5), "pass", 0.125),
        (AT_LEAST, (0.25, 0.5), "pass", 0.0),
        (AT_LEAST, (0.125, 0.5), "inconclusive", -0.125),
        (AT_LEAST, (0.0, 0.25), "inconclusive", -0.25),
        (AT_LEAST, (0.0, 0.125), "fail", -0.125),
    ],
)
def test_what_passes_fails_and_is_left_open(held, text, bounds, outcome, margin) -> None:
    verdict = held(text, sum(bounds) / 2, *bounds)
    assert (verdict.outcome, verdict.margin) == (outcome, margin)
    assert verdict.measured == sum(bounds) / 2
    limit = "25 points" if text == AT_MOST else "25%"
    told = {
        "pass": f"made up; the limit of {limit} is met",
        "fail": f"made up; the limit of {limit} is not met",
        "inconclusive": f"made up; the interval holds the limit of {limit}, so nothing is decided",
    }
    assert verdict.reason == told[outcome]


def speedup(held, value: float, aa: tuple[float, float] | None) -> Verdict:
    evidence = Evidence(Subject(model("new")), Subject(model("old")), aa=aa)
    return held("latency speedup >= 2", value, value, value, evidence)


def test_noise_as_far_as_the_limit_decides_and_farther_does_not(held) -> None:
    """The limit of 2 is log 2 away from 4: an A/A interval up to 2 just reaches it."""
    assert speedup(held, 4.0, (1.0, 2.0)).outcome == "pass"
    assert speedup(held, 4.0, (0.5, 1.0)).outcome == "pass"
    for aa in ((1.0, 2.0001), (0.4999, 1.0), (2.1, 2.2), (0.0, 1.0), (0.0, math.inf)):
        noisy = speedup(held, 4.0, aa)
        assert noisy.outcome == "inconclusive"
        assert "too noisy" in noisy.reason
    assert speedup(held, 1.0, (1.0, 2.0)).outcome == "fail"
    assert "the limit of 2 is 69.3% away" in speedup(held, 4.0, (1.0, 3.0)).reason
    assert "may differ by 109.9%" in speedup(held, 4.0, (1.0, 3.0)).reason
    assert speedup(held, 4.0, None).outcome == "pass"


def test_noise_is_about_speed_only(held) -> None:
    noisy = Evidence(Subject(model("new")), Subject(model("old")), aa=(0.1, 10.0))
    assert held("map drop <= 0.25", 0.2, 0.1, 0.22, noisy).outcome == "pass"
    assert held("latency <= 1ms", 5e-4, 4e-4, 6e-4, noisy).outcome == "pass"


@pytest.mark.parametrize("whose", ["candidate", "reference"])
def test_times_of_an_emulated_device_decide_nothing_and_the_rest_does(held, whose: str) -> None:
    times = {name: latency(0.001) for name in ("candidate", "reference")}
    opened = times[whose].model_copy(update={"provider_opened": f"x ({SOFTWARE})"})
    assert opened.software
    assert not times[whose].software
    times[whose] = opened
    new, old = (Subject(model(name), latency=times[name]) for name in ("candidate", "reference"))
    evidence = Evidence(new, old)
    for text in ("latency <= 1ms", "latency speedup >= 2"):
        verdict = held(text, 3.0, 3.0, 3.0, evidence)
        assert verdict.outcome == "inconclusive"
        assert "emulates the device" in verdict.reason
    assert held("map >= 0.25", 3.0, 3.0, 3.0, evidence).outcome == "pass"
    assert held("size <= 5", 3.0, 3.0, 3.0, evidence).outcome == "pass"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("map drop <= 0.25", "25 points"),
        ("map >= 0.25", "25%"),
        ("size ratio <= 0.25", "25%"),
        ("size <= 12345", "12,345 bytes"),
        ("peak_rss <= 12345", "12,345 bytes"),
        ("latency <= 0.002", "2 ms"),
        ("latency speedup >= 1.5", "1.5"),
    ],
)
def test_limits_are_told_in_their_unit(text: str, shown: str) -> None:
    assert verdicts._shown(verdicts.parse(text)) == shown


def test_what_is_not_measured_fails_and_says_so() -> None:
    alone = Evidence(Subject(model("new")))
    for text, told in (("map >= 0.9", "map"), ("map drop <= 0.1", "map drop")):
        verdict = verdicts.check(verdicts.parse(text), alone)
        assert (verdict.outcome, verdict.measured, verdict.margin) == ("fail", None, None)
        assert verdict.reason == f"not measured: {told}"


def test_whom_a_gate_is_against() -> None:
    pair = Evidence(Subject(model("new")), Subject(model("old")))
    alone = Evidence(Subject(model("new")))
    for text, against in (
        ("map >= 0.9", None),
        ("agreement >= 0.9", "old"),
        ("map drop <= 0.1", "old"),
        ("map drop <= 0.1 vs third", "third"),
    ):
        assert verdicts.check(verdicts.parse(text), pair).against == against
    assert verdicts.check(verdicts.parse("map drop <= 0.1"), alone).against is None


def test_what_needs_what() -> None:
    asked = ("map >= 0", "recall[a] >= 0", "latency <= 1", "peak_rss <= 1", "size <= 1")
    found = [verdicts.parse(text) for text in (*asked, "robust_map drop <= 1")]
    assert [verdicts.needs_accuracy(gate) for gate in found] == [True, True] + [False] * 4
    assert [verdicts.needs_latency(gate) for gate in found] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert [verdicts.needs_robustness(gate) for gate in found] == [False] * 5 + [True]


def test_who_may_have_learnt_from_the_images_is_told(held) -> None:
    known = evaluation(0)
    unknown = known.model_copy(update={"trained_on_known": False})
    for ours, theirs, told in (
        (known, known, None),
        (unknown, known, "whether new learnt"),
        (known, unknown, "whether old learnt"),
        (unknown, unknown, "whether new and old learnt"),
    ):
        pair = Evidence(Subject(model("new"), ours), Subject(model("old"), theirs))
        reason = held(AT_MOST, 0.0, 0.0, 0.125, pair).reason
        assert ("not known" in reason) == (told is not None)
        assert told is None or told in reason
        assert "not known" not in held("size <= 5", 3.0, 3.0, 3.0, pair).reason


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        ((), "pass"),
        (("pass", "pass"), "pass"),
        (("pass", "inconclusive"), "inconclusive"),
        (("inconclusive", "fail", "pass"), "fail"),
    ],
)
def test_the_worst(outcomes, worst: str) -> None:
    assert ending.worst(outcomes) == worst


def test_evidence_is_enough_where_every_gate_is_decided(held) -> None:
    held(AT_MOST, 0.2, 0.1, 0.3)
    open_ = verdicts.parse(AT_MOST)
    failing = verdicts.parse("map drop <= 0.05")
    evidence = Evidence(Subject(model("new")))
    assert verdicts.decided([], evidence)
    assert verdicts.decided([failing], evidence)
    assert not verdicts.decided([failing, open_], evidence)
