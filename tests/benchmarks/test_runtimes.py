"""Runtimes: probabilities, placement, and refusing what is not what it says."""

import subprocess
import sys

import numpy as np
import onnxruntime as ort
import pytest
from colours import SPEC, MakeModel

from benchmarks.runtimes import _ort, _session, cpu
from compress.core import registry
from compress.core.errors import UserError
from compress.core.labels import Labels


def images(n: int) -> np.ndarray:
    """Return random images."""
    shape = (n, 3, SPEC.height, SPEC.width)
    return np.random.default_rng(0).standard_normal(shape, np.float32)


@pytest.mark.parametrize("across_images", [False, True])
def test_cpu_gives_the_models_probabilities(make_model: MakeModel, across_images: bool) -> None:
    session = cpu.open_session(make_model("model"), threads=2, across_images=across_images)
    batch = images(7)
    logits = 2 * batch.mean(axis=(2, 3)) @ np.array([[4, 0], [0, 4], [0, 0]], np.float32)
    assert np.allclose(session.run(batch), 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_placement_is_recorded(make_model: MakeModel) -> None:
    session = cpu.open_session(make_model("model"), threads=1)
    assert session.provider_asked == "cpu"
    assert session.provider_opened == "CPUExecutionProvider"
    assert session.node_share == 1.0


def test_a_provider_that_is_not_there_opens_nothing(make_model: MakeModel) -> None:
    ep = "CUDAExecutionProvider"
    if ep in ort.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(UserError, match="ONNX Runtime"):
        _ort.open_ort(make_model("model"), 1, False, _ort.Provider("cuda", ep))


def test_model_that_does_not_fit_its_manifest(make_model: MakeModel) -> None:
    artifact = make_model("model")
    other_size = SPEC.model_copy(update={"height": 32})
    other_labels = Labels(names=("x",), thresholds=(0.5,), prevalence=(0.5,))
    for update, message in (({"image": other_size}, "input"), ({"labels": other_labels}, "output")):
        manifest = artifact.manifest.model_copy(update=update)
        with pytest.raises(UserError, match=message):
            cpu.open_session(type(artifact)(artifact.path, manifest), threads=1)


def test_damaged_model(make_model: MakeModel) -> None:
    artifact = make_model("model")
    artifact.weights.write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot open the model"):
        cpu.open_session(artifact, threads=1)


@pytest.mark.parametrize("name", registry.names(_session.RUNTIMES))
def test_every_runtime_says_whether_it_is_there(name: str) -> None:
    found = registry.find(_session.RUNTIMES, name, "provider").available()
    assert found.reason
    assert found.ok or found.remedy
    if found.ok:
        assert name in _session.names_available()
    else:
        with pytest.raises(UserError, match="not available"):
            _session.find(name)


@pytest.mark.parametrize("name", ["webgpu", "cuda"])
def test_gpu_gives_the_cpus_probabilities(make_model: MakeModel, name: str) -> None:
    if name not in _session.names_available():
        pytest.skip(f"{name} is not available here")
    artifact, batch = make_model("model", convs=1), images(3)
    session = _session.find(name).open_session(artifact, 1)
    wanted = cpu.open_session(artifact, 1).run(batch)
    assert np.allclose(session.run(batch), wanted, atol=1e-4)
    assert session.node_share == 1.0


def test_torch_model_runs_in_torch_only(make_model: MakeModel) -> None:
    artifact = make_model("model")
    assert _session.name_for(artifact, "cpu") == "cpu"
    with pytest.raises(UserError, match="torch runtime cannot run"):
        _session.name_for(artifact, "torch")


def test_benchmarks_need_no_torch() -> None:
    code = """
import sys
from importlib.machinery import PathFinder

class WithoutTorch(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "torch" else super().find_spec(name, path, target)

sys.meta_path = [WithoutTorch if finder is PathFinder else finder for finder in sys.meta_path]
import benchmarks.accuracy, benchmarks.compare, benchmarks.gate, benchmarks.latency
from benchmarks.runtimes import _session
print(_session.names_available())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cpu" in done.stdout
    assert "torch" not in done.stdout
