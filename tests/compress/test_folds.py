"""`--fold K/N`: every image is tested once, by a model that has not seen it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scenes as scene_maker
from PIL import Image

from compress.recipes import running
from compress.recipes.running import Place
from compress.recipes.steps import Recipe
from edgepress.core.artifact import load
from edgepress.core.errors import UserError
from edgepress.data import split
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.random_split import Fold, fold_split

PARTS = ("train", "val", "test")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return 40 pictures, each twice, with one label."""
    folder = tmp_path_factory.mktemp("twins")
    rng = np.random.default_rng(0)
    rows = [["image", "a"]]
    for number in range(40):
        picture = rng.integers(0, 250, (40, 40), dtype=np.uint8)
        for copy in range(2):
            Image.fromarray(picture + copy).save(folder / f"{number}-{copy}.png")
            rows.append([f"{number}-{copy}.png", str(int(number % 3 == 0))])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return open_data(str(folder))


@pytest.mark.parametrize("seed", [0, 7])
def test_the_folds_of_one_seed_hold_every_image_once(seed: int):
    data = open_data("elpv")
    folds = [fold_split(data, Fold(number, 5), seed) for number in range(1, 6)]
    tested = [image_id for one in folds for image_id in one.test]
    assert len(tested) == 2624
    assert set(tested) == set(data.image_ids)
    prevalence = data.targets.mean(axis=0)
    for one in folds:
        parts = [set(getattr(one, part)) for part in PARTS]
        assert sum(map(len, parts)) == len(set().union(*parts)) == 2624
        assert len(parts[2]) == pytest.approx(2624 / 5, abs=5)
        assert len(parts[1]) == pytest.approx(2624 / 10, abs=10)
        shares = data.targets[split.indices(data, one, "test")].mean(axis=0)
        assert np.abs(shares - prevalence).max() < 0.01


def test_a_fold_is_the_same_again_and_another_with_another_seed():
    data = open_data("elpv")
    assert fold_split(data, Fold(2, 5)) == fold_split(data, Fold(2, 5))
    assert fold_split(data, Fold(2, 5)) != fold_split(data, Fold(2, 5), seed=1)


def test_near_duplicates_stay_in_one_fold_and_one_label_is_enough(twins: Dataset):
    assert twins.label_names == ("a",)
    folds = [fold_split(twins, Fold(number, 3)) for number in (1, 2, 3)]
    assert {image_id for one in folds for image_id in one.test} == set(twins.image_ids)
    for one in folds:
        where = {image_id: part for part in PARTS for image_id in getattr(one, part)}
        assert len(where) == 80
        for row in range(0, 80, 2):
            assert where[twins.image_ids[row]] == where[twins.image_ids[row + 1]]
        positives = twins.targets[split.indices(twins, one, "test")].sum()
        assert positives == pytest.approx(28 / 3, abs=2)


def test_more_folds_than_pictures_are_refused(twins: Dataset):
    with pytest.raises(UserError, match="cannot be split"):
        fold_split(twins, Fold(1, 41))


def test_a_validation_part_as_large_as_the_rest_is_refused(twins: Dataset):
    with pytest.raises(UserError, match="cannot be split"):
        fold_split(twins, Fold(1, 2), val_share=0.5)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene_maker.write(tmp_path_factory.mktemp("few"), n=60)


def training(data: Path, out: Path) -> list[object]:
    return [
        "--data", data, "--out", out, "--arch", "tiny_network:build", "--weights", "random",
        "--arch-kwargs", '{"width": 8}', "--image-size", 48, "--epochs", 0, "--gate", "map >= 0",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["0/5", "6/5", "2/1", "1/1", "x", "2", "-1/5", "1.5/3", "1/99999"])
def test_a_bad_fold_is_one_message_and_nothing_written(
    command, few: Path, tmp_path: Path, text: str
):
    out = tmp_path / "out"
    done = command("compress.train", *training(few, out), f"--fold={text}")
    assert done.code == 2, done.err
    *counts, message = done.err.strip().splitlines()  # of what the data's reader has read
    assert message.startswith("error: "), done.err
    assert all(line.startswith(("labels: ", "read ")) for line in counts), done.err
    assert ("e.g. 2/5" if text != "1/99999" else "cannot be split") in done.err
    assert not list(tmp_path.iterdir())


def test_later_stages_inherit_the_fold(command, few: Path, tmp_path: Path):
    model, pruned = tmp_path / "model", tmp_path / "pruned"
    done = command("compress.train", *training(few, model), "--fold", "2/3")
    assert done.code == 0, done.err
    done = command(
        "compress.prune", "--model", model, "--data", few, "--out", pruned, "--epochs", 0,
        "--macs", 0.8, "--rounds", 1, "--round-to", 2, "--gate", "macs ratio <= 1",
    )  # fmt: skip
    assert done.code == 0, done.err
    wanted = fold_split(open_data(str(few)), Fold(2, 3))
    assert load(model).manifest.data.split == load(pruned).manifest.data.split == wanted
    assert load(model).manifest.config["fold"] == "2/3"


def recipe(*steps: dict[str, object]) -> Recipe:
    return Recipe.model_validate({"title": "t", "step": steps, "compare": {"models": ()}})


def test_a_recipe_gives_the_fold_to_its_training(few: Path, tmp_path: Path):
    options = {
        "arch": "tiny_network:build", "weights": "random", "image-size": 48, "epochs": 0,
        "batch-size": 8, "gate": ["map >= 0"],
    }  # fmt: skip
    step = {"name": "teacher", "stage": "compress.train", "options": options}
    whole, place = recipe(step), Place(str(few), tmp_path, False, {"fold": "3/3"})
    running.check(whole, place)
    made = running.run_step(whole.step[0], place)
    assert made.manifest.data.split == fold_split(open_data(str(few)), Fold(3, 3))


EXPORT = {"name": "fp32", "stage": "export.onnx", "options": {"model": "runs/somewhere"}}
SHIPPED = {"name": "s", "stage": "compress.distill", "options": {"teacher": "zoo:elpv_teacher"}}
TRAIN = {"name": "t", "stage": "compress.train"}


@pytest.mark.parametrize(
    ("steps", "fold", "message"),
    [
        ((EXPORT,), "1/3", "has no training stage: a model that is trained already has seen"),
        ((TRAIN, SHIPPED), "1/3", "starts from zoo:elpv_teacher: a model that is trained already"),
        ((TRAIN,), "4/3", "fold K of N"),
    ],
    ids=["untrained", "shipped", "bad"],
)
def test_a_recipe_that_cannot_be_folded_is_refused(
    tmp_path: Path, steps: tuple[dict[str, object], ...], fold: str, message: str
):
    with pytest.raises(UserError, match=message):
        running.check(recipe(*steps), Place("elpv", tmp_path, False, {"fold": fold}))


def test_the_default_recipe_refuses_a_fold_before_any_work(command, tmp_path: Path):
    done = command(
        "compress.__main__", "--recipe", "elpv", "--out", tmp_path / "out", "--fold", "1/5"
    )
    assert done.code == 2
    assert "zoo:elpv_teacher" in done.err
    assert not list(tmp_path.iterdir())
