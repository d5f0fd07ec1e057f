"""Options of a training, from the command line to the artifact."""

import csv
from pathlib import Path

import numpy as np
import pytest
from small_training import FAST, PARTS, write

from compress import train
from compress.learning.losses._seen import Seen
from edgepress.core import artifact as artifacts
from edgepress.core.errors import UserError
from edgepress.data.dataset import open_data
from edgepress.data.soft_labels import soft_targets

CHOICES = (
    "--optimizer", "sgd", "--schedule", "plateau", "--stop-early", 1, "--loss", "weighted-bce",
    "--sampling", "class-aware", "--clip-norm", 1, "--accumulation", 2, "--label-smoothing", 0.1,
    "--layer-decay", 0.7, "--head-init", "prevalence", "--epochs", 4,
)  # fmt: skip
SAME = ("--gate", "params <= 1e9", "--batch-size", 2)


def labels(row: int) -> tuple[int, int]:
    return int(row % 4 == 0), row // 2 % 2


def with_probabilities(folder: Path, answer: str = "0.75") -> Path:
    """Write data whose first label has annotators' probabilities: 0, 0.75, or not told."""
    write(folder, labels)
    table = folder / "labels.csv"
    rows = list(csv.reader(table.read_text().splitlines()))
    with table.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*rows[0], "crack_probability", "note_probability"])
        for number, row in enumerate(rows[1:]):
            soft = "" if number % 3 == 2 else answer if row[2] == "1" else "0"
            out.writerow([*row, soft, "7"])
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_probabilities(tmp_path_factory.mktemp("options") / "data")


def test_probabilities_of_annotators_are_no_labels_and_stand_in_for_them(data: Path):
    dataset = open_data(str(data))
    assert dataset.label_names == ("crack", "spot")
    soft = soft_targets(dataset)
    told = np.arange(len(PARTS)) % 3 != 2
    np.testing.assert_array_equal(soft[:, 1], dataset.targets[:, 1])
    np.testing.assert_array_equal(soft[told, 0], 0.75 * dataset.targets[told, 0])
    np.testing.assert_array_equal(soft[~told, 0], dataset.targets[~told, 0])
    assert set(dataset.targets.flatten()) == {0, 1}


@pytest.mark.parametrize("wrong", ["1.2", "often", "-0.1"])
def test_what_is_no_probability_is_refused_with_its_place(tmp_path: Path, wrong: str):
    dataset = open_data(str(with_probabilities(tmp_path / "data", wrong)))
    with pytest.raises(UserError, match=f"crack_probability, row 1.*{wrong}"):
        soft_targets(dataset)


def test_a_loss_counts_soft_targets_by_their_share():
    seen = Seen(np.array([[0.75, 0], [0, np.nan], [0.5, 1]], np.float32), epochs=1)
    assert seen.positives.tolist() == [1.25, 1]
    assert seen.known.tolist() == [3, 2]


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a network that was trained with one choice of each kind."""
    out = tmp_path_factory.mktemp("options") / "model"
    given = ("--data", data, "--out", out, *FAST, *CHOICES, "--soft-labels")
    assert train.main(train.Config, train.run, [str(one) for one in given]) == 0
    return out


def test_a_training_tells_what_was_chosen_on_the_way(trained: Path):
    """Two epochs at least, for the first one is the best so far."""
    notes = artifacts.load(trained).manifest.notes
    assert any("the best on validation images, are kept" in note for note in notes)
    assert any("--loss weighted-bce" in note and "--calibrate platt" in note for note in notes)


def test_the_imbalance_is_told_before_training(data: Path, tmp_path: Path, command):
    done = command("compress.train", "--data", data, "--out", tmp_path / "model", *FAST)
    assert done.code == 0, done.err
    before = done.err.partition("epoch 1/2")[0]
    assert "labels of 24 training images, the rarest first (MeanIR 1.5)" in before
    assert "crack: 6 (25.0%), IRLbl 2.0" in before
    assert before.index("crack: 6") < before.index("spot: 12 (50.0%), IRLbl 1.0")


def test_other_probabilities_are_another_training(data: Path, tmp_path: Path, command):
    """And without them the column is no part of it."""
    other = with_probabilities(tmp_path / "data", "0.6")
    ids = []
    for folder in (data, other):
        for soft in ("--soft-labels", "--no-soft-labels"):
            out = tmp_path / f"model-{len(ids)}"
            done = command("compress.train", "--data", folder, "--out", out, *FAST, soft)
            assert done.code == 0, done.err
            ids.append(artifacts.load(out).manifest.id)
    assert ids[1] == ids[3]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("stage", ["prune", "distill"])
def test_tuning_and_lessons_take_the_same_options(
    data: Path, tmp_path: Path, trained: Path, command, stage: str
):
    common = ("--data", data, "--out", tmp_path / stage, *SAME)
    chosen = (
        "--optimizer", "rmsprop", "--schedule", "cosine", "--stop-early", 1, "--soft-labels",
        "--sampling", "repeat-factor=0.4", "--accumulation", 2, "--epochs", 3, "--l1", 1e-5,
    )  # fmt: skip
    of_stage = {
        "prune": ("--model", trained, "--macs", 0.7, "--rounds", 1, "--round-to", 1),
        "distill": ("--teacher", trained, "--student", trained, "--method", "soft-labels"),
    }[stage]
    done = command(f"compress.{stage}", *of_stage, *common, *chosen)
    assert done.code == 0, done.err
    assert "on validation" in done.err
    manifest = artifacts.load(tmp_path / stage).manifest
    assert manifest.config["sampling"] == "repeat-factor=0.4"
    assert any("the best on validation images, are kept" in note for note in manifest.notes)


def test_without_a_score_on_validation_nothing_goes_by_it(tmp_path: Path, command):
    """One label is known of no validation image, the other is there in all."""

    def known(row: int) -> tuple[object, object]:
        return ("", 1) if PARTS[row] == "val" else (row % 2, row % 3 % 2)

    data = write(tmp_path / "data", known)
    for option in (("--stop-early", 1), ("--schedule", "plateau")):
        done = command("compress.train", "--data", data, "--out", tmp_path / "o", *FAST, *option)
        assert done.code == 2
        assert "no label with and without it in the validation part" in done.err
        assert not (tmp_path / "o").exists()


def test_a_head_that_a_file_brings_is_not_written_over(
    data: Path, tmp_path: Path, trained: Path, command
):
    given = ("--weights", trained / "model.safetensors", "--head-init", "prevalence")
    out = tmp_path / "model"
    done = command("compress.train", "--data", data, "--out", out, *FAST, *given)
    assert done.code == 2
    assert "which brings its own" in done.err
    assert not out.exists()


def test_options_stand_in_the_help_by_what_they_are_about():
    names = list(train.Config.model_fields)
    kinds = (("optimizer", "frozen_epochs"), ("dropout", "augmentation"), ("sampling", "seed"))
    places = [names.index(name) for kind in kinds for name in kind]
    assert places == sorted(places)
