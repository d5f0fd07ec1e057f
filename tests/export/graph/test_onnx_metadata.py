"""What an ONNX file says about itself."""

from pathlib import Path
from shutil import copyfile

import onnx
import pytest
from export_helpers import Files

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from export.graph import metadata
from export.graph.metadata import ModelFacts

FACTS = ModelFacts(
    id="0123",
    parent="4567",
    precision="int8",
    target="cpu-vnni",
    labels=Labels(names=("a b", "é"), thresholds=(0.25, 0.5), prevalence=(0.1, 0.2)),
    image=ImageSpec(height=32, width=48, crop="center"),
)


@pytest.fixture
def model(files: Files, tmp_path: Path) -> Path:
    """A copy of the fp32 file, without metadata."""
    return Path(copyfile(files.fp32, tmp_path / "model.onnx"))


def set_prop(path: Path, key: str, value: str) -> None:
    """Overwrite one metadata entry."""
    model = onnx.load(path)
    next(prop for prop in model.metadata_props if prop.key == key).value = value
    onnx.save(model, path)


def test_round_trip(model: Path) -> None:
    metadata.write(model, FACTS)
    assert metadata.read(model) == FACTS


def test_writing_again_replaces_and_keeps_what_others_wrote(model: Path) -> None:
    foreign = onnx.load(model)
    foreign.metadata_props.add(key="author", value="someone")
    onnx.save(foreign, model)
    metadata.write(model, FACTS)
    metadata.write(model, FACTS.model_copy(update={"id": "other"}))
    assert metadata.read(model).id == "other"
    props = [prop.key for prop in onnx.load(model).metadata_props]
    assert props.count("edgepress.id") == 1
    assert "author" in props


def test_file_without_metadata(model: Path) -> None:
    with pytest.raises(UserError, match="no metadata of edgepress"):
        metadata.read(model)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("edgepress.schema_version", "99", "newer metadata"),
        ("edgepress.labels", "{not json", "not JSON"),
        ("edgepress.image", '{"height": -1}', "not valid: image.height"),
    ],
)
def test_bad_metadata(model: Path, key: str, value: str, message: str) -> None:
    metadata.write(model, FACTS)
    set_prop(model, key, value)
    with pytest.raises(UserError, match=message):
        metadata.read(model)
