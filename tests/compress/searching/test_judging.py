"""Finalists of a search on the test part: judged together, once, and one of them handed over."""

import json
from pathlib import Path
from shutil import copytree, rmtree
from types import ModuleType

import pytest
from small_training import FAST, write

from compress import distill, train
from compress.recipes.running import Place
from compress.searching import judging
from compress.searching.judging import Hearing
from edgepress.core import artifact as artifacts
from edgepress.core.cli import main
from edgepress.core.errors import GateFailed, UserError
from edgepress.core.search import Finalist, SearchRecord, TrialRecord
from edgepress.data.context import Context
from export import onnx

LENIENT = ("map drop <= 1",)
VAL = ("--judged-on", "val")
TAUGHT = ("--method", "none", "--batch-size", 8, "--epochs", 1, "--gate", "size <= 1GB")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a teacher, and the artifacts of three trials."""
    root = tmp_path_factory.mktemp("judging")
    data = write(root / "data", lambda row: (row % 2, row // 2 % 2))

    def run(place: Path, stage: ModuleType, *given: object) -> Path:
        words = ("--data", data, "--out", place, *given)
        assert main(stage.Config, stage.run, [str(word) for word in words]) in (0, 3, 4)
        return place

    teacher = run(root / "teacher", train, *FAST)
    run(root / "search" / "teacher-fp32", onnx, "--model", teacher)
    for number in range(3):
        folder = root / "search" / "trials" / f"{number:04d}"
        taught = ("--teacher", teacher, "--student", teacher, *TAUGHT, "--seed", number)
        student = run(folder / "student-e1", distill, *taught, *VAL)
        run(folder / "fp32", onnx, "--model", student, *VAL)
    return root


@pytest.fixture
def searched(made: Path, tmp_path: Path, timed_once: None) -> tuple[SearchRecord, Hearing]:
    """Three trials of a search, of which two are finalists, in a copy of their own."""
    out = Path(copytree(made / "search", tmp_path / "search"))
    trials = tuple(
        TrialRecord(
            number=number,
            state="complete",
            choices={"seed": number},
            map=0.5 + number / 10,
            folder=f"trials/{number:04d}",
        )
        for number in range(3)
    )
    record = SearchRecord(
        budgets=("size <= 1GB",),
        gates=LENIENT,
        space={},
        seed=0,
        trials=trials,
        finalists=(Finalist(trial=0, why="fastest"), Finalist(trial=2, why="best")),
    )
    place = Place(str(made / "data"), out, False)
    return record, Hearing(out / "teacher-fp32", place, latency_time="0s")


def stored(hearing: Hearing) -> SearchRecord:
    return SearchRecord.model_validate_json((hearing.place.out / "search.json").read_bytes())


def test_the_most_accurate_of_those_that_pass_is_handed_over(searched, monkeypatch) -> None:
    record, hearing = searched
    looked: list[str] = []
    images = Context.images
    monkeypatch.setattr(
        Context, "images", lambda context, part: looked.append(part) or images(context, part)
    )
    found = judging.judge(record, hearing)
    assert "test" in looked
    assert found == stored(hearing)
    assert found.shipped == 2
    files = [hearing.place.out / "finalists" / name for name in ("0000", "0002")]
    for one, file in zip(found.finalists, files, strict=True):
        made = artifacts.load(file / "fp32").manifest
        assert made.judged_on == "test"
        assert [verdict.gate for verdict in one.verdicts] == [*LENIENT, "size <= 1000000000"]
        assert "(at 97.5%, one of 2 candidates)" in one.verdicts[0].reason
        assert one.model == f"{file.name}/fp32"
    assert not (hearing.place.out / "finalists" / "0001").exists()
    report = json.loads((hearing.place.out / "report.json").read_text())
    assert report["searched"]["shipped"] == 2
    assert report["verdict"] == "pass"
    page = (hearing.place.out / "report.html").read_text()
    assert "A search tried 3 students on validation images" in page


def test_where_none_passes_it_ends_by_the_most_accurate(searched) -> None:
    record, hearing = searched
    hard = record.model_copy(update={"gates": ("size ratio <= 0.0001", "map drop <= 1")})
    with pytest.raises(GateFailed, match="trial 2: size ratio"):
        judging.judge(hard, hearing)
    assert stored(hearing).shipped is None
    assert len(stored(hearing).finalists[1].verdicts) == 3


def test_who_was_judged_before_counts_among_the_candidates(searched) -> None:
    record, hearing = searched
    judging.judge(record.model_copy(update={"finalists": record.finalists[:1]}), hearing)
    rmtree(hearing.place.out / "trials" / "0000")  # its file on the test part is enough
    found = judging.judge(record.model_copy(update={"finalists": record.finalists[1:]}), hearing)
    assert [(one.trial, one.why) for one in found.finalists] == [
        (2, "best"),
        (0, judging.BEFORE),
    ]
    assert "one of 2 candidates" in found.finalists[0].verdicts[0].reason


def test_a_finalist_whose_files_are_gone_is_a_message(searched, tmp_path: Path) -> None:
    record, hearing = searched
    (hearing.place.out / "trials").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="files of a finalist are gone"):
        judging.judge(record, hearing)
    assert not (hearing.place.out / "search.json").exists()
