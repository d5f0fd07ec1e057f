"""`--views`: accuracy is averaged over fewer views of each test image."""

from pathlib import Path

import pytest

from edgepress.core.eval_file import load_eval


@pytest.mark.slow
def test_views_of_the_training_and_of_the_export(tmp_path: Path, command) -> None:
    network, onnx = tmp_path / "network", tmp_path / "onnx"
    small = ("--weights", "random", "--epochs", 0, "--image-size", 32, "--gate", "map >= 0")
    made = command("compress.train", "--arch", "lenet5", *small, "--views", 2, "--out", network)
    assert made.code == 0, made.err
    assert load_eval(network / "eval.npz").view_names == ("identity", "rot90")
    made = command("export.onnx", "--model", network, "--views", 3, "--out", onnx)
    assert made.code == 0, made.err
    assert load_eval(onnx / "eval.npz").view_names == ("identity", "rot90", "rot180")


def test_no_views_are_refused(tmp_path: Path, command) -> None:
    refused = command("compress.train", "--views", 0, "--out", tmp_path / "network")
    assert refused.code == 2
    assert "views" in refused.err
    assert not (tmp_path / "network").exists()
