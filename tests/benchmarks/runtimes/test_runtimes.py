"""Runtimes: probabilities, placement, and refusing what is not what it says."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import pytest
from colours import SPEC, MakeModel

from benchmarks.runtimes import _ort, _session, cpu
from edgepress.core import registry
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels

HERE = ["cpu", "openvino", "browser"]
"""Runtimes that need no device; each is skipped where it is not installed."""


def open_in(name: str) -> Callable[..., _session.Session]:
    """Return what opens a model in a runtime."""
    runtime = registry.find(_session.RUNTIMES, name, "provider")
    found = runtime.available()
    if not found.ok:
        pytest.skip(f"{found.reason}; {found.remedy}")
    return runtime.open_session


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


@pytest.mark.parametrize(
    ("name", "threads", "across_images", "waiting"),
    [
        ("cpu", 1, False, "one thread"),
        ("cpu", 2, False, "spinning"),
        ("cpu", 2, True, "one thread"),
        ("openvino", 1, False, "one thread"),
        ("openvino", 2, False, "sleeping"),
    ],
)
def test_how_threads_wait_is_told(
    make_model: MakeModel, name: str, threads: int, across_images: bool, waiting: str
) -> None:
    session = open_in(name)(make_model("model"), threads, across_images)
    assert isinstance(session, _session.TellsWaiting)
    assert session.waiting == waiting


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


@pytest.mark.parametrize("name", HERE)
def test_model_that_does_not_fit_its_manifest(make_model: MakeModel, name: str) -> None:
    artifact = make_model("model")
    other_size = SPEC.model_copy(update={"height": 32})
    other_labels = Labels(names=("x",), thresholds=(0.5,), prevalence=(0.5,))
    for update, message in (({"image": other_size}, "input"), ({"labels": other_labels}, "output")):
        manifest = artifact.manifest.model_copy(update=update)
        with pytest.raises(UserError, match=message):
            open_in(name)(type(artifact)(artifact.path, manifest), threads=1)


@pytest.mark.parametrize("name", HERE)
def test_damaged_model(make_model: MakeModel, name: str) -> None:
    artifact = make_model("model")
    artifact.weights.write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot open the model"):
        open_in(name)(artifact, threads=1)


@pytest.mark.parametrize("across_images", [False, True])
@pytest.mark.parametrize("name", HERE)
def test_runtime_that_fails_while_it_runs_says_so(
    make_model: MakeModel, name: str, across_images: bool
) -> None:
    session = open_in(name)(make_model("model"), threads=2, across_images=across_images)
    good = session.run(images(3))
    with pytest.raises(UserError, match=r"failed while it ran it \(.+\)"):
        session.run(images(3)[:, :, :4])
    assert np.array_equal(session.run(images(3)), good)


def test_the_telling_line_of_a_runtimes_error() -> None:
    nested = (
        "Exception from src/core.cpp:92:\nException from src/model.cpp:7:\n\nNo such operator\n"
    )
    assert _session.said(RuntimeError(nested)) == "No such operator"
    assert _session.said(RuntimeError()) == "RuntimeError"


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
