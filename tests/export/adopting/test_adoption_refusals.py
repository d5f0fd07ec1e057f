"""What is no network, or not one image to one value a label, ends with one message and code 2."""

import importlib.util
import io
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import elsewhere
import numpy as np
import onnx
import pytest
import torch
from export_network import tiny
from onnx import TensorProto, helper
from places import ROOT, SUPPORT

needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="Keras is not installed"
)


@pytest.fixture
def refused(command, data_folder: Path, tmp_path: Path):
    """Adopt a file, which must end with code 2 and write nothing; return the message."""

    def adopt(file: Path, *options: object, trust: bool = True) -> str:
        out = tmp_path / "out"
        given = ("--trust",) if trust else ()
        done = command(
            "export.adopt", "--model", file, "--data", data_folder, "--out", out, *given, *options
        )
        assert (done.code, out.exists()) == (2, False), done.err
        assert "Traceback" not in done.err
        return done.err.partition("error: ")[2]

    return adopt


def test_no_file(refused, tmp_path: Path) -> None:
    assert "There is no such file" in refused(tmp_path / "none.onnx")


@pytest.mark.parametrize("ending", [".onnx", ".pt2", pytest.param(".keras", marks=needs_keras)])
@pytest.mark.parametrize(
    "content", [b"a text, and no network\n" * 9, b"", b"PK\x03\x04" + b"\0" * 99]
)
def test_files_that_are_only_called_so(
    refused, tmp_path: Path, ending: str, content: bytes
) -> None:
    file = tmp_path / f"network{ending}"
    file.write_bytes(content)
    assert "Got:" in refused(file)


@pytest.mark.parametrize("name", ["network.pt", "network.pth", "network.bin", "notes.txt"])
def test_files_of_no_kind(refused, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("nothing")
    assert "Not a network file" in refused(tmp_path / name)


def test_other_formats_are_told_the_way(refused, tmp_path: Path) -> None:
    (tmp_path / "old.h5").write_bytes(b"\x89HDF")
    assert "model.save('network.keras')" in refused(tmp_path / "old.h5")
    (tmp_path / "lite.tflite").write_bytes(b"TFL3")
    assert "tf2onnx" in refused(tmp_path / "lite.tflite")


class Bomb:
    """Runs when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_pickled_modules_are_never_opened(refused, tmp_path: Path) -> None:
    torch.save(tiny(3), tmp_path / "whole.pt")
    assert "a pickle is never opened" in refused(tmp_path / "whole.pt")
    torch.save(Bomb(tmp_path / "ran"), tmp_path / "bomb.pt")
    assert "a pickle is never opened" in refused(tmp_path / "bomb.pt")
    assert not (tmp_path / "ran").exists()


def test_programs_are_opened_only_when_trusted(refused, tmp_path: Path) -> None:
    for file in (elsewhere.script(tmp_path / "s.pt"), elsewhere.program(tmp_path / "p.pt2")):
        assert "--trust" in refused(file, trust=False)


def replaced(file: Path, name: str, content: bytes) -> Path:
    """Write a zip again with another content of one member."""
    out = file.with_name(f"changed-{file.name}")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            new.writestr(member, content if member.endswith(name) else old.read(member))
    return out


def test_a_trusted_program_still_runs_no_pickle(refused, tmp_path: Path) -> None:
    file = elsewhere.program(tmp_path / "p.pt2")
    bomb = io.BytesIO()
    torch.save((Bomb(tmp_path / "ran"),), bomb)
    changed = replaced(file, "sample_inputs/model.pt", bomb.getvalue())
    assert "a pickle that may run code" in refused(changed)
    with zipfile.ZipFile(file) as archive:
        name = next(n for n in archive.namelist() if n.endswith("weights_config.json"))
        config = json.loads(archive.read(name))
    first = next(iter(config["config"].values()))
    first["use_pickle"] = True
    changed = replaced(file, "weights_config.json", json.dumps(config).encode())
    changed = replaced(
        changed, f"weights/{first['path_name']}", pickle.dumps(Bomb(tmp_path / "ran"))
    )
    assert "a pickle that may run code" in refused(changed)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("make", [elsewhere.script, elsewhere.program])
def test_a_cut_off_file(refused, tmp_path: Path, make) -> None:
    file = make(tmp_path / "network.pt2")
    file.write_bytes(file.read_bytes()[:3000])
    assert "cannot be opened" in refused(file)


def test_a_cut_off_onnx_file(refused, tmp_path: Path) -> None:
    file = elsewhere.onnx_file(tmp_path / "network.onnx")
    file.write_bytes(file.read_bytes()[:3000])
    assert "ONNX" in refused(file)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (tiny(5), "5 outputs, and the data have 3 labels"),
        (elsewhere.Maps(), "not one value for each label"),
        (elsewhere.TwoHeads(), "2 outputs"),
    ],
    ids=["five", "maps", "two"],
)
def test_other_outputs_than_the_labels(refused, tmp_path: Path, network, message: str) -> None:
    assert message in refused(elsewhere.onnx_file(tmp_path / "n.onnx", network))


def test_a_program_of_two_outputs(refused, tmp_path: Path) -> None:
    file = elsewhere.program(tmp_path / "n.pt2", elsewhere.TwoHeads())
    assert "does not return one tensor. Got: a tuple of 2" in refused(file)


def test_several_inputs(refused, tmp_path: Path) -> None:
    images = (elsewhere.example(), elsewhere.example())
    file = elsewhere.onnx_file(tmp_path / "n.onnx", elsewhere.Pair(), *images)
    assert "2 inputs" in refused(file)
    file = elsewhere.program(tmp_path / "n.pt2", elsewhere.Pair(), *images)
    assert "2 inputs" in refused(file)


@pytest.mark.parametrize("labels", [("bright", "red"), ("bright", "red", "blue")])
def test_other_labels_than_the_data(refused, tmp_path: Path, labels) -> None:
    file = elsewhere.onnx_file(tmp_path / "n.onnx")
    assert "not the labels of the data" in refused(file, "--labels", *labels)


def test_what_contradicts_the_file(refused, tmp_path: Path) -> None:
    file = elsewhere.onnx_file(tmp_path / "n.onnx")
    assert "fixed in the file" in refused(file, "--image-size", 64)
    assert "number of channels" in refused(file, "--channels", 1)
    assert "number of channels" in refused(file, "--layout", "NHWC")
    pixels = ("--mean", 0, 0, 0, "--std", 1, 1, 1)
    assert "not probabilities" in refused(file, "--output", "probs", *pixels)
    assert "belong together" in refused(file, "--mean", 0, 0, 0)
    sigmoid = elsewhere.nhwc_onnx(tmp_path / "nhwc.onnx")
    assert "second sigmoid" in refused(sigmoid, "--output", "logits", *pixels)


def test_a_size_that_nobody_says(refused, tmp_path: Path) -> None:
    assert "does not say the size" in refused(elsewhere.script(tmp_path / "s.pt"))
    axes = {"image": {0: "n", 2: "h", 3: "w"}}
    file = elsewhere.onnx_file(tmp_path / "o.onnx", input_names=["image"], dynamic_axes=axes)
    assert "does not say the size" in refused(file)


def test_a_batch_that_is_fixed(refused, tmp_path: Path) -> None:
    file = elsewhere.onnx_file(tmp_path / "n.onnx", None, torch.zeros(4, 3, 32, 32))
    assert "batch of 1" in refused(file)


def test_open_sizes_that_fit_one_size_only(refused, tmp_path: Path) -> None:
    """Open height and width before a dense layer that was made for another size."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3 * 16 * 16, 3], np.zeros(2304))
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("Gemm", ["flat", "w"], ["made"]),
        ],
        "fixed",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("made", TensorProto.FLOAT, [1, 3])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "n.onnx")
    assert "does not run on an image" in refused(tmp_path / "n.onnx", "--image-size", 32)


def test_an_input_of_bytes(refused, tmp_path: Path) -> None:
    model = onnx.load(elsewhere.onnx_file(tmp_path / "n.onnx"))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    onnx.save(model, tmp_path / "n.onnx")
    assert "something else than floats" in refused(tmp_path / "n.onnx")


def test_an_artifact_is_one_already(refused, trained) -> None:
    assert "an artifact already" in refused(trained.path)


def test_a_bare_file_is_told_the_way(command, data_folder: Path, tmp_path: Path) -> None:
    file = elsewhere.onnx_file(tmp_path / "n.onnx")
    done = command("benchmarks.accuracy", "--model", file, "--data", data_folder)
    assert done.code == 2
    assert "python -m export.adopt" in done.err


@needs_keras
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_keras_models_that_hold_code_or_foreign_layers(refused, tmp_path: Path) -> None:
    made = elsewhere.keras_model()
    import keras

    elsewhere.keras_file(tmp_path / "code.keras", 3, keras.layers.Lambda(lambda x: x * 2))
    assert "holds Python code" in refused(tmp_path / "code.keras")

    class Doubled(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    elsewhere.keras_file(tmp_path / "own.keras", 3, Doubled())
    assert "not Keras' own" in refused(tmp_path / "own.keras")
    images = [keras.Input((32, 32, 3)), keras.Input((32, 32, 3))]
    pair = keras.Model(images, keras.layers.Add()([made(image) for image in images]))
    pair.save(tmp_path / "pair.keras")
    assert "something else than one tensor" in refused(tmp_path / "pair.keras")


@needs_keras
def test_another_back_end_of_keras(tmp_path: Path, data_folder: Path) -> None:
    file = tmp_path / "k.keras"
    elsewhere.keras_file(file)
    path = os.pathsep.join([str(ROOT), str(SUPPORT), os.environ.get("PYTHONPATH", "")])
    words = ["export.adopt", "--model", str(file), "--data", str(data_folder)]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--out", str(tmp_path / "out")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "KERAS_BACKEND=torch" in done.stderr


def test_a_missing_package_names_the_extra(refused, tmp_path: Path, monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "keras" else found(name)
    )
    (tmp_path / "k.keras").write_bytes(b"PK")
    assert "pip install 'edgepress[keras]'" in refused(tmp_path / "k.keras")


class Narrow(torch.nn.Module):
    """A network in single precision but for what it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.body = tiny(3)

    def forward(self, image):
        """Return bfloat16."""
        return self.body(image).bfloat16()


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (lambda: tiny(3).bfloat16(), "computes in bfloat16.*after model.float()"),
        (lambda: tiny(3).double(), "computes in float64.*after model.float()"),
        (Narrow, "computes in bfloat16.*what it returns"),
    ],
)
@pytest.mark.parametrize("ending", ["pt2", "pt"])
def test_a_network_in_another_precision(refused, tmp_path: Path, network, told, ending) -> None:
    built, file = network().eval(), tmp_path / f"network.{ending}"
    image = torch.zeros(1, 3, 32, 32, dtype=next(built.parameters()).dtype)  # as the file declares
    if ending == "pt2":
        torch.export.save(torch.export.export(built, (image,)), file)
    else:
        with warnings.catch_warnings():  # torch no longer develops it
            warnings.simplefilter("ignore")
            torch.jit.save(torch.jit.trace(built, image), file)
    size = ("--image-size", 32) if ending == "pt" else ()
    assert re.search(told, refused(file, *size))
