"""A model meets its labels in another order: they are taken by name, in every command."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_once import made_once
from PIL import Image

from benchmarks.evaluation.candidates import open_model
from compress import train
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.data import split
from edgepress.data.context import check_labels, context_of, open_context
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.table import Table
from export import onnx as onnx_stage

N = 60
ORDER = ("red", "green", "blue")
TURNED = ("blue", "red", "green")
"""By a permutation that is not its own inverse."""


def write(folder: Path, labels: tuple[str, ...], columns: tuple[str, ...] | None = None) -> Path:
    """Write images with a colour for each of their labels, always the same ones."""
    folder.mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["image", *(columns or labels)])
        for number in range(N):
            rng = np.random.default_rng(number)
            has = {
                name: int(share > rng.random())
                for name, share in zip(ORDER, (0.4, 0.5, 0.6), strict=True)
            }
            pixels = rng.integers(0, 120, (32, 32, 3), dtype=np.uint8)
            pixels[..., [row for row, name in enumerate(ORDER) if has[name]]] += 60
            Image.fromarray(pixels).save(folder / f"{number}.png")
            csv.writer(file).writerow([f"{number}.png", *(has[name] for name in labels)])
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of both tables, and of a network and its ONNX file of the first one."""

    def make(folder: Path) -> None:
        data = write(folder / "data", ORDER)
        write(folder / "turned", TURNED)
        train.run(
            train.Config(
                data=str(data), out=folder / "model", arch="tiny_network:build", epochs=3,
                arch_kwargs='{"width": 4}', weights="random", image_size=32, gate=(), batch_size=8,
                interpolation="bicubic", learning_rate=0.01, split_seed=3,
            )
        )  # fmt: skip
        onnx_stage.run(
            onnx_stage.Config(
                model=folder / "model", data=str(data), out=folder / "fp32", quantize="none"
            )
        )

    return made_once(tmp_path_factory, "label-order", make)


@pytest.fixture(autouse=True)
def _again() -> None:
    console.say_once.cache_clear()
    console.warn_once.cache_clear()
    split._REMADE.clear()


def test_the_models_own_data_are_known_again(made: Path, capfd) -> None:
    """Fingerprint, split and identity are those of the table that it was trained on."""
    model = artifacts.load(made / "model")
    own = open_context(str(made / "data"), (model,))
    assert "by name" not in capfd.readouterr().err
    turned = open_context(str(made / "turned"), (model,))
    told = capfd.readouterr().err
    assert told.count("labels of model in another order: they are taken by name") == 1
    assert "was trained on these" not in told
    assert turned.dataset.label_names == ORDER
    assert turned.identity == own.identity
    assert turned.reference().fingerprint == model.manifest.data.fingerprint
    np.testing.assert_array_equal(turned.dataset.targets, own.dataset.targets)
    assert open_data(str(made / "turned")).fingerprint != own.dataset.fingerprint


def test_a_bare_file_knows_its_split_again(made: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(made / "fp32" / "model.onnx", tmp_path / "bare.onnx"))
    context = open_context(str(made / "turned"), (open_model(file),))
    trained = artifacts.load(made / "model").manifest.data.split
    assert context.split == trained
    assert context.split != split.split_for(open_data(str(made / "turned")), ())


@pytest.mark.parametrize("name", ["model", "fp32"])
def test_each_label_gets_the_figures_that_it_had(made: Path, tmp_path: Path, command, name) -> None:
    found = {}
    for data in ("data", "turned"):
        out = tmp_path / f"{data}.json"
        done = command("benchmarks.accuracy", "--model", made / name, "--data", made / data,
                       "--part", "val", "--out", out)  # fmt: skip
        assert done.code == 0, done.err
        found[data] = json.loads(out.read_text())
    assert found["turned"]["metrics"] == found["data"]["metrics"]
    assert found["turned"]["label_names"] == list(ORDER)
    aps = [label["ap"] for label in found["data"]["metrics"]["labels"]]
    assert aps != [aps[ORDER.index(label)] for label in TURNED]  # else no mistake would be seen


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("compress.distill", ("--teacher", "model", "--student", "tiny_network:build", "--epochs",
                              1, "--batch-size", 8, "--gate", "params <= 1e9")),
        ("compress.prune", ("--model", "model", "--macs", 0.7, "--round-to", 1, "--epochs", 0,
                            "--batch-size", 8, "--gate", "params <= 1e9")),
        ("export.onnx", ("--model", "model", "--quantize", "none")),
        ("benchmarks.thresholds", ("--model", "model")),
    ],
)  # fmt: skip
def test_a_stage_goes_on_in_the_models_order(made, tmp_path, command, module, options) -> None:
    out = tmp_path / "out"
    given = [made / one if one == "model" else one for one in options]
    module = "benchmarks.thresholds.__main__" if module.endswith("thresholds") else module
    done = command(module, *given, "--data", made / "turned", "--out", out)
    assert done.code == 0, done.err
    written, old = (artifacts.load(one).manifest for one in (out, made / "model"))
    assert written.labels.names == ORDER
    assert written.labels.prevalence == old.labels.prevalence
    assert written.data is None or written.data.fingerprint == old.data.fingerprint
    ours, theirs = (load_eval(folder / EVAL_FILE) for folder in (out, made / "model"))
    assert ours.data_id == theirs.data_id
    np.testing.assert_array_equal(ours.targets, theirs.targets)


def test_a_bundle_of_the_turned_table(made: Path, tmp_path: Path, command) -> None:
    done = command("export.bundle.__main__", "--model", made / "fp32", "--data", made / "turned",
                   "--out", tmp_path / "b.zip")  # fmt: skip
    assert done.code == 0, done.err


def test_models_of_two_orders_are_not_taken_together(made: Path, tmp_path: Path) -> None:
    manifest = artifacts.load(made / "model").manifest
    labels = manifest.labels.model_copy(update={"names": TURNED})
    other = artifacts.Artifact(tmp_path, manifest.model_copy(update={"labels": labels}))
    data = open_data(str(made / "data"))
    first = artifacts.load(made / "model")
    with pytest.raises(UserError, match=r"another order than the first.*red, green, blue.*adopt"):
        context_of(data, first, other)
    with pytest.raises(UserError, match="another order"):
        check_labels(other, data)


def test_one_that_is_asked_by_name_may_have_another_order(made: Path, capfd) -> None:
    """Its data are known again; what it was trained on is kept out of the test part as ever."""
    first, data = artifacts.load(made / "model"), open_data(str(made / "data"))
    manifest = first.manifest
    labels = manifest.labels.model_copy(update={"names": TURNED})
    trained = manifest.data.model_copy(update={"fingerprint": data.in_order(TURNED).fingerprint})

    def other(**fields: object) -> artifacts.Artifact:
        told = {"labels": labels, "data": trained} | fields
        return artifacts.Artifact(made, manifest.model_copy(update=told))

    found = context_of(data, first, by_name=(other(),))
    assert (found.dataset.label_names, found.split) == (ORDER, manifest.data.split)
    assert "trained on" not in capfd.readouterr().err
    swapped = trained.split.model_copy(
        update={"train": trained.split.test, "test": trained.split.train}
    )
    with pytest.raises(UserError, match=r"trained on .* images of the test part"):
        context_of(
            data, first, by_name=(other(data=trained.model_copy(update={"split": swapped})),)
        )
    renamed = labels.model_copy(update={"names": ("blue", "red", "grey")})
    with pytest.raises(UserError, match=r"grey only in the model.*green only in the data"):
        context_of(data, first, by_name=(other(labels=renamed),))


def test_other_labels_are_named_and_a_way_on(made: Path, tmp_path: Path, command) -> None:
    data = write(tmp_path / "other", ORDER, ("red", "Green", "blue"))
    done = command("benchmarks.accuracy", "--model", made / "model", "--data", data)
    assert done.code == 2
    assert "green only in the model" in done.err
    assert "Green only in the data" in done.err
    assert "rename" in done.err


def test_adopting_a_file_of_our_own_follows_what_it_says(made, tmp_path, command) -> None:
    out = tmp_path / "adopted"
    done = command("export.adopt", "--model", made / "fp32" / "model.onnx", "--data",
                   made / "turned", "--out", out, "--gate", "map >= 0")  # fmt: skip
    assert done.code == 0, done.err
    assert "labels: red, green, blue (the file)" in done.err
    adopted, first = artifacts.load(out), artifacts.load(made / "fp32")
    assert adopted.manifest.labels.names == TURNED
    assert adopted.manifest.image == first.manifest.image
    ours, theirs = (load_eval(one.path / EVAL_FILE) for one in (adopted, first))
    assert ours.ap == pytest.approx(theirs.ap)


def test_the_order_of_columns_is_all_that_changes() -> None:
    table = Table((Path("a"), Path("b")), ORDER, np.float32([[0, 1, np.nan], [1, 0, 0]]))
    dataset = Dataset("x", "csv", table, ("1", "2"), False, np.zeros((2, 16, 16), np.uint8), "old")
    turned = dataset.in_order(TURNED)
    assert turned.label_names == TURNED
    np.testing.assert_array_equal(turned.targets, np.float32([[np.nan, 0, 1], [0, 1, 0]]))
    assert turned.paths == dataset.paths
    assert turned.in_order(ORDER).fingerprint != turned.fingerprint
