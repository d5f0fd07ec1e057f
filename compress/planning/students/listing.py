"""Which students there are, and what each costs on this machine: `--list-students`.

Each is exported and quantized with random weights, as the plan's stand-ins are (`costs`). The files
are kept in the cache; their times are measured anew, in turn with the float file of the teacher.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.markdown import table_md
from benchmarks.statistics.sequential import Interval, median_interval
from compress.planning.students.candidates import NAMED
from compress.stand_ins import costs, storing, targets
from compress.stand_ins.costs import Integers
from compress.students.starting import Start, StudentOptions, start_of
from edgepress.core import console, environment, figures
from edgepress.core.artifact import Artifact
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from models.basis.torch_process import seeded
from models.stored import architecture_of, rebuilt

HEADER = ("student", "parameters (M)", "MACs (M)", "size (MB)", "latency (ms)", "times as fast")
READING = (
    "Weights are random: what a file costs hangs on its layers. Medians on one thread, in turn; "
    "times as fast as the teacher's float file with 95% interval. Teach one by --student."
)
FRIENDLY: Mapping[str, object] = {"int8_friendly": True}
STUDENTS: tuple[tuple[str, Mapping[str, object]], ...] = (
    *((name, {}) for name in NAMED),
    ("lcnet_035", {}),
    ("mobilenetv3_small_100", FRIENDLY),
    ("mobilenetv3_small_050", FRIENDLY),
    ("lcnet_075", FRIENDLY),
    ("lcnet_050", FRIENDLY),
    ("lcnet_050", {**FRIENDLY, "width": 0.5}),
)
"""Those of the plan, and what rewrites and widths make of some: names, and the options besides."""


class ListingOptions(StudentOptions):
    """What is listed; the stage that teaches adds these options to its own."""

    list_students: bool = False
    """Only show what students cost as int8 files: size, and latency on one thread of this machine,
    measured now. Their channels and --image-size are the teacher's, unless you say otherwise."""
    target: str = "auto"
    """With --list-students: what their int8 files are for (`export/targets`); `auto` is this CPU.
    Latency is measured where that runs here."""
    result: Path | None = None
    """With --list-students: also write the figures to this JSON file, and their table beside it."""


class Listed(Noun):
    """What a student costs."""

    student: str
    """As it is given: its name, and the options besides."""
    params: int | None
    macs: int | None
    size_bytes: int
    latency_s: float | None = None
    """Median on one thread; `None` where its target does not run here."""
    speedup: float | None = None
    """How many times as fast as the float file of the teacher, in the same rounds."""
    speedup_ci95: Interval | None = None


class Listing(Noun):
    """What was listed."""

    schema_version: int = 1
    command: str
    target: str
    teacher: Listed
    """Its float file."""
    students: tuple[Listed, ...]
    """The fewest multiply-accumulates last."""
    environment: dict[str, Any]


def require_unused(options: ListingOptions) -> None:
    """Refuse what goes with a list only.

    Raises:
        UserError: it is given.
    """
    if options.target != "auto" or options.result is not None:
        given = "--target" if options.target != "auto" else "--result"
        raise UserError(f"{given} goes with --list-students", next_step=f"leave {given} out")


def listed(options: ListingOptions, teacher: Artifact) -> Listing:
    """Measure and show what students of a teacher cost.

    Raises:
        UserError: no such target, one that takes no int8, or a teacher that cannot be exported.
    """
    figures.check(options.result)
    target = targets.find(options.target)
    whole = _teacher(teacher)
    files = _files(options, teacher, targets.integers_of(target))
    timed = targets.is_timed_here(target)
    if not timed:
        console.say(f"{target.name} does not run here, so latency is not measured")
    rows = _rows({"the teacher, fp32": whole, **files}, timed)
    found = Listing(
        command=own_command("compress.distill"),
        target=target.name,
        teacher=rows[0],
        students=tuple(sorted(rows[1:], key=lambda row: -(row.macs or 0))),
        environment=environment.describe(),
    )
    _show(found)
    figures.store(options.result, found, _table(found))
    return found


def _teacher(teacher: Artifact) -> Artifact:
    """Return a float file of the teacher; a graph is one."""
    if teacher.manifest.kind == "onnx":
        return teacher
    architecture, spec = architecture_of(teacher), teacher.manifest.image
    labels = len(teacher.manifest.labels.names)
    key = [architecture.model_dump(mode="json"), spec.model_dump(mode="json"), labels]
    return storing.kept(
        key,
        lambda path: costs.stand_in(rebuilt(architecture, labels, spec), spec, False, path),
    )


def _files(options: ListingOptions, teacher: Artifact, integers: Integers) -> dict[str, Artifact]:
    """Return the stand-ins of students by how they are given; those that cannot be are named."""
    found = {}
    labels = teacher.manifest.labels.names
    for name, besides in console.track(STUDENTS, "exporting students"):
        own = StudentOptions(
            student=name, image_size=options.image_size, channels=options.channels, **besides
        )
        shown = " ".join(filter(None, (name, own.reshaped)))
        try:
            start = start_of(own, teacher.manifest.image)
            found[shown] = _file(start, labels, integers)
        except UserError as error:
            console.warn(f"{shown} is left out: {str(error).partition('. ')[0]}")
    return found


def _file(start: Start, labels: Sequence[str], integers: Integers) -> Artifact:
    spec = start.spec

    def make(path: Path) -> None:
        console.say(f"  exporting {start.options.student} {start.options.reshaped}".rstrip())
        with seeded(0):
            network = start.network(labels)
        costs.stand_in(network, spec, True, path, integers)

    asked = start.options.model_dump(mode="json")
    return storing.kept(
        [asked, spec.model_dump(mode="json"), len(labels), vars(integers), start.chosen()], make
    )


def _rows(files: Mapping[str, Artifact], timed: bool) -> list[Listed]:
    rows = [
        Listed(
            student=name,
            params=file.manifest.measurements.params,
            macs=file.manifest.measurements.macs,
            size_bytes=file.size_bytes,
        )
        for name, file in files.items()
    ]
    if not timed:
        return rows
    medians_s = costs.race(tuple(files.values())).medians_s
    times = zip(rows, medians_s, strict=True)
    return [_timed(row, own_s, medians_s[0] / own_s) for row, own_s in times]


def _timed(row: Listed, own_s: NDArray[np.float64], speedups: NDArray[np.float64]) -> Listed:
    """Return a row with its time and how much faster it is, from those of each round."""
    speedup, interval = median_interval(speedups)
    times = {"latency_s": float(np.median(own_s)), "speedup": speedup, "speedup_ci95": interval}
    return row.model_copy(update=times)


def _show(found: Listing) -> None:
    console.table(f"Students as int8 files for {found.target}", HEADER, _cells(found))
    console.result(READING)


def _table(found: Listing) -> str:
    """Return the list as a table in Markdown, and how it is read."""
    return f"{table_md(HEADER, _cells(found), left={0})}\n\n{READING}"


def _cells(found: Listing) -> list[tuple[str, ...]]:
    return [
        (
            row.student,
            "-" if row.params is None else f"{row.params / 1e6:.3f}",
            "-" if row.macs is None else f"{row.macs / 1e6:.1f}",
            f"{row.size_bytes / 1e6:.2f}",
            "-" if row.latency_s is None else f"{1e3 * row.latency_s:.3f}",
            _speedup(row),
        )
        for row in (found.teacher, *found.students)
    ]


def _speedup(row: Listed) -> str:
    if row.speedup is None or row.speedup_ci95 is None:
        return "-"
    low, high = row.speedup_ci95
    return f"{row.speedup:.2f} ({low:.2f}-{high:.2f})"
