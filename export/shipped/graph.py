"""One graph for the device: a camera's pixels in, probabilities and labels out."""

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, compose, helper, numpy_helper
from onnx.version_converter import ConvertError, convert_version

from benchmarks.runtimes import _contract
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.labels import Labels
from export.shipped import preprocessing
from models.onnx_graph.rename import rename

OLDEST_OPSET = 18
"""What the preprocessing is written in."""
PREFIX = "camera/"
"""Begins the names of what is put before the network."""
Camera = tuple[int, int]
"""Width and height in pixels."""


def whole(model: Artifact, camera: Camera | None = None) -> ModelProto:
    """Return an artifact's ONNX file with preprocessing before it and thresholds after it.

    Input `image` uint8 `[height, width, 3]` RGB, of any size or the camera's; outputs `probs`
    float32 `[1, labels]` and `labels` bool `[1, labels]`. The network itself is not changed.

    Raises:
        UserError: the network has another batch than 1, or an opset that cannot be converted.
    """
    network = _network(model)
    before = preprocessing.graph(model.manifest.image)
    _give_size(before, camera)
    before.ir_version = network.ir_version
    del before.opset_import[:]  # its operators are the same in every newer opset
    before.opset_import.extend(network.opset_import)
    before = compose.add_prefix(before, PREFIX, rename_inputs=False)
    pixels = before.graph.output[0].name
    joined = compose.merge_models(before, network, io_map=[(pixels, network.graph.input[0].name)])
    _decide(joined, model.manifest.labels)
    del joined.opset_import[:]
    joined.opset_import.extend(network.opset_import)
    joined.producer_name, joined.graph.name = "edgepress", "edgepress"
    onnx.checker.check_model(joined, full_check=True)
    return joined


def _network(model: Artifact) -> ModelProto:
    """Return the network with its names free for the whole: input `network/...`, output `probs`."""
    network = _with_opset(onnx.load(model.weights), model)
    batch = network.graph.input[0].type.tensor_type.shape.dim[0]
    if batch.HasField("dim_value") and batch.dim_value != 1:
        raise UserError(
            "Only a network that takes one image at a time can be bundled",
            got=f"a batch of {batch.dim_value} in {model.weights}",
            next_step=f"python -m export.onnx --model {model.path}",
        )
    name = _contract.output_name([output.name for output in network.graph.output])
    kept = [output for output in network.graph.output if output.name == name]
    del network.graph.output[:]
    network.graph.output.extend(kept)
    inputs = {port.name for port in network.graph.input}
    rename(network, lambda name: f"network/{name}" if name in inputs else name)
    if name != "probs":
        network.graph.node.append(helper.make_node("Identity", [name], ["probs"]))
        network.graph.output[0].name = "probs"
    return network


def _with_opset(network: ModelProto, model: Artifact) -> ModelProto:
    """Return the network with the standard opset first among its imports, and new enough."""
    imports = sorted(network.opset_import, key=lambda entry: entry.domain not in ("", "ai.onnx"))
    if imports[0].version < OLDEST_OPSET:
        try:
            return convert_version(network, OLDEST_OPSET)
        except (ConvertError, RuntimeError) as error:
            raise UserError(
                f"The network's opset is too old, and it cannot be converted ({error})",
                got=f"opset {imports[0].version} in {model.weights}",
                allowed=f"opset {OLDEST_OPSET} or newer",
            ) from None
    del network.opset_import[:]
    network.opset_import.extend(imports)
    return network


def _give_size(before: ModelProto, camera: Camera | None) -> None:
    if camera is not None:
        width, height = camera
        dims = before.graph.input[0].type.tensor_type.shape.dim
        dims[0].dim_value, dims[1].dim_value = height, width


def _decide(joined: ModelProto, labels: Labels) -> None:
    """Add the output `labels`: whether each probability reaches its label's threshold."""
    thresholds = np.array(labels.thresholds, np.float32)
    joined.graph.initializer.append(numpy_helper.from_array(thresholds, "thresholds"))
    node = helper.make_node("GreaterOrEqual", ["probs", "thresholds"], ["labels"], name="decide")
    joined.graph.node.append(node)
    shape = [1, len(thresholds)]
    del joined.graph.output[:]
    joined.graph.output.extend(
        [
            helper.make_tensor_value_info("probs", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("labels", TensorProto.BOOL, shape),
        ]
    )
