"""Networks made elsewhere become artifacts that go the whole way, or stop with one message."""

import importlib.util
from pathlib import Path

import elsewhere
import numpy as np
import onnx
import pytest
import torch
from export_helpers import LABELS, Files, run
from export_network import tiny

from benchmarks.evaluation.candidates import open_model
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.data.pixels import normalise

needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="Keras is not installed"
)
IMAGENET = ("--mean", 0.485, 0.456, 0.406, "--std", 0.229, 0.224, 0.225)
BYTES = ("--mean", 0, 0, 0, "--std", 1 / 255, 1 / 255, 1 / 255)
KINDS = [
    "plain.onnx",
    "nhwc.onnx",
    "grey.onnx",
    "program.pt2",
    "traced.pt",
    "scripted.ts",
    pytest.param("model.keras", marks=needs_keras),
    pytest.param("grey.keras", marks=needs_keras),
]


@pytest.fixture(scope="session")
def files_from_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each kind."""
    folder = tmp_path_factory.mktemp("elsewhere")
    elsewhere.onnx_file(folder / "plain.onnx")
    elsewhere.nhwc_onnx(folder / "nhwc.onnx")
    elsewhere.onnx_file(folder / "grey.onnx", elsewhere.Grey(), elsewhere.example(1))
    elsewhere.program(folder / "program.pt2")
    elsewhere.script(folder / "traced.pt")
    elsewhere.script(folder / "scripted.ts", traced=False)
    if importlib.util.find_spec("keras"):
        elsewhere.keras_file(folder / "model.keras")
        elsewhere.keras_file(folder / "grey.keras", 1)
    return folder


def adopted(command, file: Path, data: Path, out: Path, *options: object) -> Artifact:
    mean, std = (0, 1 / 255) if file.suffix == ".keras" else (0.459, 0.226)
    pixels = BYTES if file.suffix == ".keras" else IMAGENET
    if file.stem == "grey":
        pixels = ("--mean", mean, "--std", std)
    else:  # the network knows nothing, so nothing can be found out
        pixels += ("--channel-order", "RGB")
    done = command(
        "export.adopt", "--model", file, "--data", data, "--out", out, "--trust",
        "--image-size", elsewhere.SIDE, *pixels, "--gate", "parity <= 1e-3", *options,
    )  # fmt: skip
    assert done.code == 0, done.err
    return artifacts.load(out)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Pillow's mode L of images `[n, h, w, 3]`, by its formula: whole numbers, a 16-bit shift."""
    whole = pixels.astype(int) @ [19595, 38470, 7471] + 32768
    return (whole >> 16)[..., None].astype(np.uint8)


def probabilities(file: Path, pixels: np.ndarray) -> np.ndarray:
    """What the file's own library makes of pixels, without a line of edgepress."""
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    if file.stem == "grey":
        pixels, mean, std = grey(pixels), [0.459], [0.226]
    image = ((pixels.astype("f4") / np.float32(255) - mean) / std).astype("f4")
    if file.suffix == ".keras":
        import keras

        whole = pixels.astype("f4")
        return np.asarray(keras.saving.load_model(file)(whole, training=False).detach())
    if file.suffix == ".onnx":
        raw = run(file, image if file.stem == "nhwc" else image.transpose(0, 3, 1, 2))
        return raw if file.stem == "nhwc" else 1 / (1 + np.exp(-raw))

    batch = torch.from_numpy(np.ascontiguousarray(image.transpose(0, 3, 1, 2)))
    program = file.suffix == ".pt2"
    network = torch.export.load(file).module() if program else torch.jit.load(file)
    with torch.no_grad():
        return torch.cat([network(one[None]) for one in batch]).sigmoid().numpy()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*", "ignore:__array__ implementation")
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_computes_what_its_own_library_does(
    name: str, files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    file = files_from_elsewhere / name
    made = adopted(command, file, data_folder, tmp_path / "made")
    manifest, pixels = made.manifest, elsewhere.pictures()
    assert (manifest.kind, manifest.precision, manifest.labels.names) == ("onnx", "fp32", LABELS)
    assert manifest.measurements.parity_max_prob_diff is not None
    assert manifest.measurements.parity_max_prob_diff < 1e-5
    assert manifest.measurements.params
    assert manifest.measurements.macs
    graph = onnx.load(made.weights).graph
    assert [port.name for port in (*graph.input, *graph.output)] == ["image", "probs"]
    seen = grey(pixels) if file.stem == "grey" else pixels
    assert manifest.image.channels == seen.shape[-1]
    ours = run(made.weights, normalise(seen, manifest.image))
    np.testing.assert_allclose(ours, probabilities(file, pixels), atol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["nhwc.onnx", "program.pt2", "traced.pt", pytest.param("model.keras", marks=needs_keras)],
)
def test_every_kind_goes_on_to_int8_gates_and_a_bundle(
    name: str, files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    made, int8 = tmp_path / "made", tmp_path / "int8"
    adopted(command, files_from_elsewhere / name, data_folder, made)
    data = ("--data", data_folder)
    done = command(
        "export.onnx", "--model", made, *data, "--quantize", "int8", "--target", "cpu-vnni",
        "--budget", 0, "--emulate", 0, "--calibration-images", 24, "--out", int8,
        "--gate", "int8_convs >= 0.5",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert artifacts.load(int8).manifest.measurements.int8_convs_fused
    done = command(
        "benchmarks.gate", "--candidate", int8, "--baseline", made, *data, "--gate", "map >= 0.1"
    )
    assert done.code == 0, done.err
    assert command("benchmarks.accuracy", "--model", int8, *data).code == 0
    bundle = ("--model", int8, *data, "--out", tmp_path / "b.zip")
    assert command("export.bundle.__main__", *bundle).code == 0


def test_what_the_file_does_not_say_is_found_out_and_printed(
    files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    file = files_from_elsewhere / "nhwc.onnx"
    words = ("--model", file, "--data", data_folder, "--out", tmp_path / "a", *IMAGENET)
    done = command("export.adopt", *words, "--gate", "parity <= 1e-3")
    assert done.code == 0, done.err
    for said in ("32 x 32 pixels (the file)", "NHWC", "probs (", "by --mean and --std"):
        assert said in done.err
    assert any("made elsewhere" in note for note in open_model(tmp_path / "a").manifest.notes)


@pytest.mark.parametrize("name", ["plain.onnx", "program.pt2"])
def test_outputs_get_the_order_of_the_data(
    name: str, files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    file, pixels = files_from_elsewhere / name, elsewhere.pictures()
    theirs = ("striped", "bright", "red")
    made = adopted(command, file, data_folder, tmp_path / "made", "--labels", *theirs)
    ours = run(made.weights, normalise(pixels, made.manifest.image))
    wanted = probabilities(file, pixels)[:, [theirs.index(label) for label in LABELS]]
    np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_a_file_of_options_describes_a_network(
    files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    told = tmp_path / "network.toml"
    told.write_text(
        f'model = "{files_from_elsewhere / "plain.onnx"}"\nlabels = {list(reversed(LABELS))}\n'
        'image_size = [32]\nmean = [0.5, 0.5, 0.5]\nstd = [0.25, 0.25, 0.25]\nlayout = "NCHW"\n'
        'gate = ["parity <= 1e-3"]\n'
    )
    out = tmp_path / "made"
    done = command("export.adopt", "--config", told, "--data", data_folder, "--out", out)
    assert done.code == 0, done.err
    manifest = artifacts.load(out).manifest
    assert (manifest.image.mean, manifest.image.std) == ((0.5,) * 3, (0.25,) * 3)
    assert done.err.count("striped, red, bright (--labels)") == 1


def test_the_same_file_again_does_nothing_and_another_one_is_made(
    files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    file = tmp_path / "network.onnx"
    file.write_bytes((files_from_elsewhere / "plain.onnx").read_bytes())
    first = adopted(command, file, data_folder, tmp_path / "made")
    assert adopted(command, file, data_folder, tmp_path / "made").manifest == first.manifest
    file.write_bytes((files_from_elsewhere / "nhwc.onnx").read_bytes())
    assert adopted(command, file, data_folder, tmp_path / "made").manifest.id != first.manifest.id


def test_an_adopted_network_teaches_a_student_and_is_not_pruned(
    files_from_elsewhere: Path, data_folder: Path, tmp_path: Path, command
) -> None:
    made, student = tmp_path / "made", tmp_path / "student"
    adopted(command, files_from_elsewhere / "plain.onnx", data_folder, made)
    done = command(
        "compress.distill", "--teacher", made, "--student", "export_network:tiny_untrained",
        "--data", data_folder, "--epochs", 1, "--batch-size", 8, "--out", student,
        "--gate", "map >= 0.05",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "learns its probabilities" in done.err
    assert artifacts.load(student).manifest.kind == "torch"
    for stage, option in (("compress.prune", "--model"), ("compress.distill", "--student")):
        done = command(stage, option, made, "--data", data_folder, "--out", tmp_path / "no")
        assert (done.code, (tmp_path / "no").exists()) == (2, False)
        assert "fixed" in done.err
        assert "compress.distill --teacher" in done.err


def test_an_int8_file_of_others_is_measured_and_not_quantized_again(
    files: Files, data_folder: Path, tmp_path: Path, command
) -> None:
    made = adopted(command, files.int8, data_folder, tmp_path / "made")
    assert made.manifest.precision == "int8"
    assert made.manifest.measurements.parity_max_prob_diff == 0
    done = command(
        "export.onnx", "--model", made.path, "--data", data_folder, "--quantize", "int8",
        "--out", tmp_path / "again",
    )  # fmt: skip
    assert (done.code, (tmp_path / "again").exists()) == (2, False)
    assert "Only a float model" in done.err


def test_a_doubt_is_said_once(data_folder: Path, tmp_path: Path, command) -> None:
    """Logits within 0..1 by chance: when the artifact is made, and when it is there already."""
    network = tiny(len(LABELS))
    with torch.no_grad():
        network.classifier.weight.div_(100)
        network.classifier.bias.fill_(0.5)
    file = elsewhere.onnx_file(tmp_path / "n.onnx", network)
    words = ("--model", file, "--data", data_folder, "--out", tmp_path / "a", *IMAGENET)
    for _ in range(2):
        done = command("export.adopt", *words, "--channel-order", "RGB", "--gate", "parity <= 1")
        assert done.code == 0, done.err
        assert done.err.count("--output logits") == 1
