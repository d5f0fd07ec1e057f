"""A model of batch 1 becomes one that takes several images in one run, and has to prove it.

Our ONNX files have a batch of 1, as on the device. Besides the shapes of the input and the outputs
the batch is often in the constant shape of a Reshape (torch writes `flatten(1)` so). Where it is
anywhere else, the model does not open, does not run, or fails the comparison with batch 1.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, shape_inference

from benchmarks.runtimes._contract import Batched
from benchmarks.runtimes._session import Images, Probs, Session, said
from edgepress.core.alike import KERNELS
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.manifest import Precision
from models.onnx_graph.index import GraphIndex, add_constant, attribute

TOLERANCE = KERNELS.probs
"""Largest difference of a probability that needs no explanation."""
_ROUNDING = {"fp32": 2.0**-20, "int8": 2.0**-20, "int8_weights": 2.0**-20, "fp16": 2.0**-10}
"""By what share the floats of a model change when they are summed up in another order; an int8
model has floats of 32 bits between its integers."""
_MARGIN = 2


def rebatched(model: Artifact, batch: int, folder: Path) -> Batched:
    """Return a model as one that takes `batch` images in one run.

    A torch model takes any number; of an ONNX model a copy is written into `folder`.

    Raises:
        UserError: the file cannot be read or written.
    """
    file = model.weights
    if model.manifest.kind == "onnx":
        file = folder / f"batch-{batch}.onnx"
        try:
            graph = onnx.load(model.weights)
            set_batch(graph, batch)
            onnx.save(graph, file)
        except Exception as error:  # onnx and protobuf raise many classes without a common base
            raise UserError(
                f"The batch of the file cannot be changed ({said(error)})", got=model.weights
            ) from None
    return Batched(model.path, model.manifest, batch, file)


def set_batch(model: ModelProto, batch: int) -> None:
    """Change the batch of a graph, in place, where it is 1 or open."""
    _follow_the_input(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    images = [port for port in model.graph.input if port.name not in weights]
    for port in (*images, *model.graph.output):
        dims = port.type.tensor_type.shape.dim
        if dims and dims[0].dim_value in (0, 1):  # 0: a name, or nothing
            dims[0].dim_value = batch
    del model.graph.value_info[:]


def _follow_the_input(model: ModelProto) -> None:
    """Let each Reshape from a batch of 1 to a constant batch of 1 keep the batch that comes in.

    That is what a 0 in the shape means, unless `allowzero` is set.
    """
    index, lengths = GraphIndex(model), _lengths(model)
    for node in model.graph.node:
        if node.op_type != "Reshape" or lengths.get(node.input[0]) != 1:
            continue
        shape = index.constant(node.input[1])
        if shape is None or not len(shape) or shape[0] != 1:
            continue
        if attribute(node, "allowzero", 0) and 0 in shape:
            continue
        kept = [one for one in node.attribute if one.name != "allowzero"]
        del node.attribute[:]
        node.attribute.extend(kept)
        free = np.concatenate([[0], shape[1:]]).astype(np.int64)
        node.input[1] = add_constant(model, f"{node.output[0]}_of_any_batch", free)


def _lengths(model: ModelProto) -> dict[str, int]:
    """Return the first dimension of each tensor, 0 where it is not known."""
    graph = shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: value.type.tensor_type.shape.dim
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    return {name: dims[0].dim_value for name, dims in shapes.items() if dims}


def random_images(n: int, spec: ImageSpec) -> Images:
    """Return images `[n, channels, height, width]`, each with its own contrast and colour.

    Plain noise looks the same to a network in every image, so that a mixed-up batch would pass.
    """
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((n, *spec.shape), np.float32)
    contrast, colour = (
        rng.uniform(0.2, 1.5, (n, 1, 1, 1)),
        rng.normal(size=(n, spec.channels, 1, 1)),
    )
    return noise * contrast.astype(np.float32) + colour.astype(np.float32)


def prove(got: Probs, images: Images, session: Session, precision: Precision) -> None:
    """Refuse what a batch returned if it is not what the images return one by one.

    Probabilities may differ by `TOLERANCE`. A runtime may choose other kernels for a batch, which
    add up the same floats in another order; in an int8 model that moves some activations to the
    next quantization step, and how much a step is worth differs from model to model. So they may
    also differ by twice as much as they do when the images change by no more than such a rounding.

    Args:
        got: `[n, labels]`, returned for a batch of
        images: `[n, c, height, width]`
        session: The model as it was, opened in the same runtime.
        precision: Of the model.

    Raises:
        UserError: another shape, or a larger difference.
    """
    wanted = _one_by_one(session, images)
    if got.shape != wanted.shape:
        raise UserError(
            "The batch is a part of the graph: the output has another shape than at batch 1",
            got=list(got.shape),
            allowed=list(wanted.shape),
        )
    difference = np.abs(got - wanted).max()
    if difference <= TOLERANCE:
        return
    rounded = (images * (1 + _ROUNDING[precision])).astype(np.float32)
    own = np.abs(_one_by_one(session, rounded) - wanted).max()
    limit = max(TOLERANCE, float(_MARGIN * own))
    if not difference <= limit:  # NaN is not
        raise UserError(
            "The batch changes the result: probabilities differ from those at batch 1",
            got=f"{difference:.2g}",
            allowed=f"up to {limit:.2g}",
        )


def _one_by_one(session: Session, images: Images) -> Probs:
    return np.concatenate([session.run(images[row : row + 1]) for row in range(len(images))])
