"""What a worker does: the same again, nothing twice, and an end that says why."""

import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import searches
from searches import bench, sequence

from compress.recipes.running import Place
from compress.searching import finalists, shown, trying, working
from compress.searching.bench import Bench
from compress.searching.store import ledger as ledgers
from compress.searching.working import work
from edgepress.core.errors import GateFailed, UserError
from edgepress.core.search import SEARCH_FILE, SearchRecord


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the steps that were run; their stages cost nothing."""
    searches.patch(monkeypatch, tmp_path / "log")
    return tmp_path / "log"


def steps_of(log: Path) -> list[str]:
    return log.read_text().split()


def test_the_same_seed_and_space_give_the_same_trials(log: Path, tmp_path: Path) -> None:
    benches = [bench(tmp_path / name, trials=14) for name in ("one", "two")]
    for one in benches:
        work(one)
    assert sequence(benches[0]) == sequence(benches[1])
    assert len(sequence(benches[0])) == 14
    other = bench(tmp_path / "three", trials=3, seed=1)
    work(other)
    assert sequence(other)[1:3] != sequence(benches[0])[1:3]


def test_a_search_that_was_interrupted_goes_on_with_the_same_trials(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bench(tmp_path / "whole", trials=5)
    work(whole)
    log.unlink()
    run, count = trying.run_step, 0

    def interrupted(step: object, place: object) -> object:
        nonlocal count
        count += 1
        if count % 4 == 0:
            raise KeyboardInterrupt
        return run(step, place)  # type: ignore[arg-type]

    monkeypatch.setattr(trying, "run_step", interrupted)
    for _ in range(40):
        parts = bench(tmp_path / "parts", trials=5)
        try:
            work(parts)
            break
        except KeyboardInterrupt:
            assert {one.state for one in parts.ledger.records()} >= {"running"}
    assert sequence(parts) == sequence(whole)
    assert len(steps_of(log)) == len(set(steps_of(log))), "no step was done twice"
    records = [one.ledger.records() for one in (parts, whole)]
    assert next([one.state for one in each] for each in records).count("running") == 0
    assert [one.map for one in records[0]] == [one.map for one in records[1]]


def test_a_trial_that_fails_ends_with_its_reason_and_the_search_goes_on(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trying.run_step

    def sometimes(step: object, place: object) -> object:
        if "0001" in str(place):
            left = tmp_path / "search" / "trials" / "0001" / ".student-e1.work-1234"
            left.mkdir(parents=True)
            raise OSError(28, "No space left on device")
        return run(step, place)  # type: ignore[arg-type]

    monkeypatch.setattr(trying, "run_step", sometimes)
    one = bench(tmp_path / "search", trials=3)
    work(one)
    found = one.ledger.records()
    assert found[1].state == "failed"
    assert found[1].reason == "OSError: [Errno 28] No space left on device"
    assert not list((tmp_path / "search" / "trials" / "0001").glob(".*work*")), "its room is free"
    assert [r.state for r in found].count("complete") + [r.state for r in found].count(
        "pruned"
    ) == 3


def test_trials_that_fail_one_after_the_other_end_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches.patch(monkeypatch, tmp_path / "log")

    def broken(step: object, place: object) -> object:
        raise UserError("The disk is on fire")

    monkeypatch.setattr(trying, "run_step", broken)
    one = bench(tmp_path / "search", trials=30)
    with pytest.raises(UserError, match=r"5 trials in a row ended by an error.*on fire"):
        work(one)
    assert len(one.ledger.records()) == 5


def test_what_exceeds_the_budget_is_measured_and_not_trained(log: Path, tmp_path: Path) -> None:
    one = bench(tmp_path / "search", trials=4, budget=("size <= 300kB",))
    work(one)
    over = [r for r in one.ledger.records() if r.state == "infeasible"]
    assert over
    assert all(r.excess["size <= 300kB"] > 0 and not r.rungs for r in over)
    assert not {f"{r.number:04d}" for r in over} & {step.split("/")[0] for step in steps_of(log)}


def test_where_nothing_keeps_the_budget_the_closest_is_named(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "HOPELESS", 12)
    one = bench(tmp_path / "search", budget=("size <= 10kB",))
    work(one)
    assert len(one.ledger.records()) == 12
    assert not log.exists()
    with pytest.raises(GateFailed, match=r"No trial meets the budget, of 12 ones? measured"):
        finalists.chosen(one.store().trials, 3)


def test_the_worst_of_a_rung_go_no_further(log: Path, tmp_path: Path) -> None:
    one = bench(tmp_path / "search", trials=14)
    work(one)
    pruned = [r for r in one.ledger.records() if r.state == "pruned"]
    assert pruned
    assert all(r.epochs == 1 and "others were at least" in str(r.reason) for r in pruned)
    whole = [r for r in one.ledger.records() if r.state == "complete"]
    assert {r.epochs for r in whole} == {3}


def test_no_rung_is_begun_that_cannot_end(log: Path, tmp_path: Path) -> None:
    one = bench(tmp_path / "search", trials=1, hours=1.0)
    work(one)
    found = one.ledger.records()[0]
    slow = found.rungs[0].model_copy(update={"seconds": 2000.0})
    number = one.ledger.begun()
    with one.ledger.held(number):
        record = one.ledger.choose(number, {**found.choices, "learning_rate": 1e-3})
        searches.stand_in(one, record)
        figures = {"latency_s": 1.0, "latency_ratio": 0.1, "size_bytes": 1, "rungs": (slow,)}
        one.ledger.put(record.model_copy(update={**figures, "machine": "a CPU"}))
        there = Place("data", one.ledger.place(number), False)
        trying.run_step(one.frame.distilled(record.choices, 0), there)
    one.config.__dict__["trials"] = 3
    before = steps_of(log)
    work(one)
    assert one.ledger.records()[1].state == "running", "it goes on with more hours"
    assert not any(step.startswith("0001/student-e3") for step in steps_of(log)[len(before) :])


def test_what_was_timed_on_another_kind_of_machine_is_timed_here(log: Path, tmp_path: Path) -> None:
    work(bench(tmp_path / "search", trials=2, budget=("latency <= 10ms",)))
    there = bench(tmp_path / "search", trials=2, machine="another CPU", budget=("latency <= 10ms",))
    before = there.ledger.records()
    seen = [there.seen(one) for one in before]
    assert [one.latency_s for one in seen] == [2 * float(str(one.latency_s)) for one in before]
    assert [one.machine for one in seen] == ["another CPU"] * 2
    assert all(one.excess["latency <= 10ms"] < 0 for one in seen)
    again = [there.seen(one) for one in before]
    assert again == seen
    assert there.ruler.asked == 2, "once each"  # type: ignore[attr-defined]


def test_one_that_kills_its_worker_ends(log: Path, tmp_path: Path) -> None:
    one = bench(tmp_path / "search", trials=1)
    number = one.ledger.begun()
    with one.ledger.held(number):
        one.ledger.choose(number, {"student": "pruned", "share": 0.3, "learning_rate": 1e-3})
    for mark, value in ((ledgers.OWNER, one.ledger.here), (ledgers.DEATHS, 2)):
        one.ledger.mark(number, mark, value)  # as a third one that was killed leaves it
    work(one)
    first = one.ledger.records()[0]
    assert (first.state, first.reason) == ("failed", "its worker ended 3 times without a word")


def test_progress_and_status_say_the_best_so_far(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = bench(tmp_path / "search", trials=3, hours=2.0)
    work(one)
    assert "left for trials" in capsys.readouterr().err
    stored = SearchRecord.model_validate_json((tmp_path / "search" / SEARCH_FILE).read_bytes())
    best = finalists.best(stored.trials)
    assert best is not None
    assert len(stored.trials) == 3
    assert stored.hours == 2.0
    shown.status(tmp_path / "search")
    said = capsys.readouterr().out
    assert f"best so far: trial {best.number}, mAP {best.map:.3f}" in said
    assert "3 trials" in said
    with pytest.raises(UserError, match="No search can be shown"):
        shown.status(tmp_path / "nowhere")


def worker(folder: Path, log: Path, trials: int, pause_s: float) -> None:
    """Work in a process of its own, forked from the test's."""
    with pytest.MonkeyPatch.context() as patches:
        searches.patch(patches, log, pause_s)
        work(bench(folder, trials=trials))


def forked(run: Callable[..., None], *words: object) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=run, args=words)
    process.start()
    return process


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_twenty_kills_lose_nothing_that_was_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, log = tmp_path / "search", tmp_path / "log"
    draws, finished = random.Random(0), dict[int, object]()
    monkeypatch.setattr(working, "TRIES", 100)
    for _ in range(20):
        process = forked(worker, folder, log, 1000, 0.02)
        time.sleep(draws.uniform(0.1, 0.6))
        process.kill()
        process.join()
        now = {r.number: r for r in bench(folder).ledger.records() if r.state != "running"}
        assert {number: now[number] for number in finished} == finished
        finished = now
    assert len(finished) > 3
    done = steps_of(log)
    assert len(done) == len(set(done)), "no step that was done is done again"
    searches.patch(monkeypatch, log)
    work(bench(folder, trials=len(finished) + 1))
    states = [r.state for r in bench(folder).ledger.records()]
    assert "running" not in states
    assert "failed" not in states


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_two_workers_share_the_trials(tmp_path: Path) -> None:
    folder, log = tmp_path / "search", tmp_path / "log"
    bench(folder)  # makes the journal
    both = [forked(worker, folder, log, 8, 0.1) for _ in range(2)]
    for process in both:
        process.join(60)
    records = bench(folder).ledger.records()
    assert sum(r.state in ("complete", "pruned") for r in records) >= 8
    assert len(steps_of(log)) == len(set(steps_of(log)))
    keys = [str(sorted(r.choices.items())) for r in records]
    assert len(set(keys)) == len(keys), "no choices twice"


def test_the_data_must_stay_as_they_are(log: Path, tmp_path: Path) -> None:
    one: Bench = bench(tmp_path / "search")
    made = searches.stages(log)
    with pytest.raises(trying.ChangedError, match="The data have changed"):
        trying._require_same_data(searches.of_other_data(made, tmp_path), one.fingerprint)
