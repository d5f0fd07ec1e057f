"""A float SiLU between integers becomes one node that reads them once.

`x sigmoid(x)` reads `x` twice, and ONNX Runtime gives each reader a `DequantizeLinear` of its own;
the pattern that its optimiser fuses is then gone. Its own operator `QuickGelu` with `alpha = 1` is
that function: on EfficientNet-B0 at 224 px 1.2 ms where the integer sigmoid and product took 4.3.
"""

from onnx import ModelProto, NodeProto, helper

from models.onnx_graph.index import GraphIndex, replace_node

DOMAIN = "com.microsoft"


def apply(model: ModelProto) -> int:
    """Rewrite a QDQ model in place; returns how many activations were replaced."""
    index = GraphIndex(model)
    found = [node for node in model.graph.node if node.op_type == "Sigmoid"]
    replaced = sum(_replace(model, node, index) for node in found)
    if replaced:
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return replaced


def _replace(model: ModelProto, sigmoid: NodeProto, index: GraphIndex) -> bool:
    product = index.only_consumer(sigmoid.output[0], "Mul")
    if product is None:
        return False
    (other,) = [name for name in product.input if name != sigmoid.output[0]] or [""]
    if not _same_integers(sigmoid.input[0], other, index):
        return False
    gelu = helper.make_node(
        "QuickGelu",
        [sigmoid.input[0]],
        product.output[:],
        name=f"{product.output[0]}_quick_gelu",
        domain=DOMAIN,
        alpha=1.0,
    )
    for old, new in ((sigmoid, []), (product, [gelu])):
        current = next(one for one in model.graph.node if one.output[0] == old.output[0])
        replace_node(model, current, new)
    return True


def _same_integers(first: str, second: str, index: GraphIndex) -> bool:
    """Tell whether two tensors are the same integers, read back."""
    makers = [index.producer.get(name) for name in (first, second)]
    if any(maker is None or maker.op_type != "DequantizeLinear" for maker in makers):
        return False
    return list(makers[0].input) == list(makers[1].input)  # type: ignore[union-attr]
