"""What rewrites leave of a network is in its exported file, and whoever builds it does the same."""

from collections import Counter
from pathlib import Path

import onnx
import pytest
import torch
from gated_network import Called, build
from torch import nn

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Architecture
from models import families, rewrites
from models.onnx_graph.write import to_onnx
from models.pretrained import Start, check, start_network
from models.rewrites import INT8_FRIENDLY
from models.stored import rebuilt

SPEC = ImageSpec(height=32, width=32)
NAMES = ("lcnet_035", "torchvision/mobilenet_v3_small", "gated_network:build")
GATED = ("HardSwish", "HardSigmoid", "Sigmoid", "Mul")
MEANS = ("GlobalAveragePool", "ReduceMean")


def operators(name: str, rewritten: tuple[str, ...], folder: Path) -> Counter[str]:
    """Return how often each operator stands in the exported file of a network."""
    architecture = Architecture(name=name, rewrites=rewritten)
    to_onnx(rebuilt(architecture, 2, SPEC), SPEC, folder / "model.onnx")
    return Counter(node.op_type for node in onnx.load(folder / "model.onnx").graph.node)


def layers(name: str) -> Counter[str]:
    """Return how many layers of each class a network has as it is published."""
    network = families.skeleton(Architecture(name=name), 2)
    return Counter(type(layer).__name__ for layer in network.modules())


@pytest.mark.parametrize("name", NAMES)
def test_an_int8_friendly_file_has_clamps_and_one_mean(name: str, tmp_path: Path) -> None:
    before = layers(name)
    after = operators(name, INT8_FRIENDLY, tmp_path)
    assert before["Hardswish"] > 2
    assert before["AdaptiveAvgPool2d"] > 2 or before["SqueezeExcite"] == 2
    only_the_output = {"Sigmoid": 1}
    assert {one: after[one] for one in GATED if after[one]} == only_the_output
    assert sum(after[one] for one in MEANS) == 1  # before the last layer
    assert after["Clip"] == before["Hardswish"]


def test_the_last_two_gates_can_stay(tmp_path: Path) -> None:
    found = operators("gated_network:build", ("relu6", "late-squeeze-excite"), tmp_path)
    assert sum(found[one] for one in MEANS) == 2 + 1
    assert (found["HardSwish"], found["Mul"]) == (0, 2)
    network = build(2)
    assert rewrites.apply(network, ["late-squeeze-excite"]) == {"late-squeeze-excite": ["0.3"]}


def test_relu_leaves_no_upper_clamp(tmp_path: Path) -> None:
    found = operators("tiny_network:build", ("relu",), tmp_path)
    assert (found["Relu"], found["Clip"]) == (3, 0)


def test_layers_keep_names_mode_and_place_in_memory() -> None:
    network, whole = build(2).eval(), build(2)
    changed = rewrites.apply(network, INT8_FRIENDLY)
    assert changed == {
        "relu6": ["0.2", "0.3.gate.2", "1.2", "1.3.gate.2", "2.2", "2.3.gate.2"],
        "no-squeeze-excite": ["0.3", "1.3", "2.3"],
    }
    assert network[0][2].inplace
    assert not any(layer.training for layer in network.modules())
    left = {name for name in whole.state_dict() if ".gate." not in name}
    assert set(network.state_dict()) == left


def test_a_layer_in_two_places_is_replaced_in_both() -> None:
    shared = nn.SiLU()
    network = nn.Sequential(nn.Conv2d(3, 4, 3), shared, nn.Conv2d(4, 4, 3), shared)
    assert rewrites.apply(network, ["relu6"]) == {"relu6": ["1", "3"]}
    assert rewrites.left_over(network, ["relu6"], torch.zeros(1, 3, 8, 8)) == []


def test_what_no_rewrite_reaches_is_known() -> None:
    called, images = Called(2), torch.zeros(1, 3, 32, 32)
    rewrites.apply(called, INT8_FRIENDLY)
    assert rewrites.left_over(called, INT8_FRIENDLY, images) == ["silu"]
    gated = build(2)
    assert rewrites.left_over(gated, INT8_FRIENDLY, images) == ["hardswish", "sigmoid", "silu"]
    assert rewrites.left_over(gated, ["late-squeeze-excite"], images) == []


def test_names_are_recorded_as_the_files_are_called() -> None:
    assert rewrites.checked(("no_squeeze_excite", "relu6", "relu6")) == (
        "no-squeeze-excite",
        "relu6",
    )
    with pytest.raises(UserError, match="mean 'relu6'"):
        rewrites.checked(("relu_6",))
    with pytest.raises(UserError, match="Unknown rewrite"):
        families.build(Architecture(name="tiny_network:build", rewrites=("gone",)), 2)


def test_a_rewrite_is_part_of_what_builds_a_network() -> None:
    plain = families.identity("tiny_network:build")
    found = {
        families.identity("tiny_network:build", names) for names in ((), ("relu6",), ("relu",))
    }
    assert len(found) == 3
    assert plain in found


@pytest.mark.parametrize("labels", [2, 5])
def test_weights_of_the_published_network_are_carried_over(tmp_path, capfd, labels: int) -> None:
    torch.manual_seed(3)
    whole = build(2)
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    start, given = Start(str(tmp_path / "whole.pth")), whole.state_dict()
    architecture = Architecture(name="gated_network:build", rewrites=INT8_FRIENDLY)
    check(architecture, start, SPEC)
    own = start_network(architecture, labels, start, SPEC).state_dict()
    body = [name for name in own if not name.startswith("5.")]
    assert len(body) == 3 * 6
    assert all(torch.equal(own[name], given[name]) for name in body)
    told = capfd.readouterr().err
    assert (
        "left out with what is rewritten: 12 tensors (0.3.gate.1.weight, 0.3.gate.1.bias, " in told
    )
    start_network(architecture, labels, Start("random"), SPEC)
    assert "left out" not in capfd.readouterr().err
