"""Preprocessing, network and thresholds in one graph; the network is not changed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from export_helpers import LABELS, SPEC, Files
from onnx import helper

from benchmarks.evaluation.candidates import BareModel
from edgepress.core.artifact import Artifact
from edgepress.core.errors import GateFailed, UserError
from export.graph.audit import audit
from export.shipped import check, graph

PHOTOGRAPHS = [
    np.random.default_rng(seed).integers(0, 256, (40, 48, 3)).astype(np.uint8) for seed in range(6)
]


def shipped(model: Artifact, folder: Path, camera: graph.Camera | None = None) -> Path:
    path = folder / "shipped.onnx"
    onnx.save(graph.whole(model, camera), path)
    return path


def bare(file: Path, exported: Artifact) -> BareModel:
    return BareModel(file, exported.manifest)


def test_answers_and_integers_are_those_of_the_model(exported: Artifact, tmp_path: Path) -> None:
    path = shipped(exported, tmp_path)
    found = check.check(exported, path, PHOTOGRAPHS)
    assert (found.parity.max_prob_diff, found.parity.n_images) == (0.0, 6)
    assert [one.outcome for one in found.verdicts] == ["pass", "pass"]
    assert audit(path).int8_convs == audit(exported.weights).int8_convs > 0


def test_labels_follow_the_thresholds(exported: Artifact, tmp_path: Path) -> None:
    session = check.open_shipped(shipped(exported, tmp_path))
    thresholds = np.float32(exported.manifest.labels.thresholds)
    rows = [session.run(["probs", "labels"], {"image": one}) for one in PHOTOGRAPHS]
    for probs, labels in rows:
        assert (probs.shape, labels.dtype) == ((1, len(LABELS)), np.bool_)
        assert (labels == (probs >= thresholds)).all()


def test_other_preprocessing_fails_the_check(exported: Artifact, tmp_path: Path) -> None:
    spec = exported.manifest.image.model_copy(update={"mean": (0.6, 0.2, 0.4)})
    other = replace(exported, manifest=exported.manifest.model_copy(update={"image": spec}))
    with pytest.raises(GateFailed, match="shipped_parity is"):
        check.check(exported, shipped(other, tmp_path), PHOTOGRAPHS)


def test_other_thresholds_fail_the_check(exported: Artifact, tmp_path: Path) -> None:
    path = shipped(exported, tmp_path)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name == "thresholds":
            tensor.CopyFrom(helper.make_tensor("thresholds", 1, [3], [0.0, 0.0, 0.0]))
    onnx.save(model, path)
    with pytest.raises(GateFailed, match="not `probs` at the thresholds"):
        check.check(exported, path, PHOTOGRAPHS)


def test_integers_that_went_back_to_float_fail_the_check(
    exported: Artifact, files: Files, tmp_path: Path
) -> None:
    path = shipped(bare(files.fp32, exported), tmp_path)
    with pytest.raises(GateFailed, match="0 convolutions are computed with integers"):
        check.check(exported, path, PHOTOGRAPHS)


def test_a_camera_fixes_the_size(exported: Artifact, tmp_path: Path) -> None:
    session = check.open_shipped(shipped(exported, tmp_path, camera=(48, 40)))
    assert session.get_inputs()[0].shape == [40, 48, 3]
    opened = check.open_shipped(shipped(exported, tmp_path))
    assert opened.get_inputs()[0].shape == ["height", "width", 3]


def test_what_the_file_says_of_itself_stays(exported: Artifact) -> None:
    before = {prop.key: prop.value for prop in onnx.load(exported.weights).metadata_props}
    after = {prop.key: prop.value for prop in graph.whole(exported).metadata_props}
    assert after == before
    assert "edgepress.labels" in after


def test_a_file_from_elsewhere_is_taken(exported: Artifact, files: Files, tmp_path: Path) -> None:
    model = onnx.load(files.fp32)
    model.graph.input[0].name = "x"
    for node in model.graph.node:
        node.input[:] = ["x" if name == "image" else name for name in node.input]
        node.output[:] = ["y" if name == "probs" else name for name in node.output]
    model.graph.output[0].name = "y"
    model.opset_import[0].version = 17  # nothing in the tiny network is newer
    file = tmp_path / "other.onnx"
    onnx.save(model, file)
    path = shipped(bare(file, exported), tmp_path)
    ours = check.open_shipped(path).run(["probs"], {"image": PHOTOGRAPHS[0]})[0]
    named = check.open_shipped(shipped(bare(files.fp32, exported), tmp_path))
    np.testing.assert_array_equal(ours, named.run(["probs"], {"image": PHOTOGRAPHS[0]})[0])


def test_a_larger_batch_is_refused(exported: Artifact, files: Files, tmp_path: Path) -> None:
    model = onnx.load(files.fp32)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    onnx.save(model, tmp_path / "four.onnx")
    with pytest.raises(UserError, match="a batch of 4"):
        graph.whole(bare(tmp_path / "four.onnx", exported))


def test_the_network_of_the_tests_is_resized_for() -> None:
    assert (SPEC.height, SPEC.width) != PHOTOGRAPHS[0].shape[:2]
