"""ONNX files of other tools, run by ONNX Runtime as they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
import onnxruntime as ort
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from benchmarks.evaluation.candidates import open_model
from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Manifest
from export.adopting.sources._source import REVERSED, Adapter, Floats, Shape, damaged, first_line
from export.graph import foreign
from export.graph.single import in_single
from models.network_files.onnx_ import NAME
from models.onnx_graph.rename import rename
from models.onnx_graph.write import INPUT, OUTPUT

_PREFIX = "network/"
"""Begins every name of the network's own, so that none is one of ours."""


@dataclass(frozen=True)
class OnnxSource:
    """A file and a session of it."""

    path: Path
    model: ModelProto
    """In single precision, whatever the file is in: the session is of it too."""
    session: ort.InferenceSession
    input_shape: Shape | None
    labels: tuple[str, ...] | None = None
    image: ImageSpec | None = None

    def run(self, image: Floats) -> Floats:
        """Return what the network makes of one image in its own layout.

        Raises:
            UserError: it fails.
        """
        name = self.session.get_inputs()[0].name
        try:
            made: Floats = self.session.run(None, {name: image})[0]
        except Exception as error:  # ONNX Runtime raises a dozen classes without a common base
            raise UserError(
                f"The network does not run on an image ({first_line(error)})",
                got=f"float32 {list(image.shape)} in {self.path}",
                next_step="say what it takes: --image-size, --layout NCHW or NHWC, --channels",
            ) from None
        return made

    def write(self, adapter: Adapter, spec: ImageSpec, path: Path) -> None:
        """Write the network between what makes its input and what makes our output.

        Raises:
            UserError: an opset too old to be converted, or shapes that cannot be fixed.
        """
        copied = ModelProto.FromString(self.model.SerializeToString())
        network = foreign.current(copied, self.path)
        rename(network, lambda name: _PREFIX + name)
        graph = network.graph
        before, after = _nodes(network, adapter, graph.input[0].name, graph.output[0].name)
        nodes = [*before, *graph.node, *after]
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
        graph.node.extend(copies)
        graph.input.append(_port(INPUT, [1, *spec.shape]))
        graph.output.append(_port(OUTPUT, [1, None]))
        _save(network, self.path, path)


def open_file(path: Path) -> OnnxSource:
    """Open a file.

    Raises:
        UserError: it is not ONNX or damaged, its weights are missing or lie outside its folder, it
            has several inputs or outputs, or takes something else than floats.
    """
    model = _loaded(path)
    if others := in_single(model):
        console.say(f"{path} computes in {', '.join(others)}: it is taken in float32")
    shape = _input_shape(model, path)
    try:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime raises a dozen classes without a common base
        raise damaged(NAME, path, error) from None
    own = _own(path)
    if own is None:
        return OnnxSource(path, model, session, shape)
    return OnnxSource(path, model, session, shape, own.labels.names, own.image)


def _loaded(path: Path) -> ModelProto:
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise UserError("Not an ONNX model", got=path, next_step="export it again") from error
    if not model.graph.node:
        raise UserError("Not an ONNX model: it has no node", got=path)
    foreign.check(path)
    onnx.load_external_data_for_model(model, str(path.parent))
    return onnx.inliner.inline_local_functions(model) if model.functions else model


def _own(path: Path) -> Manifest | None:
    """Return what a file that edgepress has written says of itself."""
    try:
        return open_model(path).manifest
    except UserError:  # made elsewhere
        return None


def _input_shape(model: ModelProto, path: Path) -> Shape | None:
    weights = _initialized(model)
    inputs = [one for one in model.graph.input if one.name not in weights]
    for ports, kind, one in (
        (inputs, "inputs", "input"),
        (model.graph.output, "outputs", "output"),
    ):
        if len(ports) != 1:
            names = ", ".join(port.name for port in ports)
            raise UserError(
                f"The network has {len(ports)} {kind}",
                got=f"{names} in {path}",
                allowed=f"one {one}",
                next_step="cut it: onnx.utils.extract_model(FILE, 'one.onnx', [INPUT], [OUTPUT])",
            )
    for port, verb in ((inputs[0], "takes"), (model.graph.output[0], "returns")):
        _require_floats(port, verb, path)
    found = inputs[0].type.tensor_type
    return _sizes(inputs[0]) if found.HasField("shape") else None


def _require_floats(port: ValueInfoProto, verb: str, path: Path) -> None:
    dtype = port.type.tensor_type.elem_type
    if dtype != TensorProto.FLOAT:
        raise UserError(
            f"The network {verb} something else than floats",
            got=f"{TensorProto.DataType.Name(dtype)} for {port.name} in {path}",
            allowed="FLOAT, FLOAT16, BFLOAT16, DOUBLE",
            next_step="export it without its preprocessing",
        )


def _sizes(port: ValueInfoProto) -> Shape:
    return tuple(dim.dim_value or None for dim in port.type.tensor_type.shape.dim)


def _initialized(model: ModelProto) -> set[str]:
    """Return the names of the weights, which old files list among their inputs too."""
    return {tensor.name for tensor in model.graph.initializer}


def _nodes(
    network: ModelProto, adapter: Adapter, taken: str, returned: str
) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    """Return what turns our image into the network's, and the network's output into ours."""
    before: list[_Step] = []
    if adapter.turned:
        turned = _constant(network, "channel_order", REVERSED)
        before.append(("Gather", {"axis": 1}, (turned,)))
    if adapter.layout == "NHWC":
        before.append(("Transpose", {"perm": [0, 2, 3, 1]}, ()))
    after: list[_Step] = []
    if not adapter.flat:
        after.append(("Reshape", {}, (_constant(network, "row", (1, -1)),)))
    if adapter.output == "logits":
        after.append(("Sigmoid", {}, ()))
    if adapter.order is not None:
        after.append(("Gather", {"axis": 1}, (_constant(network, "order", adapter.order),)))
    identity: _Step = ("Identity", {}, ())
    return (
        _chain(INPUT, before or [identity], taken),
        _chain(returned, after or [identity], OUTPUT),
    )


_Step = tuple[str, dict[str, Any], tuple[str, ...]]
"""Operator, attributes, and the inputs after the first."""


def _constant(network: ModelProto, name: str, values: tuple[int, ...]) -> str:
    tensor = onnx.numpy_helper.from_array(np.array(values, np.int64), name)
    network.graph.initializer.append(tensor)
    return name


def _chain(first: str, steps: list[_Step], last: str) -> list[onnx.NodeProto]:
    """Return nodes that lead from one tensor to another, one after the other."""
    names = [first, *(f"{step[0]}_of_{first}" for step in steps[:-1]), last]
    return [
        helper.make_node(operator, [names[row], *others], [names[row + 1]], f"{operator}_{last}",
                         **attributes)
        for row, (operator, attributes, others) in enumerate(steps)
    ]  # fmt: skip


def _port(name: str, shape: list[int | None]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _save(network: ModelProto, source: Path, path: Path) -> None:
    """Infer every shape from that of the image, and write the file.

    Raises:
        UserError: the shapes contradict each other.
    """
    try:
        whole = onnx.shape_inference.infer_shapes(network, strict_mode=True, data_prop=True)
        onnx.checker.check_model(whole, full_check=True)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as error:
        raise UserError(
            f"The network's open sizes cannot be fixed ({first_line(error)})",
            got=source,
            next_step="export it with a batch of 1 and the size of its images fixed",
        ) from None
    del whole.graph.value_info[:]
    onnx.save(whole, path)
