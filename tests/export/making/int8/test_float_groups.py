"""The parts of a network that may go back to float together are found, and only those."""

from pathlib import Path

import pytest
from int8_parts import PARTS, prepared
from onnx import ModelProto, helper, shape_inference
from onnx_graphs import graph

from export.making.int8.groups import float_groups, slices

HEAD = "layers after the global pooling"
SWISH, EXCITE = "swish activations", "squeeze and excitation"
BOTH = f"{SWISH}, {EXCITE}"
EXPECTED = {
    "plain": {HEAD},
    "swish": {SWISH, HEAD},
    "hard swish": {SWISH, HEAD},
    "hard excite": {EXCITE, HEAD},
    "swish excite": {SWISH, EXCITE, BOTH, HEAD},
    "depthwise": {"depthwise convolutions", HEAD},
    "grouped": {"grouped convolutions", HEAD},
    "concat": {"concatenations", "depthwise convolutions", HEAD},
    "pool": {"poolings", "layers with maps of 16 pixels and more", HEAD},
    "flat norm": {HEAD},
    "attention": {HEAD},
    "normalised inside": {
        "depthwise convolutions",
        "layers with maps of 32 pixels and more",
        HEAD,
    },
}
"""The batch norm of what is concatenated is a depthwise convolution."""


def kinds(model: ModelProto, names: tuple[str, ...]) -> list[str]:
    """Return the types of nodes, sorted."""
    types = {node.name: node.op_type for node in model.graph.node}
    return sorted(types[name] for name in names)


@pytest.mark.parametrize("part", PARTS)
def test_a_network_has_the_groups_of_its_parts_and_no_other(part: str, tmp_path: Path) -> None:
    model = prepared(part, tmp_path)
    found = float_groups(model)
    assert set(found) == EXPECTED[part]
    names = {node.name for node in model.graph.node}
    for group in found.values():
        assert set(group) <= names
        assert len(set(group)) == len(group)


@pytest.mark.parametrize(("part", "gate"), [("swish", "Sigmoid"), ("hard swish", "HardSigmoid")])
def test_a_swish_is_a_gate_and_a_product(part: str, gate: str, tmp_path: Path) -> None:
    model = prepared(part, tmp_path)
    assert kinds(model, float_groups(model)[SWISH]) == sorted([gate, "Mul"])


@pytest.mark.parametrize(
    ("part", "inside"),
    [("hard excite", ["HardSigmoid", "Relu"]), ("swish excite", ["Mul", "Sigmoid", "Sigmoid"])],
)
def test_an_excitation_goes_from_the_mean_to_the_product(
    part: str, inside: list[str], tmp_path: Path
) -> None:
    model = prepared(part, tmp_path)
    group = float_groups(model)[EXCITE]
    assert kinds(model, group) == sorted(["Conv", "Conv", "GlobalAveragePool", "Mul", *inside])
    body = [node.name for node in model.graph.node if node.op_type == "Conv"]
    assert {body[0], body[-1]}.isdisjoint(group), "what is around it is not part of it"


def test_both_together_are_named_once(tmp_path: Path) -> None:
    found = float_groups(prepared("swish excite", tmp_path))
    assert set(found[BOTH]) == set(found[SWISH]) | set(found[EXCITE])
    assert len(found[BOTH]) < len(found[SWISH]) + len(found[EXCITE]), "they share the inner swish"


@pytest.mark.parametrize(
    ("part", "group", "op_type"),
    [
        ("depthwise", "depthwise convolutions", "Conv"),
        ("grouped", "grouped convolutions", "Conv"),
        ("concat", "concatenations", "Concat"),
        ("pool", "poolings", "MaxPool"),
    ],
)
def test_a_part_of_one_node_is_that_node(
    part: str, group: str, op_type: str, tmp_path: Path
) -> None:
    model = prepared(part, tmp_path)
    assert kinds(model, float_groups(model)[group]) == [op_type]


def test_the_head_begins_at_the_last_pooling(tmp_path: Path) -> None:
    model = prepared("hard excite", tmp_path)
    head = float_groups(model)[HEAD]
    assert kinds(model, head) == ["Flatten", "Gemm", "GlobalAveragePool", "Sigmoid"]
    last = [node.name for node in model.graph.node if node.op_type == "GlobalAveragePool"][-1]
    assert head[0] == last
    assert model.graph.node[-1].name in head


def test_all_of_a_part_are_one_group(tmp_path: Path) -> None:
    """Every swish of a network goes back at once: one alone costs two conversions."""
    model = prepared("swish", tmp_path)
    before = float_groups(model)[SWISH]
    image = model.graph.input[0].name
    more = [
        helper.make_node("HardSigmoid", [image], ["gate"], name="gate"),
        helper.make_node("Mul", [image, "gate"], ["swish"], name="product"),
    ]
    model.graph.node.extend(more)
    assert float_groups(model)[SWISH] == (*before, "gate", "product")


def test_the_layers_of_a_resolution_are_those_above_it_too() -> None:
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="large"),
        helper.make_node("MaxPool", ["a"], ["b"], name="half", **window),
        helper.make_node("MaxPool", ["b"], ["c"], name="quarter", **window),
        helper.make_node("GlobalAveragePool", ["c"], ["y"], name="mean"),
    ]
    model = shape_inference.infer_shapes(graph(nodes, {}, [1, 4, 8, 8], [1, 4, 1, 1]))
    found = {kind: names for kind, names in float_groups(model).items() if "pixels" in kind}
    assert found == {
        "layers with maps of 8 pixels and more": ("large",),
        "layers with maps of 4 pixels and more": ("large", "half"),
    }


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("count", [1, 3, 12])
def test_slices_are_the_whole_network_in_order(part: str, count: int, tmp_path: Path) -> None:
    model = prepared(part, tmp_path)
    found = slices(model, count)
    assert [name for run in found for name in run] == [node.name for node in model.graph.node]
    layers = [sum(name.startswith(("Conv", "Gemm")) for name in run) for run in found]
    assert len(found) == min(count, sum(layers))
    assert max(layers) - min(layers) <= 1


def product(mean_of: str, gated: str) -> ModelProto:
    """Return `gated` times a gate of the mean of another tensor."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="a"),
        helper.make_node("Neg", ["x"], ["b"], name="b"),
        helper.make_node("GlobalAveragePool", [mean_of], ["mean"], name="mean"),
        helper.make_node("Sigmoid", ["mean"], ["gate"], name="gate"),
        helper.make_node("Mul", [gated, "gate"], ["y"], name="product"),
    ]
    return graph(nodes, {}, [1, 4, 5, 5], [1, 4, 5, 5])


def test_the_mean_of_something_else_is_no_excitation() -> None:
    assert set(float_groups(product("a", "a"))[EXCITE]) == {"mean", "gate", "product"}
    assert EXCITE not in float_groups(product("b", "a"))


def test_a_network_of_dense_layers_has_no_group() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="relu")]
    assert float_groups(graph(nodes, {}, [1, 4], [1, 4])) == {}


def test_what_follows_a_pooling_is_walked_once_however_many_branches_meet() -> None:
    """Fifty residual blocks after the last global pooling have 2^50 ways through them."""
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["t0"], name="pool")]
    for number in range(50):
        nodes.append(
            helper.make_node("Add", [f"t{number}"] * 2, [f"t{number + 1}"], name=f"add{number}")
        )
    nodes.append(helper.make_node("Relu", ["t50"], ["y"], name="last"))
    found = float_groups(graph(nodes, {}, [1, 1, 4, 4], [1, 1, 1, 1]))
    assert len(found[HEAD]) == 52
