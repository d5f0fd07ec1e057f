"""`python -m export.onnx`, as a user runs it."""

from pathlib import Path

import pytest
from export_helpers import LABELS, store
from export_network import tiny

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.eval_file import load_eval
from edgepress.data.dataset import Dataset
from export.graph import metadata
from export.onnx import Config, run

EXACT = ("int8_convs >= 1", "size ratio <= 0.9")


def arguments(model: Artifact, data: Path, out: Path, *more: str) -> list[str]:
    """Return a command line for the tiny data."""
    common = ["--calibration-images", "16", "--target", "cpu-vnni", "--emulate", "0"]
    common += ["--budget", "0"]
    return ["--model", str(model.path), "--data", str(data), "--out", str(out), *common, *more]


@pytest.fixture(scope="module")
def quantized(
    trained: Artifact, data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """The tiny network, quantized straight from the PyTorch artifact."""
    config = Config(
        model=trained.path,
        data=str(data_folder),
        out=tmp_path_factory.mktemp("exports") / "tiny-int8",
        quantize="int8",
        target="cpu-vnni",
        calibration_images=16,
        emulate=0,
        budget="0",  # what a search finds faster is this machine's
        gate=EXACT,
    )
    return run(config)


def test_int8_from_pytorch(quantized: Artifact, trained: Artifact) -> None:
    manifest = artifacts.load(quantized.path).manifest
    assert (manifest.kind, manifest.precision, manifest.target) == ("onnx", "int8", "cpu-vnni")
    assert manifest.parents == (trained.manifest.id,)
    assert manifest.labels == trained.manifest.labels
    assert manifest.data == trained.manifest.data
    found = manifest.measurements
    assert (found.int8_convs_fused, found.convs_kept_float, found.convs_total) == (3, 1, 4)
    assert found.params is not None
    assert found.map is not None
    assert found.parity_max_prob_diff is not None
    assert 0 < found.parity_max_prob_diff < 0.1
    assert sorted(manifest.files) == ["eval.npz", "model.onnx"]
    assert load_eval(quantized.path / "eval.npz").map == found.map


def test_the_export_in_between_is_held_against_pytorch(quantized: Artifact) -> None:
    verdicts = quantized.manifest.verdicts
    gates = ["parity <= 0.001", "flipped <= 0.002", "int8_convs >= 1", "size ratio <= 0.9"]
    assert [verdict.gate for verdict in verdicts] == gates
    assert {verdict.outcome for verdict in verdicts} == {"pass"}
    assert "fp32 export against PyTorch" in verdicts[0].reason


def test_file_knows_its_artifact(quantized: Artifact) -> None:
    facts = metadata.read(quantized.weights)
    assert facts.id == quantized.manifest.id
    assert facts.parent == quantized.manifest.parents[0]
    assert (facts.labels, facts.image) == (quantized.manifest.labels, quantized.manifest.image)
    assert (facts.precision, facts.target) == ("int8", "cpu-vnni")


def test_second_run_does_nothing(
    quantized: Artifact, trained: Artifact, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = quantized.weights.stat().st_mtime_ns
    more = ["--quantize", "int8", "--gate", *EXACT]
    assert main(Config, run, arguments(trained, data_folder, quantized.path, *more)) == 0
    assert "unchanged" in capsys.readouterr().err
    assert quantized.weights.stat().st_mtime_ns == before


def test_fp32_then_fp16_and_int8_from_the_onnx_artifact(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    assert main(Config, run, arguments(trained, data_folder, tmp_path / "fp32")) == 0
    base = artifacts.load(tmp_path / "fp32")
    assert [verdict.outcome for verdict in base.manifest.verdicts] == ["pass", "pass"]
    half = ["--quantize", "fp16", "--target", "cuda", "--gate", "flipped <= 0.05"]
    assert main(Config, run, arguments(base, data_folder, tmp_path / "fp16", *half)) == 0
    whole = ["--quantize", "int8", "--gate", *EXACT]
    assert main(Config, run, arguments(base, data_folder, tmp_path / "int8", *whole)) == 0
    made = artifacts.load(tmp_path / "int8").manifest
    assert made.parents == (base.manifest.id,)
    assert [verdict.gate for verdict in made.verdicts] == list(EXACT)


def test_missed_gate_ends_with_3_and_keeps_the_artifact(
    trained: Artifact, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(Config, run, arguments(trained, data_folder, out, "--gate", "size <= 100B")) == 3
    assert "size <= 100" in capsys.readouterr().err
    assert [one.outcome for one in artifacts.load(out).manifest.verdicts] == ["fail"]


@pytest.mark.usefixtures("timed_once")
def test_latency_is_measured_against_the_fp32_export(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    more = ["--quantize", "int8", "--gate", "latency speedup >= 0.001"]
    assert main(Config, run, arguments(trained, data_folder, tmp_path / "out", *more)) == 0
    verdict = artifacts.load(tmp_path / "out").manifest.verdicts[-1]
    assert verdict.against == "tiny-fp32"
    assert verdict.measured is not None
    assert verdict.ci95 is not None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--quantize", "int8", "--target", "cuda"), "no integer convolution"),
        (("--target", "cpu-vni"), "did you mean 'cpu-vnni'"),
        (("--gate", "mapp >= 1"), "Unknown gate metric"),
        (("--gate", "map drop <= 0.1 vs other"), "compare with the model"),
        (("--data", "/nowhere"), "There is no such data"),
    ],
)
def test_bad_input_is_told_before_any_work(
    more: tuple[str, ...],
    message: str,
    trained: Artifact,
    data_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert main(Config, run, arguments(trained, data_folder, out, *more)) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_int8_model_is_not_quantized_again(
    quantized: Artifact, data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--quantize", "int8"]
    assert main(Config, run, arguments(quantized, data_folder, tmp_path / "out", *more)) == 2
    assert "Only a float model" in capsys.readouterr().err


def test_output_never_replaces_the_model(
    trained: Artifact, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(Config, run, arguments(trained, data_folder, trained.path)) == 2
    assert "would replace the model" in capsys.readouterr().err
    assert artifacts.load(trained.path).manifest.kind == "torch"


def test_depthwise_widths_that_miss_the_fast_kernel_are_told(
    trained: Artifact, dataset: Dataset, data_folder: Path, tmp_path: Path
) -> None:
    def notes(model: Artifact, out: str) -> str:
        more = ["--quantize", "int8", "--gate", "int8_convs >= 1"]
        assert main(Config, run, arguments(model, data_folder, tmp_path / out, *more)) == 0
        return " ".join(artifacts.load(tmp_path / out).manifest.notes)

    odd = store(tmp_path / "odd", tiny(len(LABELS), width=24), dataset, width=24)
    assert "1 depthwise convolutions miss" in notes(odd, "odd-int8")
    assert "depthwise" not in notes(trained, "even-int8")


@pytest.mark.slow
@pytest.mark.timing
def test_a_file_for_openvino_is_searched_for_timed_and_judged_in_openvino(
    trained: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    """What the search does for ONNX Runtime it does for OpenVINO."""
    more = ["--quantize", "int8", "--target", "openvino", "--budget", "20s"]
    gates = ["--gate", "map drop <= -1"]  # which cannot be met
    code = main(Config, run, [*arguments(trained, data_folder, tmp_path / "out", *more), *gates])
    assert code == 3
    made = artifacts.load(tmp_path / "out")
    changes = [step.change for step in made.manifest.search]
    assert "bias correction layer by layer instead of all at once" in changes
    assert made.manifest.search[0].speedup is not None
    stored = load_eval(made.path / "eval.npz")
    assert (stored.provider_asked, stored.provider_opened) == ("openvino", "OpenVINO:CPU")
