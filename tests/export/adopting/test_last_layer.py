"""What a network is said to return is held against the end of its file."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edgepress.core.errors import UserError
from export.adopting import last_layer


def written(path: Path, *operators: str) -> Path:
    """Write a chain of operators from an image to probabilities."""
    nodes = [
        helper.make_node(name, [f"t{i}", "w"] if name == "MatMul" else [f"t{i}"], [f"t{i + 1}"])
        for i, name in enumerate(operators)
    ]
    ends = [helper.make_tensor_value_info(f"t{i}", TensorProto.FLOAT, None)
            for i in (0, len(operators))]  # fmt: skip
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 1], [1.0])
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [weights])), path)
    return path


@pytest.mark.parametrize("last", sorted(last_layer.SQUASHING))
def test_a_second_sigmoid_is_refused(last: str, tmp_path: Path) -> None:
    file = written(tmp_path / "n.onnx", "MatMul", last, "Flatten", "Sigmoid", "Identity")
    with pytest.raises(UserError, match=f"second sigmoid.*ends in {last}"):
        last_layer.check(file, "logits")
    assert last_layer.check(written(tmp_path / "n.onnx", "MatMul", last, "Flatten"), "probs") == ()


def test_logits_within_0_and_1_are_doubtful_as_probabilities(tmp_path: Path) -> None:
    (told,) = last_layer.check(written(tmp_path / "n.onnx", "MatMul", "Identity"), "probs")
    assert "ends in MatMul" in told
    assert "--output logits" in told
    assert last_layer.check(written(tmp_path / "n.onnx", "MatMul", "Sigmoid"), "logits") == ()
    assert last_layer.check(written(tmp_path / "n.onnx", "MatMul", "Relu"), "probs") == ()
