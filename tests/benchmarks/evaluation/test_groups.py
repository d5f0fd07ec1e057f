"""Images that the split keeps together count together, whatever command measures a model."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, MakeModel, write_onnx
from groups_seen import spy_on_groups

from benchmarks.comparison.bench import open_bench, open_test_data
from benchmarks.evaluation import evaluation
from benchmarks.evaluation.evaluation import EvalSettings
from edgepress.core import artifact as artifacts
from edgepress.core import eval_file
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import DataRef, Split
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset, open_data
from edgepress.data.grouping import Grouped, grouped, groups_of

PATIENTS = tuple(f"p{number // 4}" for number in range(80))


@pytest.fixture
def patients(colours: Path) -> Path:
    """Return the images of colours with a column of patients, four images each."""
    header, *rows = (colours / "table.csv").read_text().splitlines()
    named = [f"{row},{patient}" for row, patient in zip(rows, PATIENTS, strict=True)]
    (colours / "table.csv").write_text("\n".join([f"{header},patient", *named]) + "\n")
    return colours


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return a list that collects the groups of everything that is measured."""
    return spy_on_groups(monkeypatch)


def trained(model: Artifact, dataset: Dataset, column: str | None = "patient") -> Artifact:
    """Return the model as one that was trained with groups; 24 images are tested."""
    ids = dataset.image_ids
    split = Split(train=ids[:40], val=ids[40:56], test=ids[56:], group_column=column)
    data = DataRef(source=dataset.source, fingerprint=dataset.fingerprint, split=split)
    manifest = model.manifest.model_copy(update={"data": data})
    (model.path / artifacts.MANIFEST).write_text(manifest.model_dump_json())
    return artifacts.load(model.path)


def sizes(groups: tuple[int, ...]) -> list[int]:
    return sorted(Counter(groups).values())


def copied(dataset: Dataset, pairs: dict[int, int]) -> Dataset:
    """Return the data set with thumbnails of some images in place of others."""
    thumbnails = dataset.thumbnails.copy()
    for place, other in pairs.items():
        thumbnails[place] = thumbnails[other]
    return replace(dataset, thumbnails=thumbnails)


def test_groups_are_those_that_a_split_keeps_together(patients: Path) -> None:
    dataset = copied(open_data(str(patients)), {9: 2})  # of patients 2 and 0: one group
    rows = np.array([9, 8, 2, 20, 4, 5])
    found = grouped(dataset, rows, "patient")
    assert found.groups == (0, 0, 0, 1, 2, 2)
    numbers = groups_of(dataset, "patient").number[rows]
    assert (np.equal.outer(numbers, numbers) == np.equal.outer(*[found.groups] * 2)).all()
    assert found.take(np.array([1, 3])).groups == (0, 1)
    assert found.take(slice(2)).rows.tolist() == [9, 8]
    assert len(found) == 6


def test_near_duplicates_count_together_without_a_column(patients: Path) -> None:
    dataset = open_data(str(patients))
    rows = np.arange(30, 40)
    assert grouped(dataset, rows, None).groups == ()
    twice = copied(dataset, {33: 30})
    assert grouped(twice, rows, None).groups == (0, 1, 2, 0, 3, 4, 5, 6, 7, 8)
    assert grouped(twice, rows[:0], None).groups == ()
    assert Grouped(rows).take(slice(3)).groups == ()


def test_a_column_that_the_data_no_longer_have(make_model: MakeModel, patients: Path) -> None:
    dataset = open_data(str(patients))
    model = trained(make_model("m"), dataset, "module")
    with pytest.raises(UserError, match=r"module.*patient"):
        context_of(dataset, model).images("test")


def test_a_stored_result_takes_the_groups_of_the_comparison(
    make_model: MakeModel, patients: Path, tmp_path: Path
) -> None:
    dataset, model = open_data(str(patients)), make_model("model")
    rows = np.arange(56, 80)
    marked = evaluation.evaluate(model, dataset, rows, EvalSettings(threads=1))
    eval_file.save_eval(marked.model_copy(update={"map": 0.123}), model.path)
    model = artifacts.save(tmp_path / "with-eval", model.path, model.manifest)
    images = grouped(dataset, rows, "patient")
    found = evaluation.stored_or_evaluated(model, dataset, images, EvalSettings())
    assert (marked.groups, found.map) == ((), 0.123)
    assert found.groups == images.groups
    assert sizes(images.groups) == [4] * 6


def test_a_bare_file_is_measured_in_the_groups_of_its_reference(
    make_model: MakeModel, patients: Path, tmp_path: Path
) -> None:
    reference = trained(make_model("m"), open_data(str(patients)))
    write_onnx(tmp_path / "bare.onnx", COLOURS)
    for paths in ((tmp_path / "bare.onnx", reference.path), (reference.path,)):
        _, images = open_test_data(open_bench(paths), None)
        assert sizes(images.groups) == [4] * 6


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("benchmarks.accuracy", ("--model", "M", "--data", "D")),
        ("benchmarks.accuracy", ("--model", "M", "--data", "D", "--part", "val")),
        ("benchmarks.compare", ("B", "M", "--no-latency", "--out", "O")),
        ("benchmarks.gate", ("--candidate", "B", "--baseline", "M", "--gate", "map drop <= 1")),
        ("benchmarks.robustness.__main__", ("M", "--corruption", "blur", "--out", "O")),
        ("benchmarks.errors.__main__", ("--model", "M", "--data", "D", "--out", "O")),
    ],
)
def test_every_command_measures_in_groups(
    module: str, arguments: tuple[str, ...], make_model: MakeModel, patients: Path,
    tmp_path: Path, command, measured: list[tuple[int, ...]],
) -> None:  # fmt: skip
    model = trained(make_model("m"), open_data(str(patients)))
    write_onnx(tmp_path / "bare.onnx", COLOURS)
    places = {"M": model.path, "B": tmp_path / "bare.onnx", "D": patients, "O": tmp_path / "out"}
    done = command(module, *(places.get(word, word) for word in arguments))
    assert done.code in (0, 4), done.err
    assert measured
    assert all(sizes(groups) in ([4] * 4, [4] * 6) for groups in measured)
