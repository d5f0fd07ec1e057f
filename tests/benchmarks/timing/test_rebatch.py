"""A model of batch 1 made into one of a larger batch gives the same, or is refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from batches import write_mixed, write_open, write_reshaped
from colours import LABELS, SPEC, MakeModel
from export_helpers import to_int8
from export_network import tiny
from torch import nn

from benchmarks.evaluation.candidates import BareModel, open_model
from benchmarks.runtimes import _session, cpu, torch_
from benchmarks.runtimes._contract import Batched
from benchmarks.timing.rebatch import TOLERANCE, prove, random_images, rebatched
from benchmarks.timing.worker import Job, _open
from edgepress.core import artifact as artifacts
from edgepress.core import registry
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.manifest import Architecture, Manifest, Precision
from export import targets
from export.making.int8 import calibration
from models.onnx_graph.index import GraphIndex
from models.onnx_graph.write import to_onnx
from models.stored import save_network

N = 5


def manifest(kind: str, precision: Precision = "fp32", **more: object) -> Manifest:
    return Manifest(
        id="m", stage="tests", config={}, kind=kind, precision=precision, image=SPEC,
        labels=LABELS, data=None, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[Precision, Artifact]:
    """Return an export with a batch in a Reshape, as torch writes `flatten(1)`, and its int8."""
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(16, len(LABELS.names))]
    network = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.ReLU6(), *head).eval()
    nn.init.normal_(network[-1].weight)
    to_onnx(network, SPEC, folder / "fp32.onnx")
    noise = np.random.default_rng(0).integers(0, 255, (16, SPEC.height, SPEC.width, 3), np.uint8)
    to_int8(
        folder / "fp32.onnx",
        folder / "int8.onnx",
        targets.resolve("cpu-vnni"),
        calibration.Calibration(noise, np.arange(len(noise)), SPEC),
    )
    return {
        name: BareModel(folder / f"{name}.onnx", manifest("onnx", name))
        for name in ("fp32", "int8")
    }


def one_by_one(session: _session.Session, images: np.ndarray) -> np.ndarray:
    return np.concatenate([session.run(image[None]) for image in images])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("name", ["cpu", "openvino"])
def test_a_batch_gives_what_its_images_give(
    exported: dict[Precision, Artifact], tmp_path: Path, name: str, precision: Precision
) -> None:
    runtime = registry.find(_session.RUNTIMES, name, "provider")
    if not runtime.available().ok:
        pytest.skip(runtime.available().reason)
    model = exported[precision]
    index = GraphIndex(onnx.load(model.weights))
    shapes = [
        index.constant(node.input[1])
        for node in index.producer.values()
        if node.op_type == "Reshape"
    ]
    assert [shape.tolist() for shape in shapes] == [[1, 16]], "the batch is in the graph"
    batched = rebatched(model, N, tmp_path)
    session, images = runtime.open_session(batched, 1), random_images(2 * N, SPEC)
    assert session.batch == N
    alone = runtime.open_session(model, 1)
    wanted = one_by_one(alone, images)
    assert np.ptp(wanted, axis=0).max() > 0.2, "images that all look alike prove nothing"
    assert np.abs(session.run(images) - wanted).max() < TOLERANCE
    prove(session.run(images), images, alone, precision)
    with pytest.raises(UserError, match="changes the result"):
        prove(session.run(images)[::-1], images, alone, precision)


def test_an_open_batch_just_runs(tmp_path: Path) -> None:
    model = open_model(write_open(tmp_path / "open.onnx"))
    images = random_images(N, SPEC)
    alone = cpu.open_session(model, 1)
    assert alone.batch == 1, "as on the device"
    prove(cpu.open_session(rebatched(model, N, tmp_path), 1).run(images), images, alone, "fp32")
    assert len(alone.run(images)) == N


def test_a_torch_model_takes_any_batch(tmp_path: Path) -> None:
    (tmp_path / ".torch").mkdir()
    save_network(tiny(len(LABELS.names)), tmp_path / ".torch")
    model = artifacts.save(
        tmp_path / "torch",
        tmp_path / ".torch",
        manifest("torch", architecture=Architecture(name="export_network:tiny")),
    )
    batched = rebatched(model, N, tmp_path)
    assert batched.weights == model.weights
    session, images = torch_.open_session(batched, 1), random_images(N, SPEC)
    assert session.batch == N
    prove(session.run(images), images, torch_.open_session(model, 1), "fp32")


def test_a_batch_that_the_graph_says_again_is_refused_by_the_runtime(tmp_path: Path) -> None:
    model = open_model(write_reshaped(tmp_path / "reshaped.onnx"))
    assert cpu.open_session(model, 1).run(random_images(2, SPEC)).shape == (2, 2)
    with pytest.raises(UserError, match="Reshape"):
        cpu.open_session(rebatched(model, N, tmp_path), 1).run(random_images(N, SPEC))


def test_a_model_that_mixes_its_images_is_refused(tmp_path: Path) -> None:
    model = open_model(write_mixed(tmp_path / "mixed.onnx"))
    images = random_images(N, SPEC)
    got = cpu.open_session(rebatched(model, N, tmp_path), 1).run(images)
    with pytest.raises(UserError, match=r"changes the result: .* differ from those at batch 1"):
        prove(got, images, cpu.open_session(model, 1), "fp32")


def test_a_file_that_cannot_be_read(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model("model")
    model.weights.write_bytes(b"nothing")
    with pytest.raises(UserError, match="batch of the file cannot be changed"):
        rebatched(model, N, tmp_path)


class Steps:
    """A model that rounds what it computes to steps, as int8 does."""

    provider_asked = provider_opened = "test"
    node_share = 1.0
    step = 0.05

    def run(self, images: np.ndarray) -> np.ndarray:
        """Return the mean of each image, rounded, and just about to become the next step."""
        edge = images.mean((1, 2, 3)) * 0 + np.float32(0.5)
        moved = (images != self.seen[: len(images)]).any(axis=(1, 2, 3))
        return (edge + self.step * moved)[:, None].astype(np.float32)

    def __init__(self, seen: np.ndarray) -> None:
        self.seen = np.repeat(seen[:1], len(seen), 0)


def test_an_int8_model_may_differ_by_what_rounding_does_to_it() -> None:
    images = np.repeat(random_images(1, SPEC), N, 0)
    session = Steps(images)
    wanted = one_by_one(session, images)
    prove(wanted + np.float32(0.9 * TOLERANCE), images, session, "int8")
    prove(wanted + np.float32(1.9 * Steps.step), images, session, "int8")
    for wrong in (2.1 * Steps.step, np.nan):
        with pytest.raises(UserError, match=r"up to 0\.1"):
            prove(wanted + np.float32(wrong), images, session, "int8")
    with pytest.raises(UserError, match=r"another shape.*\[1, 1\].*\[5, 1\]"):
        prove(wanted[:1], images, session, "int8")


def test_a_runtime_for_single_images_says_so(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model("model")
    job = Job(
        model=model.path, provider="test", threads=1, cpus=(), warmup_s=1, blocks=1, block_s=1,
        batch=N, rebatched=rebatched(model, N, tmp_path).weights,
    )  # fmt: skip

    class Single:
        def open_session(self, artifact: Artifact, *_: object) -> _session.Session:
            assert isinstance(artifact, Batched)
            return Steps(random_images(1, SPEC))

    with pytest.raises(UserError, match="runtime test takes one image at a time"):
        _open(Single(), model, job)
    assert _open(cpu, model, job).batch == N
