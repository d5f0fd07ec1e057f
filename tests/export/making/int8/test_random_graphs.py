"""Random networks: no rewrite changes what they compute, and all of them can be made int8."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
from export_helpers import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto
from random_graphs import SIDE, networks

from edgepress.core.image_spec import ImageSpec
from edgepress.data.pixels import normalise
from export import targets
from export.graph.simplify import add_for_sub, simplify
from export.making.int8.calibration import Calibration, Method
from export.making.int8.prepare import prepare
from export.making.int8.quantize import first_setting, open_workshop, quantize
from export.making.rewrites import batch_norm, equalize, float_pool
from models.onnx_graph import average_pool
from models.onnx_graph.index import drop_unused_initializers
from models.onnx_graph.rename import rename

SAME = 1e-3
"""Largest change by a rewrite, as a share of the largest logit: floats add up in another order."""
ALIKE = {"minmax": 0.2, "moving_average": 0.6, "percentile": 0.6, "entropy": 0.6}
"""Largest change by 8 bits, likewise. What is left out or read wrongly is off by more; ways to take
ranges that cut off what is rare cut off much of so few and small images."""
SEEDED = settings(
    derandomize=True, database=None, deadline=None, max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
COUNT = 6


def images() -> Calibration:
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    return Calibration(pixels, np.arange(COUNT), ImageSpec(height=SIDE, width=SIDE))


def inputs() -> np.ndarray:
    made = images()
    return normalise(made.pixels, made.image)


def largest_change(before: ModelProto | Path, after: ModelProto | Path) -> float:
    """Return how far logits are apart, as a share of the largest."""
    first, second = (
        run(one if isinstance(one, Path) else one.SerializeToString(), inputs(), optimised=False)
        for one in (before, after)
    )
    assert np.isfinite(first).all(), "the network itself is sound"
    return float(np.abs(second - first).max() / max(np.abs(first).max(), 1e-6))


def pool_floats(model: ModelProto) -> None:
    float_pool.apply(model, {node.name for node in model.graph.node if node.op_type == "Conv"})


def on_disk(change: Callable[[Path], None]) -> Callable[[ModelProto], None]:
    """Return what changes a model by way of a file."""

    def changed(model: ModelProto) -> None:
        with tempfile.TemporaryDirectory() as folder:
            onnx.save(model, file := Path(folder) / "model.onnx")
            change(file)
            model.CopyFrom(onnx.load(file))

    return changed


REWRITES: dict[str, Callable[[ModelProto], object]] = {
    "average pool": average_pool.apply,
    "batch norm": batch_norm.apply,
    "equalize": equalize.apply,
    "float pool": pool_floats,
    "add for sub": add_for_sub,
    "unused": drop_unused_initializers,
    "rename": lambda model: rename(model, lambda name: name if name == "image" else f"new/{name}"),
    "simplify": on_disk(simplify),
    "prepare": on_disk(lambda file: prepare(file, file)),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@SEEDED
@given(model=networks())
def test_no_rewrite_changes_what_a_network_computes(model: ModelProto) -> None:
    for name, rewrite in REWRITES.items():
        changed = ModelProto.FromString(model.SerializeToString())
        rewrite(changed)
        onnx.checker.check_model(changed, full_check=True)
        assert largest_change(model, changed) < SAME, name


@pytest.mark.filterwarnings("ignore::UserWarning")
@SEEDED
@given(
    model=networks(),
    target=st.sampled_from(["cpu-vnni", "cpu-avx2", "cpu-arm", "qnn", "xnnpack"]),
    method=st.sampled_from(get_args(Method)),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_every_network_can_be_made_int8_and_answers_alike(
    model: ModelProto, target: str, method: Method, flags: tuple[bool, bool, bool]
) -> None:
    names = ("equalized", "shared_ranges", "bias_corrected")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        onnx.save(model, source := folder / "float.onnx")
        workshop = open_workshop(source, targets.resolve(target), images(), folder)
        chosen = {"method": method, **dict(zip(names, flags, strict=True))}
        setting = first_setting(workshop).model_copy(update=chosen)
        quantize(workshop, setting, out := folder / "int8.onnx")
        assert any(node.op_type == "QuantizeLinear" for node in onnx.load(out).graph.node)
        run(out, inputs())  # by the runtime's integer kernels, which other CPUs round otherwise
        assert largest_change(source, out) < ALIKE[method]
