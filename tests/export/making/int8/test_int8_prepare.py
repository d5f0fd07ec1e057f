"""A float file made ready for quantization, and what is kept float from the start."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import run
from int8_parts import PARTS, exported, images, inputs, opened
from onnx import TensorProto, helper, numpy_helper
from onnx_graphs import graph, types

from export import targets
from export.graph.plain import save_plain
from export.making.int8 import quantize
from export.making.int8.prepare import kept_float, prepare
from export.making.int8.quantize import first_setting, open_workshop
from export.making.int8.setting import BEFORE, CLIPS, STEM, TAIL


@pytest.mark.parametrize("part", PARTS)
def test_prepared_it_computes_the_same_under_names_of_its_own(part: str, tmp_path: Path) -> None:
    workshop = opened(part, tmp_path)
    model = onnx.load(workshop.prepared)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert all(names)
    assert not {"BatchNormalization", "ReduceMean", "HardSwish"} & set(types(model))
    before, after = (run(path, inputs()) for path in (workshop.source, workshop.prepared))
    assert np.ptp(before) > 1e-3
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_nodes_without_names_get_one(tmp_path: Path) -> None:
    source, out = tmp_path / "source.onnx", tmp_path / "prepared.onnx"
    model = onnx.load_from_string(exported("hard swish"))
    for node in model.graph.node:
        node.name = ""
    onnx.save(model, source)
    prepare(source, out)
    found = [node.name for node in onnx.load(out).graph.node]
    assert len(set(found) - {""}) == len(found) > 5
    np.testing.assert_allclose(run(out, inputs()), run(source, inputs()), atol=1e-5)


def test_the_first_convolution_and_the_last_layers_stay_float(tmp_path: Path) -> None:
    kept = kept_float(onnx.load(opened("plain", tmp_path).prepared))
    kinds = [(name.partition("_")[0], why) for name, why in kept.items()]
    assert kinds[0] == ("Conv", STEM)
    wanted = ("Sigmoid", "Gemm", "Flatten", "GlobalAveragePool")
    assert dict(kinds[1:]) == dict.fromkeys(wanted, TAIL)


def test_a_network_that_ends_with_a_convolution_keeps_it_in_int8(tmp_path: Path) -> None:
    kept = kept_float(onnx.load(opened("pool", tmp_path).prepared))
    assert [name for name, why in kept.items() if why == STEM] == ["Conv_0"]
    tail = {name.partition("_")[0] for name, why in kept.items() if why == TAIL}
    assert "Conv" not in tail
    assert {"Sigmoid", "GlobalAveragePool"} <= tail


def test_a_mean_before_other_layers_is_left_to_the_search(tmp_path: Path) -> None:
    """As in a MobileNetV3, whose last convolution reads the mean."""
    model = prepared_from(
        ("GlobalAveragePool", ["x"]), ("Conv", ["made_0", "w"]), ("Flatten", ["made_1"]),
        ("Gemm", ["made_2", "g"]), ("Sigmoid", ["made_3"]),
    )  # fmt: skip
    kept = kept_float(model)
    assert {name for name, why in kept.items() if why == TAIL} == {"Gemm_3", "Sigmoid_4"}


def test_a_network_of_one_convolution_has_it_in_integers() -> None:
    model = prepared_from(
        ("Conv", ["x", "w"]), ("GlobalAveragePool", ["made_0"]), ("Flatten", ["made_1"]),
        ("Gemm", ["made_2", "g"]),
    )  # fmt: skip
    assert STEM not in kept_float(model).values()


@pytest.mark.parametrize(
    "before",
    [
        [("Sub", ["x", "m"]), ("Div", ["made_0", "s"])],
        [("Conv", ["x", "n"])],
        [("MaxPool", ["x"])],
        [("GlobalAveragePool", ["x"]), ("Sub", ["x", "made_0"])],
    ],
    ids=["mean and deviation", "batch norm", "pooling", "mean of the image"],
)
def test_what_is_done_to_the_image_first_does_not_hide_its_convolution(before: list) -> None:
    made = len(before)
    model = prepared_from(
        *before, ("Conv", [f"made_{made - 1}", "w"]), ("Conv", [f"made_{made}", "w"]),
        ("GlobalAveragePool", [f"made_{made + 1}"]), ("Flatten", [f"made_{made + 2}"]),
        ("Gemm", [f"made_{made + 3}", "g"]),
    )  # fmt: skip
    kept = kept_float(model)
    assert [name for name, why in kept.items() if why == STEM] == [f"Conv_{made}"]
    names = [f"{kind}_{place}" for place, (kind, _) in enumerate(before)]
    assert [name for name, why in kept.items() if why == BEFORE] == names
    assert f"Conv_{made + 1}" not in kept


def test_features_that_are_normalised_before_the_head_stay_float(tmp_path: Path) -> None:
    kept = kept_float(onnx.load(opened("flat norm", tmp_path).prepared))
    tail = {name.partition("_")[0] for name, why in kept.items() if why == TAIL}
    assert tail == {"Sigmoid", "Gemm", "Add", "Mul", "Flatten", "GlobalAveragePool"}


@pytest.mark.parametrize(
    ("bounds", "stays"),
    [
        (["zero", "six"], False), (["", "six"], False), (["zero"], False), ([], False),
        (["two", "six"], True), (["two"], True), (["", "minus"], True), (["made_0"], True),
    ],
)  # fmt: skip
def test_a_clip_whose_bounds_leave_out_zero_stays_a_node(bounds: list[str], stays: bool) -> None:
    """A range of integers always holds 0, so without the node nothing would clip there."""
    model = prepared_from(
        ("ReduceMax", ["x"]), ("Conv", ["x", "w"]), ("Conv", ["made_1", "w"]),
        ("Clip", ["made_2", *bounds]), ("Conv", ["made_3", "w"]),
        ("GlobalAveragePool", ["made_4"]), ("Flatten", ["made_5"]), ("Gemm", ["made_6", "g"]),
    )  # fmt: skip
    assert (kept_float(model).get("Clip_3") == CLIPS) is stays


@pytest.mark.parametrize("low", [0.0, 0.7])
def test_an_int8_file_clips_where_its_float_file_does(low: float, tmp_path: Path) -> None:
    source = tmp_path / "float.onnx"
    model = prepared_from(
        ("Conv", ["x", "w"]), ("Conv", ["made_0", "w"]), ("Clip", ["made_1", "low"]),
        ("Conv", ["made_2", "w"]), ("GlobalAveragePool", ["made_3"]), ("Flatten", ["made_4"]),
        ("Gemm", ["made_5", "g"]),
    )  # fmt: skip
    model.graph.initializer.append(numpy_helper.from_array(np.float32(low), "low"))
    onnx.save(model, source)
    workshop = open_workshop(source, targets.resolve("cpu-vnni"), images(), tmp_path)
    quantize.quantize(workshop, first_setting(workshop), tmp_path / "int8.onnx")
    before, after = (run(path, inputs()) for path in (source, tmp_path / "int8.onnx"))
    assert np.abs(after - before).max() < 0.03 * np.abs(before).max()


def test_copies_of_a_bias_that_layers_share_take_no_names_of_others(tmp_path: Path) -> None:
    """A copy of `made_` is called `made_0`, as the tensor is that the stem makes."""
    source = tmp_path / "float.onnx"
    model = prepared_from(
        ("Conv", ["x", "w"]), ("MaxPool", ["made_0"]), ("Conv", ["made_1", "w", "made_"]),
        ("Conv", ["made_2", "w", "made_"]), ("Conv", ["made_3", "w", "made_"]),
        ("GlobalAveragePool", ["made_4"]), ("Flatten", ["made_5"]), ("Gemm", ["made_6", "g"]),
    )  # fmt: skip
    model.graph.initializer.append(numpy_helper.from_array(np.float32([0.5, 1, 2]), "made_"))
    onnx.save(model, source)
    workshop = open_workshop(source, targets.resolve("cpu-vnni"), images(), tmp_path)
    quantize.quantize(workshop, first_setting(workshop), tmp_path / "int8.onnx")
    before, after = (run(path, inputs()) for path in (source, tmp_path / "int8.onnx"))
    assert np.abs(after - before).max() < 0.03 * np.abs(before).max()
    assert types(onnx.load(tmp_path / "int8.onnx"))["QuantizeLinear"] == 4


def prepared_from(*nodes: tuple[str, list[str]]) -> onnx.ModelProto:
    """Return a graph of nodes given as (type, inputs), each with an output called after it."""
    made = [
        helper.make_node(kind, read, [f"made_{place}"], name=f"{kind}_{place}")
        for place, (kind, read) in enumerate(nodes)
    ]
    made[-1].output[0] = "y"
    pools = [node for node in made if node.op_type == "MaxPool"]
    for node in pools:
        node.attribute.append(helper.make_attribute("kernel_shape", [1, 1]))
    for node in [one for one in made if "n" in one.input]:
        node.attribute.append(helper.make_attribute("group", 3))
    weights = {
        "w": np.ones((3, 3, 1, 1), np.float32)
        - np.float32(0.9) * np.eye(3, dtype="f4")[..., None, None],
        "n": np.ones((3, 1, 1, 1), np.float32),
        "g": np.ones((3, 2), np.float32),
        **{name: np.full((1, 3, 1, 1), 2, np.float32) for name in ("m", "s")},
        **{
            "zero": np.float32(0),
            "two": np.float32(2),
            "six": np.float32(6),
            "minus": np.float32(-1),
        },
    }
    return graph(made, weights, [1, 3, 32, 32], [1, 2])


def test_ranges_read_once_serve_every_setting(tmp_path: Path) -> None:
    """With the ranges kept from another setting a file is what it is without them."""
    again, fresh = (tmp_path / name for name in ("again", "fresh"))
    made = {}
    for folder, first in ((again, True), (fresh, False)):
        folder.mkdir()
        workshop = opened("pool", folder)
        setting = first_setting(workshop)
        if first:
            quantize.quantize(workshop, setting, folder / "first.onnx")
            before = (folder / "ranges-minmax.json").read_bytes()
        more = setting.keeping({"Conv_3": "to see"})
        quantize.quantize(workshop, more, folder / "int8.onnx")
        made[folder] = (folder / "int8.onnx").read_bytes()
        assert not list(folder.glob("*graph.onnx"))
    assert made[again] == made[fresh]
    assert (again / "ranges-minmax.json").read_bytes() == before


def test_a_plain_file_has_only_what_its_nodes_need(tmp_path: Path) -> None:
    source, out = tmp_path / "source.onnx", tmp_path / "out.onnx"
    workshop = opened("plain", tmp_path)
    source.write_bytes(workshop.source.read_bytes())
    model = onnx.load(workshop.prepared)
    model.opset_import.extend(
        helper.make_opsetid(domain, 1)
        for domain in ("com.microsoft", "ai.onnx.ml", "com.microsoft")
    )
    helper.set_model_props(model, {"onnx.infer": "onnxruntime.quant"})
    model.graph.initializer.append(helper.make_tensor("unread", TensorProto.FLOAT, [1], [0.0]))
    model.ir_version = 10
    assert len(model.graph.value_info)
    save_plain(model, source, out)
    found = onnx.load(out)
    assert [(entry.domain, entry.version) for entry in found.opset_import] == [("", 18)]
    assert "unread" not in {tensor.name for tensor in found.graph.initializer}
    assert not found.graph.value_info
    assert not found.metadata_props
    assert found.ir_version == onnx.load(source).ir_version == 8
    np.testing.assert_array_equal(run(out, inputs()), run(workshop.prepared, inputs()))


@pytest.mark.parametrize("part", PARTS)
def test_an_int8_file_imports_no_operator_set_that_it_does_not_use(
    part: str, tmp_path: Path
) -> None:
    workshop = opened(part, tmp_path)
    out = tmp_path / "int8.onnx"
    quantize.quantize(workshop, first_setting(workshop), out)
    model = onnx.load(out)
    used = {node.domain for node in model.graph.node} | {""}
    assert sorted(entry.domain for entry in model.opset_import) == sorted(used)
    assert model.ir_version == 8
    np.testing.assert_allclose(run(out, inputs()), run(workshop.source, inputs()), atol=0.03)


def test_a_normalised_network_of_one_convolution_has_it_in_integers() -> None:
    """What normalises the image is no layer that would be left for the integers."""
    model = prepared_from(
        ("Conv", ["x", "n"]), ("Conv", ["made_0", "w"]), ("GlobalAveragePool", ["made_1"]),
        ("Flatten", ["made_2"]), ("Gemm", ["made_3", "g"]),
    )  # fmt: skip
    kept = kept_float(model)
    assert STEM not in kept.values()
    assert kept["Conv_0"] == BEFORE
