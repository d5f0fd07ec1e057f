"""What meets in a concatenation has one range, and nothing that a ReLU has clipped is let loose."""

from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
from export_helpers import run
from int8_parts import inputs, opened
from onnx import ModelProto, helper
from onnx_graphs import graph

from export.making.int8.calibration import Method
from export.making.int8.quantize import first_setting, quantize
from export.making.rewrites import shared_ranges
from models.onnx_graph.index import GraphIndex

RANGES = {"a": (0.0, 2.0), "b": (-1.0, 3.0), "c": (-1.0, 3.0), "p": (0.0, 2.0), "other": (0.0, 9.0)}


def joined(*makers: tuple[str, list[str], str]) -> ModelProto:
    """Return a graph of nodes given as (type, inputs, output), called after their outputs."""
    nodes = [
        helper.make_node(kind, read, [made], name=made, **({"axis": 1} if kind == "Concat" else {}))
        for kind, read, made in makers
    ]
    return graph(nodes, {"six": np.float32(6), "zero": np.float32(0)}, [1, 1, 4, 4], [1, 2, 4, 4])


CONCAT = ("Concat", ["a", "b"], "c")


def test_inputs_and_output_get_the_widest_range() -> None:
    model = joined(("Neg", ["x"], "a"), ("Neg", ["x"], "b"), CONCAT)
    assert shared_ranges.share(model, set(), RANGES) == {"a": (-1.0, 3.0)}


def test_a_float_concatenation_ties_nothing() -> None:
    model = joined(("Neg", ["x"], "a"), ("Neg", ["x"], "b"), CONCAT)
    assert shared_ranges.share(model, {"c"}, RANGES) == {}


def test_what_a_pooling_passes_on_is_tied_too() -> None:
    pooled = ("MaxPool", ["p"], "a")
    model = joined(("Neg", ["x"], "p"), pooled, ("Neg", ["x"], "b"), CONCAT)
    assert shared_ranges.share(model, set(), RANGES) == {"a": (-1.0, 3.0), "p": (-1.0, 3.0)}


@pytest.mark.parametrize(
    ("clip", "free"),
    [
        (("Relu", ["x"], "a"), False),
        (("Clip", ["x", "zero", "six"], "a"), False),
        (("Clip", ["x", "", "six"], "a"), True),
        (("Clip", ["x"], "a"), True),
    ],
    ids=["relu", "relu6", "a bound that is wide enough", "no bound"],
)
def test_what_is_clipped_keeps_its_bounds(clip: tuple[str, list[str], str], free: bool) -> None:
    """Below 0 a range would let through what the ReLU, which is dropped, has cut off."""
    model = joined(clip, ("Neg", ["x"], "b"), CONCAT)
    assert bool(shared_ranges.share(model, set(), RANGES)) is free


def test_a_clip_that_stays_a_node_binds_nothing() -> None:
    model = joined(("Relu", ["x"], "a"), ("Neg", ["x"], "b"), CONCAT)
    assert shared_ranges.share(model, {"a"}, RANGES) == {"a": (-1.0, 3.0)}


def test_above_six_relu6_would_be_let_loose() -> None:
    model = joined(("Clip", ["x", "zero", "six"], "a"), ("Neg", ["x"], "b"), CONCAT)
    for high, free in ((5.0, True), (7.0, False)):
        ranges = {"a": (0.0, 2.0), "b": (0.0, high), "c": (0.0, high)}
        assert bool(shared_ranges.share(model, set(), ranges)) is free


def scales(file: Path) -> list[tuple[float, ...]]:
    """Return the scales of what each concatenation of a file reads and makes."""
    model = onnx.load(file)
    index = GraphIndex(model)
    found = []
    for node in model.graph.node:
        if node.op_type == "Concat":
            read = [index.producer[name].input[1] for name in node.input]
            made = index.only_consumer(node.output[0], "QuantizeLinear")
            assert made is not None
            found.append(tuple(float(index.constant(name)) for name in (*read, made.input[1])))
    return found


@pytest.mark.parametrize("method", get_args(Method))
def test_a_quantized_file_has_one_scale(tmp_path: Path, method: Method) -> None:
    """However ranges are taken: a histogram stores them in another form than extremes."""
    workshop = opened("concat", tmp_path)
    apart, shared = tmp_path / "apart.onnx", tmp_path / "shared.onnx"
    setting = first_setting(workshop).model_copy(update={"method": method})
    quantize(workshop, setting.model_copy(update={"shared_ranges": True}), shared)
    quantize(workshop, setting, apart)
    assert [len(set(one)) for one in scales(shared)] == [1]
    assert [len(set(one)) > 1 for one in scales(apart)] == [True]
    assert max(scales(apart)[0]) == pytest.approx(scales(shared)[0][0])
    before = run(workshop.source.read_bytes(), inputs())
    assert np.abs(run(shared, inputs()) - before).max() < 0.1 * np.ptp(before)
