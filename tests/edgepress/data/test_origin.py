"""What a model was trained on: known, found again, or said to be unknown; never guessed."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from plans import manifest

from benchmarks.evaluation.candidates import open_model
from benchmarks.evaluation.evaluation import EvalSettings, evaluate
from compress import train
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import DataRef, Split
from edgepress.data import origin, random_split, split
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset, open_data
from export import onnx as onnx_stage
from export.adopting.stage import UNKNOWN_TRAINING
from models.onnx_graph import props

N = 40


def write(folder: Path, n: int = N, skip: int = 0, **corrected: dict[int, object]) -> Path:
    """Write images and a table; the images of one number are always the same."""
    folder.mkdir(exist_ok=True)
    for number in range(n):
        noise = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    columns = {
        "a": {row: row % 2 for row in range(n)},
        "b": {row: int(row % 3 == 0) for row in range(n)},
        "patient": {row: f"p{row // 2}" for row in range(n)},
    }
    for name, values in corrected.items():
        columns[name] |= values
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["image", *columns])
        rows = range(skip, n)
        csv.writer(file).writerows([f"{r}.png", *(c[r] for c in columns.values())] for r in rows)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return open_data(str(write(tmp_path / "photos")))


def model(data: Dataset, parts: Split, name: str = "m", assumed: bool = False) -> Artifact:
    known = DataRef(source=data.source, fingerprint=data.fingerprint, split=parts, assumed=assumed)
    return Artifact(Path(name), manifest(data=known))


def test_the_leak_of_any_parent_is_refused(data: Dataset):
    """The second one was trained on images that the first one's split tests on."""
    first, leaking = (random_split.default_split(data, seed=seed) for seed in (0, 1))
    assert split.split_for(data, (model(data, first), model(data, first, "n"))) == first
    with pytest.raises(UserError, match=r"images of the test part.*Got: second"):
        split.split_for(data, (model(data, first), model(data, leaking, "second")))
    half = first.model_copy(update={"test": (), "train": first.test[:1], "val": ()})
    with pytest.raises(UserError, match=r"trained on 1 images of the test part.*Got: second"):
        split.split_for(data, (model(data, first), model(data, half, "second")))


def test_corrected_labels_keep_the_split_and_are_counted(data: Dataset, tmp_path: Path, capfd):
    parts = random_split.default_split(data, seed=3)
    trained = model(data, parts)
    new = open_data(str(write(tmp_path / "photos", a={0: 1, 1: 0})))
    assert new.fingerprint != data.fingerprint
    assert split.split_for(new, (trained,)) == parts
    assert "m was trained on these 40 images and other labels: its split is used" in (
        capfd.readouterr().err
    )
    assert split.split_for(data, (trained,)) == parts
    assert not capfd.readouterr().err, "nothing has changed"


def test_fewer_images_keep_the_split_and_more_do_not(data: Dataset, tmp_path: Path, capfd):
    parts = random_split.default_split(data, seed=3)
    fewer = open_data(str(write(tmp_path / "photos", skip=2)))
    assert split.split_for(fewer, (model(data, parts),)) == parts
    assert "these 38 images and 2 more: its split is used" in capfd.readouterr().err
    more = open_data(str(write(tmp_path / "photos", n=N + 20)))
    with pytest.raises(UserError, match="images of the test part"):
        split.split_for(more, (model(data, parts),))


def test_data_without_a_tested_image_are_refused(data: Dataset, tmp_path: Path):
    """All that is left was trained on."""
    everything = Split(train=data.image_ids, val=(), test=("0123456789abcdef",))
    with pytest.raises(UserError, match="images of the test part"):
        split.split_for(data, (model(data, everything),))


def test_a_corrected_group_that_straddles_is_said(data: Dataset, tmp_path: Path, capfd):
    parts = random_split.default_split(data, group_column="patient")
    trained = model(data, parts)
    split.split_for(data, (trained,))
    assert "groups" not in capfd.readouterr().err
    row_of = {image_id: row for row, image_id in enumerate(data.image_ids)}
    one, other = row_of[parts.train[0]], row_of[parts.test[0]]
    new = open_data(str(write(tmp_path / "photos", patient={one: "x", other: "x"})))
    assert split.split_for(new, (trained,)) == parts
    said = capfd.readouterr().err
    assert "by the column 'patient' as it is now, 1 groups have images in the training" in said


def test_what_is_known_comes_before_what_is_assumed(data: Dataset, capfd):
    known, guessed = (random_split.default_split(data, seed=seed) for seed in (3, 4))
    parents = (model(data, guessed, "guess", assumed=True), model(data, known, "known"))
    assert split.split_for(data, parents) == known
    assert capfd.readouterr().err.count(origin.UNKNOWN) == 1
    assert split.split_for(data, parents[:1]) == guessed
    split.refuse_leak(parents[0], known)
    assert [split.is_known(parent, data) for parent in parents] == [False, True]


def test_the_identity_of_a_split_is_its_parts(data: Dataset):
    parts = random_split.default_split(data)
    moved = parts.model_copy(update={"train": parts.train[1:], "val": (*parts.val, parts.train[0])})
    turned = parts.model_copy(update={"train": parts.train[::-1]})
    assert origin.digest(parts) == origin.digest(turned) != origin.digest(moved)
    told = origin.identified(model(data, parts).manifest.data)
    assert told.images == tuple(map(len, (parts.train, parts.val, parts.test)))
    assert (told.by.seed, told.by.test_share, told.by.val_share) == (0, 0.4, 0.1)
    assert origin.identified(model(data, parts, assumed=True).manifest.data) is None


@pytest.mark.parametrize(
    "by",
    [
        {"seed": 3},
        {"test_share": 0.3, "val_share": 0.2},
        {"fold": "2/3"},
        {"group_column": "patient"},
        {"fold": "1/3", "group_column": "patient"},
        {"split_column": "part"},
    ],
    ids=str,
)
def test_a_split_of_each_kind_is_made_again(tmp_path: Path, by: dict[str, object]):
    folder = write(tmp_path / "photos")
    rows = list(csv.reader((folder / "labels.csv").read_text().splitlines()))
    with (folder / "labels.csv").open("w", newline="") as file:
        parts = ["part", *(("train", "train", "test")[number % 3] for number in range(N))]
        csv.writer(file).writerows([*row, part] for row, part in zip(rows, parts, strict=True))
    data = open_data(str(folder))
    how = split.SplitBy(**({"seed": 0, "val_share": 0.1} | by))
    first = split.made(data, how)
    told = origin.identified(model(data, first).manifest.data)
    bare = Artifact(Path("m.onnx"), manifest(kind="onnx", told_split=told))
    found = split.data_of(bare, data)
    assert found is not None
    assert found.split == first
    wrong = replace(
        bare, manifest=manifest(told_split=told.model_copy(update={"digest": "another"}))
    )
    assert split.data_of(wrong, data) is None


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("made")
    photos = write(folder / "photos")
    options = {
        "arch": "tiny_network:build", "weights": "random", "image_size": 32, "epochs": 0,
        "batch_size": 4, "split_seed": 3, "gate": (),
    }  # fmt: skip
    train.run(train.Config(data=str(photos), out=folder / "t", **options))
    onnx_stage.run(
        onnx_stage.Config(model=folder / "t", data=str(photos), out=folder / "fp32", gate=())
    )
    return photos, folder / "fp32"


@pytest.fixture
def exported(made_once: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Return the data and a copy of the fp32 artifact of a network with a split of its own."""
    split._REMADE.clear()
    return made_once[0], Path(shutil.copytree(made_once[1], tmp_path / "fp32"))


def silent(file: Path) -> Path:
    """Return a copy that says nothing of its split, as files of before."""
    copy = file.with_name("silent.onnx")
    loaded = onnx.load(file)
    kept = [prop for prop in loaded.metadata_props if prop.key != "edgepress.split"]
    del loaded.metadata_props[:]
    loaded.metadata_props.extend(kept)
    onnx.save(loaded, copy)
    return copy


def test_a_bare_file_is_measured_on_images_that_it_was_not_trained_on(
    exported, tmp_path: Path, command
):
    photos, fp32 = exported
    trained = artifacts.load(fp32).manifest.data.split
    file = Path(shutil.copy(fp32 / "model.onnx", tmp_path / "bare.onnx"))
    data, bare = open_data(str(photos)), open_model(file)
    assert bare.manifest.data is None
    tested = {data.image_ids[row] for row in context_of(data, bare).rows("test")}
    assert tested == set(trained.test)
    assert tested != set(random_split.default_split(data).test)
    done = command("benchmarks.accuracy", "--model", file, "--data", photos)
    assert done.code == 0, done.err
    assert origin.UNKNOWN not in done.err
    assert evaluate(bare, data, np.arange(4), EvalSettings()).trained_on_known


def test_where_it_is_not_known_it_is_said_and_no_guess_becomes_a_fact(
    exported, tmp_path: Path, command
):
    photos, fp32 = exported
    file = silent(Path(shutil.copy(fp32 / "model.onnx", tmp_path / "bare.onnx")))
    done = command("benchmarks.accuracy", "--model", file, "--data", photos)
    assert done.code == 0, done.err
    assert f"silent.onnx: {origin.UNKNOWN}" in done.err
    gate = command(
        "benchmarks.gate", "--candidate", file, "--baseline", fp32, "--data", photos,
        "--gate", "map drop <= 1",
    )  # fmt: skip
    assert "not known: whether silent learnt from these images" in gate.out
    out = tmp_path / "half"
    words = ("--model", file, "--data", photos, "--out", out, "--quantize", "int8_weights")
    assert command("export.onnx", *words, "--gate", "map >= 0").code in (0, 4)
    made = artifacts.load(out)
    assert made.manifest.data.assumed
    assert open_model(out / "model.onnx").manifest.told_split is None
    assert any("not known" in verdict.reason for verdict in made.manifest.verdicts)
    page = tmp_path / "page"
    words = ("--data", photos, "--out", page, "--no-latency")
    assert command("benchmarks.compare", fp32, out, *words).code == 0
    assert (
        "which images it was trained on is not known"
        in (page / "report.md").read_text() + (page / "report.json").read_text()
    )


def test_an_export_of_a_bare_file_says_what_is_known(exported, tmp_path: Path, command):
    photos, fp32 = exported
    file = Path(shutil.copy(fp32 / "model.onnx", tmp_path / "bare.onnx"))
    out = tmp_path / "half"
    words = ("--model", file, "--data", photos, "--out", out, "--quantize", "int8_weights")
    assert command("export.onnx", *words, "--gate", "map >= 0").code in (0, 4)
    told = artifacts.load(out).manifest.data
    assert not told.assumed
    assert told.split == artifacts.load(fp32).manifest.data.split
    again = open_model(out / "model.onnx").manifest.told_split
    assert again == open_model(file).manifest.told_split


def test_a_file_of_other_data_is_unknown(exported, tmp_path: Path):
    _, fp32 = exported
    file = Path(shutil.copy(fp32 / "model.onnx", tmp_path / "bare.onnx"))
    more = open_data(str(write(tmp_path / "more", n=N + 20)))
    assert not split.is_known(open_model(file), more)
    props.update(file, {"edgepress.split": '{"digest": 3}'})
    with pytest.raises(UserError, match="metadata of the ONNX file is not valid"):
        open_model(file)


PIXELS = ("--mean", 0.485, 0.456, 0.406, "--std", 0.229, 0.224, 0.225)
"""Said: the few images do not tell."""


def test_a_network_made_elsewhere_was_trained_nobody_knows_on_what(
    exported, tmp_path: Path, command
):
    photos, fp32 = exported
    file = silent(Path(shutil.copy(fp32 / "model.onnx", tmp_path / "bare.onnx")))
    base = ("--model", file, "--data", photos, "--image-size", 32, "--gate", "parity <= 1", *PIXELS)
    assert command("export.adopt", *base, "--out", tmp_path / "adopted").code == 0
    adopted = artifacts.load(tmp_path / "adopted")
    assert adopted.manifest.data.assumed
    assert open_model(adopted.weights).manifest.told_split is None


def test_an_adopted_file_of_our_own_keeps_the_split_that_it_tells(
    exported, tmp_path: Path, command
):
    """Its default split would test on training images, and no later gate could notice."""
    photos, fp32 = exported
    file = Path(shutil.copy(fp32 / "model.onnx", tmp_path / "bare.onnx"))
    base = ("--model", file, "--data", photos, "--image-size", 32, "--gate", "parity <= 1", *PIXELS)
    assert command("export.adopt", *base, "--out", tmp_path / "adopted").code == 0
    told = artifacts.load(tmp_path / "adopted").manifest
    assert told.data.split == artifacts.load(fp32).manifest.data.split
    assert not told.data.assumed
    assert UNKNOWN_TRAINING not in told.notes
    other = command("export.adopt", *base, "--out", tmp_path / "other", "--split-seed", 8)
    assert other.code == 2
    assert "images of the test part" in other.err
