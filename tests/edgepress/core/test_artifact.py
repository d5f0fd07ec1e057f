"""Which artifact is found below a folder, and which manifests are read."""

import json
import os
from pathlib import Path

import pytest
from plans import manifest, store

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError


def exported(path: Path, stage: str = "export.onnx") -> Artifact:
    """Store an ONNX artifact."""
    work = path.with_name("work")
    work.mkdir()
    (work / "model.onnx").write_bytes(b"graph")
    return artifacts.save(path, work, manifest(kind="onnx", id=path.name, stage=stage))


def aged(model: Artifact, seconds: int) -> Artifact:
    os.utime(model.path / "manifest.json", (seconds, seconds))
    return model


def test_the_newest_of_a_kind_and_a_stage(tmp_path: Path):
    first, second = aged(store(tmp_path / "a"), 1), aged(store(tmp_path / "b"), 2)
    int8 = aged(exported(tmp_path / "c", stage="other"), 3)
    onnx = aged(exported(tmp_path / "d"), 4)
    assert artifacts.newest(tmp_path) == onnx
    assert artifacts.newest(tmp_path, kind="torch") == second
    assert artifacts.newest(tmp_path, stage="other") == int8
    assert artifacts.newest(tmp_path, kind="torch", stage="other") is None
    assert artifacts.newest(tmp_path / "a") == first


def test_a_model_that_the_disk_does_not_give_is_passed_over(tmp_path: Path, monkeypatch, capfd):
    first, second = aged(store(tmp_path / "a"), 1), aged(store(tmp_path / "b"), 2)
    load = artifacts.load

    def unreadable(path: Path) -> Artifact:
        if path == second.path:
            raise OSError(5, "Input/output error", str(path))
        return load(path)

    monkeypatch.setattr(artifacts, "load", unreadable)
    assert artifacts.newest(tmp_path) == first
    assert "passed over: [Errno 5]" in capfd.readouterr().err


def test_a_hidden_folder_is_not_looked_into(tmp_path: Path):
    store(tmp_path / ".a.work-1")
    (tmp_path / "in").mkdir()
    hidden = store(tmp_path / "in" / ".hidden")
    assert artifacts.newest(tmp_path) is None
    assert artifacts.with_id(tmp_path, ["x"]) is None
    assert artifacts.newest(hidden.path) == hidden, "named by the user"


def test_an_artifact_is_found_by_its_id(tmp_path: Path):
    store(tmp_path / "a")  # its id is "x"
    for name in ("b", "c"):
        exported(tmp_path / name)
    (tmp_path / "b" / "manifest.json").write_text('{"stage": 1')
    assert artifacts.with_id(tmp_path, ["c", "d"]) == tmp_path / "c"
    assert artifacts.with_id(tmp_path, {"x", "c"}) == tmp_path / "a"
    assert artifacts.with_id(tmp_path, ["b"]) is None
    assert artifacts.with_id(tmp_path, []) is None


def test_a_manifest_of_a_newer_schema_is_refused(tmp_path: Path):
    file = store(tmp_path / "a").path / "manifest.json"
    newer = artifacts.SCHEMA_VERSION + 1
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": newer}))
    with pytest.raises(UserError, match="newer schema"):
        artifacts.load(tmp_path / "a")


def test_the_output_is_no_model_that_is_read_however_it_is_called(tmp_path: Path):
    made = store(tmp_path / "a")
    (tmp_path / "link").symlink_to(made.path)
    for out, model in ((made.path, tmp_path / "link"), (tmp_path / "link", made.path)):
        with pytest.raises(UserError, match="would replace the model it is made from"):
            artifacts.check_place(out, [model])
