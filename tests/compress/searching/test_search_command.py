"""`python -m compress.search` as a user runs it, on digits of 32 pixels."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import submitit
from made_once import made_once
from places import ROOT, SUPPORT
from signals import starting

from edgepress.core import artifact as artifacts
from edgepress.core.search import SEARCH_FILE, SearchRecord

SPACE = """
[student]
choices = ["lenet5", "pruned"]
[share]
value = 0.5
option = "prune.macs"
[width]
choices = [0.5, 1.0]
option = "distill.width"
[image_size]
value = 32
[search_time]
value = "0"
[method]
choices = ["soft-labels", "none"]
"""


@pytest.fixture(scope="session")
def teacher(scenes: Path, tmp_path_factory: pytest.TempPathFactory, shell) -> Path:
    """Return a teacher of one epoch."""
    words = ("--arch", "mobilenetv2_050", "--weights", "random", "--image-size", 32, "--epochs", 1)
    others = ("--views", 1, "--gate", "params <= 1e9", "--batch-size", 16)

    def make(folder: Path) -> None:
        done = shell("compress.train", "--data", scenes, *words, *others, "--out", folder)
        assert done.code == 0, done.err

    return made_once(tmp_path_factory, "teacher-of-searches", make)


@pytest.fixture
def words(scenes: Path, teacher: Path, tmp_path: Path) -> tuple[object, ...]:
    (tmp_path / "space.toml").write_text(SPACE)
    return (
        "--data", scenes, "--teacher", teacher, "--space", tmp_path / "space.toml", "--epochs", 2,
        "--rungs", 2, "--trials", 2, "--out", tmp_path / "search",
    )  # fmt: skip


def started(words: tuple[object, ...]) -> "subprocess.Popen[str]":
    path = os.pathsep.join([str(ROOT), str(SUPPORT)])
    return subprocess.Popen(
        [sys.executable, "-m", "timed_once", "compress.search", *map(str, words)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=starting(),
    )


def until(process: "subprocess.Popen[str]", said: str) -> None:
    """Wait until a command says something."""
    assert process.stdout is not None
    for line in process.stdout:
        if said in line:
            return
    raise AssertionError(f"it never said {said!r}")


@pytest.mark.slow
def test_a_search_that_is_killed_and_interrupted_comes_to_its_end(
    words: tuple[object, ...], tmp_path: Path, shell
) -> None:
    out = tmp_path / "search"
    with started(words) as first:
        until(first, "trial 0 complete")
        until(first, "done:")  # a step of trial 1
        first.kill()
    made = {path: path.stat().st_mtime_ns for path in out.glob("trials/*/*/manifest.json")}
    assert len(made) > 4
    with started(words) as second:
        until(second, "trial 1 goes on")
        second.send_signal(signal.SIGINT)
        said, _ = second.communicate(timeout=120)
        assert "best so far: trial 0" in said
        assert "Interrupted. The same command goes on" in said
        assert second.returncode == 130
    done = shell("timed_once", "compress.search", *words, timeout=500)
    assert done.code in (0, 3, 4), done.err
    assert {path: path.stat().st_mtime_ns for path in made} == made, "nothing is done again"
    record = SearchRecord.model_validate_json((out / SEARCH_FILE).read_bytes())
    assert {one.state for one in record.trials} <= {"complete", "pruned"}
    assert len(record.trials) == 2
    assert record.finalists
    assert all(one.verdicts for one in record.finalists)
    assert (out / "report.html").exists()
    judged = {path.parent.name: artifacts.load(path.parent).manifest.judged_on for path in made}
    assert set(judged.values()) == {"val"}, "the test part is not for trials"
    assert f"--out {out}/trials/0000/int8" in record.trials[0].commands[-1]
    status = shell("compress.search", "status", "--out", out)
    assert status.code == 0
    assert "best so far: trial" in status.out


@pytest.mark.slow
def test_a_worker_started_by_submitit_helps(words: tuple[object, ...], tmp_path: Path) -> None:
    executor = submitit.AutoExecutor(folder=tmp_path / "jobs", cluster="local")
    executor.update_parameters(timeout_min=10)
    line = [sys.executable, "-m", "compress.search", "--worker", *map(str, words)]
    job = executor.submit(submitit.helpers.CommandFunction(line, cwd=ROOT))
    for _ in range(600):
        if job.done():
            break
        time.sleep(0.5)
    assert job.exception() is None, job.exception()
    record = SearchRecord.model_validate_json((tmp_path / "search" / SEARCH_FILE).read_bytes())
    assert len(record.trials) == 2
    assert not record.finalists


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "image_sise=64"), "Unknown dimension of the space"),
        (("--set", "student=resnot18"), "resnot18"),
        (("--set", "learning_rate=2e-3..1e-3"), "learning_rate of the space is not sound"),
        (("--budget", "size <= 1 parsec"), "unit of the budget size"),
        (("--gate", "map drip <= 1"), "map"),
        (("--storage", "grpc://localhost:1"), "storage does not answer"),
        (("--out", str(ROOT / "docs")), "holds something else than a search"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    more: tuple[str, ...], message: str, words: tuple[object, ...], tmp_path: Path, command
) -> None:
    done = command("compress.search", *words[: 8 if "--out" in more else None], *more)
    assert done.code == 2, done.err
    assert message in done.err
    assert not list((tmp_path / "search").glob("*")), "nothing half-written"


def test_status_of_nothing_is_a_message(command, tmp_path: Path) -> None:
    done = command("compress.search", "status", "--out", tmp_path)
    assert done.code == 2
    assert "No search can be shown (there is none)" in done.err
