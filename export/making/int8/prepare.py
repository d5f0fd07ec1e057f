"""A float file is made ready for quantization, once, whatever is tried on it afterwards."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgepress.core.quiet import quiet
from export.making.int8.setting import BEFORE, CLIPS, INNER, STEM, TAIL
from export.making.rewrites import batch_norm
from export.making.rewrites.float_pool import CLIPPED
from models.onnx_graph import average_pool
from models.onnx_graph.index import (
    LAYERS,
    GraphIndex,
    attribute,
    captured,
    clip_bounds,
    graphs,
    reads,
)
from models.onnx_graph.rename import rename

DENSE = {"Gemm", "MatMul"}
RESHAPED = {"Flatten", "Reshape", "Squeeze"}
SCALED = {"Mul", "Add"}
"""What normalises features, where one of the two is stored."""


def prepare(source: Path, out: Path) -> None:
    """Fold, repair and name: what computes stays the same, and every node has a name of its own.

    Repairs: batch norms that could not be folded, means that are poolings, names of stored tensors
    that the quantizer would give twice.
    """
    with tempfile.TemporaryDirectory(prefix="edgepress-prepare-") as folder, quiet():
        repaired = Path(folder) / "repaired.onnx"
        model = onnx.load(source)
        average_pool.apply(model)
        onnx.save(model, repaired)
        quant_pre_process(repaired, out, skip_symbolic_shape=True)  # all shapes are static
    model = onnx.load(out)
    batch_norm.apply(model)
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"  # nodes of an inlined function share their name
    _keep_numbers_free(model)
    onnx.save(onnx.shape_inference.infer_shapes(model), out)


def _keep_numbers_free(model: onnx.ModelProto) -> None:
    """Give a stored tensor another name where its name and a number is the name of a tensor.

    A bias that several layers read gets copies that are called after it, with a number, whatever
    else is called so (`get_largest_initializer_name_suffix` of ONNX Runtime's quantizer). torch's
    exporters number the tensors of a graph themselves: a copy of `val_91` is called `val_911`.
    """
    nodes = [node for graph in graphs(model.graph) for node in graph.node]
    used = {name for node in nodes for name in (*node.input, *node.output)}
    taken = {name[:end] for name in used for end in range(len(name)) if name[end:].isdecimal()}
    clashing = taken.intersection(tensor.name for tensor in model.graph.initializer)
    free = {name: _longer(name, used | taken) for name in clashing}
    rename(model, lambda name: free.get(name, name))


def _longer(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def kept_float(model: onnx.ModelProto) -> dict[str, str]:
    """Return the nodes kept in float on purpose: the convolution of the image and the last layers.

    What normalises the image in the graph is kept with the convolution that reads it, and so is a
    clip that the quantizer would drop without a range that does the same.

    Measured on the shipped EfficientNet-Lite0 at 224 px (fp32 mAP 0.922 on validation and half of
    test): 0.911 with the first convolution in int8, 0.920 with it in float, at equal latency. Its
    folded batch-norm stretches channels that hardly vary, so 8 bits of output are too few.
    """
    before, stems = _first_layers(model)
    tail = _last_layers(model)
    layers = {node.name for node in model.graph.node if node.op_type in LAYERS}.difference(before)
    if layers <= {*stems, *tail}:
        stems = []  # else nothing would be left for the integers
    groups = ((before if layers else [], BEFORE), (stems, STEM), (tail, TAIL))
    kept = {name: why for names, why in groups for name in names}
    return _clips_to_keep(model) | kept


def _first_layers(model: onnx.ModelProto) -> tuple[list[str], list[str]]:
    """Return the nodes between the image and its first layers, and the convolutions among those."""
    index, before, stems = GraphIndex(model), list[str](), list[str]()
    images = {tensor.name for tensor in model.graph.input} - index.initializers.keys()
    for node in model.graph.node:
        read = [name for name in reads(node) if name and not index.is_constant(name)]
        if not read or not images.issuperset(read):
            continue
        if node.op_type not in LAYERS or _normalises(node, index):
            before.append(node.name)
            images.update(node.output)
        elif node.op_type == "Conv":
            stems.append(node.name)
    return before, stems


def _normalises(node: onnx.NodeProto, index: GraphIndex) -> bool:
    """Tell whether a convolution scales each channel by itself, as `batch_norm` writes a norm."""
    weight = index.initializers.get(node.input[1])
    channels = attribute(node, "group", 1)
    return (
        node.op_type == "Conv"
        and weight is not None
        and list(weight.dims) == [channels, *[1] * (len(weight.dims) - 1)]
    )


def _clips_to_keep(model: onnx.ModelProto) -> dict[str, str]:
    """Return the clips that no range of integers stands in for: bounds without 0, unknown ones."""
    index, inner = GraphIndex(model), captured(model)
    kept: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type in CLIPPED:
            low, high = clip_bounds(node, index) or (np.nan, np.nan)
            if not low <= 0 <= high:
                kept[node.name] = CLIPS
            elif node.output[0] in inner:
                kept[node.name] = INNER
    return kept


def _last_layers(model: onnx.ModelProto) -> list[str]:
    """Return the nodes from the classifier to the output, and the mean that it reads.

    Measured on EfficientNet-Lite0 with a linear classifier on ELPV at 160 px: mAP 0.854 in fp32,
    0.844 with these layers in float, 0.823 with them in int8, for 14 kB and no measurable time.
    A SqueezeNet lost 0.50 points of mAP on validation with its last mean rounded to 8 bits, 0.03
    without. A network without a dense layer at its end keeps its last convolution in int8.
    """
    path = _back_from_output(model)
    weighted = next((i for i, node in enumerate(path) if node.op_type in LAYERS), len(path))
    if weighted == len(path) or path[weighted].op_type not in DENSE:
        return [node.name for node in path[:weighted]]
    index, before = GraphIndex(model), weighted + 1
    while before < len(path) and _only_scales(path[before], index):
        before += 1
    is_mean = before < len(path) and path[before].op_type == "GlobalAveragePool"
    return [node.name for node in path[: (before if is_mean else weighted) + 1]]


def _only_scales(node: onnx.NodeProto, index: GraphIndex) -> bool:
    """Tell whether a node gives features another shape, or normalises them by stored numbers."""
    stored = [index.is_constant(name) for name in node.input]
    return node.op_type in RESHAPED or (node.op_type in SCALED and stored == [False, True])


def _back_from_output(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes from the output back to the image, by the first input of each."""
    index, path = GraphIndex(model), list[onnx.NodeProto]()
    node = index.producer.get(model.graph.output[0].name)
    while node is not None:
        path.append(node)
        node = index.producer.get(node.input[0]) if node.input else None
    return path
