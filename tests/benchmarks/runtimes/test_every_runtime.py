"""Every runtime that this machine has agrees with the CPU on photographs, and runs where asked."""

import json
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_helpers import to_int8
from export_network import tiny
from PIL import Image
from sklearn.datasets import load_sample_images

from benchmarks.runtimes import _session, cpu
from benchmarks.timing.percentiles import setting
from edgepress.core import artifact as artifacts
from edgepress.core import registry
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Architecture, Manifest
from edgepress.core.results import SOFTWARE, LatencyResult
from edgepress.data.pixels import normalise
from export import targets
from export.making import fp16
from export.making.int8 import calibration
from models.onnx_graph.write import to_onnx
from models.stored import save_network

SPEC = ImageSpec(height=32, width=32)
LABELS = Labels(names=("a", "b", "c"), thresholds=(0.5,) * 3, prevalence=(0.5,) * 3)
SWIFTSHADER = [
    Path(folder, "vk_swiftshader_icd.json")
    for folder in ("/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome")
]
"""The software adapter that comes with Chromium."""
HALF = ("coreml", "qnn")
"""Neural processors compute in half precision whatever the file says."""

Ran = tuple[dict[str, Any], np.ndarray | None]
RunIn = Callable[[str, str], Ran]


def save(folder: Path, kind: str, **more: object) -> Artifact:
    manifest = Manifest(
        id=folder.name, stage="tests", config={}, kind=kind, image=SPEC, labels=LABELS, data=None,
        **more,
    )  # fmt: skip
    return artifacts.save(folder, folder.with_name(f".{folder.name}"), manifest)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """Return one small network in PyTorch, and its exports."""
    root, network = tmp_path_factory.mktemp("models"), tiny(len(LABELS.names))
    for name in ("torch", "fp32", "fp16", "int8"):
        (root / f".{name}").mkdir()
    save_network(network, root / ".torch")
    to_onnx(network, SPEC, root / ".fp32" / "model.onnx")
    fp16.to_fp16(root / ".fp32" / "model.onnx", root / ".fp16" / "model.onnx")
    noise = np.random.default_rng(0).integers(0, 255, (16, SPEC.height, SPEC.width, 3), np.uint8)
    to_int8(
        root / ".fp32" / "model.onnx",
        root / ".int8" / "model.onnx",
        targets.resolve("cpu-vnni"),
        calibration.Calibration(noise, np.arange(len(noise)), SPEC),
    )
    architecture = Architecture(name="export_network:tiny")
    return {
        "torch": save(root / "torch", "torch", architecture=architecture),
        "fp32": save(root / "fp32", "onnx"),
        "fp16": save(root / "fp16", "onnx", precision="fp16"),
        "int8": save(root / "int8", "onnx", precision="int8"),
    }


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    """Return eight parts of two photographs, as the network takes them."""
    whole = [Image.fromarray(image) for image in load_sample_images().images]
    parts = [
        image.resize((SPEC.width, SPEC.height), box=(x, 100, x + 150, 250))
        for image in whole
        for x in (0, 160, 320, 480)
    ]
    return normalise(np.stack([np.asarray(part) for part in parts]), SPEC)


@pytest.fixture(scope="module")
def run_in(
    models: dict[str, Artifact], photographs: np.ndarray, tmp_path_factory: Any, shell: Any
) -> Iterator[RunIn]:
    """Return a function that runs the photographs in a runtime, or skips where it is missing."""
    folder = tmp_path_factory.mktemp("runs")
    np.save(folder / "images.npy", photographs)

    @cache
    def run(name: str, file: str) -> Ran:
        out = folder / f"{name}-{file}.npy"
        given = (name, models[file].path, folder / "images.npy", out)
        done = shell("probabilities", *given, timeout=200)
        assert done.code == 0, done.err
        told = json.loads(done.out.splitlines()[-1])
        if "missing" in told:
            pytest.skip(told["missing"])
        return told, np.load(out) if out.exists() else None

    with pytest.MonkeyPatch.context() as patch:
        driver = next(filter(Path.is_file, SWIFTSHADER), None)
        if driver is not None and find_library("vulkan"):  # Chromium is installed without it too
            patch.setenv("VK_ICD_FILENAMES", str(driver))
            patch.setenv("ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "1")
        yield run


@pytest.fixture(scope="module")
def wanted(models: dict[str, Artifact], photographs: np.ndarray) -> np.ndarray:
    """Return the probabilities of the fp32 file on the CPU."""
    found = cpu.open_session(models["fp32"], 1).run(photographs)
    assert np.ptp(found, axis=0).min() > 0.05, "photographs that all look alike prove nothing"
    return found


@pytest.mark.parametrize("name", registry.names(_session.RUNTIMES))
def test_a_runtime_gives_the_probabilities_of_the_cpu(
    wanted: np.ndarray, run_in: RunIn, name: str
) -> None:
    file = "torch" if name == "torch" else "fp16" if name in HALF else "fp32"
    told, probs = run_in(name, file)
    assert "error" not in told
    assert (told["asked"], told["share"]) == (name, 1.0)
    assert np.abs(probs - wanted).max() < (5e-3 if name in HALF else 1e-4)


def test_webgpu_runs_half_precision_or_says_that_the_adapter_cannot(
    wanted: np.ndarray, run_in: RunIn
) -> None:
    told, probs = run_in("webgpu", "fp16")
    if "error" in told:  # SwiftShader
        assert "requires f16 but the device does not support it" in told["error"]
    else:
        assert told["share"] == 1.0
        assert 0 < np.abs(probs - wanted).max() < 5e-3


def test_webgpu_refuses_nodes_that_would_run_on_the_cpu(run_in: RunIn) -> None:
    told, probs = run_in("webgpu", "int8")
    assert "QuantizeLinear); they would silently run on the CPU" in told["error"]
    assert probs is None


def test_times_of_a_software_adapter_are_marked(run_in: RunIn) -> None:
    told, _ = run_in("webgpu", "fp32")
    if SOFTWARE not in told["opened"]:
        pytest.skip("this machine has a GPU for WebGPU")
    result = LatencyResult(
        model="fp32", provider_asked=told["asked"], provider_opened=told["opened"],
        node_share=told["share"], threads=1, warmup_runs=1, block_medians_s=(1.0,),
        samples_s=(1.0,), load_s=1.0, first_inference_s=1.0, peak_rss_bytes=1,
    )  # fmt: skip
    assert setting(result) == f"webgpu ({SOFTWARE}):1"
