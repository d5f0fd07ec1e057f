"""`python -m benchmarks.claims.recipe`: the report is kept, the tables are of all kinds of CPU."""

import shutil
from pathlib import Path

import pytest
from places import ROOT

from benchmarks.claims import recipe

RESULTS = ROOT / "docs" / "results"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Commands that the claim starts, which find their work done."""
    lines: list[tuple[object, ...]] = []
    monkeypatch.setattr(recipe, "command", lambda *words: lines.append(words))
    return lines


@pytest.mark.parametrize("masked", [False, True])
def test_the_report_is_kept_and_the_tables_are_made_of_all(
    started: list[tuple[object, ...]], masked: bool, tmp_path: Path, command
) -> None:
    models, results = tmp_path / "models", tmp_path / "results"
    shutil.copytree(RESULTS / "elpv", results / "elpv")
    shutil.copytree(RESULTS / "elpv-avx2", models)
    words = ["--models", models, "--out", results / "elpv-new"]
    done = command("benchmarks.claims.recipe", *words, *(["--masked"] if masked else []))
    assert done.code == 0, done.err
    plain = ("compress", "--out", str(models))
    inside = f"python -m compress --out {models}"
    hidden = ("benchmarks.claims.masked_cpu", "--command", inside)
    assert started == [hidden if masked else plain]
    kept = (results / "elpv-new" / "report.json").read_bytes()
    assert kept == (models / "report.json").read_bytes()
    assert (results / "models.md").read_bytes() == (RESULTS / "models.md").read_bytes()
    kinds = (results / "kinds.md").read_text().splitlines()
    stored = (RESULTS / "kinds.md").read_text().splitlines()
    assert kinds == [line for line in stored if "AMX)" not in line]


def test_another_recipe_has_a_table_of_its_own_and_no_row_among_the_kinds_of_cpu(
    started: list[tuple[object, ...]], tmp_path: Path, command
) -> None:
    models, results = tmp_path / "models", tmp_path / "results"
    shutil.copytree(RESULTS / "elpv", results / "elpv")
    shutil.copytree(RESULTS / "elpv-avx2", models)
    words = ["--recipe", "elpv-small", "--models", models, "--out", results / "small"]
    done = command("benchmarks.claims.recipe", *words)
    assert done.code == 0, done.err
    asked = ("--recipe", "elpv-small", "--data", "elpv")
    assert started == [("compress", *asked, "--out", str(models))]
    assert "AVX2" in (results / "small.md").read_text()
    assert "AVX2" not in (results / "kinds.md").read_text()


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    started: list[tuple[object, ...]], tmp_path: Path, command
) -> None:
    (tmp_path / "file").touch()
    done = command("benchmarks.claims.recipe", "--out", tmp_path / "file" / "elpv")
    assert (done.code, started) == (2, [])
    assert "report's folder" in done.err
