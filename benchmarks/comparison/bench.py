"""Several models on one bench: which were measured on what, and what a gate says of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from benchmarks.evaluation.candidates import open_model, pick, unique_names
from benchmarks.evaluation.robustness import Robustness
from benchmarks.gates import verdicts as gates
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.timing.throughput import Throughput
from benchmarks.timing.tournament import Decided, LatencySettings, Tournament, measure
from edgepress.core.artifact import Artifact
from edgepress.core.gates import Gate, Verdict
from edgepress.core.results import EvalResult
from edgepress.data.context import open_context
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Grouped


@dataclass(frozen=True)
class Bench:
    """Models with what has been measured of them so far; the first is the reference."""

    models: tuple[Artifact, ...]
    names: tuple[str, ...]
    """Unique among the models; gates and reports call them so."""
    evaluations: tuple[EvalResult, ...] = ()
    """One per model, or none."""
    robustness: tuple[Robustness, ...] = ()
    """One per model, or none."""
    tournament: Tournament | None = None
    timed: tuple[int, ...] = field(default=())
    """The models that are in the tournament, in its order."""
    throughput: Throughput | None = None
    """A pass over some of the models, by their names here."""
    candidates: int = 1
    """So many of the last models are held against gates, and one of them is to be chosen."""

    @property
    def judged(self) -> range:
        """Rows of the candidates."""
        return range(len(self.models) - self.candidates, len(self.models))

    def subject(self, row: int) -> Subject:
        """Return a model with its measurements."""
        latency = None
        if self.tournament is not None and row in self.timed:
            latency = self.tournament.results[self.timed.index(row)]
        evaluation = self.evaluations[row] if self.evaluations else None
        robustness = self.robustness[row] if self.robustness else None
        return Subject(self.models[row], evaluation, latency, robustness)

    def check(self, gate: Gate, candidate: int, reference: int = 0) -> Verdict:
        """Hold one model against a gate; `vs NAME` in the gate chooses another reference.

        Raises:
            UserError: no model or label of that name.
        """
        rows = {name: row for row, name in enumerate(self.names)}
        against = pick(gate.against, rows, reference)
        aa = self.tournament.aa[1] if self.tournament else None
        among = self.candidates
        evidence = Evidence(self.subject(candidate), self.subject(against), aa, among)
        verdict = gates.check(gate, evidence)
        if verdict.against is None:
            return verdict
        return verdict.model_copy(update={"against": self.names[against]})

    def check_last(self, wanted: Iterable[Gate]) -> tuple[Verdict, ...]:
        """Hold the last model against gates, with the first as reference.

        Raises:
            UserError: no model or label of that name.
        """
        return self.check_candidates(wanted)[len(self.models) - 1]

    def check_candidates(self, wanted: Iterable[Gate]) -> dict[int, tuple[Verdict, ...]]:
        """Hold each candidate against gates, with the first model as reference; return them by row.

        Raises:
            UserError: no model or label of that name.
        """
        gates = tuple(wanted)
        return {row: tuple(self.check(gate, row) for gate in gates) for row in self.judged}


def open_bench(paths: Iterable[Path]) -> Bench:
    """Open models, the reference first.

    Raises:
        UserError: a path that is not a model.
    """
    models = tuple(open_model(path) for path in paths)
    return Bench(models, unique_names(models))


def open_test_data(
    bench: Bench, source: str | None, skip_bad_images: bool = False
) -> tuple[Dataset, Grouped]:
    """Open the data (default: those of the first model that names its data, else `elpv`).

    Returns the data set and the images of its test part, with their groups.

    Raises:
        UserError: unusable data, a model was trained on images of the test part, or there is none.
    """
    known = [model.manifest.data.source for model in bench.models if model.manifest.data]
    context = open_context(source or next(iter(known), "elpv"), bench.models, skip_bad_images)
    return context.dataset, context.require("test").images("test")


def with_latency(
    bench: Bench,
    timed: tuple[int, ...],
    settings: LatencySettings,
    wanted: Iterable[Gate],
    budget: Iterable[Gate] = (),
) -> Bench:
    """Return the bench with a tournament of the models in `timed`.

    It goes on until the latency gates on the candidates, and those of a budget on every model, are
    decided; without such gates, until the A/A interval is narrow.

    Raises:
        UserError: a model or the runtime cannot be opened.
    """
    on_candidates, on_every = (
        [gate for gate in demands if gates.needs_latency(gate)] for demands in (wanted, budget)
    )

    def decided(so_far: Tournament) -> bool:
        now = replace(bench, tournament=so_far, timed=timed)
        of_each = now.check_candidates(on_candidates).values()
        on_all = (now.check(gate, row) for gate in on_every for row in timed)
        return all(one.outcome != "inconclusive" for one in (*chain(*of_each), *on_all))

    until: Decided | None = decided if on_candidates or on_every else None
    tournament = measure(tuple(bench.models[row] for row in timed), settings, until)
    return replace(bench, tournament=tournament, timed=timed)
