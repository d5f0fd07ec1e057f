"""A network whose graph holds others goes the whole way; what is inside them stays as it is."""

from collections.abc import Callable
from pathlib import Path

import branches
import numpy as np
import onnx
import pytest
import torch
from export_helpers import LABELS, SPEC, run
from int8_parts import images, inputs
from onnx import helper
from onnx_graphs import graph

from edgepress.core import artifact as artifacts
from export import targets
from export.graph.simplify import simplify
from export.making.fp16 import to_fp16
from export.making.int8.prepare import kept_float
from export.making.int8.quantize import first_setting, open_workshop, quantize
from export.making.int8.setting import INNER
from export.making.int8_weights import to_int8_weights
from models.onnx_graph.index import (
    GraphIndex,
    count_macs,
    count_params,
    drop_unused_initializers,
    graphs,
)
from models.onnx_graph.rename import rename
from models.onnx_graph.write import to_onnx


@pytest.fixture(params=branches.KINDS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "source.onnx"
    onnx.save(branches.network(request.param), file)
    return file


def differing() -> np.ndarray:
    """Return images of which some take one branch and some the other."""
    return inputs(6) * np.linspace(0.2, 2, 6, dtype=np.float32).reshape(-1, 1, 1, 1)


def test_both_branches_are_taken(tmp_path: Path) -> None:
    """Else the tests below would say little."""
    model = branches.network("branch")
    model.graph.node.append(helper.make_node("Reshape", ["level", "one"], ["probs_"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(2, np.int64), "one"))
    model.graph.output[0].name = "probs_"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1
    levels = run(model.SerializeToString(), differing())
    assert levels.min() < 0.4 < levels.max()


def test_what_only_an_inner_graph_reads_is_read(source: Path) -> None:
    model = onnx.load(source)
    index = GraphIndex(model)
    (holder,) = index.consumers["w3"]
    assert holder.op_type in ("If", "Loop")
    assert index.only_consumer("c", "Relu") is not None
    assert index.only_consumer("d", holder.op_type) is None, "read inside too"
    stored = {tensor.name for tensor in model.graph.initializer}
    drop_unused_initializers(model)
    dropped = stored - {tensor.name for tensor in model.graph.initializer}
    assert dropped == ({"times", "go"} if holder.op_type == "If" else {"low"})


def test_weights_inside_are_counted_and_operations_are_not_known(source: Path) -> None:
    maps, head = 9 * branches.WIDTH**2, branches.WIDTH * 3
    own = maps if branches.inner(onnx.load(source))[1:] else 0
    assert count_params(source) == 27 * branches.WIDTH + 2 * maps + own + head
    assert count_macs(source) is None


def test_every_name_is_changed_inside_too(source: Path) -> None:
    model = onnx.load(source)
    rename(model, lambda name: f"other/{name}")
    onnx.checker.check_model(model, full_check=True)
    for one in graphs(model.graph):
        names = {name for node in one.node for name in (*node.input, *node.output, node.name)}
        assert all(name.startswith("other/") for name in names if name)
    again = run(model.SerializeToString(), differing())
    np.testing.assert_array_equal(again, run(source, differing()))


@pytest.mark.parametrize(("change", "most"), [(to_int8_weights, 0.02), (to_fp16, 0.005)])
def test_other_number_formats_answer_alike(
    source: Path, tmp_path: Path, change: Callable[[Path, Path], None], most: float
) -> None:
    change(source, out := tmp_path / "out.onnx")
    before, after = run(source, differing()), run(out, differing())
    assert np.ptp(before) > 5 * most
    assert np.abs(after - before).max() < most


def test_simplified_it_computes_the_same(source: Path) -> None:
    before = run(source, differing())
    simplify(source)
    np.testing.assert_allclose(run(source, differing()), before, atol=1e-6)


@pytest.mark.parametrize(
    "update", [{}, {"bias_corrected": True, "equalized": True}], ids=["first", "corrected"]
)
def test_the_outer_layers_are_integers_and_the_inner_ones_read_what_they_did(
    source: Path, tmp_path: Path, update: dict[str, bool]
) -> None:
    """The ReLU that is read inside by its name stays: dropped, that name would be what it reads."""
    workshop = open_workshop(source, targets.resolve("cpu-vnni"), images(), tmp_path)
    prepared = onnx.load(workshop.prepared)
    kept = kept_float(prepared)
    assert [name.partition("_")[0] for name, why in kept.items() if why == INNER] == ["Relu"]
    quantize(
        workshop, first_setting(workshop).model_copy(update=update), out := tmp_path / "int8.onnx"
    )
    assert branches.inner(onnx.load(out)) == branches.inner(prepared)
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(out).graph.node)
    before, after = run(source, differing()), run(out, differing())
    assert np.abs(after - before).max() < 0.1 * np.ptp(before)


@pytest.mark.parametrize("kind", branches.KINDS)
def test_a_file_with_it_is_adopted_quantized_and_bundled(
    kind: str, data_folder: Path, tmp_path: Path, command
) -> None:
    onnx.save(branches.network(kind, len(LABELS)), file := tmp_path / "network.onnx")
    made, int8, data = tmp_path / "made", tmp_path / "int8", ("--data", data_folder)
    pixels = ("--mean", 0.5, 0.5, 0.5, "--std", 0.2, 0.2, 0.2)
    gate = ("--gate", "parity <= 1e-6")  # a network that was never trained is no better than chance
    done = command("export.adopt", "--model", file, *data, "--out", made, *pixels, *gate)
    assert done.code == 0, done.err
    assert artifacts.load(made).manifest.measurements.parity_max_prob_diff < 1e-6
    done = command(
        "export.onnx", "--model", made, *data, "--quantize", "int8", "--target", "cpu-vnni",
        "--budget", 0, "--emulate", 0, "--calibration-images", 8, "--out", int8,
        "--gate", "size <= 1MB",
    )  # fmt: skip
    assert done.code == 0, done.err
    done = command("export.bundle.__main__", "--model", int8, *data, "--out", tmp_path / "bundle")
    assert done.code == 0, done.err


class Chooses(torch.nn.Module):
    """Takes one way or the other by the image, as `torch.cond` has it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits `[n, 3]`."""
        maps = self.stem(image).relu()
        ways = (lambda seen: seen * 2, lambda seen: seen - 1)
        return self.head(torch.cond(maps.mean() > 0.3, *ways, (maps,)).mean((2, 3)))


def test_no_local_path_is_left_in_a_branch(tmp_path: Path) -> None:
    network = Chooses().eval()
    to_onnx(network, SPEC, file := tmp_path / "model.onnx")
    assert len(list(graphs(onnx.load(file).graph))) == 3
    assert b"test_branches" not in file.read_bytes()
    with torch.inference_mode():
        expected = network(torch.from_numpy(differing()[:1])).sigmoid().numpy()
    np.testing.assert_allclose(run(file, differing()[:1]), expected, atol=1e-5)


def test_a_tensor_that_is_an_output_has_a_reader_more() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["y"], ["z"])]
    assert GraphIndex(graph(nodes, {}, [1], [1])).only_consumer("y", "Neg") is None
