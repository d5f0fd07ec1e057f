"""An export of a model that was trained in groups is searched for and judged in groups."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from groups_seen import spy_on_groups

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.manifest import DataRef
from edgepress.data.dataset import open_data
from edgepress.data.random_split import default_split
from export.onnx import Config, run


def in_groups(model: Artifact, photos: Path, folder: Path) -> tuple[Artifact, Path]:
    """Return the model as one trained by patient, eight photographs each, and their data."""
    data = shutil.copytree(photos, folder / "data")
    header, *rows = (data / "labels.csv").read_text().splitlines()
    named = [f"{row},p{number // 8}" for number, row in enumerate(rows)]
    (data / "labels.csv").write_text("\n".join([f"{header},patient", *named]) + "\n")
    dataset = open_data(str(data))
    split = default_split(dataset, group_column="patient")
    known = DataRef(source=str(data), fingerprint=dataset.fingerprint, split=split)
    path = shutil.copytree(model.path, folder / "model")
    manifest = model.manifest.model_copy(update={"data": known})
    (path / artifacts.MANIFEST).write_text(manifest.model_dump_json())
    return artifacts.load(path), data


def test_search_and_gates_of_an_export_see_the_groups(
    trained: Artifact, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data = in_groups(trained, data_folder, tmp_path)
    seen = spy_on_groups(monkeypatch)
    config = Config(
        model=model.path, data=str(data), out=tmp_path / "out", quantize="int8",
        target="cpu-vnni", calibration_images=8, emulate=0, budget="0.001s",
        gate=("size ratio <= 0.9", "map drop <= 1"),
    )  # fmt: skip
    run(config)
    stored = load_eval(tmp_path / "out" / EVAL_FILE)
    assert set(Counter(stored.groups).values()) == {8}
    # The search: the float file and the int8 one; the gates: both again, on the test part.
    assert len(seen) == 4
    assert all(set(Counter(groups).values()) == {8} for groups in seen)
