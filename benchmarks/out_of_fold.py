"""`python -m benchmarks.out_of_fold` gates a recipe on all images, each seen by a model new to it.

A data set too small for its test part to certify anything is used whole: k models per recipe, each
trained without one fold and tested on it. What is certified is the recipe, that is the mean over
its k models, on images like these; the spread between trainings is not part of the intervals.
Where the split has kept groups together (`--group-column`), intervals count groups, not
images.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.folds import folds
from benchmarks.folds import result as fold_result
from benchmarks.folds.folds import Measured, Pair
from benchmarks.folds.result import Result
from benchmarks.gates import verdicts
from benchmarks.gates.checks import over_folds
from benchmarks.gates.evidence import Evidence, Subject
from benchmarks.gates.text import base_metric, examples, in_words, label_of
from benchmarks.runtimes import _session
from benchmarks.statistics import certifiable
from edgepress.core import console, ending, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate, Verdict
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.core.several import Gates
from edgepress.data.context import in_order_of
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.grouping import Grouped

DEFAULT_GATES = ("map drop <= 0.01",)
AGAINST = "baselines"


class Config(Noun):
    """Hold the models of one recipe, trained with `compress.train --fold K/N`, against gates.

    Exit code 0 when all pass, 3 when one fails, 4 when none fails but one cannot be decided.
    """

    candidates: tuple[Path, ...] = ()
    """Artifacts of one recipe, each with a test part (fold) of its own."""
    baselines: tuple[Path, ...] = ()
    """What each candidate is compared with, in the same order, of the same splits; without them
    only gates like `map >= 0.8` can be held."""
    data: str | None = None
    """`elpv`, a path, or `format:path` (default: the data that the models were trained on)."""
    gate: Gates = Field(
        (),
        description="A demand; give it as often as needed. Default with baselines: `map drop <= "
        f"0.01`. There are {examples(over_folds())}.",
    )
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    out: Path | None = None
    """Also write what is printed to this file, as JSON."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as the training did, instead of stopping."""


def run(config: Config) -> Result:
    """Evaluate every model on its own fold, print, store, and end by the worst verdict.

    Raises:
        UserError: bad models, pairs, data, provider or gates, all before any work.
        GateFailed: a gate failed.
        GateUndecided: none failed, one is inconclusive.
    """
    wanted = verdicts.parse_all(config.gate or (DEFAULT_GATES if config.baselines else ()))
    pairs = folds.open_pairs(config.candidates, config.baselines)
    for gate in wanted:
        _require_possible(gate, pairs)
    if config.out is not None:
        writable.check_replaced_file(config.out, "The result")
    known = [folds.known_data(pair).source for pair in pairs]
    everything = open_data(config.data or known[0], config.skip_bad_images)
    dataset = in_order_of(everything, pairs[0].candidate)
    rows = folds.rows_by_pair(pairs, dataset)
    tested = Tested(dataset, folds.together(pairs, dataset, rows))
    for name in {_session.name_for(one, config.provider) for pair in pairs for one in pair.models}:
        _session.find(name)
    measured = _measure(pairs, tested, EvalSettings(provider=config.provider))
    result = fold_result.describe(measured, tuple(_check(gate, measured) for gate in wanted))
    fold_result.show(result)
    if config.out is not None:
        writable.write_json(config.out, result, "The result")
    ending.require(result.verdicts)
    return result


@dataclass(frozen=True)
class Tested:
    """The test images of each pair, with their groups."""

    dataset: Dataset
    images: tuple[Grouped, ...]

    def evaluate(
        self, models: Iterable[Artifact], settings: EvalSettings
    ) -> tuple[EvalResult, ...]:
        """Return what each model says of the images of its fold."""
        return tuple(
            evaluate(model, self.dataset, images, settings)
            for model, images in zip(models, self.images, strict=True)
        )


def _require_possible(gate: Gate, pairs: tuple[Pair, ...]) -> None:
    """Refuse a gate that models of several folds cannot be held against.

    Raises:
        UserError: they cannot.
    """
    label, names = label_of(gate), pairs[0].candidate.manifest.labels.names
    if base_metric(gate) not in over_folds():
        raise UserError(
            "The gate is about one model file, and here each fold has its own",
            got=gate,
            allowed=in_words(over_folds()),
            next_step="hold it against the model that is to be shipped: python -m benchmarks.gate",
        )
    if gate.against is not None:
        raise UserError(
            "Candidates are compared with the baselines of their folds and with no other model",
            got=gate,
            next_step=f"leave 'vs {gate.against}' out",
        )
    if gate.form == "drop" and pairs[0].baseline is None:
        raise UserError(
            "The gate compares with baselines, and there are none",
            got=gate,
            allowed="map >= LIMIT and ap[LABEL] >= LIMIT",
            next_step="name the baseline of each candidate: --baselines DIR DIR ...",
        )
    if label is not None and label not in names:
        raise unknown_name("label", label, names)


def _measure(pairs: tuple[Pair, ...], tested: Tested, settings: EvalSettings) -> Measured:
    """Evaluate the baselines, say what the images can certify, and evaluate the candidates."""
    models = [pair.baseline for pair in pairs if pair.baseline is not None]
    before = tested.evaluate(models, settings) if models else ()
    baseline = None
    if before:
        baseline = folds.combined(before, [model.manifest.labels for model in models])
        console.say(certifiable.sentence(baseline))
    parts = tested.evaluate((pair.candidate for pair in pairs), settings)
    whole = folds.combined(parts, [pair.candidate.manifest.labels for pair in pairs])
    return Measured(pairs, tested.dataset, parts, whole, before, baseline)


def _check(gate: Gate, measured: Measured) -> Verdict:
    first = measured.pairs[0]
    reference = None
    if first.baseline is not None:
        reference = Subject(first.baseline, measured.baseline)
    verdict = verdicts.check(gate, Evidence(Subject(first.candidate, measured.whole), reference))
    return verdict.model_copy(update={"against": verdict.against and AGAINST})


if __name__ == "__main__":
    sys.exit(main(Config, run))
