"""Which student is made: a pruned copy of the teacher, a smaller network by name, or none.

The largest that keeps the budgets is taken, since what is larger loses less. What a candidate costs
is measured on a stand-in file of random weights (`costs`), before anything is trained.
"""

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from pathlib import Path

from benchmarks.gates.budgets import Budgets
from compress.planning.facts import Choice, Facts
from compress.planning.students.candidates import Candidate, Counted, Ground, named
from compress.planning.students.fitting import Weight, outcome, weigh
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateFailed, GateUndecided, UserError
from edgepress.core.gates import Outcome
from edgepress.core.image_spec import ImageSpec
from models import pretrained

USUAL = 0.33
"""Share of the teacher's cost without a budget."""
LADDER = (0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05)
"""Shares of the MACs that pruning is tried with."""
SMALLER = 2 / 3
"""A network by name must have this share of the teacher's MACs at most to be worth a training."""
SIDES = (1.0, 0.75, 0.5)
"""Shares of the image's side that a network by name is tried with, smaller ones only in need."""

Reasoned = tuple[Candidate, str]
"""A student, and why it is this one."""


def choose_student(
    facts: Facts, budgets: Budgets, image_size: int, quantize: bool
) -> tuple[Choice, ...]:
    """Return the student, the share of MACs that pruning keeps, and its weights and image size.

    Args:
        facts: What is known of model and data.
        budgets: Of the device; without any the student is of about a third of the teacher's cost.
        image_size: Of a teacher that is trained, pixels.
        quantize: Whether files are int8.

    Raises:
        UserError: the teacher cannot be built or run, or does not tell what a budget is a share of.
        GateFailed: no student keeps the budgets.
        GateUndecided: this machine is too noisy to tell.
    """
    spec = facts.context.spec
    if facts.start.artifact is None:
        spec = spec.model_copy(update={"height": image_size, "width": image_size})
    ground = Ground(facts, spec, quantize)
    if budgets:
        with tempfile.TemporaryDirectory(prefix="edgepress-student-") as folder:
            found, reason = _Search(ground, budgets, Path(folder)).best()
    else:
        found, reason = _usual(ground)
    weights, origin = _weights(found)
    kept = found.told if found.share else "not used: nothing is pruned"
    size = found.spec.height if found.spec.height == found.spec.width else None
    return (
        Choice(name="student", value=found.student, reason=reason),
        Choice(name="macs", value=found.share or USUAL, reason=kept),
        Choice(name="student_weights", value=weights, reason=origin),
        Choice(name="student_image_size", value=size, reason=_of_size(found, ground)),
    )


def _of_size(found: Candidate, ground: Ground) -> str:
    if found.spec == ground.spec:
        return "the teacher's"
    return "at the teacher's size no network keeps the budgets"


def _weights(found: Candidate) -> tuple[str, str]:
    """Return what a network by name starts from, and why: ImageNet's weights where they are.

    They are fetched now, where that must be: not after hours of teaching.
    """
    if found.student in ("pruned", "none"):
        return "random", "not used: the student is no network by name"
    architecture, start = named(found.student, found.spec), pretrained.Start("imagenet")
    try:
        pretrained.check(architecture, start, found.spec)
        pretrained.start_network(architecture, 2, start, found.spec)
    except UserError as error:
        return "random", str(error).partition(". ")[0]
    return "imagenet", "they are at hand, and what starts from them learns sooner"


def _usual(ground: Ground) -> Reasoned:
    """Return a student of about a third of the teacher's cost, and why it is this one."""
    why = ""
    try:
        _ = ground.prune
        for share in (USUAL, *(rung for rung in LADDER[::-1] if rung > USUAL)):
            pruned = ground.pruned(share)
            if (fault := _fault(pruned)) is None:
                return pruned, f"no budget was given, so {_third(share, why)}"
            why = why or fault
    except UserError as error:
        why = _first(error)
    smaller = _smaller(ground)
    if not smaller:
        return (
            ground.whole(),
            f"no smaller network is worth a training, so only int8 is made; {why}",
        )
    third = [one for one, part in smaller if part <= USUAL]
    return (third or [one for one, _ in smaller[-1:]])[0], (
        f"a network by name of about a third of the teacher's cost at most; {why}"
    )


def _third(share: float, why: str) -> str:
    """Return what a usual share is, and why it is not the usual one."""
    usual, reason = "about a third of the teacher's cost", why[:1].lower() + why[1:]
    return usual if share == USUAL else f"{usual}, or the next in reach ({reason})"


def _fault(candidate: Candidate) -> str | None:
    """Return why a candidate's network cannot be made, `None` where it can."""
    assert candidate.make is not None  # who asks has a network
    try:
        candidate.make()
    except UserError as error:
        return _first(error)
    return None


def _first(error: UserError) -> str:
    """Return the first sentence of an error, which says what is the matter."""
    return str(error).partition(". ")[0].rstrip(".")


def _smaller(ground: Ground) -> list[tuple[Candidate, float]]:
    """Return networks by name that are worth a training, with their share of the teacher's cost.

    They have fewer parameters and clearly fewer MACs, the most first. A teacher whose MACs are not
    known is compared by parameters.
    """
    macs, params = ground.counts
    found = []
    for one in ground.named(ground.spec):
        shares = [own / all_ for own, all_ in ((one.macs, macs), (one.params, params)) if all_]
        if shares and shares[0] <= SMALLER and max(shares) < 1:
            found.append((one.candidate, shares[0]))
    return found


@dataclass
class _Search:
    """The search for the largest student within budgets; each file is measured once."""

    ground: Ground
    budgets: Budgets
    folder: Path
    tried: list[tuple[Candidate, tuple[Weight, ...]]] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    """Why ways were left."""

    def best(self) -> Reasoned:
        """Return the largest student that keeps the budgets, and why it is this one.

        Raises:
            GateFailed: there is none.
            GateUndecided: this machine is too noisy to tell.
        """
        for way in self._ways():
            found = self._largest(way)
            if found is not None:
                return found, self._reason(found)
        close = [one for one, weights in self.tried if outcome(weights, margin=0) == "pass"]
        if close:
            return close[-1], f"{self._reason(close[-1])}, with little room"
        raise self._nothing()

    def _ways(self) -> Iterator[Sequence[Candidate]]:
        """Yield candidates that are tried together, the largest first."""
        top = self._top()
        if top >= 1:
            yield (self.ground.whole(),)
        try:
            _ = self.ground.prune
            exact = len(self.budgets.about("macs")) == len(self.budgets.each)
            rungs = _rungs(top)[: 1 if exact else None]
            yield [self.ground.pruned(share) for share in rungs]
        except UserError as error:
            self.why.append(_first(error))
        for spec in self._specs():
            yield [one.candidate for one in self.ground.named(spec) if self._may_fit(one, top)]
        smallest = self.ground.named(self._specs()[-1])  # what is reachable at all
        least = [min(smallest, key=attrgetter(name)).candidate for name in ("macs", "params")]
        yield from ([one] for one in {one.student: one for one in least}.values())

    def _specs(self) -> list[ImageSpec]:
        """Return the images that networks by name are tried with; a file's size has none of it."""
        sides = SIDES if self.budgets.about("latency", "macs", "peak_rss") else SIDES[:1]
        return list(dict.fromkeys(map(self.ground.scaled, sides)))

    def _may_fit(self, one: Counted, top: float) -> bool:
        """Tell whether the counts of a network leave it a chance."""
        macs, params = self.ground.counts
        if macs and one.macs >= min(1.0, top) * macs:
            return False
        for budget in self.budgets.about("params", "size"):
            whole = params if budget.metric == "params" else self._teacher.size_bytes
            each = 1 if budget.metric == "params" or self.ground.quantize else 4
            limit = budget.limit * (whole or math.inf) if budget.relative else budget.limit
            if each * one.params > limit:
                return False
        return True

    def _top(self) -> float:
        """Return the largest share of the teacher's MACs that the budgets allow; 1 is all.

        Of MACs that are not known a limit allows nothing: then only what is counted is tried.
        """
        macs = self.ground.counts[0] or math.inf
        limits = (
            budget.limit if budget.relative else budget.limit / macs
            for budget in self.budgets.about("macs")
        )
        return min([1.0, *limits])

    def _largest(self, way: Sequence[Candidate]) -> Candidate | None:
        """Return the first candidate that surely keeps the budgets, by bisection."""
        low, high, best = 0, len(way), None
        while low < high:
            middle = (low + high) // 2
            found = self._outcome(way[middle])
            if found == "pass":
                best, high = way[middle], middle
            elif found is None:  # it cannot be made so small, and no smaller either
                high = middle
            else:
                low = middle + 1
        return best

    def _outcome(self, candidate: Candidate) -> Outcome | None:
        """Measure a candidate; `None` where it cannot be made."""
        path = self.folder / str(len(self.tried) + len(self.why))
        try:
            file = self.ground.file(candidate, path)
        except UserError as error:
            self.why.append(f"{candidate.told}: {_first(error)}")
            return None
        weights = weigh(self.budgets, file, self._teacher)
        self.tried.append((candidate, weights))
        console.say(f"  {candidate.told}: {', '.join(map(str, weights))}")
        return outcome(weights)

    @cached_property
    def _teacher(self) -> Artifact:
        return self.ground.teacher(self.folder / "teacher")

    def _reason(self, found: Candidate) -> str:
        weights = next(weights for one, weights in self.tried if one is found)
        shown = ", ".join(map(str, weights))
        left = f"; {'; '.join(self.why)}" if self.why and found.student != "pruned" else ""
        if found.student == "none":
            return f"the teacher's own file keeps the budgets ({shown}), so none is needed"
        return f"the largest tried that keeps the budgets: {found.told} ({shown}){left}"

    def _nothing(self) -> GateFailed | GateUndecided:
        """Return the error that no student keeps the budgets, with what is reachable."""
        least: dict[str, tuple[Weight, Candidate]] = {}
        for candidate, weights in self.tried:
            for weight in weights:
                before = least.get(weight.budget.text)
                if before is None or weight.value < before[0].value:
                    least[weight.budget.text] = weight, candidate
        shown = "; ".join(
            f"'{text}': the smallest reachable is {weight} ({candidate.told})"
            for text, (weight, candidate) in least.items()
        )
        if any(outcome(weights, margin=0) == "inconclusive" for _, weights in self.tried):
            return GateUndecided(
                f"This machine is too noisy to tell whether a student keeps the budgets. {shown}. "
                "Next: try again on a quieter machine, or give a budget with more room"
            )
        return GateFailed(f"No student keeps the budgets. {shown}. Next: give a larger budget")


def _rungs(top: float) -> list[float]:
    """Return the shares of MACs to try, the largest first: those below what a budget allows.

    >>> _rungs(0.33333)
    [0.3333, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05]
    """
    first = int(1e4 * top + 1e-6) / 1e4
    return sorted({min(first, LADDER[0]), *(r for r in LADDER if r < first)}, reverse=True)
