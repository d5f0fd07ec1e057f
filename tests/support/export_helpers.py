"""What the tests of the export share: the tiny network's artifact and files, and running files."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from sklearn.linear_model import LogisticRegression

from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.image_spec import ImageSpec
from edgepress.core.labels import Labels
from edgepress.core.manifest import Architecture, DataRef, Manifest
from edgepress.data.dataset import Dataset
from edgepress.data.random_split import default_split
from export.making.int8.calibration import Calibration
from export.making.int8.quantize import first_setting, open_workshop, quantize
from export.targets import Target
from models.stored import save_network

SPEC = ImageSpec(height=32, width=32)
LABELS = ("bright", "red", "striped")


@dataclass(frozen=True)
class Files:
    """The tiny network as ONNX files."""

    fp32: Path
    int8: Path
    calibration: Calibration


def store(folder: Path, network: torch.nn.Module, dataset: Dataset, width: int = 64) -> Artifact:
    """Store a network of `export_network` as an artifact."""
    work = folder.with_name(f"{folder.name}-work")
    work.mkdir()
    save_network(network, work)
    manifest = Manifest(
        id=f"id-of-{folder.name}",
        stage="compress.train",
        config={},
        kind="torch",
        architecture=Architecture(name="export_network:tiny", kwargs={"width": width}),
        image=SPEC,
        labels=Labels(names=LABELS, thresholds=(0.5, 0.4, 0.6), prevalence=(0.5, 0.5, 0.5)),
        data=DataRef(
            source=dataset.source, fingerprint=dataset.fingerprint, split=default_split(dataset)
        ),
    )
    return artifacts.save(folder, work, manifest)


def fit_classifier(network: torch.nn.Module, images: np.ndarray, targets: np.ndarray) -> None:
    """Give a network of `export_network` the classifier that tells labels from its features."""
    seen: list[torch.Tensor] = []
    hook = network.classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(torch.from_numpy(images))
        for row, column in enumerate(targets.T):
            fitted = LogisticRegression(max_iter=5000).fit(seen[0].numpy(), column)
            network.classifier.weight[row] = torch.from_numpy(fitted.coef_[0])
            network.classifier.bias[row] = float(fitted.intercept_[0])
    hook.remove()


def run(model: Path | bytes, inputs: np.ndarray, optimised: bool = True) -> np.ndarray:
    """Run a model of one input and one output on each row of `inputs`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in inputs])


def to_int8(source: Path, out: Path, target: Target, images: Calibration) -> None:
    """Quantize a float file by the target's best-known setting, without a search."""
    with tempfile.TemporaryDirectory(prefix="edgepress-int8-") as folder:
        workshop = open_workshop(source, target, images, Path(folder))
        quantize(workshop, first_setting(workshop), out)
