"""All that a worker of a search has at hand, from the options of the command."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from benchmarks.gates import budgets, verdicts
from benchmarks.gates.checks import Scene, compared, require_decidable
from compress.recipes.running import Place, run_step
from compress.searching import costs, space, steps
from compress.searching.clock import Clock
from compress.searching.costs import Figures, Ruler
from compress.searching.options import Config
from compress.searching.space import PRUNED, STUDENT, Space
from compress.searching.steps import Frame
from compress.searching.store import opening
from compress.searching.store.ledger import SPENT, Ledger
from compress.searching.store.opening import About
from edgepress.core import artifact as artifacts
from edgepress.core import console, writable
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.search import SEARCH_FILE, Finalist, SearchRecord, TrialRecord
from edgepress.data.context import open_context
from models import families

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Bench:
    """What trials are made of, measured by and written into."""

    config: Config
    frame: Frame
    ruler: Ruler
    ledger: Ledger
    clock: Clock
    fingerprint: str
    """Of the data."""

    def others(self, number: int) -> list[TrialRecord]:
        """Return all trials but one, with their latencies on this machine."""
        return [self.seen(one) for one in self.ledger.records() if one.number != number]

    def seen(self, record: TrialRecord) -> TrialRecord:
        """Return a trial as it is on this machine: what was timed on another kind is timed anew."""
        if record.machine in ("", self.ruler.machine):
            return record
        attribute = f"trial {record.number} on {self.ruler.machine}"
        known = self.ledger.said(attribute)
        if known is None:
            console.say(f"trial {record.number} was timed on {record.machine}: it is timed here")
            known = self.ruler.measured(self.stand_in(record))[0].model_dump()
            self.ledger.say(attribute, known)
        return _timed_here(record, Figures.model_validate(known), self.ruler)

    def stand_in(self, record: TrialRecord) -> Artifact:
        """Return the untrained file of a trial.

        Raises:
            UserError: it cannot be made.
        """
        options = self.frame.options(record.choices)
        return costs.stand_in(self.ruler.teacher, record.choices, options)

    def left_s(self) -> float:
        """Return the seconds that are left for trials."""
        finalists = 0 if self.config.worker else self.config.finalists
        return self.clock.left_s(self.ledger.records(), finalists)

    def store(self, finalists: tuple[Finalist, ...] = ()) -> SearchRecord:
        """Write and return what was tried so far; a disk that is full does not end a search."""
        if not self.config.worker:
            self.ledger.say(SPENT, self.clock.spent_s)
        record = self._record(finalists)
        try:
            writable.write_json(self.config.out / SEARCH_FILE, record, "What the search has tried")
        except UserError as error:
            console.warn(str(error))
        return record

    def _record(self, finalists: tuple[Finalist, ...]) -> SearchRecord:
        whole = self.ruler.whole
        trials = [self.seen(one) for one in self.ledger.records()]
        ratios = [
            one.latency_s / one.latency_ratio
            for one in trials
            if one.latency_s and one.latency_ratio
        ]
        return SearchRecord(
            budgets=self.config.budget,
            gates=self.config.gate,
            space={name: one.told for name, one in self.frame.space.items()},
            seed=self.config.seed,
            hours=self.config.hours,
            spent_s=self.clock.spent_s,
            teacher_map=whole.manifest.measurements.map,
            teacher_size_bytes=whole.size_bytes,
            teacher_latency_s=sorted(ratios)[len(ratios) // 2] if ratios else None,
            trials=tuple(trials),
            finalists=finalists,
        )


def _timed_here(record: TrialRecord, figures: Figures, ruler: Ruler) -> TrialRecord:
    about = {one.text for one in ruler.budgets.about("latency")}
    excess = {name: over for name, over in figures.excess.items() if name in about}
    changes = figures.model_dump(include={"latency_s", "latency_ratio", "machine"})
    return record.model_copy(update={**changes, "excess": {**record.excess, **excess}})


def opened(config: Config) -> Bench:
    """Return the bench of a search, once all that can be known to fail has been looked at.

    Raises:
        UserError: bad options, space, data or teacher, a folder that holds something else, or a
            storage that is not there or of another search.
    """
    _require_own(config)
    limits = budgets.parse(config.budget)
    found = space.read(config.space, config.set)
    teacher = artifacts.load(config.teacher)
    _require_students(found, teacher)
    context = open_context(config.data, (teacher,), config.skip_bad_images)
    context.require("val")
    require_decidable(
        verdicts.parse_all(config.gate),
        Scene(compared(timed=True), context.dataset.label_names, (teacher.name,)),
    )
    rungs = steps.rungs(config.epochs, config.rungs)
    about = About(
        data=context.identity,
        teacher=f"{teacher.manifest.id} {file_sha256(teacher.weights)}",
        space=value_hash({name: one.model_dump(mode="json") for name, one in found.items()}),
        budgets=", ".join(config.budget),
        rungs=", ".join(map(str, rungs)),
        seed=config.seed,
    )
    ledger = _ledger(config, found, about)
    frame = Frame(config.data, config.teacher, found, rungs, config.seed, config.skip_bad_images)
    ruler = Ruler(teacher, _whole(frame, config.out), limits)
    before_s = 0.0 if config.worker else float(ledger.said(SPENT) or 0.0)
    clock = Clock(config.hours, before_s)
    return Bench(config, frame, ruler, ledger, clock, context.dataset.fingerprint)


def _ledger(config: Config, found: Space, about: About) -> Ledger:
    config.out.mkdir(parents=True, exist_ok=True)
    storage = opening.opened(config.storage, config.out)
    study = opening.study_of(storage, config.study or config.out.resolve().name, about)
    return Ledger(storage, study, found, config.out, _here(config.out))


def _here(folder: Path) -> str:
    """Return what says whether a lock in a folder tells of a process: the system and the folder."""
    place = folder.stat()
    system = _BOOT.read_text().strip() if _BOOT.exists() else os.uname().nodename
    return f"{system}:{place.st_dev}:{place.st_ino}"


def _require_own(config: Config) -> None:
    """Refuse a folder that cannot be written, or holds something else than a search.

    Raises:
        UserError: it is one.
    """
    writable.check_folder(config.out, "The folder of the search", "name another: --out DIR")
    ours = (opening.JOURNAL, SEARCH_FILE, "trials", "teacher-fp32")
    if not config.out.exists():
        return
    names = {file.name for file in config.out.iterdir() if not file.name.startswith(".")}
    if names and not names & set(ours):
        raise UserError(
            "The folder holds something else than a search",
            got=config.out,
            allowed="a new folder, an empty one, or that of a search, which goes on",
        )


def _require_students(found: Space, teacher: Artifact) -> None:
    """Refuse students that are no networks, and pruning a teacher that has none.

    Raises:
        UserError: there is one.
    """
    students: Sequence[object] = found[STUDENT].known
    for name in students:
        if name != PRUNED:
            families.identity(str(name), ())
    if PRUNED in students and teacher.manifest.kind == "onnx":
        raise UserError(
            "A teacher that is an ONNX file cannot be pruned",
            got=f"student = {PRUNED}",
            next_step='leave it out: --set \'student=["lcnet_050", "lcnet_100"]\'',
        )


def _whole(frame: Frame, out: Path) -> Artifact:
    """Return the fp32 file of the teacher; one worker makes it, the others wait."""
    where = Place(frame.data, out, frame.skip_bad_images)
    with FileLock(out / ".teacher.lock"):
        return run_step(steps.teachers_file(frame.teacher), where)
