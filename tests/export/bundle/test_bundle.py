"""The bundle: the same bytes each time, and a device that needs no training library."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_helpers import LABELS
from PIL import Image
from places import ROOT

from benchmarks.claims import bundle as claim
from edgepress.core import artifact as artifacts
from edgepress.core.alike import Limit
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.gates import Verdict
from edgepress.data.dataset import Dataset
from edgepress.device.bundle import archive
from edgepress.device.watch import Watch
from export.bundle.__main__ import Config, run
from export.bundle.manifest import DeviceManifest
from export.shipped import check

# What must not be importable on the device; `None` in sys.modules makes an import fail.
BLOCKED = ("torch", "onnx", "pydantic", "edgepress", "models", "benchmarks", "compress", "export")
START = (
    "import runpy, sys; sys.modules.update(dict.fromkeys({blocked}, None)); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def on_device(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a script where the training libraries cannot be imported."""
    start = [sys.executable, "-I", "-c", START.format(blocked=BLOCKED)]
    return subprocess.run([*start, *command], cwd=folder, capture_output=True, text=True)


def manifest_of(folder: Path) -> DeviceManifest:
    return DeviceManifest.model_validate_json((folder / "manifest.json").read_text())


def test_another_process_writes_the_same_bytes(
    packed: Path, exported: Artifact, data_folder: Path, shell: Callable[..., Any], tmp_path: Path
) -> None:
    done = shell(
        "export.bundle", "--model", exported.path, "--data", data_folder,
        "--out", tmp_path / "b.zip", "--latency-budget", "10s",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (tmp_path / "b.zip").read_bytes() == packed.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


def test_manifest_names_every_file(unpacked: Path, exported: Artifact) -> None:
    manifest = manifest_of(unpacked)
    present = {p.relative_to(unpacked).as_posix() for p in unpacked.rglob("*") if p.is_file()}
    assert set(manifest.files) == present - {"manifest.json"}
    for name, entry in manifest.files.items():
        content = (unpacked / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry.sha256, entry.bytes)
    assert {"run.py", "MODEL_CARD.md", "sbom.cdx.json", "LICENSES/edgepress.txt"} <= present
    assert "edgepress_device/watch/__init__.py" in present
    verdicts = manifest.evidence.verdicts
    assert verdicts[:-2] == (*exported.manifest.parent_verdicts, *exported.manifest.verdicts)
    shipped = ["shipped_parity <= 0.002", "shipped_flipped <= 0.002"]
    assert [(one.gate, one.outcome) for one in verdicts[-2:]] == [
        (gate, "pass") for gate in shipped
    ]


def test_manifest_keeps_the_contract_with_the_device(unpacked: Path, exported: Artifact) -> None:
    manifest = json.loads((unpacked / "manifest.json").read_text())
    labels = exported.manifest.labels
    assert (manifest["schema_version"], manifest["name"], manifest["release"]) == (
        2,
        "tiny-int8",
        1,
    )
    assert manifest["labels"] == {
        "names": list(labels.names),
        "thresholds": list(labels.thresholds),
    }
    assert manifest["io"]["input"] == {
        "name": "image", "dtype": "uint8", "shape": ["height", "width", 3], "color": "RGB",
    }  # fmt: skip
    assert manifest["budget"] == {"latency_s": 10.0, "peak_rss_bytes": None}
    assert set(manifest["runtime"]) == {
        "intra_op_threads", "enable_cpu_mem_arena", "allow_spinning",
    }  # fmt: skip
    assert set(manifest["created_with"]) == {"edgepress", "onnx", "onnxruntime"}
    assert manifest["reference"] is None  # 80 photographs have too few for validation


def test_the_device_tests_itself_and_predicts(
    unpacked: Path, exported: Artifact, dataset: Dataset
) -> None:
    done = on_device(unpacked, "run.py", "selftest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["passed"] is True
    photos = [str(path) for path in dataset.paths[:3]]
    done = on_device(unpacked, "run.py", "predict", *photos)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    session = check.open_shipped(unpacked / "model.onnx")
    for path, line in zip(photos, lines, strict=True):
        photo = np.asarray(Image.open(path).convert("RGB"))
        probs = session.run(["probs"], {"image": photo})[0][0]
        assert list(line["probs"].values()) == pytest.approx(probs.tolist(), abs=1e-6)


def test_a_device_with_other_answers_does_not_pass(packed: Path, tmp_path: Path) -> None:
    files = archive.read(packed)
    manifest = json.loads(files["manifest.json"])
    expected = json.loads(files["golden/expected.json"])
    wrong = json.dumps({name: [1 - p for p in probs] for name, probs in expected.items()}).encode()
    entry = {"sha256": hashlib.sha256(wrong).hexdigest(), "bytes": len(wrong)}
    manifest["files"]["golden/expected.json"] = entry
    files |= {"golden/expected.json": wrong, "manifest.json": json.dumps(manifest).encode()}
    archive.unpack(files, tmp_path)
    assert on_device(tmp_path, "run.py", "selftest").returncode == 3


def test_the_readmes_lines_read_the_model(unpacked: Path) -> None:
    code = re.search(r"```python\n(.*?)```", (unpacked / "README.md").read_text(), re.DOTALL)
    assert code is not None
    done = subprocess.run(
        [sys.executable, "-I", "-c", code[1]], cwd=unpacked, capture_output=True, text=True
    )
    expected = json.loads((unpacked / "golden/expected.json").read_text())["golden/0.png"]
    labels = manifest_of(unpacked).labels
    found = [n for n, p, t in zip(labels.names, expected, labels.thresholds, strict=True) if p >= t]
    assert (done.stdout.strip(), done.stderr) == (str(found), "")


def test_golden_photographs_are_those_of_the_validation_part(
    unpacked: Path, dataset: Dataset
) -> None:
    golden = sorted((unpacked / "golden").glob("*.png"))
    assert len(golden) == 8
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in dataset.paths]
    for path in golden:
        photo = np.asarray(Image.open(path))
        assert any((photo == picture).all() for picture in pictures)


def test_a_camera_a_name_and_a_release(
    exported: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "camera.zip"
    licence = tmp_path / "MODEL.txt"
    licence.write_text("Ask first.\n")
    run(
        Config(
            model=exported.path, data=str(data_folder), out=out, camera="60x50", name="cells",
            release=7, threads=2, memory_budget="1.5MB", licence=(licence,),
        )
    )  # fmt: skip
    files = archive.read(out)
    manifest = DeviceManifest.model_validate_json(files["manifest.json"])
    assert (manifest.name, manifest.release) == ("cells", 7)
    assert manifest.io.input.shape == (50, 60, 3)
    assert (manifest.budget.peak_rss_bytes, manifest.runtime.intra_op_threads) == (1_500_000, 2)
    assert files["LICENSES/MODEL.txt"] == b"Ask first.\n"
    archive.unpack(files, tmp_path / "there")
    with Image.open(tmp_path / "there" / "golden" / "0.png") as photo:
        assert photo.size == (60, 50)


def with_verdict(model: Artifact, folder: Path, outcome: str, of: str = "verdicts") -> Artifact:
    """Copy an artifact with one verdict in place of its own, or of its network's."""
    verdict = Verdict(gate="g", against=None, outcome=outcome, measured=1.0, reason="because")
    work = folder / f"work-{outcome}"
    work.mkdir()
    (work / "model.onnx").write_bytes(model.weights.read_bytes())
    manifest = model.manifest.model_copy(update={of: (verdict,)})
    return artifacts.save(folder / outcome, work, manifest)


@pytest.mark.parametrize("of", ["verdicts", "parent_verdicts"])
@pytest.mark.parametrize(("outcome", "code"), [("fail", 3), ("inconclusive", 0), ("pass", 0)])
def test_model_that_failed_a_gate_is_not_packed(
    outcome: str, code: int, of: str, exported: Artifact, data_folder: Path, tmp_path: Path
) -> None:
    model = with_verdict(exported, tmp_path, outcome, of)
    out = tmp_path / "out.zip"
    options = ["--model", str(model.path), "--data", str(data_folder), "--out", str(out)]
    assert main(Config, run, options) == code
    assert out.exists() == (code == 0)


def test_a_graph_that_is_not_the_model_is_not_packed(
    exported: Artifact, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "PREPARED", Limit(-1.0, 0.002))
    out = tmp_path / "out.zip"
    options = ["--model", str(exported.path), "--data", str(data_folder), "--out", str(out)]
    assert main(Config, run, options) == 3
    assert not list(tmp_path.iterdir())


BAD = {
    "camera": (("--camera", "640"), "640x480"),
    "no camera at all": (("--camera", "0x480"), "640x480"),
    "budget": (("--latency-budget", "fast"), "for example 20ms"),
    "negative budget": (("--memory-budget", "-1MB"), "for example 120MB"),
    "name": (("--name", "../up"), "match pattern"),
    "release": (("--release", "0"), "greater than or equal to 1"),
    "licence": (("--licence", "nowhere.txt"), "nowhere.txt"),
    "key": (("--sign", "nowhere.pem"), "sign"),
    "data": (("--data", "nowhere"), "nowhere"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_message(
    what: str, exported: Artifact, command: Callable[..., Any], tmp_path: Path
) -> None:
    options, told = BAD[what]
    out = tmp_path / "out.zip"
    done = command("export.bundle.__main__", "--model", exported.path, "--out", out, *options)
    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_pytorch_artifact_is_refused(
    trained: Artifact, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(Config, run, ["--model", str(trained.path), "--data", str(data_folder)]) == 2
    assert "python -m export.onnx" in capsys.readouterr().err


def test_the_committed_figures_are_within_the_limits() -> None:
    result = claim.Result.model_validate_json((ROOT / "docs/results/bundle.json").read_text())
    assert {one.precision for one in result.bundles} >= {"fp32", "int8"}
    assert all(one.passed and one.images >= 500 for one in result.bundles)
    assert {one.max_prob_diff for one in result.bundles} == {0.0}  # as the README says


def test_a_bundle_is_measured_against_the_benchmark(
    exported: Artifact, data_folder: Path, command: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "bundle.json"
    done = command("benchmarks.claims.bundle", exported.path, "--data", data_folder, "--out", out)
    assert done.code == 0, done.err
    (found,) = claim.Result.model_validate_json(out.read_text()).bundles
    assert found.map_device == found.map_benchmark
    assert (found.max_prob_diff, found.flipped) == (0.0, 0.0)
    assert not found.model_copy(update={"map_device": 0.0}).passed
    assert not found.model_copy(update={"max_prob_diff": 0.01}).passed
    assert command("benchmarks.claims.bundle", "--out", out).code == 2


def test_enough_photographs_become_what_the_watch_compares_with(
    exported: Artifact, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    rows = ["image," + ",".join(LABELS)]
    for number in range(600):
        labels = random.integers(0, 2, 3)
        pixels = random.integers(0, 90, (12, 14, 3)) + 90 * labels[0]
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(",".join([f"{number}.png", *map(str, labels)]))
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path.with_name("watched.zip")
    run(Config(model=exported.path, data=str(tmp_path), out=out, check_images=55))
    manifest = json.loads(archive.read(out)["manifest.json"])
    assert manifest["reference"]["images"] == 55
    watch = Watch(manifest["reference"])
    watch.observe(pixels.astype(np.uint8), [0.5, 0.5, 0.5], 0.001)
    assert watch.images == 1
