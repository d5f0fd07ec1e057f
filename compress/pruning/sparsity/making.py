"""A network with zeros among its weights, tuned once more, and what they save in its file."""

import copy
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.timing.tournament import LatencySettings, measure
from compress.learning.loading import TrainingImages
from compress.learning.teaching import Student, Teaching, teach
from compress.learning.views.options import longer
from compress.pruning.recalibration import recalibrate_batchnorm
from compress.pruning.sparsity.masks import held, masks
from edgepress.core import artifact as artifacts
from edgepress.core import console
from edgepress.core.artifact import Artifact
from edgepress.core.pruning import Sparsity
from edgepress.core.wording import counted
from models.blank import blank_image
from models.onnx_graph.write import to_onnx
from models.stored import count_params

LEVEL = 9
"""Of zlib: what a wheel, a zip or a web server does with a file."""
TIMED = LatencySettings(budget_s=60)


@dataclass(frozen=True)
class Tuning:
    """By what a network is tuned, as in a round of pruning."""

    parent: Artifact
    """Of the unpruned network; its manifest says how images are."""
    teacher: nn.Module
    """That network."""
    images: TrainingImages
    settings: Teaching


def with_zeros(
    network: nn.Module, pattern: str, tuning: Tuning, scratch: Path
) -> tuple[nn.Module, Sparsity]:
    """Return a network whose smallest weights are zero, tuned once more, and what that saves.

    Args:
        network: It is changed.
        pattern: As `masks.check` takes it.
        tuning: How.
        scratch: A folder of the tuning's own, from which a killed one goes on.

    Raises:
        UserError: a loss that is not finite, or a file that cannot be written or timed.
    """
    console.say(f"zeros: {pattern}")
    scratch.mkdir(exist_ok=True)
    dense, spec = copy.deepcopy(network), tuning.images.spec
    which = masks(network, blank_image(spec), pattern)
    with held(network, which):
        recalibrate_batchnorm(network, tuning.images, tuning.settings)
        student, settings = Student(network, spec), longer(tuning.settings)
        sparse = teach(student, tuning.teacher, tuning.images, settings, scratch).network
    zeros = sum(int((mask == 0).sum()) for mask in which.values()) / count_params(sparse)
    return sparse, Sparsity(
        pattern=pattern, layers=len(which), zeros=zeros, **_saved(tuning.parent, dense, sparse)
    )


def _saved(parent: Artifact, dense: nn.Module, sparse: nn.Module) -> dict[str, Any]:
    """Return what zeros save of the ONNX file, and of its time, measured in turn."""
    with tempfile.TemporaryDirectory(prefix="edgepress-zeros-") as folder:
        before = _exported(parent, dense, Path(folder) / "dense")
        after = _exported(parent, sparse, Path(folder) / "sparse")
        speedup, ci95 = measure((before, after), TIMED).speedup(1) or (None, None)
        return {
            "bytes": after.weights.stat().st_size,
            "compressor": f"zlib, level {LEVEL}",
            "compressed_bytes": _compressed(after),
            "dense_compressed_bytes": _compressed(before),
            "runtime": f"ONNX Runtime, {TIMED.provider}, {counted(TIMED.threads, 'thread')}",
            "speedup": speedup,
            "speedup_ci95": ci95,
        }


def _compressed(file: Artifact) -> int:
    return len(zlib.compress(file.weights.read_bytes(), LEVEL))


def _exported(parent: Artifact, network: nn.Module, path: Path) -> Artifact:
    files = path.with_name(f"{path.name}-files")
    files.mkdir()
    to_onnx(network, parent.manifest.image, files / artifacts.WEIGHTS["onnx"])
    return artifacts.save(path, files, parent.manifest.model_copy(update={"kind": "onnx"}))
