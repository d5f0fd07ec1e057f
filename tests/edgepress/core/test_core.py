"""Artifacts, the registry and the command line: whole or not there, found by name, clear."""

import json
import os
from pathlib import Path

import pytest
from plans import manifest, plan, store

from edgepress.core import artifact as artifacts
from edgepress.core import registry
from edgepress.core.ending import require
from edgepress.core.errors import GateFailed, GateUndecided, UserError, unknown_name
from edgepress.core.gates import Verdict
from edgepress.core.labels import Labels
from edgepress.core.manifest import Manifest
from edgepress.core.source import source_hash
from edgepress.core.stage import manifest_base, produce, settings


def test_an_artifact_survives_the_disk(tmp_path: Path):
    saved = store(tmp_path / "a")
    assert artifacts.load(tmp_path / "a") == saved
    assert saved.manifest.files["model.safetensors"].bytes == 7


def test_bundles_and_converted_models_are_no_artifacts(tmp_path: Path):
    saved = store(tmp_path / "a")
    other = tmp_path / "unpacked-bundle"
    other.mkdir()
    (other / "manifest.json").write_text('{"schema_version": 2, "name": "cells"}')
    assert artifacts.newest(tmp_path) == saved
    with pytest.raises(UserError, match="Not an artifact"):
        artifacts.load(other)
    with pytest.raises(UserError, match="not an artifact"):
        artifacts.check_replaceable(other)


def test_the_newest_model_is_found_beside_a_damaged_one(tmp_path: Path, capfd):
    first, second = store(tmp_path / "a"), store(tmp_path / "b")
    os.utime(first.path / "manifest.json", (1, 1))
    assert artifacts.newest(tmp_path) == second
    second.weights.write_bytes(b"")
    assert artifacts.newest(tmp_path) == first
    assert "was altered" in capfd.readouterr().err


def test_a_new_artifact_replaces_the_old_and_leaves_nothing_behind(tmp_path: Path):
    store(tmp_path / "a", b"old")
    store(tmp_path / "a", b"new")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_altered_missing_and_invalid_are_refused(tmp_path: Path):
    path = store(tmp_path / "a").path
    (path / "model.safetensors").write_bytes(b"weightz")
    with pytest.raises(UserError, match="altered"):
        artifacts.load(path)
    (path / "model.safetensors").unlink()
    with pytest.raises(UserError, match="missing"):
        artifacts.load(path)
    (path / "manifest.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        artifacts.load(path)
    (path / "manifest.json").write_text(json.dumps({"schema_version": 1, "stage": "x"}))
    with pytest.raises(UserError, match="not valid"):
        artifacts.load(path)


def test_manifest_refuses_unknown_fields():
    with pytest.raises(ValueError, match="colour"):
        manifest(colour="red")


def test_labels_need_one_threshold_each():
    with pytest.raises(ValueError, match="one entry per label"):
        Labels(names=("a", "b"), thresholds=(0.5,), prevalence=(0.1, 0.2))


def test_the_id_follows_settings_but_not_places(tmp_path: Path):
    first = plan(tmp_path / "a")
    assert first.id == plan(tmp_path / "b").id
    assert first.id != plan(tmp_path / "a", epochs=3).id
    assert "out" not in settings(first)


def test_a_stage_runs_once_and_again_when_its_settings_change(tmp_path: Path):
    built = []

    def build(workdir: Path) -> Manifest:
        (workdir / "files" / "model.safetensors").write_bytes(b"x")
        built.append(workdir)
        return manifest(id=first.id if len(built) == 1 else second.id)

    first, second = plan(tmp_path / "a"), plan(tmp_path / "a", epochs=3)
    produce(first, build)
    produce(first, build)
    assert len(built) == 1
    produce(second, build)
    assert len(built) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_stage_that_cannot_go_on_leaves_nothing(tmp_path: Path):
    def build(workdir: Path) -> Manifest:
        raise UserError("no")

    with pytest.raises(UserError):
        produce(plan(tmp_path / "a"), build)
    assert not list(tmp_path.iterdir())


def verdict(outcome: str) -> Verdict:
    return Verdict(gate="g", against=None, outcome=outcome, measured=1.0, reason="because")


def test_the_worst_verdict_decides_the_exit_code():
    require((verdict("pass"),))
    with pytest.raises(GateUndecided) as undecided:
        require((verdict("pass"), verdict("inconclusive")))
    assert undecided.value.exit_code == 4
    with pytest.raises(GateFailed) as failed:
        require((verdict("inconclusive"), verdict("fail")))
    assert failed.value.exit_code == 3


def test_registry_names_are_public_names():
    names = registry.names("edgepress.data.formats")
    assert {"csv", "elpv"} <= set(names)
    assert not [name for name in names if name.startswith("_") or name.endswith("_")]
    assert registry.find("export.targets", "cpu-vnni", "target").TARGET.name == "cpu-vnni"
    with pytest.raises(UserError, match="did you mean 'cpu-vnni'"):
        registry.find("export.targets", "cpu-vni", "target")


def test_a_long_list_of_names_is_not_printed():
    message = str(unknown_name("thing", "name7x", [f"name{n}" for n in range(500)]))
    assert "500 names" in message
    assert "name7" in message
    assert len(message) < 300


def test_the_source_hash_follows_imports_but_not_comments():
    assert source_hash("compress.train") != source_hash("compress.prune")
    assert source_hash("compress.learning.losses") == source_hash("compress.learning.losses")


def test_a_manifest_begins_with_what_the_plan_is(tmp_path: Path):
    made = plan(tmp_path / "out")
    found = manifest_base(made)
    assert (found["id"], found["stage"], found["parents"]) == (made.id, "compress.train", ())
