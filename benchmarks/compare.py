"""`python -m benchmarks.compare` measures models side by side and writes a report."""

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.comparison import recommendation
from benchmarks.comparison.bench import Bench, open_bench, open_test_data, with_latency
from benchmarks.comparison.entries import model_entry, speedup_entry
from benchmarks.comparison.thumbnails import thumbnails
from benchmarks.evaluation.evaluation import EvalSettings, stored_or_evaluated
from benchmarks.gates import baseline, checks, metrics
from benchmarks.gates import verdicts as gates
from benchmarks.report import recommended, render
from benchmarks.report.of_models import verdict_note
from benchmarks.report.schema import LatencyEntry, Report, SpeedupEntry
from benchmarks.runtimes import _session
from benchmarks.statistics import paired
from benchmarks.timing import throughput
from benchmarks.timing.tournament import LatencySettings
from edgepress.core import console, duration, ending, environment, writable
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.gates import Gate, Verdict
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.labels import shares
from edgepress.core.noun import Noun
from edgepress.core.several import Gates
from edgepress.core.source import whole_source
from edgepress.data.dataset import Dataset
from edgepress.data.grouping import Rows
from models.defaults import ModelPath, default_model


def source() -> str:
    """Return a hash of all that makes a report: what measures, every section, template and script.

    Sections, gate metrics and runtimes are found by name, so that no import tells of them.
    """
    made_by = Path(render.__file__).parent.rglob("*")
    files = sorted(file for file in made_by if file.is_file() and "__pycache__" not in file.parts)
    runtimes = ("benchmarks.runtimes.cpu", "benchmarks.runtimes.torch_")
    found = (*runtimes, *map(metrics.module_of, metrics.names()))
    return value_hash(
        [whole_source(__name__, *found), [(file.name, file_sha256(file)) for file in files]]
    )


Verdicts = dict[int, tuple[Verdict, ...]]
"""On the candidates, by their place among the models."""
Completed = Callable[[Report, Verdicts], Report]


class Config(Noun):
    """Measure models on the same images and in the same minutes; write report.html, .md and .json.

    The first model is the reference; gates are held against the last one, or several last ones.
    """

    models: Annotated[tuple[ModelPath, ...], tyro.conf.Positional] = ()
    """Artifacts or `.onnx` files, the reference first (default: the newest under runs/)."""
    out: Path = Path("runs/compare")
    """Folder of the report."""
    data: str | None = None
    """`elpv`, a path, or `format:path` (default: the data that the models were trained on)."""
    gate: Gates = ()
    """A demand on the last model, e.g. `map drop <= 0.01` (against the first model) or
    `size ratio <= 0.5 vs NAME`; give it as often as needed."""
    candidates: int = Field(1, ge=1)
    """So many of the last models are held against the gates, because one of them is to be chosen:
    each has its share of the error that bounds allow (Bonferroni), so that the best of several is
    not certified by chance."""
    budget: Gates = ()
    """A limit of the device, e.g. `latency p50 <= 20ms`, `peak_rss <= 120MB`, `size <= 4MB`,
    `macs <= 3e8`: every model is held against it, and the most accurate that keeps all limits is
    recommended; exit code 3 where none does, 4 where that cannot be told."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them)."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference when latency is measured."""
    latency_time: str = "3m"
    """Longest measurement of latency, e.g. `90s`, `10m`: rounds go on until every demand on
    latency is decided or this time is over, but at least for 8 rounds (12 with two models), each
    with a process for every model and one more for the first: a minute or two for two models."""
    latency: bool = True
    """Time the ONNX models; torch models are never timed here."""
    throughput: bool = False
    """Measure images per second as well, of the ONNX models at batch 1, 8 and 32 on one thread and
    on all cores: a pass of its own, five processes for each figure."""
    save: Path | None = None
    """Write the last model's accuracy and size to this file (`.npz`), unless a gate is not met, as
    the baseline of later `benchmarks.gate --baseline FILE`."""
    images: bool = True
    """Show small copies of the images whose decision changed in report.html."""
    title: str = "Comparison"
    """Title of the report."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""
    command: str | None = None
    """The command that the report names as its own (default: this one)."""


def run(config: Config) -> Report:
    """Compare, print a summary, and end by the verdict on the gates.

    Raises:
        UserError: bad models, data, provider or gates.
        GateFailed: a gate of this command failed, or no model keeps the budget.
        GateUndecided: none failed, one is inconclusive.
    """
    report, bench, verdicts = _measure(config)
    print_summary(report)
    console.result(f"report: {config.out / 'report.html'}")
    ending.end_by((*ending.of(chain(*verdicts.values())), *recommendation.finding(report)))
    if config.save:
        baseline.save(bench.models[-1], bench.evaluations[-1], config.save)
        console.result(f"baseline: {config.save}")
    return report


def compare(config: Config, completed: Completed | None = None) -> Report:
    """Measure the models and write the report; the verdicts in it do not end the command.

    Args:
        config: What to compare.
        completed: What else the report is to hold, by the verdicts on the candidates.

    Raises:
        UserError: bad models, data, provider or gates.
    """
    return _measure(config, completed)[0]


def _measure(config: Config, completed: Completed | None = None) -> tuple[Report, Bench, Verdicts]:
    """Return the report, what was measured, and the verdicts on this command's own gates."""
    wanted, budget = gates.parse_all(config.gate), recommendation.parse_budget(config.budget)
    budget_s = duration.seconds(config.latency_time, "--latency-time")
    writable.check_folder(config.out, "The report's folder")
    if config.save:
        baseline.check_file(config.save)
    bench = _candidates(open_bench(config.models or (default_model("onnx"),)), config.candidates)
    _require_decidable(config, bench, wanted, budget)
    _session.require(bench.models, config.provider)
    dataset, images = open_test_data(bench, config.data, config.skip_bad_images)
    settings = EvalSettings(provider=config.provider)
    results = tuple(stored_or_evaluated(model, dataset, images, settings) for model in bench.models)
    bench = replace(bench, evaluations=results)
    timed = tuple(row for row, model in enumerate(bench.models) if model.manifest.kind == "onnx")
    if config.latency and timed:
        latency = LatencySettings(
            provider=config.provider, threads=config.threads, budget_s=budget_s
        )
        bench = with_latency(bench, timed, latency, wanted, budget)
    if config.throughput and timed:
        pace = throughput.ThroughputSettings(provider=config.provider)
        field = {bench.names[row]: bench.models[row] for row in timed}
        bench = replace(bench, throughput=throughput.measure(field, pace))
    verdicts = bench.check_candidates(wanted)
    report = _report(config, bench, verdicts, _data(dataset, images.rows, bench))
    report = recommendation.added(report, bench, budget)
    if completed is not None:
        report = completed(report, verdicts)
    render.write(report, config.out, thumbnails(report, dataset) if config.images else None)
    return report, bench, verdicts


def _candidates(bench: Bench, number: int) -> Bench:
    """Return a bench whose last models are the candidates.

    Raises:
        UserError: there is none beside them to compare with.
    """
    if number > max(1, len(bench.models) - 1):
        raise UserError(
            "Every model would be a candidate, and none the reference",
            got=f"--candidates {number} of {len(bench.models)} models",
            next_step="name the reference first, or fewer candidates",
        )
    return replace(bench, candidates=number)


def _require_decidable(
    config: Config, bench: Bench, wanted: tuple[Gate, ...], budget: tuple[Gate, ...]
) -> None:
    """Refuse, before any work, gates on the candidates and limits that nothing here can decide."""
    last = len(bench.models) - 1
    labels, others = bench.models[last].manifest.labels.names, bench.names[:last]
    for gate in wanted:
        rows = set(bench.judged)
        if checks.needs_reference(gate):
            rows.add(bench.names.index(gate.against) if gate.against in bench.names else 0)
        timed = config.latency and all(bench.models[row].manifest.kind == "onnx" for row in rows)
        scene = checks.Scene(checks.compared(timed), labels, others)
        checks.require_decidable([gate], scene)
    # A limit that is not measured is not kept, of any model: there is a verdict even so.
    checks.require_decidable(budget, checks.Scene(checks.measured(), labels))


def print_summary(report: Report) -> None:
    """Print one line per model and one per gate."""
    settings = sorted({key for model in report.models for key in model.latency_s})
    header = ["model", "mAP %", "size MB", *(f"p50 ms {key}" for key in settings)]
    header += [f"speed-up {key}" for key in settings]
    rows = [
        [
            model.name,
            "-" if model.map is None else f"{100 * model.map:.2f}",
            f"{model.size_bytes / 1e6:.2f}",
            *(_milliseconds(model.latency_s.get(key)) for key in settings),
            *(_times(model.speedup.get(key)) for key in settings),
        ]
        for model in report.models
    ]
    console.table(report.title, header, rows)
    for model in report.models:
        for gate in model.gates:
            console.result(f"{gate.verdict.upper():12} {model.name}: {gate.gate}: {gate.reason}")
        if verdict_note(model):
            console.result(f"{'':12} {model.name}: passes, but has {verdict_note(model)}")
    if report.recommendation is not None and report.recommendation.chosen:
        console.result(recommended.sentence(report))


def _report(config: Config, bench: Bench, verdicts: Verdicts, data: dict[str, object]) -> Report:
    entries = tuple(
        model_entry(bench, row, verdicts.get(row, ())) for row in range(len(bench.models))
    )
    aa = {}
    surroundings = environment.describe()
    if bench.tournament is not None:
        aa = speedup_entry(bench.tournament.again, bench.tournament.aa)
        surroundings = bench.tournament.reference.environment
    return Report(
        title=config.title,
        command=config.command or own_command("benchmarks.compare"),
        models=entries,
        data=data,
        environment={**surroundings, "threads": config.threads, "provider": config.provider},
        aa=aa,
        verdict=ending.worst(gate.verdict for entry in entries for gate in entry.gates),
    )


def _data(dataset: Dataset, rows: Rows, bench: Bench) -> dict[str, object]:
    first, last = bench.evaluations[0], bench.evaluations[-1]
    smallest = paired.certifiable_drop(first)
    if len(bench.evaluations) > 1 and first.view_names == last.view_names:
        drop = paired.map_drop(last, first)
        smallest = None if drop is None else paired.smallest_certifiable_drop(drop)
    return {
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "n_images": len(dataset.image_ids),
        "n_test": len(rows),
        "label_names": list(dataset.label_names),
        "prevalence": list(shares(dataset.targets[rows])),
        "views": list(first.view_names),
        "accuracy_measured_with": {
            name: f"{result.provider_opened or 'unknown'} on {result.cpu or 'an unknown CPU'}"
            for name, result in zip(bench.names, bench.evaluations, strict=True)
        },
        "smallest_certifiable_drop": smallest,
    }


def _milliseconds(entry: LatencyEntry | None) -> str:
    return "-" if entry is None else f"{1e3 * entry.p50:.3f}"


def _times(entry: SpeedupEntry | None) -> str:
    return "-" if entry is None else f"{entry.ratio:.2f}"


if __name__ == "__main__":
    sys.exit(main(Config, run))
