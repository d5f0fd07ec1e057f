"""The preprocessing in the graph gives what training saw, to the last bit."""

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from PIL import Image, ImageOps

from edgepress.core.image_spec import ImageSpec
from edgepress.data.images import FILTERS, to_pixels
from export.shipped import preprocessing, resampling
from export.shipped.check import network_input

# Wider, taller, smaller than the network's input in one way or both, and extreme.
SIZES = ((60, 60), (41, 96), (96, 41), (33, 30), (20, 50), (50, 20), (32, 48), (3, 5), (200, 32))


def photograph(height: int, width: int) -> np.ndarray:
    """Return noise above, and black and white below, where rounding and clipping show."""
    random = np.random.default_rng(height * 1000 + width)
    pixels = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    pixels[height // 2 :] = np.where(pixels[height // 2 :] > 127, 255, 0)
    return pixels


def run(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options)
    found: np.ndarray = session.run(None, {"image": pixels})[0]
    return found


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crop", ["squash", "center"])
@pytest.mark.parametrize("interpolation", list(FILTERS))
def test_every_value_is_that_of_training(
    interpolation: Any, crop: Any, channels: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = ImageSpec(height=32, width=48, interpolation=interpolation, crop=crop, channels=channels)
    model = preprocessing.graph(spec)
    for size in SIZES:
        pixels = photograph(*size)
        np.testing.assert_array_equal(run(model, pixels), network_input(pixels, spec), str(size))
    assert capfd.readouterr().err == ""  # ONNX Runtime has nothing to warn about


def test_every_colour_becomes_the_grey_that_pillow_makes_of_it() -> None:
    levels = np.r_[0:252:4, 255]  # all 256 were tried once: 16.8 million colours
    red, green, blue = np.meshgrid(levels, levels, levels)
    colours = np.stack([red, green, blue], -1).reshape(64, 4096, 3).astype(np.uint8)
    spec = ImageSpec(height=64, width=4096, channels=1, mean=(0,), std=(1 / 255,))
    found = run(preprocessing.graph(spec), colours)[0, 0]
    wanted = np.asarray(Image.fromarray(colours).convert("L"))
    np.testing.assert_array_equal(found.round(), wanted)


def test_only_standard_operators_are_left() -> None:
    model = preprocessing.graph(ImageSpec(height=32, width=32))
    assert [entry.domain for entry in model.opset_import if entry.domain] == []
    assert not model.functions
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    onnx.checker.check_model(model, full_check=True)


def test_every_filter_of_an_image_spec_is_there() -> None:
    assert set(resampling.RADIUS) == set(FILTERS)


@pytest.mark.parametrize("size", SIZES)
def test_the_middle_is_what_pillow_cuts_out(size: tuple[int, int]) -> None:
    spec = ImageSpec(height=32, width=48, crop="center")
    image = Image.fromarray(photograph(*size))
    whole = np.asarray(ImageOps.fit(image, (48, 32), method=FILTERS["bilinear"]))
    # Pillow 13 resizes some images along the height first, which rounds the other way.
    assert np.abs(to_pixels(image, spec).astype(int) - whole).max() <= 1
