"""`python -m benchmarks.gate` holds a candidate against gates; exit code 0, 3 (fail) or 4."""

import sys
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from benchmarks.comparison.bench import Bench, open_test_data, with_latency
from benchmarks.comparison.ci_files import write_junit, write_markdown
from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from benchmarks.gates import baseline, checks
from benchmarks.gates import verdicts as gates
from benchmarks.gates.text import examples
from benchmarks.robustness.corruptions import CORRUPTIONS
from benchmarks.robustness.measuring import IMAGES, Images, choose, measure
from benchmarks.runtimes import _session
from benchmarks.statistics import certifiable
from benchmarks.timing.tournament import LatencySettings
from edgepress.core import artifact as artifacts
from edgepress.core import console, duration, ending, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate, Verdict
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult
from edgepress.core.several import Gates
from models.defaults import RUNS, ZOO_TEACHER, ModelPath, default_model

DEFAULT_GATES = ("map drop <= 0.01", "latency speedup >= 1")


class Config(Noun):
    """Hold a candidate against gates.

    Exit code 0 when all pass, 3 when one fails, 4 when none fails but one cannot be decided.
    """

    candidate: ModelPath = Field(default_factory=lambda: default_model("onnx"))
    """Artifact or `.onnx` file (default: the newest ONNX artifact under runs/, else the zoo's)."""
    baseline: ModelPath | None = None
    """Artifact or `.onnx` file to compare with, or a file that `benchmarks.compare --save` has
    written (default: the candidate's parent under runs/)."""
    gate: Gates = Field(
        (),
        description="A demand; give it as often as needed. Default: "
        f"{' and '.join(f'`{one}`' for one in DEFAULT_GATES)}. There are "
        f"{examples(sorted(checks.measured()))}.",
    )
    data: str | None = None
    """`elpv`, a path, or `format:path` (default: the data that the models were trained on)."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference when latency is measured."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""
    latency_time: str = "3m"
    """Longest measurement of latency, e.g. `90s`, `10m`: rounds go on until every gate on latency
    is decided or this time is over, but at least for 12 rounds of three processes each, which take
    a minute or two."""
    junit: Path | None = None
    """Write the verdicts as JUnit XML, one test case per gate."""
    markdown: Path | None = None
    """Write the verdicts as a Markdown table, e.g. for a pull request."""


def run(config: Config) -> tuple[Verdict, ...]:
    """Measure what the gates need, print a line for each, and end by the worst verdict.

    Raises:
        UserError: bad models, data, provider or gates.
        GateFailed: a gate failed.
        GateUndecided: none failed, one is inconclusive.
    """
    wanted = gates.parse_all(config.gate or DEFAULT_GATES, robustness=True)
    budget_s = duration.seconds(config.latency_time, "--latency-time")
    for file in filter(None, (config.junit, config.markdown)):
        writable.check_file(file, "The file")
    bench = _open(config, wanted)
    candidate, reference = bench.models[-1], bench.models[0]
    needed = (gates.needs_robustness, gates.needs_latency)
    again = any(needs(gate) for gate in wanted for needs in needed)
    if again and isinstance(reference, baseline.BaselineModel):
        baseline.require_same_file(reference)
    if any(gates.needs_accuracy(gate) for gate in wanted):
        bench = _with_accuracy(bench, config)
    if any(gates.needs_robustness(gate) for gate in wanted):
        bench = _with_robustness(bench, config)
    if any(gates.needs_latency(gate) for gate in wanted):
        settings = LatencySettings(
            provider=config.provider, threads=config.threads, budget_s=budget_s
        )
        bench = with_latency(bench, tuple(range(len(bench.models))), settings, wanted)
    verdicts = bench.check_last(wanted)
    for verdict in verdicts:
        console.result(f"{verdict.outcome.upper():12} {verdict.gate}: {verdict.reason}")
    if config.junit:
        write_junit(candidate.name, verdicts, config.junit)
    if config.markdown:
        write_markdown(candidate.name, verdicts, config.markdown)
    ending.require(verdicts)
    return verdicts


def _open(config: Config, wanted: tuple[Gate, ...]) -> Bench:
    """Open the candidate and, where one is named or a gate compares, what it is compared with.

    Raises:
        UserError: bad models, or a gate that nothing here can decide.
    """
    candidate = open_model(config.candidate)
    labels = candidate.manifest.labels.names
    scene = checks.Scene(checks.measured(), labels)
    checks.require_decidable(wanted, scene)
    _session.require([candidate], config.provider)
    against = config.baseline
    if against is None and any(map(checks.needs_reference, wanted)):
        against = _parent_path(candidate)
    if against is None:
        return Bench((candidate,), (candidate.name,))
    models = (_open_reference(against), candidate)
    bench = Bench(models, unique_names(models))
    scene = replace(scene, references=bench.names[:1])
    checks.require_decidable(wanted, scene)
    return bench


def _with_accuracy(bench: Bench, config: Config) -> Bench:
    """Evaluate them; after the first, say what the images can certify."""
    first = bench.models[0]
    if isinstance(first, baseline.BaselineModel):
        baseline.require_same_runtime(first, config.provider)
    dataset, images = open_test_data(bench, config.data, config.skip_bad_images)
    settings = EvalSettings(provider=config.provider)
    results: list[EvalResult] = []
    for model in bench.models:
        if isinstance(model, baseline.BaselineModel):
            results.append(model.evaluation)
        else:
            results.append(evaluate(model, dataset, images, settings))
        if len(results) == 1:
            console.say(certifiable.sentence(results[0]))
    return replace(bench, evaluations=tuple(results))


def _with_robustness(bench: Bench, config: Config) -> Bench:
    """Evaluate them on corrupted images; a baseline file's model is run again."""
    dataset, tested = open_test_data(bench, config.data, config.skip_bad_images)
    models = tuple(
        open_model(model.path) if isinstance(model, baseline.BaselineModel) else model
        for model in bench.models
    )
    images = Images(dataset, choose(tested, dataset.targets, IMAGES, seed=0), seed=0)
    settings = EvalSettings(provider=config.provider, views=1)
    measured = measure(models, images, tuple(CORRUPTIONS), settings)
    return replace(bench, robustness=measured)


def _open_reference(path: Path) -> Artifact:
    return baseline.load(path) if path.suffix == baseline.SUFFIX else open_model(path)


def _parent_path(candidate: Artifact) -> Path:
    """Return the folder of the artifact that the candidate was made from.

    Raises:
        UserError: it is neither beside the candidate nor under runs/ nor in the zoo.
    """
    parents = set(candidate.manifest.parents)
    for root in (candidate.path.resolve().parent, RUNS, ZOO_TEACHER.parent):
        found = artifacts.with_id(root, parents)
        if found is not None:
            return found
    raise UserError(
        "The model that the candidate was made from is not here",
        got=candidate.path,
        next_step="name the model to compare with: --baseline DIR",
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
