"""What stands in an int8 file: scales and zero points by hand, and what ranges hang on."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from int8_parts import images, opened
from made_data import made
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType

from edgepress.data.context import context_of
from edgepress.data.random_split import default_split
from edgepress.data.split import training_rows
from export import targets
from export.making.int8 import bias_correction, calibration, quantize
from export.making.int8.calibration import METHODS, Reader
from export.making.int8.setting import Setting
from models.onnx_graph.index import GraphIndex, attribute

# ---- scales and zero points in the file


@pytest.mark.parametrize("part", ["plain", "grouped"])
def test_weights_have_a_scale_for_each_channel_and_no_offset(part: str, tmp_path: Path) -> None:
    shop = opened(part, tmp_path)
    out = tmp_path / "int8.onnx"
    setting = quantize.first_setting(shop)
    quantize.quantize(shop, setting, out)
    source, model = onnx.load(shop.prepared), onnx.load(out)
    floats, index, before = {}, GraphIndex(model), GraphIndex(source)
    for conv in (node for node in source.graph.node if node.op_type == "Conv"):
        floats[conv.name] = before.constant(conv.input[1])
    rounded = [
        node for node in model.graph.node
        if node.op_type == "Conv" and node.name not in setting.kept_float
    ]  # fmt: skip
    assert rounded
    for conv in rounded:
        weight, scale, zero, stored = (floats[conv.name], *_parts(conv.input[1], index))
        largest = np.abs(weight).max(axis=(1, 2, 3))
        np.testing.assert_allclose(scale, largest / 127, rtol=1e-6)
        assert not zero.any()
        exact = weight / scale.reshape(-1, 1, 1, 1)
        assert np.abs(stored - exact).max() <= 0.5 + 1e-4
        assert stored.dtype == np.int8


def _parts(name: str, index: GraphIndex) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    node = index.producer[name]
    assert attribute(node, "axis") == 0
    stored, scale, zero = (index.constant(one) for one in node.input)
    return scale, zero, stored


def test_activations_have_the_range_of_the_calibration_images(tmp_path: Path) -> None:
    shop = opened("plain", tmp_path)
    out = tmp_path / "int8.onnx"
    quantize.quantize(shop, quantize.first_setting(shop), out)
    source, model = onnx.load(shop.prepared), onnx.load(out)
    index = GraphIndex(model)
    node = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    scale, zero = (index.constant(name) for name in node.input[1:])
    session = bias_correction._tapped(source, [node.input[0]])
    seen = [session.run([node.input[0]], {"image": one})[0] for one in shop.images.inputs()]
    low, high = min(0, min(one.min() for one in seen)), max(one.max() for one in seen)
    assert float(scale) == pytest.approx((high - low) / 255, rel=1e-4)
    assert int(zero) == round(-low / float(scale))
    assert zero.dtype == np.uint8


# ---- options, ranges that are kept, and readers


def test_a_target_says_how_it_is_quantized() -> None:
    vnni, avx2, arm = (targets.resolve(f"cpu-{name}") for name in ("vnni", "avx2", "arm"))
    found = quantize._options(vnni, "minmax", {"b", "a"})
    assert found == {
        "quant_format": QuantFormat.QDQ,
        "per_channel": True,
        "reduce_range": False,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "nodes_to_exclude": ["a", "b"],
        "calibrate_method": CalibrationMethod.MinMax,
        "extra_options": {
            "CalibStridedMinMax": 1,
            "CalibTensorRangeSymmetric": False,
            **vnni.quantizer_options,
        },
    }
    assert quantize._options(avx2, "minmax", set())["reduce_range"] is True
    assert quantize._options(arm, "minmax", set())["activation_type"] == QuantType.QInt8
    for method, stands_for in METHODS.items():
        options = quantize._options(vnni, method, set())
        assert options["calibrate_method"] == stands_for
        moving = options["extra_options"].get("CalibMovingAverage", False)
        assert moving == (method == "moving_average")


def test_ranges_and_means_are_kept_apart_by_what_they_hang_on(tmp_path: Path) -> None:
    shop = opened("plain", tmp_path, "qnn")
    plain = quantize.first_setting(shop)
    settings = {
        "plain": plain,
        "balanced": plain.model_copy(update={"equalized": True, "bias_corrected": True}),
        "percentile": plain.model_copy(update={"method": "percentile"}),
        "corrected": plain.model_copy(update={"bias_corrected": True}),
    }
    for name, setting in settings.items():
        quantize.quantize(shop, setting, tmp_path / f"{name}.onnx")
    kept = {file.name for file in tmp_path.glob("*.json")} | {
        f.name for f in tmp_path.glob("*.npz")
    }
    assert kept == {
        "ranges-minmax.json", "ranges-minmax-equalized.json", "ranges-percentile.json",
        "means.npz", "means-equalized.npz",
    }  # fmt: skip
    assert not list(tmp_path.glob("*-graph.onnx"))


def test_the_stem_and_the_output_stay_float_by_the_first_setting(tmp_path: Path) -> None:
    shop = opened("plain", tmp_path)
    shop = replace(shop, images=replace(shop.images, method="entropy"))
    assert quantize.first_setting(shop).method == "entropy"
    names = [node.name for node in onnx.load(shop.prepared).graph.node if node.op_type == "Conv"]
    assert names[0] in quantize.first_setting(shop).kept_float
    assert not set(names[1:]) & quantize.first_setting(shop).kept_float.keys()
    more = Setting(kept_float={"a": "old"}).keeping({"a": "new", "b": "why"})
    assert more.kept_float == {"a": "old", "b": "why"}


def test_a_workshop_knows_what_was_exported_and_what_is_rounded(tmp_path: Path) -> None:
    shop = opened("plain", tmp_path)
    assert (shop.source, shop.prepared) == (tmp_path / "float.onnx", tmp_path / "prepared.onnx")
    assert shop.folder == tmp_path
    assert shop.prepared.read_bytes() != shop.source.read_bytes()


def test_calibration_images_are_drawn_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made([[0, 0], [0, 1], [1, 0], [1, 1]] * 100)
    model = SimpleNamespace(
        path=Path("m"),
        manifest=SimpleNamespace(
            data=None,
            told_split=None,
            image="the spec",
            labels=SimpleNamespace(names=data.label_names),
        ),
    )
    monkeypatch.setattr(calibration, "decoded", lambda dataset, image: (dataset, image))
    split = default_split(data)
    train = [row for row in range(400) if data.image_ids[row] in set(split.train)]
    for seed in (0, 3):
        found = calibration.from_training(context_of(data, model), 20, seed)
        assert found.rows.tolist() == training_rows(data, split, 20, seed).tolist()
        assert set(found.rows.tolist()) < set(train)
    plain = calibration.from_training(context_of(data, model))
    assert plain.rows.tolist() == training_rows(data, split, 256, 0).tolist()
    assert (plain.method, plain.pixels, plain.image) == ("minmax", (data, "the spec"), "the spec")
    assert calibration.from_training(context_of(data, model), method="entropy").method == "entropy"
    assert calibration.IMAGES == 256


def test_a_reader_gives_every_chosen_image_once_in_order() -> None:
    few = replace(images(5), rows=np.array([3, 0, 4]))
    reader = Reader(few, "image")
    assert len(reader) == 3
    assert reader.get_next() is None, "nothing before a range"
    wanted = list(few.inputs())
    assert [one.shape for one in wanted] == [(1, 3, few.image.height, few.image.width)] * 3
    found = []
    for start, end in ((0, 2), (2, 3)):
        reader.set_range(start, end)
        while (one := reader.get_next()) is not None:
            found.append(one["image"])
    np.testing.assert_array_equal(found, wanted)
    every = list(images(5).inputs())
    np.testing.assert_array_equal(wanted, [every[3], every[0], every[4]])
