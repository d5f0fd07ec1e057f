"""Crashes, hangs and neighbours while latency is measured."""

import subprocess
import sys
from pathlib import Path

import pytest
from colours import MakeModel, name_files_again
from filelock import FileLock

from benchmarks.comparison.bench import Bench, with_latency
from benchmarks.gates.verdicts import parse
from benchmarks.timing.alone import LOCK, others_running
from benchmarks.timing.tournament import LatencySettings, measure
from edgepress.core.errors import UserError
from edgepress.data.cache import cache_dir

QUICK = LatencySettings(
    rounds_min=3, rounds_max=3, blocks=1, block_s=0.01, warmup_s=0.05, budget_s=0
)


@pytest.mark.usefixtures("timed_once")
def test_a_model_that_fails_leaves_and_the_others_go_on(make_model: MakeModel, capfd) -> None:
    good, bad, last = (make_model(name) for name in ("good", "bad", "last"))
    bad.weights.write_bytes(b"altered after it was opened")
    models = (good, bad, last)
    found = measure(models, QUICK)
    assert [result is None for result in found.results] == [False, True, False]
    assert "altered" in (found.failures[1] or "")
    assert found.speedup(1) is None
    assert len(found.results[2].block_medians_s) == 4, "a balanced block of four runners"
    assert "bad is not timed any more" in capfd.readouterr().err
    gate = parse("latency speedup >= 0.1")
    enough = QUICK.model_copy(update={"rounds_min": 8, "rounds_max": 8})
    bench = with_latency(Bench(models, ("good", "bad", "last")), (0, 1, 2), enough, [gate])
    verdict = bench.check(gate, 1)
    assert (verdict.outcome, verdict.measured) == ("fail", None), "what is missing fails"
    assert bench.check(gate, 2).outcome == "pass"


def test_a_reference_that_fails_ends_the_measurement(make_model: MakeModel) -> None:
    reference, other = make_model("reference"), make_model("other")
    reference.weights.write_bytes(b"altered after it was opened")
    with pytest.raises(UserError, match="altered"):
        measure((reference, other), QUICK)


def test_a_process_that_takes_too_long_is_ended(make_model: MakeModel) -> None:
    settings = QUICK.model_copy(update={"timeout_s": 0.05})
    with pytest.raises(UserError, match=r"did not finish in 0\.05 s"):
        measure((make_model("slow"),), settings)


def test_a_crash_is_told_from_an_error(make_model: MakeModel, monkeypatch) -> None:
    """A process that may open no files dies instead of answering."""
    resource = pytest.importorskip("resource")
    from benchmarks.timing import process

    run = subprocess.run

    def starved(*arguments: object, **options: object) -> object:
        options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))
        return run(*arguments, **options)

    monkeypatch.setattr(process.subprocess, "run", starved)
    with pytest.raises(UserError, match="crashed its process"):
        measure((make_model("model"),), QUICK)


@pytest.mark.usefixtures("timed_once")
def test_two_benchmarks_at_once_are_noticed(make_model: MakeModel, capfd) -> None:
    with others_running() as disturbed:
        assert not disturbed
    file = str(cache_dir() / LOCK)
    code = (
        "import sys; from filelock import FileLock\n"
        f"with FileLock({file!r}): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        found = measure((make_model("model"),), QUICK)
    finally:
        other.communicate("")
    assert found.reference.environment["another_benchmark_running"] is True
    assert "another benchmark is running" in capfd.readouterr().err
    with FileLock(cache_dir() / LOCK, timeout=0):
        pass


@pytest.mark.usefixtures("timed_once")
def test_the_command_prints_the_others_and_ends_with_2(make_model: MakeModel, command) -> None:
    good, bad = make_model("good"), make_model("bad")
    bad.weights.write_bytes(b"not a model")
    name_files_again(bad)
    models = ("--models", good.path, bad.path)
    rounds = ("--rounds-min", 3, "--rounds-max", 3, "--latency-time", 0)
    done = command("benchmarks.latency", *models, *rounds)
    assert done.code == 2
    assert "good" in done.out
    assert "failed" in done.out
    assert "Not every model could be timed" in done.err


def test_a_report_folder_that_cannot_be_written(
    make_model: MakeModel, colours: Path, tmp_path: Path, command
) -> None:
    (tmp_path / "file").touch()
    done = command(
        "benchmarks.compare", make_model("model").path, "--data", colours, "--no-latency",
        "--out", tmp_path / "file" / "report",
    )  # fmt: skip
    assert done.code == 2
    assert "cannot be written" in done.err


def test_a_cache_folder_that_cannot_be_made(
    make_model: MakeModel, tmp_path: Path, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    model = make_model("model").path
    for folder in (tmp_path / "file", tmp_path / "file" / "cache"):
        monkeypatch.setenv("EDGEPRESS_CACHE", str(folder))
        for words in (
            ("benchmarks.latency", "--models", model),
            ("benchmarks.profile", model),
            ("benchmarks.gate", "--candidate", model, "--baseline", model, "--gate",
             "latency speedup >= 1"),
        ):  # fmt: skip
            done = command(*words)
            assert done.code == 2
            why = f"{tmp_path / 'file'} is no folder"
            assert f"The cache folder cannot be written ({why}). Got: {folder}." in done.err
            assert "EDGEPRESS_CACHE" in done.err
            assert not done.out


def test_files_of_verdicts_are_refused_before_any_work(tmp_path: Path, command) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for option in ("--junit", "--markdown"):
        for file in (tmp_path / "file" / "verdicts", tmp_path / "folder"):
            done = command("benchmarks.gate", "--candidate", "nowhere", option, file)
            assert done.code == 2
            assert "The file cannot be written" in done.err, "not that there is no candidate"
            assert str(file) in done.err


def test_a_baseline_that_cannot_be_saved_is_refused_before_any_work(
    tmp_path: Path, command
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    for name, message in (
        ("baseline.json", "ends in .npz"),
        ("file/baseline.npz", "baseline cannot be written"),
        ("folder.npz", "baseline cannot be written"),
    ):
        done = command(
            "benchmarks.compare", "nowhere", "--out", tmp_path / "out", "--save", tmp_path / name
        )
        assert done.code == 2
        assert message in done.err, "not that there is no model"
        assert not (tmp_path / "out").exists()


def test_verdicts_go_into_what_is_there_already(
    make_model: MakeModel, tmp_path: Path, command
) -> None:
    model, file = make_model("model").path, tmp_path / "new" / "verdicts.md"
    for _ in range(2):  # into a new folder, and over the file of the first time
        done = command(
            "benchmarks.gate", "--candidate", model, "--baseline", model, "--gate", "size <= 1MB",
            "--markdown", file,
        )  # fmt: skip
        assert done.code == 0, done.err
        assert file.read_text().startswith("### model: pass")
