"""Settings are tried on small problems, by the commands, and never on a test image."""

from pathlib import Path

import pytest
from places import ROOT

from benchmarks.claims.settings import __main__ as command
from benchmarks.claims.settings import problems, trying
from benchmarks.claims.settings.grid import LITE, RATES, STRENGTHS, THIN, Trial, grid, trial
from benchmarks.claims.settings.result import Outcome, Result, table
from edgepress.core.errors import UserError
from edgepress.data.dataset import open_data
from edgepress.data.duplicates import groups

SHOWN = ROOT / "docs" / "results" / "settings.json"


def outcome(found: float | None = 0.5, **other: object) -> Outcome:
    return Outcome(trial=trial("digits", THIN, **other), map_val=found, seconds=1.0)


def tabled(*outcomes: Outcome) -> str:
    return table(Result(outcomes=outcomes, environment={}))


def test_every_trial_stands_once_in_the_grid_and_its_problem_can_be_written() -> None:
    assert len(set(grid())) == len(grid())
    assert {one.problem for one in grid()} <= set(problems.WRITERS) == set(problems.SIDES)
    tried = {(one.learning_rate, one.augmentation) for one in grid() if one.network == THIN}
    assert tried == {(rate, strength) for rate in RATES for strength in STRENGTHS}


def test_the_stored_results_are_of_the_grid() -> None:
    stored = Result.model_validate_json(SHOWN.read_text())
    assert {one.trial for one in stored.outcomes} <= set(grid())
    assert all(one.map_val is not None for one in stored.outcomes)


@pytest.mark.parametrize(("problem", "images", "labels"), [
    ("digits", 600, 10), ("few", 260, 10), ("tail", 1000, 10), ("cells", 524, 4),
])  # fmt: skip
def test_problems_are_of_pictures_that_differ(
    problem: str, images: int, labels: int, tmp_path: Path
) -> None:
    problems.WRITERS[problem](tmp_path / "data")
    made = open_data(str(tmp_path / "data"))
    assert made.targets.shape == (images, labels)
    assert len(set(groups(made.thumbnails).tolist())) >= 0.99 * images
    assert (len(made.views) == 8) is (problem == "cells")
    shares = made.targets.mean(axis=0)
    assert bool(shares.min() < 0.05 < 0.5 < shares.max()) == (problem == "tail")


def test_a_table_has_the_trials_that_differ_in_one_setting_only() -> None:
    shown = tabled(
        outcome(0.5), outcome(0.6, learning_rate=6e-3), outcome(0.8, learning_rate=6e-3, seed=1),
        outcome(0.9, learning_rate=6e-3, augmentation=0.0), outcome(0.1, batch_size=8),
        outcome(None, mixup=0.0),
    )  # fmt: skip
    assert "| mAP % by learning rate | 0.003 | 0.006 |" in shown
    assert "| digits, lenet5 | 50.0 | 70.0 (2) |" in shown
    assert "| mAP % by batch | 8 | 16 |" in shown
    assert "90.0" not in shown
    assert "by augmentation" not in shown
    assert "by mixup" not in shown


def test_students_and_losses_have_rows_of_their_own() -> None:
    rates = (3e-3, 6e-3)
    shown = tabled(
        *(outcome(0.5, learning_rate=rate, step="distill") for rate in rates),
        *(outcome(0.6, learning_rate=rate, loss="asl") for rate in rates),
    )
    assert "| digits, student of lenet5 | 50.0 | 50.0 |" in shown
    assert "| digits, lenet5, asl | 60.0 | 60.0 |" in shown


def commands(monkeypatch, problem: str | None = None) -> list[dict[str, str]]:
    """Let commands do nothing but say what is wrong, and return their options."""
    lines: list[dict[str, str]] = []

    def do(_timeout: float, module: str, *words: str) -> str | None:
        lines.append({"module": module, **dict(zip(words[::2], words[1::2], strict=True))})
        return problem

    monkeypatch.setattr(trying, "problem_of", do)
    monkeypatch.setattr(trying, "_validated", lambda _out, _data: 0.7)
    monkeypatch.setitem(trying.WRITERS, "few", lambda folder: folder.mkdir())
    return lines


def test_a_teacher_is_trained_by_the_settings_of_its_trial(monkeypatch, tmp_path: Path) -> None:
    lines = commands(monkeypatch)
    wanted = trial("few", LITE, learning_rate=6e-3, augmentation=0.5, loss="asl", seed=1)
    assert trying.tried(wanted, tmp_path).map_val == 0.7
    (line,) = lines
    told = {"module": "compress.train", "--learning-rate": "0.006", "--augmentation": "0.5",
            "--loss": "asl", "--seed": "1", "--image-size": "48", "--weights": "imagenet",
            "--batch-size": "16", "--epochs": "12", "--mixup": "0.2"}  # fmt: skip
    assert told.items() <= line.items()


def test_a_student_is_taught_by_the_usual_teacher(monkeypatch, tmp_path: Path) -> None:
    lines = commands(monkeypatch)
    trying.tried(trial("few", LITE, step="distill", learning_rate=6e-3), tmp_path)
    assert [line["module"].rpartition(".")[2] for line in lines] == ["train", "prune", "distill"]
    teacher, pruned, student = lines
    assert (teacher["--learning-rate"], student["--learning-rate"]) == ("0.003", "0.006")
    assert (student["--teacher"], student["--student"]) == (teacher["--out"], pruned["--out"])
    assert "--learning-rate" not in pruned


def test_a_training_that_fails_ends_the_run(monkeypatch, tmp_path: Path) -> None:
    commands(monkeypatch, "No space is left.")
    with pytest.raises(UserError, match="A training failed: No space is left"):
        trying.tried(trial("few", LITE), tmp_path)


def test_a_training_is_measured_on_validation_images(monkeypatch, tmp_path: Path) -> None:
    seen: list[str] = []

    class Opened:
        dataset = None

        def images(self, part: str) -> str:
            return part

    def evaluated(_model, _dataset, images: str, _settings) -> Outcome:
        seen.append(images)
        return type("Found", (), {"map": 0.4})

    monkeypatch.setattr(trying.artifacts, "load", lambda _folder: None)
    monkeypatch.setattr(trying, "open_context", lambda _data, _models: Opened())
    monkeypatch.setattr(trying, "evaluate", evaluated)
    assert trying._validated(tmp_path, tmp_path) == 0.4
    assert seen == ["val"]


def test_a_run_writes_after_each_and_goes_on(tmp_path: Path, monkeypatch) -> None:
    two = (trial("digits", THIN), trial("digits", THIN, seed=1))
    monkeypatch.setattr(command, "grid", lambda: two)
    seen: list[int] = []

    def made_up(one: Trial, _work: Path) -> Outcome:
        seen.append(one.seed)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return Outcome(trial=one, map_val=0.5, seconds=1)

    monkeypatch.setattr(command, "tried", made_up)
    config = command.Config(out=tmp_path / "settings.json")
    with pytest.raises(KeyboardInterrupt):
        command.run(config)
    assert "1 trainings" in (tmp_path / "settings.md").read_text()
    assert [one.trial for one in command.run(config).outcomes] == list(two)
    assert seen == [0, 1, 1]


def test_a_damaged_result_is_refused_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"{")
    with pytest.raises(UserError, match="earlier run cannot be read"):
        command.run(command.Config(out=file))
    assert file.read_bytes() == b"{"
