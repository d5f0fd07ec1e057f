"""`python -m benchmarks.claims.recipe` runs the default recipe, and keeps its report and tables.

Each kind of CPU has a folder of its own: `--models runs/elpv-amx --out docs/results/elpv-amx` on
one with AMX, and `--masked` for the kernels of an AVX2 CPU on any. Another recipe has one too:
`--recipe elpv-small --models runs/elpv-small --out docs/results/small`.
"""

import shlex
import shutil
import sys
from pathlib import Path

from benchmarks.report.columns import verdict_word
from benchmarks.report.markdown import gates_table_md, models_table_md, table_md
from benchmarks.report.schema import ModelEntry, Report
from edgepress.core import console, writable
from edgepress.core.cli import main
from edgepress.core.cpu import shown
from edgepress.core.noun import Noun
from edgepress.core.subcommands import command

REPORT, DEFAULT = "report.json", "elpv"
SMALL = "small"
"""Folder of the report of the recipe `elpv-small`."""


class Config(Noun):
    """Run a recipe of the solar cells, keep its report, and write the tables of all beside it.

    What the recipe has done already is not done again.
    """

    recipe: str = DEFAULT
    """Name of a shipped recipe."""
    models: Path = Path("runs/elpv")
    """Folder of the recipe's models."""
    masked: bool = False
    """Run it with AVX-512, VNNI and AMX masked (`benchmarks.claims.masked_cpu`)."""
    out: Path = Path("docs/results/elpv")
    """Folder of the report; the tables go beside it, made of all the folders `elpv*` there."""


def run(config: Config) -> None:
    """Run the recipe and store what it has found.

    Raises:
        UserError: the recipe ended in an error, or the folder cannot be written.
    """
    writable.check_folder(config.out, "The report's folder")
    which = () if config.recipe == DEFAULT else ("--recipe", config.recipe, "--data", "elpv")
    words = ("compress", *which, "--out", str(config.models))
    if config.masked:
        line = shlex.join(["python", "-m", *words])
        words = ("benchmarks.claims.masked_cpu", "--command", line)
    command(*words)
    config.out.mkdir(parents=True, exist_ok=True)
    for name in (REPORT, "report.md"):
        shutil.copyfile(config.models / name, config.out / name)
    for file, table in tables(config.out.parent).items():
        writable.write_whole(file, f"{table}\n")
    console.result(f"report: {config.out / REPORT}")


def tables(results: Path) -> dict[Path, str]:
    """Return the tables made of the reports `elpv*` in a folder, by their files."""
    files = sorted(results.glob(f"elpv*/{REPORT}"))
    reports = [_read(file) for file in files]
    first = reports[0]
    small = results / SMALL / REPORT
    return {
        results / "models.md": _models(first),
        results / "gates.md": gates_table_md(first.models[-1].gates),
        results / "kinds.md": _kinds(reports),
    } | ({results / "small.md": _models(_read(small))} if small.exists() else {})


def _read(file: Path) -> Report:
    return Report.model_validate_json(file.read_text())


def _models(report: Report) -> str:
    return f"{models_table_md(report)}\n\nMeasured on {shown(report.environment)}."


def _kinds(reports: list[Report]) -> str:
    """Return how fast the recipe's models are on each kind of CPU that it was run on."""
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


if __name__ == "__main__":
    sys.exit(main(Config, run))
