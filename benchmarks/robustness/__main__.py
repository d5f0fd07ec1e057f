"""`python -m benchmarks.robustness` tells what compression costs on corrupted images."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.comparison.bench import Bench, open_bench, open_test_data
from benchmarks.comparison.entries import gate_entry
from benchmarks.errors.schema import Estimate
from benchmarks.evaluation.evaluation import EvalSettings
from benchmarks.gates import checks
from benchmarks.gates import verdicts as gates
from benchmarks.gates.text import in_words
from benchmarks.report import format as fmt
from benchmarks.robustness import example
from benchmarks.robustness.analysis import entries
from benchmarks.robustness.corruptions import CORRUPTIONS, STRENGTHS
from benchmarks.robustness.measuring import IMAGES, Images, choose, measure
from benchmarks.robustness.schema import ModelRobustness, RobustnessReport
from benchmarks.robustness.sections import PAGE
from benchmarks.runtimes import _session
from edgepress.core import console, ending, environment, writable
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.gates import Gate, Verdict
from edgepress.core.noun import Noun
from edgepress.core.several import Gates
from models.defaults import ModelPath


class Config(Noun):
    """Measure what models are worth on blurred, noisy, turned, ... images of the test part.

    The first model is the reference. Writes robustness.html and robustness.json. Exit code 3 when
    a gate fails, 4 when none fails but one cannot be decided.
    """

    models: Annotated[tuple[ModelPath, ...], tyro.conf.Positional] = ()
    """Artifacts or `.onnx` files, the reference first."""
    data: str | None = None
    """`elpv`, a path, or `format:path` (default: the data that the models were trained on)."""
    out: Path = Path("runs/robustness")
    """Folder of the report."""
    images: int = Field(IMAGES, ge=2)
    """Images of the test part at most, chosen at random."""
    corruption: tuple[str, ...] = ()
    """blur, noise, brightness, contrast, jpeg, rotation or crop, at five strengths each; give it as
    often as needed (default: all)."""
    gate: Gates = ()
    """A demand on the last model: `robust_map drop <= 0.02` (against the first model) or
    `robust_map drop <= 0.02 vs NAME`: the drop of mAP, mean over all corruptions and strengths."""
    provider: str = "cpu"
    """Runtime for ONNX models (`python -m benchmarks.runtimes` lists them); torch runs torch."""
    threads: int = Field(0, ge=0)
    """Threads; 0 takes every core."""
    seed: int = Field(0, ge=0)
    """Seed of the choice of images and of the corruptions."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""


def run(config: Config) -> RobustnessReport:
    """Measure, write the report, print the table, and end by the verdict on the gates.

    Raises:
        UserError: bad models, data, corruption, provider or gates.
        GateFailed: a gate failed.
        GateUndecided: none failed, one is inconclusive.
    """
    names, wanted = _names(config.corruption), _gates(config)
    writable.check_folder(config.out, "The report's folder")
    bench = open_bench(config.models)
    scene = checks.Scene(checks.needing("robustness"), references=bench.names[:-1])
    checks.require_decidable(wanted, scene)
    _session.require(bench.models, config.provider)
    dataset, tested = open_test_data(bench, config.data, config.skip_bad_images)
    images = Images(
        dataset, choose(tested, dataset.targets, config.images, config.seed), config.seed
    )
    threads = config.threads or environment.usable_cores()
    settings = EvalSettings(provider=config.provider, threads=threads, views=1)
    bench = replace(bench, robustness=measure(bench.models, images, names, settings))
    verdicts = bench.check_last(wanted)
    report = _report(config, bench, images, verdicts)
    pictures = example.pictures(images, bench.models[0].manifest.image, names)
    PAGE.write(report, config.out, pictures)
    _print(report)
    console.result(f"report: {config.out / PAGE.html_file}")
    ending.require(verdicts)
    return report


def _names(asked: tuple[str, ...]) -> tuple[str, ...]:
    for name in asked:
        if name not in CORRUPTIONS:
            raise unknown_name("corruption", name, CORRUPTIONS)
    return tuple(dict.fromkeys(asked)) or tuple(CORRUPTIONS)


def _gates(config: Config) -> tuple[Gate, ...]:
    """Return the gates, and refuse what cannot be measured by this command or with these models."""
    if not config.models:
        raise UserError(
            "No model was given",
            allowed="artifacts or .onnx files, the reference first",
            next_step="python -m benchmarks.robustness FP32 INT8",
        )
    wanted = gates.parse_all(config.gate, robustness=True)
    for gate in wanted:
        if not gates.needs_robustness(gate):
            raise UserError(
                f"This command holds models against {in_words(checks.needing('robustness'))} only",
                got=gate,
                next_step="python -m benchmarks.gate knows the other metrics",
            )
    if wanted and len(config.models) == 1:
        raise UserError(
            "The gate compares two models",
            got=f"{wanted[0]}, and one model",
            next_step="give the reference before the model",
        )
    return wanted


def _report(
    config: Config, bench: Bench, images: Images, verdicts: tuple[Verdict, ...]
) -> RobustnessReport:
    dataset, names = images.dataset, list(bench.robustness[0].corrupted)
    data = {
        "source": dataset.source,
        "part": "test",
        "fingerprint": dataset.fingerprint,
        "n_images": len(dataset.image_ids),
        "chosen": len(images.rows),
        "label_names": list(dataset.label_names),
        "corruptions": names,
        "strengths": list(STRENGTHS),
        "seed": images.seed,
    }
    return RobustnessReport(
        title="Robustness",
        command=own_command("benchmarks.robustness"),
        data=data,
        environment={**environment.describe(), "provider": config.provider},
        seed=images.seed,
        n=len(images.rows),
        models=entries(bench),
        gates=tuple(gate_entry(verdict) for verdict in verdicts),
        example=dataset.paths[images.rows[0]].name,
    )


def _print(report: RobustnessReport) -> None:
    """Print a row for each corruption and a line for each gate."""
    header = ["corruption", report.models[0].name]
    for model in report.models[1:]:
        header += [model.name, "drop beyond the clean one, points"]
    rows = [["none", *(cell for model in report.models for cell in _clean_cells(report, model))]]
    for name in (*report.models[0].corruptions, "all"):
        rows.append(
            [name, *(cell for model in report.models for cell in _cells(report, model, name))]
        )
    title = f"mAP on {report.n} images, mean over {len(STRENGTHS)} strengths"
    console.table(title, header, rows)
    for gate in report.gates:
        console.result(f"{gate.verdict.upper():12} {gate.gate}: {gate.reason}")


def _clean_cells(report: RobustnessReport, model: ModelRobustness) -> list[str]:
    told = [fmt.score(model.clean.value)]
    return told if model is report.models[0] else [*told, f"(clean: {_points(model.clean_drop)})"]


def _cells(report: RobustnessReport, model: ModelRobustness, name: str) -> list[str]:
    found = model.all if name == "all" else model.corruptions[name]
    told = [fmt.score(found.mean)]
    return told if model is report.models[0] else [*told, _points(found.beyond)]


def _points(drop: Estimate) -> str:
    ends = fmt.interval(drop.ci95, fmt.drop)
    value = fmt.UNDEFINED if drop.value is None else fmt.drop(drop.value)
    return f"{value} ({ends})" if ends else value


if __name__ == "__main__":
    sys.exit(main(Config, run))
