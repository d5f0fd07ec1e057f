"""The paired interval on simulated models whose true drop is known."""

import numpy as np

from benchmarks.claims.selftest.check import Check
from benchmarks.claims.selftest.simulated import Pair, draw
from benchmarks.gates import verdicts
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.statistics import paired
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.gates import Outcome

PAIRS = 500
PAIR_IMAGES = 1000
DECIDED = 50
DECIDED_IMAGES = 5000
STUDENT = Pair(drop=0.01, correlation=0.8)
WORSE = Pair(drop=0.02, correlation=0.99)
EQUAL = Pair(drop=0.0, correlation=0.99)


def run(model: Artifact) -> tuple[Check, ...]:
    """Count how often intervals cover the truth, and what a gate says of known drops.

    `model` lends the gates a name; nothing of it is measured.
    """
    covered = np.mean([_covers(seed) for seed in console.track(range(PAIRS), "coverage")])
    caught = [_verdict(model, WORSE, seed) for seed in console.track(range(DECIDED), "drops")]
    passed = [_verdict(model, EQUAL, seed) for seed in console.track(range(DECIDED), "no drops")]
    return (
        Check(
            name=f"95% interval of the mAP drop covers the truth, {PAIRS} simulated pairs",
            demanded="93% to 97%",
            measured=f"{100 * covered:.1f}%",
            met=bool(0.93 <= covered <= 0.97),
        ),
        Check(
            name=f"drop of 2 points fails `map drop <= 0.01`, {DECIDED_IMAGES} images",
            demanded="always",
            measured=f"{caught.count('fail')} of {DECIDED}",
            met=caught.count("fail") == DECIDED,
        ),
        Check(
            name=f"drop of 0 points passes `map drop <= 0.01`, {DECIDED_IMAGES} images",
            demanded="at least 80%, never failed",
            measured=f"{passed.count('pass')} of {DECIDED}, {passed.count('fail')} failed",
            met=passed.count("pass") >= 0.8 * DECIDED and "fail" not in passed,
        ),
    )


def _covers(seed: int) -> bool:
    candidate, reference = draw(STUDENT, PAIR_IMAGES, seed)
    found = paired.map_drop(candidate, reference)
    assert found is not None  # a thousand images hold every label
    low, high = found.interval()
    return low <= STUDENT.drop <= high


def _verdict(model: Artifact, pair: Pair, seed: int) -> Outcome:
    candidate, reference = draw(pair, DECIDED_IMAGES, seed)
    evidence = Evidence(Subject(model, candidate), Subject(model, reference))
    return verdicts.check(verdicts.parse("map drop <= 0.01"), evidence).outcome
