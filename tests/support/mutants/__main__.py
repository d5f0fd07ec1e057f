"""`make mutants`: change what decides, a line at a time, and see whether a test notices.

The table of files and their tests is `guards.toml`, reasons for survivors are in `reasons.toml`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import tyro
from filelock import FileLock, Timeout

from mutants import page, places, running
from mutants.running import Ended, Job, Slot
from mutants.table import ROOT, Guarded, chosen
from mutants.tried import KILLED, LATE, SURVIVED, Record, holds, outcome

WORK = ROOT / ".mutants"
SLACK_S = 20.0
TIMES = 5.0
"""Tests of a mutant may take so many times as long as without it, and `SLACK_S` more."""


@dataclass(frozen=True)
class Options:
    """Change what decides, a line at a time, and see whether a test notices."""

    only: tuple[str, ...] = ()
    """Files, folders or areas of the table; all where none is given."""
    sample: int = page.SAMPLE
    """Mutants a file, drawn by `seed`; 0 tries every change."""
    seed: int = 16
    """Of the draw."""
    processes: int = 2
    """Copies of the tree in which mutants are tried at once."""
    fresh: bool = False
    """Try again what has been tried already."""
    show: bool = False
    """Only list the mutants."""


@dataclass(frozen=True)
class Plan:
    """The mutants of one file."""

    row: Guarded
    original: str
    mutants: tuple[places.Mutant, ...]
    places: int


def plan(row: Guarded, options: Options) -> Plan:
    """Draw the mutants of a file."""
    source = (ROOT / row.file).read_text()
    drawn, known = places.drawn(row.file, source, options.sample or None, options.seed)
    return Plan(row, source, tuple(drawn), known)


def main(options: Options) -> int:
    """Try the mutants, write the page, and return 1 where too many live."""
    plans = [plan(row, options) for row in chosen(options.only)]
    if options.show:
        for one in plans:
            print(*(f"{m.file}:{m.line}: {m.was}  ->  {m.becomes}" for m in one.mutants), sep="\n")
        return 0
    WORK.mkdir(exist_ok=True)
    try:
        with FileLock(WORK / "lock", timeout=0):
            return _tried(plans, options)
    except Timeout:
        raise SystemExit("Another `make mutants` is at work here.") from None


def _tried(plans: list[Plan], options: Options) -> int:
    record = Record(WORK / "tried.jsonl", options.fresh)
    left = [one for one in plans if _waiting(one, record)]
    if left:
        running.load()
        slots = running.slots(WORK, ROOT, options.processes)
        seconds = _unchanged(left, slots)
        running.run(_jobs(left, record, seconds), slots)
    return _told(plans, record, options)


def _waiting(one: Plan, record: Record) -> list[places.Mutant]:
    return [
        mutant
        for mutant in one.mutants
        if not holds(record.known.get(mutant.key), one.original, one.row.tests)
    ]


def _unchanged(plans: list[Plan], slots: list[Slot]) -> dict[tuple[str, ...], float]:
    """Run the tests of every file without a change; return their seconds.

    Raises:
        SystemExit: they do not pass.
    """
    seconds: dict[tuple[str, ...], float] = {}
    wrong: list[str] = []

    def job(one: Plan) -> Job:
        def done(ended: Ended) -> None:
            seconds[one.row.tests] = ended.seconds
            if ended.code != 0:
                wrong.append(f"{one.row.file}: {ended.by or ended.code}")

        return Job(one.row.file, one.original, one.original, one.row.tests, 900, done)

    first = {one.row.tests: one for one in plans}
    running.run((job(one) for one in first.values()), slots)
    if wrong:
        raise SystemExit("The tests fail without any change: " + "; ".join(wrong))
    return seconds


def _jobs(
    plans: list[Plan], record: Record, seconds: dict[tuple[str, ...], float]
) -> Iterator[Job]:
    for one in plans:
        waiting = _waiting(one, record)
        print(f"{one.row.file}: {len(waiting)} mutants", flush=True)
        timeout_s = SLACK_S + TIMES * seconds[one.row.tests]
        for mutant in waiting:
            yield _job(one, mutant, record, timeout_s)


def _job(one: Plan, mutant: places.Mutant, record: Record, timeout_s: float) -> Job:
    def done(ended: Ended) -> None:
        how = SURVIVED if ended.code == 0 else LATE if ended.code is None else KILLED
        record.add(outcome(mutant, one.original, one.row.tests, ended.by, how))
        if how == SURVIVED:
            print(f"  {mutant.file}:{mutant.line}: {mutant.was}  ->  {mutant.becomes}", flush=True)

    return Job(one.row.file, one.original, mutant.source, one.row.tests, timeout_s, done)


def _told(plans: list[Plan], record: Record, options: Options) -> int:
    found = {
        one.row.file: page.result(
            one.row,
            one.original,
            one.places,
            [record.known[mutant.key] for mutant in one.mutants],
        )
        for one in plans
    }
    drawn = options.sample or None, options.seed
    page.write(page.current(*drawn) | found, *drawn)
    tried, killed = (sum(getattr(one, what) for one in found.values()) for what in COUNTS)
    print(
        f"noticed {killed} of {tried} ({page.share(killed, tried)}); {page.relative(page.FOLDER)}"
    )
    bare = page.unexplained(list(found.values()))
    if bare:
        print(f"{len(bare)} survivors have no reason in reasons.toml")
    return int(bool(bare) or killed < page.WANTED * tried)


COUNTS = ("tried", "killed")

if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, config=(tyro.conf.FlagCreatePairsOff,))))
