"""Bias correction: the mean of what a convolution puts out is that of the float one again."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from int8_parts import images, opened
from onnx import ModelProto

from edgepress.data.pixels import normalise
from export.making.int8 import bias_correction, quantize
from export.making.int8.quantize import Workshop, first_setting

COUNT = 4


@pytest.fixture(params=["plain", "depthwise", "grouped"])
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    """A network whose weights share one scale per tensor, which shifts most."""
    return opened(request.param, tmp_path, "qnn")


def means(model: ModelProto, workshop: Workshop) -> dict[str, np.ndarray]:
    """Return the mean of each convolution's output channels over the calibration images."""
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    tapped = ModelProto.FromString(model.SerializeToString())
    tapped.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(conv.output[0]) for conv in convs
    )
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(tapped.SerializeToString(), options)
    calibration = workshop.images
    pixels = normalise(calibration.pixels[calibration.rows], calibration.image)
    outputs = [conv.output[0] for conv in convs]
    feeds = ({model.graph.input[0].name: pixels[[row]]} for row in range(COUNT))
    found = [session.run(outputs, feed) for feed in feeds]
    return {
        conv.name: np.mean([run[place] for run in found], axis=(0, 1, 3, 4))
        for place, conv in enumerate(convs)
    }


def shift(workshop: Workshop, corrected: bool) -> float:
    """Return how far the means of the first rounded convolution's channels are from float's."""
    setting = first_setting(workshop).model_copy(update={"bias_corrected": corrected})
    out = workshop.folder / f"corrected-{corrected}.onnx"
    quantize.quantize(workshop, setting, out)
    before, after = means(onnx.load(workshop.prepared), workshop), means(onnx.load(out), workshop)
    name = next(name for name in after if name not in setting.kept_float)
    return float(np.abs(after[name] - before[name]).mean())


def test_the_means_are_nearer_to_those_of_the_float_file(workshop: Workshop) -> None:
    """Borders and the rounding of activations are left: it is nearer, not equal."""
    assert shift(workshop, corrected=True) < 0.6 * shift(workshop, corrected=False)


def test_every_rounded_convolution_is_corrected(tmp_path: Path) -> None:
    made = opened("plain", tmp_path)
    out = tmp_path / "int8.onnx"
    quantize.quantize(made, first_setting(made), out)
    before = onnx.load(out)
    rounded = [node for node in before.graph.node if node.op_type == "Conv"]
    source = onnx.load(made.prepared)
    floats = len(first_setting(made).kept_float.keys() & {node.name for node in rounded})
    means_of_inputs = bias_correction.input_means(source, images())
    assert bias_correction.apply(out, source, means_of_inputs) == len(rounded) - floats
    after = onnx.load(out)
    moved = [
        one.name
        for one, other in zip(before.graph.initializer, after.graph.initializer, strict=True)
        if one != other
    ]
    assert len(moved) == len(rounded) - floats, "the biases, and nothing else"


def test_a_convolution_of_one_axis_is_corrected_too(tmp_path: Path) -> None:
    made = opened("attention", tmp_path)
    source, out = onnx.load(made.prepared), tmp_path / "int8.onnx"
    found = bias_correction.input_means(source, made.images)
    convs = [node for node in source.graph.node if node.op_type == "Conv"]
    (over,) = [node for node in convs if "over" in node.input[1]]
    assert found[over.name].shape == (1,)
    quantize.quantize(made, first_setting(made), out)
    assert bias_correction.apply(out, source, found) == 3


def test_a_bias_that_two_convolutions_read_is_left_as_it_is(tmp_path: Path) -> None:
    """Each would shift it for the other as well."""
    made = opened("plain", tmp_path)
    source, out = onnx.load(made.prepared), tmp_path / "int8.onnx"
    quantize.quantize(made, first_setting(made), out)
    model = onnx.load(out)
    first, second = [node for node in model.graph.node if node.op_type == "Conv"][1:3]
    second.input[2] = first.input[2]
    onnx.save(model, out)
    found = bias_correction.input_means(source, images())
    assert bias_correction.apply(out, source, found) == 1, "the third"


def test_means_are_those_of_the_float_file(tmp_path: Path) -> None:
    made = opened("grouped", tmp_path)
    source = onnx.load(made.prepared)
    found = bias_correction.input_means(source, made.images)
    pixels = normalise(made.images.pixels[made.images.rows], made.images.image)
    first = next(node for node in source.graph.node if node.op_type == "Conv")
    np.testing.assert_allclose(found[first.name], pixels.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
    assert {values.shape for values in found.values()} == {(3,), (16,)}
