"""Where ExecuTorch's XNNPACK quantizer is told to round, changed in two places that cost accuracy.

It knows that a ReLU belongs to the layer before it, but not a ReLU6: it takes the range of what is
yet to be clamped, and spends most of its 256 steps on values that nobody sees. And rounding what
the first layer reads and what the last one says costs more accuracy than all the others.
"""

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    CONV_TARGETS,
    LINEAR_TARGETS,
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from torch.fx import GraphModule, Node
from torchao.quantization.pt2e.quantizer import QuantizationAnnotation
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

CLAMPS = (torch.ops.aten.hardtanh.default, torch.ops.aten.hardtanh_.default)
LAYERS = CONV_TARGETS | LINEAR_TARGETS


class ClampingQuantizer(XNNPACKQuantizer):  # type: ignore[misc]
    """int8, one scale per output channel; clamps belong to their layers, the ends stay float."""

    def __init__(self) -> None:
        super().__init__()
        self.set_global(get_symmetric_quantization_config(is_per_channel=True))

    def annotate(self, model: GraphModule) -> GraphModule:
        """Write into each node of a network whose batch norms are folded how it is rounded."""
        annotated: GraphModule = super().annotate(model)
        for node in annotated.graph.nodes:
            if node.target in CLAMPS:
                _round_after(node)
        nodes = list(annotated.graph.nodes)
        layers = [place for place, node in enumerate(nodes) if node.target in LAYERS]
        if layers:
            for node in (nodes[layers[0]], *nodes[layers[-1] :]):  # those after it share its range
                node.meta.pop(Q_ANNOTATION_KEY, None)
        return annotated


def _round_after(clamp: Node) -> None:
    """Round what a clamp gives instead of what it takes."""
    (before, *_) = clamp.all_input_nodes
    noted = before.meta.get(Q_ANNOTATION_KEY)
    if noted is None or noted.output_qspec is None or len(before.users) > 1:
        return
    clamp.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(
        output_qspec=noted.output_qspec, _annotated=True
    )
    noted.output_qspec = None
