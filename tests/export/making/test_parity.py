"""Two versions of a model are compared, and a difference is caught."""

from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import torch
from export_helpers import Files, store

from benchmarks.evaluation import parity
from benchmarks.evaluation.candidates import open_model
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.data.context import context_of
from edgepress.data.dataset import Dataset
from export.graph import metadata
from export.graph.metadata import ModelFacts
from export.making import evidence
from models.stored import load_network

GATES = ("parity <= 1e-3", "flipped <= 0.002")


def test_by_hand() -> None:
    reference = np.float32([[0.9, 0.2], [0.5, 0.7]])
    candidate = np.float32([[0.4, 0.2], [0.5, 0.5]])
    found = parity.compare(reference, candidate, (0.5, 0.6))
    assert found.n_images == 2
    assert found.max_prob_diff == pytest.approx(0.5)
    assert found.flipped == 2 / 4


def test_threshold_itself_counts_as_predicted() -> None:
    one = np.float32([[0.5]])
    assert parity.compare(one, np.float32([[0.6]]), (0.5,)).flipped == 0
    assert parity.compare(one, np.float32([[0.4999]]), (0.5,)).flipped == 1


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        (np.zeros((2, 3), np.float32), "different shapes"),
        (np.full((2, 2), np.nan, np.float32), "finite"),
    ],
)
def test_outputs_that_cannot_be_compared(candidate: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parity.compare(np.zeros((2, 2), np.float32), candidate, (0.5, 0.5))


def test_no_image_is_an_error() -> None:
    with pytest.raises(UserError, match="no image"):
        parity.compare(np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32), (0.5,))


@pytest.fixture
def exported(files: Files, trained: Artifact, tmp_path: Path) -> Artifact:
    """The fp32 export as a model that says itself what it is."""
    path = Path(copyfile(files.fp32, tmp_path / "exported.onnx"))
    manifest = trained.manifest
    facts = ModelFacts(
        id="x", parent=None, precision="fp32", target=None, labels=manifest.labels,
        image=manifest.image,
    )  # fmt: skip
    metadata.write(path, facts)
    return open_model(path)


def test_export_agrees_with_its_network(
    exported: Artifact, trained: Artifact, dataset: Dataset
) -> None:
    found = evidence.parity_of(
        exported, trained, evidence.Request(context_of(dataset, trained), "cpu", 1, ())
    )
    verdicts = evidence.parity_verdicts(exported, found, GATES)
    assert [verdict.outcome for verdict in verdicts] == ["pass", "pass"]
    assert found.n_images == len(trained.manifest.data.split.val)  # type: ignore[union-attr]


def test_perturbed_weights_are_caught(
    exported: Artifact, trained: Artifact, dataset: Dataset, tmp_path: Path
) -> None:
    network = load_network(trained)
    with torch.no_grad():
        network.classifier.bias += 0.02  # type: ignore[operator,union-attr]
    altered = store(tmp_path / "altered", network, dataset)
    found = evidence.parity_of(
        exported, altered, evidence.Request(context_of(dataset, trained), "cpu", 1, ())
    )
    verdicts = evidence.parity_verdicts(exported, found, GATES)
    assert verdicts[0].outcome == "fail"
    assert 1e-3 < found.max_prob_diff <= 0.005 + 1e-6  # the sigmoid's slope is at most 1/4
