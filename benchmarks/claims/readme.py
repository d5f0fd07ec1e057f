"""`python -m benchmarks.claims.readme` writes the tables of README.md from the committed results.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`; a test fails when one is stale.
"""

import re
import sys
from pathlib import Path
from typing import get_args

from benchmarks import calibration
from benchmarks.claims.device.result import Result as DeviceResult
from benchmarks.claims.drift import result as drift
from benchmarks.claims.papers.result import HEADER, Result, result_rows
from benchmarks.claims.quantization import result as quantization
from benchmarks.claims.selftest import check, coverage
from benchmarks.report.columns import verdict_word
from benchmarks.report.markdown import gates_table_md, models_table_md, table_md
from benchmarks.report.schema import ModelEntry, Report
from edgepress.core import console
from edgepress.core.cli import main
from edgepress.core.cpu import shown
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from export.converting import result as formats
from export.emulation import result as processors

RESULTS = Path("docs/results")


class Config(Noun):
    """Write the tables of the README from the committed results."""

    readme: Path = Path("README.md")
    """File with the marked tables."""


def run(config: Config) -> None:
    """Rewrite the file's tables.

    Raises:
        UserError: the file or one of its markers is missing.
    """
    try:
        text = config.readme.read_text()
    except OSError as error:
        raise UserError(f"The file cannot be read ({error.strerror})", got=config.readme) from None
    config.readme.write_text(updated(text))
    console.result(f"written: {config.readme}")


def updated(text: str) -> str:
    """Return the README with every table made anew.

    Raises:
        UserError: a marker is missing.
    """
    report = Report.model_validate_json((RESULTS / "elpv" / "report.json").read_text())
    paper = Result.model_validate_json((RESULTS / "elpv-paper.json").read_text())
    int8 = quantization.Result.model_validate_json((RESULTS / "quantization.json").read_text())
    tables = {
        "models": f"{models_table_md(report)}\n\nMeasured on {shown(report.environment)}.",
        "kinds": _kinds(),
        "gates": gates_table_md(report.models[-1].gates),
        "paper": table_md(HEADER, result_rows(paper), left={0}),
        "quantization": _quantization(int8),
        "drift": _drift(),
        "calibration": _calibration(),
        "formats": _formats(),
        "selftest": table_md(check.HEADER, _selftest_rows(), left={0, 1, 2, 3}),
        "coverage": _coverage(),
        "device": _device(),
        "processors": _processors(),
    }
    for name, table in tables.items():
        text = _replaced(text, name, table)
    return text


def _kinds() -> str:
    """Return how fast the default recipe's models are on each kind of CPU that it was run on."""
    reports = [
        Report.model_validate_json(file.read_text())
        for file in sorted(RESULTS.glob("elpv*/report.json"))
    ]
    names = [model.name for model in reports[0].models if model.speedup][1:]
    return table_md(
        ("CPU (what multiplies 8-bit integers)", *names, "gates of the last", "commit"),
        [_kind_row(report, names) for report in reports],
        left={0},
    )


def _kind_row(report: Report, names: list[str]) -> tuple[str, ...]:
    models = {model.name: model for model in report.models}
    return (
        shown(report.environment),
        *(_speedup(models[name]) for name in names),
        verdict_word(report.models[-1]),
        str(report.environment["commit"])[:7],
    )


def _speedup(model: ModelEntry) -> str:
    found = next(iter(model.speedup.values()))
    return f"{found.ratio:.2f}× ({found.ci95[0]:.2f}–{found.ci95[1]:.2f}×)"


def _quantization(found: quantization.Result) -> str:
    """Return the quantization benchmark: the table, where it was measured, what is missed."""
    networks = found.networks
    table = table_md(quantization.header(networks), quantization.rows(networks), left={0})
    misses = [miss for one in networks for miss in quantization.missed(one)]
    said = "; ".join(misses) if misses else "nothing"
    machines = quantization.machines(networks)
    return f"{table}\n\n{machines} Not reached of what is demanded: {said}."


def _drift() -> str:
    """Return the table of the streams, and how often there was a false alarm above it."""
    found = drift.Result.model_validate_json((RESULTS / "drift.json").read_text())
    return f"{table_md(drift.HEADER, drift.rows(found), left={0, 3})}\n\n{drift.sentence(found)}"


def _calibration() -> str:
    """Return the calibration errors of each model, and on how many images they were measured."""
    text = (RESULTS / "calibration.json").read_text()
    found = calibration.Result.model_validate_json(text)
    table = table_md(
        ("model", *calibration.HEADER),
        [(model.name, *row) for model in found.models for row in calibration.rows(model)],
        left={0, 1},
    )
    return (
        f"{table}\n\nCalibration error in %, with 95% intervals less what chance adds on so few "
        f"images; {calibration.images(found)}."
    )


def _formats() -> str:
    """Return the table of formats, and the command that made it."""
    found = formats.Result.model_validate_json((RESULTS / "formats.json").read_text())
    table = table_md(formats.HEADER, formats.rows(found), left={0, 1, 2, 4})
    return f"{table}\n\nMade by `{found.command}`."


def _coverage() -> str:
    """Return how often the intervals of mAP hold the truth, and how the table is read."""
    text = (RESULTS / "selftest" / "coverage.json").read_text()
    found = check.Result.model_validate_json(text)
    header, rows = coverage.table(found.cells)
    table = table_md(header, rows, left={0})
    return f"{table}\n\n{coverage.of_population(found.cells)} Made by `{found.command}`."


def _device() -> str:
    """Return the table of a bundle's runtime, and which bundle it is of above it."""
    found = DeviceResult.model_validate_json((RESULTS / "device.json").read_text())
    table = table_md(check.HEADER, list(check.check_rows(found.checks)), left={0, 1, 2, 3})
    return f"Bundle {found.bundle} ({found.precision}), {shown(found.environment)}:\n\n{table}"


def _processors() -> str:
    """Return the table of bundles under emulated processors."""
    text = (RESULTS / "processors.json").read_text()
    found = processors.Result.model_validate_json(text)
    return table_md(processors.header(found), processors.rows(found), left={0, 1, 2})


def _selftest_rows() -> list[tuple[str, ...]]:
    files = (RESULTS / "selftest" / f"{part}.json" for part in get_args(check.Part))
    known = [file for file in files if file.is_file()]  # a new part has no result yet
    results = [check.Result.model_validate_json(file.read_text()) for file in known]
    return [row for result in results for row in check.check_rows(result.checks)]


def _replaced(text: str, name: str, table: str) -> str:
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise UserError(f"The README has no table marked {name}")
    return pattern.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", text)


if __name__ == "__main__":
    sys.exit(main(Config, run))
