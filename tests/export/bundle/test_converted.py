"""Models for other runtimes lie in the bundle, under the same hashes and signature."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import numpy_helper

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact, file_entries
from edgepress.core.errors import UserError
from edgepress.device import bundle
from edgepress.device.bundle import archive
from export.bundle import converted
from export.bundle.manifest import DeviceManifest


@pytest.fixture(scope="module")
def ort(exported: Artifact, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle's model in the ORT format."""
    from export.convert import Config, run

    out = tmp_path_factory.mktemp("converted") / "ort"
    run(Config(model=(exported.path,), format="ort", data=str(data_folder), out=out))
    return out


@pytest.fixture
def pack(
    exported: Artifact, data_folder: Path, command: Callable[..., Any], tmp_path: Path
) -> Callable[..., Any]:
    """A function that bundles the model with converted ones."""

    def run(*folders: Path) -> Any:
        options = [part for folder in folders for part in ("--converted", folder)]
        out = ("--out", tmp_path / "tiny.zip")
        return command(
            "export.bundle.__main__", "--model", exported.path, "--data", data_folder, *out,
            *options,
        )  # fmt: skip

    return run


def changed(folder: Path, to: Path, **fields: Any) -> Path:
    """Copy a converted model with other fields in its manifest."""
    shutil.copytree(folder, to)
    manifest = json.loads((to / "manifest.json").read_text())
    (to / "manifest.json").write_text(json.dumps(manifest | fields))
    return to


def test_a_converted_model_is_listed_with_its_verification(
    pack: Callable[..., Any], ort: Path, tmp_path: Path
) -> None:
    done = pack(ort)
    assert done.code == 0, done.err
    files = archive.read(tmp_path / "tiny.zip")
    manifest = DeviceManifest.model_validate(bundle.check(files, tmp_path))
    assert manifest.formats["ort"].status == "verified"
    assert files["formats/ort/model.ort"] == (ort / "model.ort").read_bytes()
    assert json.loads(files["formats/ort/manifest.json"])["precision"] == "int8"
    assert "| ort | verified | " in files["MODEL_CARD.md"].decode()


def test_what_could_not_be_verified_is_said(
    pack: Callable[..., Any], ort: Path, tmp_path: Path
) -> None:
    done = pack(changed(ort, tmp_path / "other", format="tensorrt"))  # claims to be verified
    assert done.code == 0, done.err
    assert "tensorrt is not verified: " in done.err
    files = archive.read(tmp_path / "tiny.zip")
    manifest = json.loads(files["manifest.json"])
    own = json.loads(files["formats/tensorrt/manifest.json"])
    assert manifest["formats"]["tensorrt"]["status"] == "not verified"
    assert own["verification"] == manifest["formats"]["tensorrt"]


def test_what_answers_otherwise_is_not_packed(
    pack: Callable[..., Any], ort: Path, tmp_path: Path
) -> None:
    failed = {"status": "failed", "reason": "probabilities differ"}
    done = pack(changed(ort, tmp_path / "other", verification=failed))
    assert (done.code, "probabilities differ" in done.err) == (3, True)
    assert not (tmp_path / "tiny.zip").exists()


def test_what_is_not_the_same_model_is_refused(
    pack: Callable[..., Any], ort: Path, exported: Artifact, tmp_path: Path
) -> None:
    altered = changed(ort, tmp_path / "altered")
    (altered / "model.ort").write_bytes(b"another")
    cases = {
        "not a converted model": (exported.path,),
        "not those of its manifest": (altered,),
        "made from another one": (changed(ort, tmp_path / "stranger", id="0" * 64),),
        "are of one format": (ort, changed(ort, tmp_path / "twin")),
    }
    for said, folders in cases.items():
        done = pack(*folders)
        assert (done.code, said in done.err) == (2, True), done.err
        assert not (tmp_path / "tiny.zip").exists()


def test_an_older_ancestor_is_another_network(
    ort: Path, exported: Artifact, trained: Artifact, tmp_path: Path
) -> None:
    """A student's teacher, or a network before its pruning: named by the artifact beside."""
    for one, parents in ((exported, (trained.manifest.id,)), (trained, ("teacher",))):
        shutil.copytree(one.path, tmp_path / one.name)
        manifest = one.manifest.model_copy(update={"parents": parents})
        (tmp_path / one.name / "manifest.json").write_text(manifest.model_dump_json())
    model = artifacts.load(tmp_path / exported.name)
    parent = changed(ort, tmp_path / "parent", id=trained.manifest.id)
    assert set(converted.read([parent], model)) == {"ort"}
    with pytest.raises(UserError, match="made from another one"):
        converted.read([changed(ort, tmp_path / "old", id="teacher")], model)


def test_other_labels_or_images_are_refused(ort: Path, exported: Artifact, tmp_path: Path) -> None:
    image = json.loads((ort / "manifest.json").read_text())["image"]
    wider = changed(ort, tmp_path / "wider", image=image | {"width": image["width"] + 8})
    with pytest.raises(UserError, match="takes other images"):
        converted.read([wider], exported)


def test_another_network_under_the_same_name_is_found_out(
    pack: Callable[..., Any], exported: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    from export.convert import Config, run

    same = tmp_path / "same"
    run(Config(model=(exported.path,), format="onnx", data=str(data_folder), out=same))
    model = onnx.load(same / "model.onnx")
    for one in model.graph.initializer:
        if one.data_type == onnx.TensorProto.FLOAT and not one.dims and "scale" in one.name:
            one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one) * 2, one.name))
    onnx.save(model, same / "model.onnx")
    entries = file_entries(same)
    del entries["manifest.json"]
    listed = {name: one.model_dump() for name, one in entries.items()}
    done = pack(changed(same, tmp_path / "other", files=listed))
    assert (done.code, "does not answer as the bundle's model does" in done.err) == (3, True)
    assert not (tmp_path / "tiny.zip").exists()
    (same / "model.onnx").write_bytes(b"no model")
    listed["model.onnx"] = file_entries(same)["model.onnx"].model_dump()
    done = pack(changed(same, tmp_path / "broken", files=listed))
    assert (done.code, "it cannot be run" in done.err) == (3, True)


def test_what_is_quantized_otherwise_is_held_against_the_gate(
    pack: Callable[..., Any], trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    from export.convert import Config, run

    fp32 = tmp_path / "fp32"
    run(Config(model=(trained.path,), format="ort", data=str(data_folder), out=fp32))
    done = pack(fp32)
    assert done.code == 0, done.err
    manifest = json.loads(archive.read(tmp_path / "tiny.zip")["manifest.json"])
    assert "mAP drops by" in manifest["formats"]["ort"]["reason"]
