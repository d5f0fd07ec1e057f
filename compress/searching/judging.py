"""The finalists of a search are judged on the test part, and one of them is handed over.

Until here nothing has looked at the test part, so its figures flatter nobody, but for one thing: of
several that it judges the best is better by chance than it is. So each has its share of the error
that the gates allow (Bonferroni), and who was a finalist earlier counts among them.
"""

from dataclasses import dataclass
from pathlib import Path

from benchmarks import compare
from benchmarks.gates import budgets
from benchmarks.report.schema import Report
from compress.recipes.running import Place, run_step
from compress.recipes.steps import Step
from edgepress.core import artifact as artifacts
from edgepress.core import console, ending, writable
from edgepress.core.artifact import Artifact
from edgepress.core.commands import own_command
from edgepress.core.errors import GateFailed, GateUndecided, UserError
from edgepress.core.search import SEARCH_FILE, Finalist, SearchRecord
from edgepress.core.wording import counted

FINALISTS = "finalists"
"""Folder of the finalists' files, a folder each."""
BEFORE = "a finalist of this search before"
_OWN = {"out", "data", "skip_bad_images", "model", "judged_on"}
"""Options of an export that are others here."""


@dataclass(frozen=True)
class Hearing:
    """What finalists are judged by."""

    teacher: Path
    """Its fp32 file."""
    place: Place
    """The data, and the folder of the search."""
    threads: int = 1
    latency_time: str = "3m"


def judge(search: SearchRecord, hearing: Hearing) -> SearchRecord:
    """Judge the finalists on the test part, write report and record, and end by the chosen one.

    The one to ship passes every gate and is the most accurate such one on validation images; where
    none passes all, the command ends by what was found of the most accurate.

    Raises:
        UserError: the files of a finalist are gone, or as a comparison.
        GateFailed: no finalist passed every gate, and the most accurate one failed some.
        GateUndecided: none failed there, but not all could be decided.
    """
    earlier = _earlier(search, hearing.place.out)
    files = [_exported(search, one.trial, hearing.place) for one in search.finalists]
    files += [_files(_folder(hearing.place.out, one.trial))[-1] for one in earlier]
    finalists = (*search.finalists, *earlier)
    places = {one.trial: row for row, one in enumerate(finalists, 1)}

    def completed(report: Report, verdicts: compare.Verdicts) -> Report:
        judged = tuple(
            one.model_copy(
                update={
                    "verdicts": verdicts[places[one.trial]],
                    "model": report.models[places[one.trial]].name,
                }
            )
            for one in finalists
        )
        record = _decided(search.model_copy(update={"finalists": judged}))
        worst = ending.worst(one.outcome for one in _leading(record).verdicts)
        return report.model_copy(update={"searched": record, "verdict": worst})

    report = compare.compare(_settings(search, hearing, files), completed)
    compare.print_summary(report)
    console.result(f"report: {hearing.place.out / 'report.html'}")
    assert report.searched is not None  # `completed` has put it there
    return _ended(report.searched, hearing.place.out)


def _ended(record: SearchRecord, out: Path) -> SearchRecord:
    """Write a record that was judged, say what is handed over, and end by it.

    Raises:
        UserError: it cannot be written.
        GateFailed, GateUndecided: nothing can be handed over.
    """
    writable.write_json(out / SEARCH_FILE, record, "What the search has tried")
    leading = _leading(record)
    if record.shipped is None:
        ending.end_by(ending.of(leading.verdicts, f"trial {leading.trial}"))
    console.result(
        f"to ship: trial {leading.trial}, of {counted(len(record.trials), 'trial')}: "
        f"{_folder(out, leading.trial)}"
    )
    return record


def _leading(record: SearchRecord) -> Finalist:
    """Return the finalist to ship; where there is none the most accurate on validation images."""
    leading = record.leading
    assert leading is not None  # there are finalists
    return leading


def _decided(record: SearchRecord) -> SearchRecord:
    """Return a record with the one to ship, by the verdicts on the finalists."""
    accuracy = {one.number: one.map or 0.0 for one in record.trials}
    passing = [
        one.trial
        for one in record.finalists
        if all(verdict.outcome == "pass" for verdict in one.verdicts)
    ]
    return record.model_copy(
        update={"shipped": max(passing, key=accuracy.__getitem__, default=None)}
    )


def _earlier(search: SearchRecord, out: Path) -> tuple[Finalist, ...]:
    """Return the other trials that this test part has judged already, which count too."""
    now = {one.trial for one in search.finalists}
    return tuple(
        Finalist(trial=one.number, why=BEFORE)
        for one in search.trials
        if one.number not in now and any(_made(_folder(out, one.number)))
    )


def _folder(out: Path, trial: int) -> Path:
    return out / FINALISTS / f"{trial:04d}"


def _settings(search: SearchRecord, hearing: Hearing, files: list[Artifact]) -> compare.Config:
    place, limits = hearing.place, budgets.parse(search.budgets).gates
    return compare.Config(
        models=(hearing.teacher, *(file.path for file in files)),
        out=place.out,
        data=place.data,
        skip_bad_images=place.skip_bad_images,
        gate=tuple(dict.fromkeys((*search.gates, *limits))),
        candidates=len(files),
        threads=hearing.threads,
        latency_time=hearing.latency_time,
        title=f"Search among {counted(len(search.trials), 'student')}",
        command=own_command("compress.search"),
    )


def _exported(search: SearchRecord, number: int, place: Place) -> Artifact:
    """Export a trial's student again, as it was but judged on the test part; return the file.

    Raises:
        UserError: the trial's artifacts are gone, or they cannot be exported.
    """
    (trial,) = (one for one in search.trials if one.number == number)
    source = place.out / (trial.folder or "")
    here = Place(place.data, _folder(place.out, number), place.skip_bad_images)
    made: dict[str, Artifact] = {}
    for before in _files(source):
        parent = _parent(before, source)
        again = made.get(parent.name, parent)
        made[before.name] = _run(_step(before, again), here)
    return made[before.name]


def _files(folder: Path) -> list[Artifact]:
    """Return the exported files of a trial, those in fp32 first.

    Raises:
        UserError: there is none.
    """
    files = [one for one in map(artifacts.load, _made(folder)) if one.manifest.kind == "onnx"]
    if not files:
        raise UserError(
            "The files of a finalist are gone",
            got=folder,
            next_step="make them again by the trial's commands in search.json",
        )
    return sorted(files, key=lambda one: one.manifest.precision != "fp32")


def _made(folder: Path) -> list[Path]:
    """Return the places of the artifacts in a folder, which need not be there."""
    return sorted(one for one in folder.glob("*") if artifacts.is_artifact(one))


def _parent(file: Artifact, folder: Path) -> Artifact:
    """Return what a file was exported from.

    Raises:
        UserError: it is not beside it.
    """
    found = artifacts.with_id(folder, set(file.manifest.parents))
    if found is None:
        raise UserError("The student of a finalist is gone", got=f"the parent of {file.path}")
    return artifacts.load(found)


def _step(file: Artifact, parent: Artifact) -> Step:
    kept = {
        name: value
        for name, value in file.manifest.config.items()
        if name not in _OWN and value is not None
    }
    options = {**kept, "model": str(parent.path), "judged_on": "test"}
    return Step(name=file.name, stage=file.manifest.stage, options=options)


def _run(step: Step, place: Place) -> Artifact:
    """Run an export; the comparison decides, not what it finds of its own gates.

    Raises:
        UserError: bad input.
        GateFailed, GateUndecided: there is no file.
    """
    try:
        return run_step(step, place)
    except (GateFailed, GateUndecided):
        if not artifacts.is_artifact(place.out / step.name):
            raise
        return artifacts.load(place.out / step.name)
