"""Limits of decisions on simulated models whose true recall, precision, F1 and drops are known.

Of `positives` images with each of three labels a reference misses some, and calls others falsely;
the candidate loses more. In groups of four images chance strikes the whole group or each image.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from benchmarks.claims.selftest.check import Check
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.gates.text import form_of, parse
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest
from edgepress.core.results import EvalResult

POSITIVES = (1, 2, 3, 5, 10, 30, 100)
RUNS = 500
NAMES = ("a", "b", "c")
GROUP = 4
ALIKE = 0.5
"""Share of the events that strike a whole group."""
GATES = (
    "recall[a] >= 0", "recall[a] drop <= 1", "precision[a] >= 0", "precision[a] drop <= 1",
    "agreement >= 0", "cf1 >= 0", "cf1 drop <= 1", "of1 >= 0", "of1 drop <= 1",
)  # fmt: skip

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """How often a reference is wrong, and a candidate more often; false alarms per positive."""

    missed: float
    false: float
    lost: float
    more_false: float


TRUTHS = (Truth(0.1, 0.3, 0.1, 0.1), Truth(0.0, 0.05, 0.3, 0.3))


@dataclass(frozen=True)
class Problem:
    """So many images with each label, alone or in groups."""

    truth: Truth
    positives: int
    grouped: bool

    @property
    def n(self) -> int:
        """Images."""
        return GROUP * 3 * (-(-self.positives // GROUP) + 5)

    @property
    def has(self) -> Bools:
        """Which images have which label, `[n, labels]`."""
        first = np.arange(self.n) < self.positives
        third = self.n // 3
        return np.stack([np.roll(first, label * third) for label in range(3)], axis=1)

    @property
    def groups(self) -> tuple[int, ...]:
        """Group of each image, empty where each stands for itself."""
        return tuple(number // GROUP for number in range(self.n)) if self.grouped else ()

    def expected(self) -> dict[str, float]:
        """Return the true value of each gate's metric."""
        truth, positives, others = self.truth, self.positives, self.n - self.positives
        false, more = (share * positives / others for share in (truth.false, truth.more_false))
        found = {}
        for name, recall, alarms in (
            ("before", 1 - truth.missed, false),
            ("after", (1 - truth.missed) * (1 - truth.lost), false + (1 - false) * more),
        ):
            precision = positives * recall / (positives * recall + others * alarms)
            f1 = 2 * precision * recall / (precision + recall)
            found[name] = {"recall[a]": recall, "precision[a]": precision, "cf1": f1, "of1": f1}
        values = {f"{key} >= 0": value for key, value in found["after"].items()}
        drops = {
            f"{key} drop <= 1": found["before"][key] - found["after"][key] for key in found["after"]
        }
        changed = (1 - truth.missed) * truth.lost * positives + (1 - false) * more * others
        return {**values, **drops, "agreement >= 0": 1 - changed / self.n}


def run() -> tuple[Check, ...]:
    """Count how often bounds are passed falsely, and how often intervals hold the truth."""
    problems = [
        Problem(truth, positives, grouped)
        for grouped, truth, positives in product((False, True), TRUTHS, POSITIVES)
    ]
    counted = {problem: _count(problem) for problem in console.track(problems, "decisions")}
    return tuple(
        _check(gate, grouped, {key: found[gate] for key, found in counted.items()})
        for gate in GATES
        for grouped in (False, True)
    )


def _check(gate: str, grouped: bool, counted: dict[Problem, tuple[int, int, int]]) -> Check:
    """Return the check of one gate; fewer than half of the runs defined are left out."""
    several = {
        problem: found
        for problem, found in counted.items()
        if problem.grouped == grouped and found[0] >= RUNS / 2
    }
    passed = [false / runs for runs, false, _ in several.values()]
    held = [held / runs for runs, _, held in several.values()]
    noise = [binom.isf(0.001, runs, 0.05) for runs, _, _ in several.values()]
    within = [false <= most for (_, false, _), most in zip(several.values(), noise, strict=True)]
    missed = [
        runs - held <= most for (runs, _, held), most in zip(several.values(), noise, strict=True)
    ]
    name = gate.rpartition(" ")[0].rpartition(" ")[0]
    return Check(
        name=f"{name}, {'in groups of four' if grouped else 'each image alone'}",
        demanded="passed falsely at most 5%, truth held at least 95%, but for chance",
        measured=(
            f"passed falsely {100 * max(passed):.1f}% at most, {100 * np.mean(passed):.1f}% on "
            f"average; held {100 * min(held):.1f}% at least, {100 * np.mean(held):.1f}% on average"
        ),
        met=all(within) and all(missed),
        runs=tuple(
            f"{problem.positives} positives, lost {problem.truth.lost:g}: {false} of {runs} "
            f"passed falsely, {held} held"
            for problem, (runs, false, held) in several.items()
        ),
    )


def _count(problem: Problem) -> dict[str, tuple[int, int, int]]:
    """Return for each gate how many runs were defined, passed falsely, and held the truth."""
    expected, rng = problem.expected(), np.random.default_rng(problem.positives)
    counts = {gate: np.zeros(3, int) for gate in GATES}
    for _ in range(RUNS):
        evidence = _draw(problem, rng)
        for text in GATES:
            gate = parse(text)
            found = form_of(gate).find(gate, evidence)
            if found is None or found.ci95 is None:
                continue
            truth, (low, high) = expected[text], found.bounds
            false = high < truth - 1e-9 if gate.op == "<=" else low > truth + 1e-9
            held = found.ci95[0] - 1e-9 <= truth <= found.ci95[1] + 1e-9
            counts[text] += (1, int(false), int(held))
    return {
        gate: (int(runs), int(false), int(held)) for gate, (runs, false, held) in counts.items()
    }


def _draw(problem: Problem, rng: np.random.Generator) -> Evidence:
    has, truth = problem.has, problem.truth
    per_other = problem.positives / (problem.n - problem.positives)
    missed, lost = (_events(problem, rng, share) for share in (truth.missed, truth.lost))
    false, more = (
        _events(problem, rng, share * per_other) for share in (truth.false, truth.more_false)
    )
    before = np.where(has, ~missed, false)
    after = np.where(has, ~missed & ~lost, false | more)
    return Evidence(_subject(problem, "new", after), _subject(problem, "old", before))


def _events(problem: Problem, rng: np.random.Generator, share: float) -> Bools:
    """Return what strikes which image and label `[n, labels]`, each with the same chance."""
    shape = problem.has.shape
    own = rng.random(shape)
    if problem.grouped:
        shared = np.repeat(rng.random((shape[0] // GROUP, shape[1])), GROUP, axis=0)
        alike = np.repeat(rng.random((shape[0] // GROUP, shape[1])) < ALIKE, GROUP, axis=0)
        own = np.where(alike, shared, own)
    return np.asarray(own < share)


def _subject(problem: Problem, name: str, said: Bools) -> Subject:
    result = EvalResult(
        data_id="simulated",
        label_names=NAMES,
        image_ids=tuple(map(str, range(problem.n))),
        view_names=("identity",),
        scores=said.astype(np.float32)[None],
        targets=problem.has.astype(np.float32),
        ap={},
        map=None,
        f1_macro=None,
        ece=None,
        groups=problem.groups,
    )
    return Subject(_named(name), result)


def _named(name: str) -> Artifact:
    labels = Labels(names=NAMES, thresholds=(0.5,) * 3, prevalence=(0.1,) * 3)
    manifest = Manifest(
        id=name,
        stage="selftest",
        config={},
        kind="onnx",
        image=ImageSpec(),
        labels=labels,
        data=None,
    )
    return Artifact(Path(name), manifest)
