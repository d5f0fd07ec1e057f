"""Int8 files under a CPU that this machine is not."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import LABELS, Files, run
from onnx import TensorProto, helper, numpy_helper

from edgepress.core.errors import UserError
from export.emulation import avx2
from export.emulation.avx2 import Emulated, emulate

needs_qemu = pytest.mark.skipif(
    not avx2.available(), reason="qemu-x86_64 is not installed (Debian: qemu-user)"
)
HALF = (0.5,) * len(LABELS)


def saturating(path: Path) -> Path:
    """Write a file whose products of 8-bit numbers overflow 16 bits where they are added in pairs.

    The activations are all 255, the weights all 127: two products are 64,770, the limit 32,767.
    """
    constants = {
        "w": np.full((3, 32, 1, 1), 127, np.int8), "ws": np.float32(1 / 127 / 32),
        "wz": np.int8(0), "s": np.float32(1 / 255), "z": np.uint8(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("Concat", ["image"] * 10 + ["two"], ["wide"], axis=1),
        helper.make_node("QuantizeLinear", ["wide", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["dq"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"]),
        helper.make_node("Conv", ["dq", "wd"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "s", "z"], ["cd"]),
        helper.make_node("GlobalAveragePool", ["cd"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["probs"]),
    ]
    constants["two"] = np.ones((1, 2, 8, 8), np.float32)
    graph = helper.make_graph(
        nodes,
        "saturating",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    return path


@needs_qemu
@pytest.mark.slow
def test_saturation_that_this_machine_may_not_have_is_found(tmp_path: Path) -> None:
    model = saturating(tmp_path / "model.onnx")
    found = emulate(
        model, np.ones((1, 3, 8, 8), np.float32), np.ones((1, 3), np.float32), (0.9,) * 3
    )
    assert found.flipped == 1.0
    assert found.max_prob_diff > 0.3
    assert found.verdict.outcome == "fail"


@needs_qemu
@pytest.mark.slow
def test_a_float_file_gives_the_same_everywhere(files: Files) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 32, 32)).astype(np.float32)
    found = emulate(files.fp32, images, run(files.fp32, images), HALF)
    assert found.max_prob_diff < 1e-4
    assert found.verdict.outcome == "pass"
    assert "2 images" in found.sentence


@needs_qemu
def test_a_file_that_does_not_run_there_is_a_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    images = np.zeros((1, 3, 32, 32), np.float32)
    with pytest.raises(UserError, match=r"emulated CPU.*--emulate 0"):
        emulate(broken, images, np.zeros((1, 3), np.float32), HALF)


@pytest.mark.parametrize(("flipped", "outcome"), [(0.0, "pass"), (0.01, "pass"), (0.02, "fail")])
def test_the_share_of_changed_decisions_decides(flipped: float, outcome: str) -> None:
    found = Emulated(cpu="Haswell", n_images=100, max_prob_diff=0.1, flipped=flipped)
    assert found.verdict.outcome == outcome
