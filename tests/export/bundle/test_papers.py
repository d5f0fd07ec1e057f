"""What a person or a tool reads about a bundle: the card, the bill of materials, the licences."""

import io
import json
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from cyclonedx.model.bom import Bom

from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import DataRef
from export.bundle import card, contents, sbom
from export.bundle.manifest import DeviceManifest


@pytest.fixture(scope="module")
def manifest(unpacked: Path) -> DeviceManifest:
    return DeviceManifest.model_validate_json((unpacked / "manifest.json").read_text())


def test_the_bill_lists_model_runtime_and_what_the_device_needs(
    unpacked: Path, manifest: DeviceManifest
) -> None:
    bill = json.loads((unpacked / "sbom.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    model = bill["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": manifest.files["model.onnx"].sha256}]
    found = {one["name"]: one for one in bill["components"]}
    for name in ("numpy", "onnxruntime", "pillow"):
        assert found[name]["purl"] == f"pkg:pypi/{name}@{metadata.version(name)}"
        assert found[name]["licenses"]
    assert found["edgepress"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_the_bill_has_no_time_and_is_the_same_again(manifest: DeviceManifest) -> None:
    sha256 = manifest.files["model.onnx"].sha256
    once, again = sbom.document(manifest, sha256), sbom.document(manifest, sha256)
    assert once == again
    assert "timestamp" not in json.loads(once)["metadata"]
    assert sbom.document(manifest, "0" * 64) != once


def test_the_bill_can_be_read_by_others(unpacked: Path) -> None:
    bill = Bom.from_json(json.loads((unpacked / "sbom.cdx.json").read_text()))  # type: ignore[attr-defined]
    assert bill.metadata.component.name == "tiny-int8"
    assert bill.validate()


def test_the_card_says_what_the_manifest_says(unpacked: Path, exported: Artifact) -> None:
    text = (unpacked / "MODEL_CARD.md").read_text()
    assert text.startswith("# tiny-int8, release 1\n")
    for name in exported.manifest.labels.names:
        assert f"| {name} |" in text
    assert "int8\\_convs" in text or "int8_convs" in text
    assert "Licence: not stated here" in text
    assert str(exported.path.parent) not in text


def test_the_card_repeats_the_licence_of_known_data(
    exported: Artifact, manifest: DeviceManifest
) -> None:
    data = exported.manifest.data
    assert data is not None
    known = DataRef(source="elpv", fingerprint="f", split=data.split)
    for ref, told in ((known, "CC BY-NC-SA 4.0"), (None, "the model was made elsewhere")):
        model = exported.__class__(
            exported.path, exported.manifest.model_copy(update={"data": ref})
        )
        assert told in card.text(model, manifest)


def test_two_licences_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "L.txt").write_text("x")
    for name in ("L.txt", "l.TXT"):  # on some systems they are one file
        (tmp_path / "a" / name).write_text("x")
        with pytest.raises(UserError, match="same file name"):
            contents.licences((tmp_path / "L.txt", tmp_path / "a" / name))
    (tmp_path / "Edgepress.txt").write_text("x")
    with pytest.raises(UserError, match="same file name"):
        contents.licences((tmp_path / "Edgepress.txt",))


def test_a_licence_with_a_name_that_a_device_refuses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "CC BY: 4.0.txt").write_text("x")
    with pytest.raises(UserError, match="that a device refuses"):
        contents.licences((tmp_path / "CC BY: 4.0.txt",))


def test_golden_photographs_are_those_nearest_to_one_half() -> None:
    probs = np.float32([[0.01, 0.99], [0.4, 0.9], [0.02, 0.52], [0.3, 0.4]])
    assert contents.most_doubtful(probs, 3).tolist() == [2, 1, 3]


def test_golden_photographs_are_stored_without_loss() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    files = contents.golden([photo], np.float32([[0.25, 0.5], [0.1, 0.2]]))
    assert json.loads(files["golden/expected.json"]) == {"golden/0.png": [0.25, 0.5]}
    from PIL import Image

    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(files["golden/0.png"]))), photo)
