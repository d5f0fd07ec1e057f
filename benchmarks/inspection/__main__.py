"""`python -m benchmarks.inspection D` shows what is in a data set, before you train on it."""

import sys
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.inspection.opened import open_images
from benchmarks.inspection.pictures import pictures
from benchmarks.inspection.report import inspect, open_scores
from benchmarks.inspection.schema import DataReport
from benchmarks.inspection.sections import PAGE
from edgepress.core import console, writable
from edgepress.core.cli import main
from edgepress.core.noun import Noun

MOST_PRINTED = 100
"""Unreadable files that are printed."""


class Config(Noun):
    """Count, compare and question the images and labels of a data set; nothing is changed."""

    data: Annotated[str, tyro.conf.Positional] = "elpv"
    """Data set: elpv, a path, or format:path."""
    scores: Path | None = None
    """An artifact trained on these data, or its eval.npz: wrong labels are looked for by its
    probabilities (default: by a weak classifier, cross-validated)."""
    out: Path = Path("runs/data")
    """Folder for data.html and data.json."""
    seed: int = Field(0, ge=0)
    """Seed of the cross-validation."""


def run(config: Config) -> DataReport:
    """Inspect, print and write.

    Raises:
        UserError: the data or the scores cannot be opened, they do not belong together, or the
            folder cannot be written to.
    """
    writable.check_folder(config.out, "The report")
    scored = open_scores(config.scores)
    opened = open_images(config.data)
    report = inspect(opened, scored, config.seed)
    PAGE.write(report, config.out, pictures(report, opened))
    _print(report)
    console.result(f"report: {config.out / PAGE.html_file}")
    return report


def _print(report: DataReport) -> None:
    console.result(
        f"{report.n_images:,} images, {len(report.labels):,} labels, "
        f"{report.n_unknown:,} unknown values"
    )
    for file in report.unreadable[:MOST_PRINTED]:
        console.result(f"unreadable: {file.file} ({file.reason})")
    if len(report.unreadable) > MOST_PRINTED:
        console.result(f"and {len(report.unreadable) - MOST_PRINTED:,} more, all in data.json")
    rows = [
        [
            label.name,
            f"{label.positives:,}",
            "" if label.prevalence is None else f"{100 * label.prevalence:.1f}%",
            f"{label.unknown:,}",
            "" if label.ir_lbl is None else f"{label.ir_lbl:.2f}",
        ]
        for label in report.labels
    ]
    console.table("Labels", ("label", "images", "share", "unknown", "IRLbl"), rows)
    for finding in report.findings:
        console.result(f"look at: {finding}")
    console.result(report.certifiable.told)


if __name__ == "__main__":
    sys.exit(main(Config, run))
