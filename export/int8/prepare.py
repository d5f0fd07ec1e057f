"""A float file is made ready for quantization, once, whatever is tried on it afterwards."""

import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from compress.core.quiet import quiet
from export.int8.groups import LAYERS
from export.int8.setting import STEM, TAIL
from export.rewrites import batch_norm
from models.onnx_graph import average_pool
from models.onnx_graph.index import GraphIndex

DENSE = {"Gemm", "MatMul"}
RESHAPED = {"Flatten", "Reshape", "Squeeze"}


def prepare(source: Path, out: Path) -> None:
    """Fold, repair and name: what computes stays the same, and every node has a name of its own.

    Repairs: batch norms that could not be folded, means that are poolings.
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
    onnx.save(onnx.shape_inference.infer_shapes(model), out)


def kept_float(model: onnx.ModelProto) -> dict[str, str]:
    """Return the nodes kept in float on purpose: the convolution of the image and the last layers.

    Measured on the shipped EfficientNet-Lite0 at 224 px (fp32 mAP 0.922 on validation and half of
    test): 0.911 with the first convolution in int8, 0.920 with it in float, at equal latency. Its
    folded batch-norm stretches channels that hardly vary, so 8 bits of output are too few.
    """
    images = {tensor.name for tensor in model.graph.input}
    stems = [n.name for n in model.graph.node if n.op_type == "Conv" and n.input[0] in images]
    tail = _last_layers(model)
    layers = {node.name for node in model.graph.node if node.op_type in LAYERS}
    if layers <= {*stems, *tail}:
        stems = []  # else nothing would be left for the integers
    return dict.fromkeys(stems, STEM) | dict.fromkeys(tail, TAIL)


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
    before = weighted + 1
    while before < len(path) and path[before].op_type in RESHAPED:
        before += 1
    is_mean = before < len(path) and path[before].op_type == "GlobalAveragePool"
    return [node.name for node in path[: (before if is_mean else weighted) + 1]]


def _back_from_output(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes from the output back to the image, by the first input of each."""
    index, path = GraphIndex(model), list[onnx.NodeProto]()
    node = index.producer.get(model.graph.output[0].name)
    while node is not None:
        path.append(node)
        node = index.producer.get(node.input[0]) if node.input else None
    return path
