"""Models for other runtimes lie in the bundle, under the same hashes and signature."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compress.core.artifact import Artifact
from export.bundle.manifest import DeviceManifest
from export.device import archive, bundle


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
    unknown = {"status": "not verified", "reason": "no such device here"}
    done = pack(changed(ort, tmp_path / "other", format="coreml", verification=unknown))
    assert done.code == 0, done.err
    assert "coreml is not verified: no such device here" in done.err
    manifest = json.loads(archive.read(tmp_path / "tiny.zip")["manifest.json"])
    assert manifest["formats"]["coreml"]["status"] == "not verified"


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
