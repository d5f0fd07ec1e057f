"""`--group-column` keeps groups together, `--split-column` takes a ready-made split as it is."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scenes as scene_maker
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from PIL import Image

from compress.recipes import running
from compress.recipes.running import Place
from compress.recipes.steps import Recipe
from edgepress.core import console
from edgepress.core.artifact import load
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.manifest import Split
from edgepress.data import stratify
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.grouping import Groups, groups_of
from edgepress.data.random_split import Fold, default_split, fold_split
from edgepress.data.ready_split import ready_split
from edgepress.data.splitting import Splitting, split_by

PARTS = ("train", "val", "test")
SIZES = (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 12, 20)  # of the patients, 100 images
PATIENTS = [f"p{number}" for number, size in enumerate(SIZES) for _ in range(size)]

Make = Callable[..., Dataset]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 100 pictures; 40 and 70 show the same one."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(100):
        picture = rng.integers(0, 250, (40, 40), dtype=np.uint8)
        if number == 40:
            twin = picture
        Image.fromarray(twin + 1 if number == 70 else picture).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def make(pictures: Path) -> Make:
    """Open the pictures with two labels and the columns that a test gives."""

    def table(**columns: list[str]) -> Dataset:
        rng = np.random.default_rng(1)
        with (pictures / "labels.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["image", "a", "b", *columns])
            for number in range(100):
                labels = [int(number % 3 == 0), rng.integers(0, 2)]
                rows.writerow([f"{number}.png", *labels, *(c[number] for c in columns.values())])
        return open_data(str(pictures))

    return table


def where(data: Dataset, made: Split) -> list[str]:
    """Return the part of each image; every image is in exactly one."""
    part = {image_id: name for name in PARTS for image_id in getattr(made, name)}
    assert sum(len(getattr(made, name)) for name in PARTS) == len(part) == len(data.image_ids)
    return [part[image_id] for image_id in data.image_ids]


def assert_whole(data: Dataset, made: Split, column: str) -> None:
    """Assert that neither a group nor the two near-duplicates are in two parts."""
    parts = where(data, made)
    found = defaultdict(set)
    for text, part in zip(data.table.columns[column], parts, strict=True):
        found[text].add(part)
    assert all(len(each) == 1 for each in found.values())
    assert parts[40] == parts[70]


@pytest.mark.parametrize("seed", range(4))
def test_groups_stay_together_and_the_shares_fit(make: Make, seed: int):
    data = make(patient=PATIENTS)
    assert PATIENTS[40] != PATIENTS[70]
    made = default_split(data, seed, test_share=0.4, val_share=0.1, group_column="patient")
    assert_whole(data, made, "patient")
    assert len(made.test) == pytest.approx(40, abs=3)
    assert len(made.val) == pytest.approx(10, abs=3)
    positive = data.targets[[part == "test" for part in where(data, made)]].mean(axis=0)
    assert np.abs(positive - data.targets.mean(axis=0)).max() < 0.12


def test_the_folds_of_groups_hold_every_image_once(make: Make):
    data = make(patient=PATIENTS)
    made = [fold_split(data, Fold(number, 3), 2, 0.1, "patient") for number in (1, 2, 3)]
    assert sorted(image_id for one in made for image_id in one.test) == sorted(data.image_ids)
    for one in made:
        assert_whole(data, one, "patient")
        assert len(one.test) == pytest.approx(33, abs=4)


def test_another_seed_is_another_split(make: Make):
    data = make(patient=PATIENTS)
    assert default_split(data, 0, group_column="patient") == default_split(
        data, 0, group_column="patient"
    )
    assert default_split(data, 0, group_column="patient") != default_split(
        data, 1, group_column="patient"
    )


def many(sizes: np.ndarray, seed: int) -> Groups:
    """Return groups of these sizes with five labels, each group with shares of its own."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(len(sizes)), sizes)
    shares = np.clip(rng.beta(0.5, 3, 5) * rng.gamma(1, 1, (len(sizes), 5)), 0, 1)
    columns = (rng.random((len(number), 5)) < shares[number]).astype(np.float32)
    return Groups(np.arange(len(number)), number, columns, ())


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_many_sizes_come_near_the_shares(seed: int):
    rng = np.random.default_rng(seed)
    groups = many(rng.geometric(0.2, 400) + (rng.random(400) < 0.05) * 40, seed)
    _, small = stratify.halves(groups, 0.25, seed)
    assert len(small.rows) / len(groups.rows) == pytest.approx(0.25, abs=0.005)
    counts = groups.columns.sum(axis=0)
    shares = small.columns.sum(axis=0)[counts > 40] / counts[counts > 40]
    np.testing.assert_allclose(shares, 0.25, atol=0.03)


def test_groups_of_one_image_are_split_as_the_library_does():
    groups = many(np.ones(200, int), 0)
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=0.3, random_state=5)
    large, small = next(splitter.split(groups.columns, groups.columns))
    found = stratify.halves(groups, 0.3, 5)
    np.testing.assert_array_equal(found[0].rows, large)
    np.testing.assert_array_equal(found[1].rows, small)


def test_near_duplicates_join_the_groups_of_a_column(make: Make):
    groups = groups_of(make(patient=PATIENTS), "patient")
    assert len(groups.sizes) == len(SIZES) - 1
    joined = groups.number[40]
    assert joined == groups.number[70]
    assert groups.name(int(joined)).startswith(f"the group '{PATIENTS[40]}' and 1 more")


def test_images_without_a_value_are_one_group(make: Make, capfd):
    data = make(patient=["" if 0 < n < 9 else text for n, text in enumerate(PATIENTS)])
    assert len(set(groups_of(data, "patient").number[1:9])) == 1
    assert "8 images have no value in 'patient'" in capfd.readouterr().err


def test_an_unknown_column_lists_the_columns(make: Make):
    data = make(patient=PATIENTS, site=["x", "y"] * 50)
    for options in (Splitting(group_column="patent"), Splitting(split_column="patent")):
        with pytest.raises(UserError, match=r"patent.*patient, site.*did you mean 'patient'"):
            split_by(data, options)


@pytest.mark.parametrize(
    ("column", "options", "words"),
    [
        (["x"] * 100, {}, "same value in the column 'g', so that all are one group. Got: 'x'"),
        (["x"] * 80 + ["y"] * 20, {"fold": "1/2"}, "'x' has 80 of 100 .*; the part .* 50"),
        (["x", "y"] * 50, {"val_share": 0.2}, "cannot be split|larger than the part"),
        (["x"] * 51 + ["y"] * 49, {"fold": "1/3"}, "cannot be split"),
        ([str(n // 20) for n in range(100)], {}, "has 20 of 60 images; the part was to have 10"),
    ],
    ids=["one", "too-large", "two", "fewer-than-folds", "larger-than-val"],
)
def test_groups_that_cannot_be_split(make: Make, column: list[str], options, words: str):
    with pytest.raises(UserError, match=words):
        split_by(make(g=column), Splitting(group_column="g", **options))


READY = ["train"] * 60 + ["Val"] * 10 + ["TEST"] * 30


@pytest.mark.parametrize("val", ["val", "Valid", "validation", "dev", "val2017"])
def test_a_ready_made_split_is_taken_as_it_is(make: Make, val: str):
    data = make(split=["train"] * 60 + [val] * 15 + [" Test"] * 25)
    made = split_by(data, Splitting(split_column="split"))
    assert where(data, made) == ["train"] * 60 + ["val"] * 15 + ["test"] * 25


def test_validation_is_taken_from_training_where_there_is_none(make: Make):
    data = make(split=["train"] * 75 + ["test"] * 25)
    made = split_by(data, Splitting(split_column="split", val_share=0.2))
    parts = where(data, made)
    assert parts[75:] == ["test"] * 25
    assert set(parts[:75]) == {"train", "val"}
    assert parts.count("val") == pytest.approx(20, abs=1)
    assert parts[40] == parts[70]
    assert not ready_split(data, "split", val_share=0).val


def test_near_duplicates_that_straddle_are_counted_and_stay(make: Make, capfd):
    console.say_once.cache_clear()
    console.warn_once.cache_clear()
    data = make(split=READY)
    made = split_by(data, Splitting(split_column="split"))
    assert where(data, made) == ["train"] * 60 + ["val"] * 10 + ["test"] * 30
    said = " ".join(capfd.readouterr().err.split())
    assert "warning: 1 test images have near-duplicates in another part of 'split'" in said
    assert "train 60 (60.0%), validation 10 (10.0%), test 30 (30.0%)" in said


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (["train"] * 90 + ["tset"] * 9 + [""], r"'tset' \(9 images\), '' \(1 images\).*Allowed"),
        (["test"] * 90 + ["val"] * 10, "has no training image.*'test' .90 images., 'val' .10"),
        (["train"] * 100, "has no test image"),
        (["train"] * 5 + ["test"] * 95, "cannot be split"),
    ],
)
def test_columns_that_are_no_split(make: Make, column: list[str], words: str):
    with pytest.raises(UserError, match=words):
        split_by(make(split=column), Splitting(split_column="split"))


def test_one_file_in_two_parts_is_refused(make: Make, pictures: Path):
    original = (pictures / "99.png").read_bytes()
    (pictures / "99.png").write_bytes((pictures / "3.png").read_bytes())
    try:
        with pytest.raises(UserError, match=r"1 files .*3\.png \(train\) and .*99\.png \(test\)"):
            ready_split(make(split=READY), "split")
    finally:
        (pictures / "99.png").write_bytes(original)


@pytest.mark.parametrize(
    "other", [["--fold", "1/5"], ["--test-share", "0.4"], ["--group-column=x"]]
)
def test_a_ready_made_split_excludes_the_other_options(command, tmp_path: Path, other: list[str]):
    out = tmp_path / "out"
    done = command("compress.train", "--data", "elpv", "--out", out, "--split-column=s", *other)
    assert done.code == 2
    assert f"--split-column and {other[0].partition('=')[0]} exclude each other:" in done.err
    assert "read" not in done.err
    assert not list(tmp_path.iterdir())


TRAIN = {
    "name": "t", "stage": "compress.train",
    "options": {"arch": "tiny_network:build", "weights": "random", "image-size": 48, "epochs": 0,
                "batch-size": 8, "gate": ["map >= 0"]},
}  # fmt: skip


def recipe(step: dict[str, object]) -> Recipe:
    return Recipe.model_validate({"title": "t", "step": [step], "compare": {"models": ()}})


def test_a_recipe_gives_its_training_the_split_and_later_stages_inherit_it(command, tmp_path: Path):
    data = scene_maker.write(tmp_path / "few", n=60)
    rows = list(csv.reader((data / "labels.csv").read_text().splitlines()))
    with (data / "labels.csv").open("w", newline="") as file:
        patients = ["patient", *(f"p{number // 4}" for number in range(60))]
        csv.writer(file).writerows(
            [*row, patient] for row, patient in zip(rows, patients, strict=True)
        )
    place = Place(str(data), tmp_path, False, {"group_column": "patient"})
    whole = recipe(TRAIN)
    running.check(whole, place)
    made = running.run_step(whole.step[0], place).manifest.data.split
    assert made == default_split(open_data(str(data)), group_column="patient")
    assert made != default_split(open_data(str(data)))
    done = command(
        "compress.prune", "--model", tmp_path / "t", "--data", data, "--out", tmp_path / "pruned",
        "--epochs", 0, "--macs", 0.8, "--rounds", 1, "--round-to", 2, "--gate", "macs ratio <= 1",
        "--batch-size", 8,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert load(tmp_path / "pruned").manifest.data.split == made
    for name in ("t", "pruned"):
        groups = load_eval(tmp_path / name / EVAL_FILE).groups
        assert set(Counter(groups).values()) == {4}, f"{name} is judged patient by patient"


def test_a_recipe_with_a_fold_refuses_a_ready_made_split_before_any_work(tmp_path: Path):
    step = TRAIN | {"options": TRAIN["options"] | {"fold": "1/3"}}
    with pytest.raises(UserError, match="--split-column and --fold exclude each other"):
        running.check(recipe(step), Place("elpv", tmp_path, False, {"split_column": "split"}))


def test_the_default_recipe_refuses_a_split_of_ones_own(command, tmp_path: Path):
    done = command("compress.__main__", "--out", tmp_path / "out", "--group-column", "module")
    assert done.code == 2
    assert "--group-column is for recipes that train their own models" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"test_share": 0.995}, {"val_share": 0.9}])
def test_shares_that_leave_nothing_are_told_in_the_options_words(make: Make, options):
    with pytest.raises(UserError, match=r"a part would be empty.*lower --test-share or") as told:
        split_by(make(), Splitting(**options))
    assert "test_size" not in str(told.value)
