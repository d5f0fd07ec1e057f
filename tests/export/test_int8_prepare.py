"""A float file made ready for quantization, and what is kept float from the start."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import run
from int8_parts import PARTS, exported, inputs, opened
from onnx import TensorProto, helper
from onnx_graphs import graph, types

from export.int8 import quantize
from export.int8.prepare import kept_float, prepare
from export.int8.quantize import first_setting
from export.int8.setting import STEM, TAIL
from export.plain import save_plain


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


def prepared_from(*nodes: tuple[str, list[str]]) -> onnx.ModelProto:
    """Return a graph of nodes given as (type, inputs), each with an output called after it."""
    made = [
        helper.make_node(kind, read, [f"made_{place}"], name=f"{kind}_{place}")
        for place, (kind, read) in enumerate(nodes)
    ]
    made[-1].output[0] = "y"
    weights = {"w": np.ones((3, 3, 1, 1), np.float32), "g": np.ones((3, 2), np.float32)}
    return graph(made, weights, [1, 3, 8, 8], [1, 2])


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
