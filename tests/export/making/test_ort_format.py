"""`--ort`: a second file in ORT format, which must answer as model.onnx does."""

from pathlib import Path
from shutil import copyfile

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from export_helpers import SPEC, Files, run, to_int8
from onnx import numpy_helper

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from export import onnx as command
from export import targets
from export.making import ort_format

VNNI = targets.resolve("cpu-vnni")


def images(n: int = 4) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 3, SPEC.height, SPEC.width)).astype("f4")


def placed(source: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    copyfile(source, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.fixture(scope="module")
def converted(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The int8 file, with `model.ort` beside it."""
    model = placed(files.int8, tmp_path_factory.mktemp("converted"))
    ort_format.write(model, VNNI)
    return model


def test_it_holds_the_fused_graph_and_lists_its_operators(converted: Path) -> None:
    written = sorted(file.name for file in converted.parent.iterdir())
    assert written == ["model.onnx", "model.ort", "required_operators.config"]
    text = (converted.parent / "required_operators.config").read_text()
    assert "QLinearConv" in text
    assert "# - model.ort\n" in text, "no path of the machine that made it"


def test_it_answers_as_the_onnx_file_does(converted: Path) -> None:
    found = ort_format.verdict(converted, images(), VNNI)
    assert (found.outcome, found.gate) == ("pass", "ort difference <= 0.0001")
    assert found.measured is not None
    assert found.measured <= 1e-6
    given = run(converted.with_name("model.ort"), images())
    np.testing.assert_allclose(given, run(converted, images()), atol=0.02)


def other_weights(files: Files, folder: Path) -> Path:
    """Return the path of a file like `files.int8` with one other bias."""
    model = onnx.load(files.int8)
    bias = next(one for one in model.graph.initializer if one.name == "network.classifier.bias")
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 0.01, bias.name))
    onnx.save(model, folder / "other.onnx")
    return folder / "other.onnx"


def test_other_weights_fail_the_comparison(files: Files, tmp_path: Path) -> None:
    model = placed(other_weights(files, tmp_path), tmp_path)
    ort_format.write(model, VNNI)
    copyfile(files.int8, model)
    found = ort_format.verdict(model, images(), VNNI)
    assert found.outcome == "fail"
    assert found.measured is not None
    assert found.measured > ort_format.LIMIT


def test_a_damaged_file_fails_the_comparison(converted: Path, tmp_path: Path) -> None:
    model = placed(converted, tmp_path)
    whole = converted.with_name("model.ort").read_bytes()
    (tmp_path / "model.ort").write_bytes(whole[: len(whole) // 2])
    found = ort_format.verdict(model, images(), VNNI)
    assert (found.outcome, found.measured) == ("fail", None)
    assert "cannot run model.ort" in found.reason


def test_a_file_that_lost_its_metadata_fails(converted: Path, tmp_path: Path) -> None:
    model = placed(converted, tmp_path)
    copyfile(converted.with_name("model.ort"), tmp_path / "model.ort")
    assert ort_format.verdict(model, images(), VNNI).outcome == "pass"
    changed = onnx.load(model)
    changed.metadata_props.add(key="edgepress.target", value='"cpu-arm"')
    onnx.save(changed, model)
    found = ort_format.verdict(model, images(), VNNI)
    assert found.outcome == "fail"
    assert "the same about itself" in found.reason


def test_what_is_no_model_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be converted to ORT format"):
        ort_format.write(tmp_path / "model.onnx", VNNI)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def export(model: Artifact, data: Path, out: Path, *more: str) -> int:
    common = ["--model", str(model.path), "--data", str(data), "--out", str(out), "--ort"]
    return main(command.Config, command.run, [*common, *more])


def test_export_keeps_it_in_the_artifact(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    assert export(trained, data_folder, tmp_path / "out", "--target", "cpu-avx2") == 0
    made = artifacts.load(tmp_path / "out")  # verifies the hashes of all files
    assert {"model.onnx", "model.ort", "required_operators.config"} <= set(made.manifest.files)
    last = made.manifest.verdicts[-1]
    assert (last.gate, last.outcome) == ("ort difference <= 0.0001", "pass")
    assert "images with the same optimisations" in last.reason
    assert any("does not optimise it again" in note for note in made.manifest.notes)
    session = ort.InferenceSession(tmp_path / "out" / "model.ort")
    told = session.get_modelmeta().custom_metadata_map
    assert told["edgepress.id"] == f'"{made.manifest.id}"'


def test_a_failed_comparison_ends_with_3(
    trained: Artifact,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write = ort_format.write

    def damaging(model: Path, target: object) -> None:
        write(model, VNNI)
        file = model.with_name("model.ort")
        file.write_bytes(file.read_bytes()[:1000])

    monkeypatch.setattr(ort_format, "write", damaging)
    assert export(trained, data_folder, tmp_path / "out", "--target", "cpu-vnni") == 3
    assert "cannot run model.ort" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--target", "openvino"), "OpenVINO does not read it"),
        (("--target", "openvino", "--quantize", "int8"), "OpenVINO does not read it"),
        (("--target", "cuda"), "do not have the provider"),
        (("--target", "webgpu", "--quantize", "fp16"), "no ORT format in fp16"),
        (("--target", "webgpu", "--quantize", "int8_weights"), "unpacks the weights"),
    ],
)
def test_refusals_end_with_2_before_any_work(
    more: tuple[str, ...],
    message: str,
    trained: Artifact,
    data_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert export(trained, data_folder, tmp_path / "out", *more) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", targets.names())
def test_every_target_has_it_or_says_why_not(name: str) -> None:
    target = targets.resolve(name)
    assert (target.ort_level is None) == bool(target.ort_refusal)


def test_signed_activations_are_fused_for_arm(files: Files, tmp_path: Path) -> None:
    arm = targets.resolve("cpu-arm")
    to_int8(files.fp32, tmp_path / "model.onnx", arm, files.calibration)
    ort_format.write(tmp_path / "model.onnx", arm)
    assert "QLinearConv" in (tmp_path / ort_format.OPERATORS).read_text()
    assert ort_format.verdict(tmp_path / "model.onnx", images(), arm).outcome == "pass"
