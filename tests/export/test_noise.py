"""The node that 8 bits harm most is named first."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from export_helpers import SPEC, run
from int8_parts import Net, conv, images, inputs
from onnx import numpy_helper
from torch import nn

from export import targets
from export.int8.noise import noisiest_first
from export.int8.quantize import Workshop, first_setting, open_workshop, quantize
from models.onnx_graph.write import to_onnx


class Powers(nn.Module):
    """A distribution with long tails: a few values set the range, the others share few steps."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the sixth power, sign kept."""
        return features * features.abs() * features.pow(4)


def float_file(activation: type[nn.Module], folder: Path) -> Path:
    """Write a network of equal convolutions."""
    torch.manual_seed(0)
    file = folder / "float.onnx"
    body = [layer for _ in range(3) for layer in (conv(), activation())]
    to_onnx(Net(*body).eval(), SPEC, file)
    return file


@pytest.fixture(scope="module")
def relus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose activations disappear in int8: the range clips by itself."""
    return float_file(nn.ReLU, tmp_path_factory.mktemp("relus"))


@pytest.fixture(scope="module")
def swishes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose gates change their scale in int8, see `hard_sigmoid`."""
    return float_file(nn.Hardswish, tmp_path_factory.mktemp("swishes"))


def made(source: Path, folder: Path, target: str = "cpu-vnni") -> tuple[Workshop, Path]:
    """Quantize a file by its best-known setting."""
    workshop = open_workshop(source, targets.resolve(target), images(), folder)
    out = folder / "int8.onnx"
    quantize(workshop, first_setting(workshop), out)
    return workshop, out


def planted(source: Path, folder: Path, place: int) -> Path:
    """Give each output channel of a convolution a weight a hundred times as large as the others.

    The biases of all other ones become zero: nothing can be lost there.
    """
    model = onnx.load(source)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for number, layer in enumerate(node for node in model.graph.node if node.op_type == "Conv"):
        changed = constants[layer.input[1 if number == place else 2]]
        values = numpy_helper.to_array(changed).copy()
        if number == place:
            values[:, 0, 0, 0] = 100 * np.abs(values).max()
        else:
            values[:] = 0
        changed.CopyFrom(numpy_helper.from_array(values, changed.name))
    out = folder / "planted.onnx"
    onnx.save(model, out)
    return out


@pytest.mark.parametrize("target", ["cpu-vnni", "cpu-avx2"])
@pytest.mark.parametrize("network", ["relus", "swishes"])
@pytest.mark.parametrize("place", [1, 3])
def test_a_layer_with_an_outlier_among_its_weights_comes_first(
    request: pytest.FixtureRequest, tmp_path: Path, network: str, place: int, target: str
) -> None:
    source = planted(request.getfixturevalue(network), tmp_path, place)
    workshop, int8 = made(source, tmp_path, target)
    nodes = onnx.load(workshop.prepared).graph.node
    convs = [node.name for node in nodes if node.op_type == "Conv"]
    found = noisiest_first(workshop.prepared, int8, images())
    assert found[0] == convs[place]


def test_the_first_node_in_float_is_worth_most(relus: Path, tmp_path: Path) -> None:
    workshop, int8 = made(planted(relus, tmp_path, 2), tmp_path)
    found = noisiest_first(workshop.prepared, int8, images())
    expected = run(workshop.source, inputs())

    def error(name: str) -> float:
        out = tmp_path / "tried.onnx"
        quantize(workshop, first_setting(workshop).keeping({name: "to see"}), out)
        return float(np.abs(run(out, inputs()) - expected).mean())

    errors = {name: error(name) for name in found if name.startswith("Conv")}
    assert min(errors, key=lambda name: errors[name]) == found[0]


def test_what_stays_float_adds_no_noise(relus: Path, tmp_path: Path) -> None:
    workshop, int8 = made(relus, tmp_path)
    found = noisiest_first(workshop.prepared, int8, images())
    names = {node.name for node in onnx.load(workshop.prepared).graph.node}
    assert len(set(found)) == len(found) >= 4
    assert set(found) <= names
    floats = {name for name in first_setting(workshop).kept_float if "Flatten" not in name}
    assert not floats & set(found)


def test_a_layer_with_a_long_tail_comes_first(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source = tmp_path / "float.onnx"
    to_onnx(Net(conv(), Powers(), conv(), nn.ReLU(), conv()).eval(), SPEC, source)
    workshop, int8 = made(source, tmp_path)
    found = noisiest_first(workshop.prepared, int8, images())
    assert found[0].partition("_")[0] in {"Mul", "Pow"}
