"""What `--model` and `--arch` are: recognised, or refused in one message with a way on."""

import json
import shutil
import zipfile
from pathlib import Path

import elsewhere
import pytest
import torch
from plans import manifest
from safetensors.torch import save_file

from compress.planning.starting.start import ORDER, start_of
from edgepress.core.artifact import file_entries
from edgepress.core.errors import UserError
from models import families
from models.defaults import ZOO_TEACHER

ARCH = "tiny_network:build"


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """Return those of the tiny network with two labels."""
    return families.find(ARCH).build(ARCH, 2, {}).state_dict()


@pytest.fixture
def stored(weights, tmp_path: Path):
    """Return what stores a content as `torch.save` does, and its path."""

    def store(content: object = weights, name: str = "best.pth") -> str:
        torch.save(content, tmp_path / name)
        return str(tmp_path / name)

    return store


def refused(model: str | Path | None, arch: str | None = None, labels: str = "ab") -> str:
    with pytest.raises(UserError) as raised:
        start_of(None if model is None else str(model), arch, labels)
    text = str(raised.value)
    assert "Next: " in text
    return text


def test_without_a_model_a_network_is_trained():
    start = start_of(None, None, "abc")
    assert (start.origin, start.model, start.notes) == ("none", None, ())
    assert start.architecture.name == "efficientnet_lite0"
    assert start_of(None, "resnet18", "abc").architecture.name == "resnet18"
    assert "did you mean 'resnet18'?" in refused(None, "resnet1B")


def test_a_shipped_artifact_its_folder_and_its_weights():
    for model in ("zoo:elpv_teacher", str(ZOO_TEACHER)):
        start = start_of(model, None, "abcd")
        assert (start.origin, start.model, start.notes) == ("network", ZOO_TEACHER, ())
        assert start.architecture == start.artifact.manifest.architecture
        assert start.prunable
    inside = start_of(str(ZOO_TEACHER / "model.safetensors"), "efficientnet_lite0", "abcd")
    assert (inside.origin, inside.model) == ("network", ZOO_TEACHER)
    assert "with the artifact that it lies in" in inside.notes[0]
    assert "did you mean 'elpv_teacher'?" in refused("zoo:elpv_techer")
    assert "Next: leave --arch out" in refused("zoo:elpv_teacher", "resnet18")


def test_an_onnx_artifact_is_a_graph(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    told = manifest(kind="onnx", architecture=None, files=file_entries(tmp_path))
    (tmp_path / "manifest.json").write_text(told.model_dump_json())
    start = start_of(str(tmp_path), None, "ab")
    assert (start.origin, start.architecture) == ("graph", None)
    assert start.artifact.path == tmp_path
    assert not start.prunable
    assert start_of(str(tmp_path / "model.onnx"), None, "ab").origin == "graph"
    assert "an ONNX artifact" in refused(tmp_path, "resnet18")


@pytest.mark.parametrize("name", ["theirs.onnx", "theirs.keras", "theirs.pt2"])
def test_a_file_of_a_whole_network_is_adopted_unopened(name: str, tmp_path: Path):
    (tmp_path / name).write_bytes(b"never read")
    start = start_of(str(tmp_path / name), None, "ab")
    assert (start.origin, start.model) == ("file", tmp_path / name)
    assert not start.prunable
    assert "it teaches a student" in start.notes[0]
    assert any("--trust" in note for note in start.notes) == (name == "theirs.pt2")
    assert "Next: leave --arch out" in refused(tmp_path / name, ARCH)


def test_torchscript_is_known_by_its_content(tmp_path: Path):
    elsewhere.script(tmp_path / "best.pt")
    start = start_of(str(tmp_path / "best.pt"), None, "ab")
    assert start.origin == "file"
    assert "--trust" in start.notes[1]
    assert "a TorchScript file" in refused(tmp_path / "best.pt", ARCH)


def test_weights_with_their_architecture(stored, weights):
    path = stored({"state_dict": {f"module.{name}": one for name, one in weights.items()}})
    start = start_of(path, ARCH, "ab")
    assert (start.origin, start.model, start.new_head) == ("checkpoint", Path(path), False)
    assert start.architecture.name == ARCH
    assert start.prunable
    said = [note.removeprefix(f"weights of {path}: ") for note in start.notes]
    assert said == ["taken from 'state_dict.module'", ORDER]


@pytest.mark.parametrize(
    "noted",
    [
        {"classes": ["b", "a"]},
        {"hyper_parameters": {"class_to_idx": {"a": 1, "b": 0}}},
        {"args": {"id2label": {1: "a", 0: "b"}}},
    ],
)
def test_labels_that_a_checkpoint_names_decide_the_order(stored, weights, noted: dict[str, object]):
    path = stored({"state_dict": weights, **noted})
    said = " ".join(start_of(path, ARCH, "ba").notes)
    assert "its outputs are the data's labels, as the file names them" in said
    turned = start_of(path, ARCH, "ab")
    assert not turned.new_head
    assert "put into the order of the data's labels: the file has b, a" in " ".join(turned.notes)
    assert ORDER not in said + " ".join(turned.notes)
    other = start_of(path, ARCH, "ac")
    assert other.new_head, "these outputs are of something else"
    assert "not trained: the file's outputs are b, a" in " ".join(other.notes)


def test_of_several_weights_the_recipe_chooses(stored, weights):
    other = {name: tensor + 1 for name, tensor in weights.items()}
    path = stored({"model": weights, "ema": other})
    assert "not from 'ema', which fits too (choose by --set weights_key=NAME)" in " ".join(
        start_of(path, ARCH, "ab").notes
    )
    chosen = start_of(path, ARCH, "ab", "ema").notes
    assert chosen[0] == f"weights of {path}: taken from 'ema'"


def test_weights_of_other_labels_are_only_a_body(stored):
    start = start_of(stored(), ARCH, "abc")
    assert (start.origin, start.new_head) == ("checkpoint", True)
    assert "a new output layer, not trained" in start.notes[0]
    assert not any(ORDER in note for note in start.notes)


@pytest.mark.parametrize(
    "noted",
    [
        {"arch": "resnet18"},
        {"hyper_parameters": {"lr": 0.1, "model_name": "resnet18"}},
        {"args": {"model": "resnet18", "epochs": 3}},
    ],
)
def test_the_architecture_is_guessed_where_it_is_noted(noted, stored, weights):
    text = refused(stored({"state_dict": weights, **noted}))
    assert "weights alone" in text
    assert "Next: --arch resnet18, as is noted with the weights" in text
    other = refused(stored({"state_dict": weights, **noted}), "resnet34")
    assert "another architecture" in other
    assert "(--arch resnet18)" in other


def test_the_architecture_is_guessed_from_what_lies_beside(stored, weights, tmp_path: Path):
    assert "Next: --arch NAME, as it was trained" in refused(stored())
    assert "(noted with the weights: ours)" in refused(stored({"w": weights, "arch": "ours"}))
    named = refused(stored(name="resnet18_resnet18d-best.pth"))
    assert "Next: --arch resnet18d, if the file's name is right" in named
    assert "--arch NAME" in refused(stored(name="myresnet18.pth"))
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet34"}))
    save_file(weights, tmp_path / "model.safetensors")
    assert "--arch resnet34, as is noted" in refused(tmp_path / "model.safetensors")
    assert f"{tmp_path / 'model.safetensors'} or {tmp_path / 'myresnet18.pth'}" in refused(tmp_path)
    assert refused(tmp_path).endswith("resnet18_resnet18d-best.pth --arch resnet34")


def test_a_pickled_module_is_not_opened(tmp_path: Path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    for arch in (None, ARCH):
        assert "wants to run code" in refused(tmp_path / "whole.pt", arch)


def test_what_is_not_there(stored, tmp_path: Path):
    stored()
    assert f"did you mean {tmp_path / 'best.pth'}?" in refused(tmp_path / "bset.pth")
    assert "--arch resnet18 trains" in refused("resnet18")
    assert "look for a slip" in refused(tmp_path / "no" / "model")


def test_folders_that_are_no_artifact(tmp_path: Path):
    assert "the folder that a stage has written" in refused(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    assert "tf2onnx" in refused(tmp_path)
    (tmp_path / "saved_model.pb").unlink()
    (tmp_path / "manifest.json").write_text("{}")
    assert "a bundle or a converted model" in refused(tmp_path)
    shutil.copytree(ZOO_TEACHER, tmp_path / "teacher")
    assert f"give one: {tmp_path / 'teacher'}" in refused(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.tflite", "tf2onnx"),
        ("x.h5", "model.save('network.keras')"),
        ("x.engine", "give what it was made from"),
        ("notes.txt", "a text file"),
    ],
)
def test_files_that_are_no_model(name: str, words: str, tmp_path: Path):
    (tmp_path / name).write_bytes(b"some words")
    for arch in (None, ARCH):
        assert words in refused(tmp_path / name, arch)


def test_a_bundle_is_no_model(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in ("manifest.json", "golden/expected.json", "model.onnx"):
            archive.writestr(name, "{}")
    assert "the artifact that it was made from" in refused(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("photo.png", "")
    assert "unpack it first" in refused(tmp_path / "c.zip")
