"""Which nodes may go back to float together: a part of a network that is one thing to the runtime.

A single node between integer ones costs two conversions, so what is tried first are whole parts.
"""

from collections.abc import Iterator

from onnx import ModelProto

from models.onnx_graph.index import LAYERS, GraphIndex, attribute

GATES = {"Sigmoid", "HardSigmoid"}
WINDOW_POOLS = {"MaxPool", "AveragePool"}
ON_VECTORS = {"Conv", "Relu", "Clip", "Add", "Mul", "GlobalAveragePool"} | GATES

SWISH = "swish activations"

Groups = dict[str, tuple[str, ...]]


def float_groups(model: ModelProto) -> Groups:
    """Return the names of the nodes of each part of a prepared float graph that has any."""
    index = GraphIndex(model)
    gated = [list(nodes) for nodes in _excitations(model, index)]
    swish = [name for nodes in _swishes(model, index) for name in nodes]
    excite = [name for nodes in gated for name in nodes]
    found = {
        SWISH: swish,
        "squeeze and excitation": excite,
        "swish activations, squeeze and excitation": [*swish, *excite] if swish and excite else [],
        "depthwise convolutions": list(_grouped(model, index, depthwise=True)),
        "grouped convolutions": list(_grouped(model, index, depthwise=False)),
        "poolings": [n.name for n in model.graph.node if n.op_type in WINDOW_POOLS],
        "concatenations": [n.name for n in model.graph.node if n.op_type == "Concat"],
        "layers after the global pooling": list(_head(model, index)),
        **_by_resolution(model),
    }
    return {kind: tuple(dict.fromkeys(names)) for kind, names in found.items() if names}


def slices(model: ModelProto, count: int) -> list[tuple[str, ...]]:
    """Return the nodes of a graph, in order, in `count` runs with as many layers with weights each.

    Neighbours go back to float together: a single float node between integers still reads and
    writes rounded numbers.
    """
    seen, runs = 0, [list[str]() for _ in range(count)]
    total = sum(node.op_type in LAYERS for node in model.graph.node)
    for node in model.graph.node:
        seen += node.op_type in LAYERS
        runs[min(count - 1, max(0, seen - 1) * count // max(1, total))].append(node.name)
    return [tuple(run) for run in runs if run]


def _swishes(model: ModelProto, index: GraphIndex) -> Iterator[tuple[str, str]]:
    """Yield the two nodes of each `x sigmoid(x)`, hard or not."""
    for gate in model.graph.node:
        if gate.op_type in GATES:
            product = index.only_consumer(gate.output[0], "Mul")
            if product is not None and gate.input[0] in product.input:
                yield gate.name, product.name


def _excitations(model: ModelProto, index: GraphIndex) -> Iterator[tuple[str, ...]]:
    """Yield the nodes of each `x f(mean(x))`, from the mean to the product."""
    for product in model.graph.node:
        if product.op_type != "Mul":
            continue
        for gate, gated in (tuple(product.input), tuple(product.input)[::-1]):
            branch = _branch_from_mean(gate, gated, index)
            if branch:
                yield (*branch, product.name)


def _branch_from_mean(gate: str, gated: str, index: GraphIndex) -> list[str]:
    """Return the nodes between the global mean of one tensor and another, none if not so."""
    names: list[str] = []
    waiting, seen, pooled = [gate], set[str](), False
    while waiting:
        node = index.producer.get(waiting.pop())
        if node is None or node.output[0] in seen:
            continue
        if node.op_type not in ON_VECTORS:
            return []
        seen.add(node.output[0])
        names.append(node.name)
        if node.op_type == "GlobalAveragePool":
            if node.input[0] != gated:
                return []
            pooled = True
        else:
            waiting += [name for name in node.input if name in index.producer]
    return names if pooled else []


def _grouped(model: ModelProto, index: GraphIndex, depthwise: bool) -> Iterator[str]:
    """Yield the convolutions in groups, of one channel each or of more."""
    for node in model.graph.node:
        if node.op_type == "Conv" and attribute(node, "group", 1) > 1:
            weight = index.initializers.get(node.input[1])
            if weight is not None and (weight.dims[1] == 1) == depthwise:
                yield node.name


def _by_resolution(model: ModelProto) -> dict[str, list[str]]:
    """Return, for each height of the feature maps but the smallest, the layers of that and above.

    The first layers have few channels and large maps, for which integers gain least; in float
    together they need one conversion.
    """
    heights = {
        info.name: info.type.tensor_type.shape.dim[2].dim_value
        for info in model.graph.value_info
        if len(info.type.tensor_type.shape.dim) == 4
    }
    made = {node.name: heights.get(node.output[0], 0) for node in model.graph.node}
    levels = sorted({height for height in made.values() if height > 1}, reverse=True)
    return {
        f"layers with maps of {level} pixels and more": [
            name for name, height in made.items() if height >= level
        ]
        for level in levels[:-1]
    }


def _head(model: ModelProto, index: GraphIndex) -> Iterator[str]:
    """Yield the nodes that read what the last global pooling makes, and the pooling itself."""
    pools = [node for node in model.graph.node if node.op_type == "GlobalAveragePool"]
    if not pools:
        return
    waiting, seen = [pools[-1]], set[str]()
    while waiting:
        node = waiting.pop()
        if node.output[0] in seen:
            continue  # sums of two branches would double the ways to what follows, each time
        seen.add(node.output[0])
        yield node.name
        waiting += [reader for name in node.output for reader in index.consumers[name]]
