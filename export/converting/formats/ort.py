"""ORT format: minimal builds of ONNX Runtime, and mobile apps."""

from pathlib import Path
from shutil import copyfile

import numpy as np

from benchmarks.runtimes._contract import output_name
from edgepress.core.artifact import WEIGHTS
from export import targets
from export.converting.formats._format import Format, Images, Probs, Source
from export.making import ort_format
from export.shipped.check import open_shipped
from export.targets._target import Target

FORMAT = Format(
    name="ort",
    description="minimal builds of ONNX Runtime, Android and iOS apps",
    precisions=("fp32", "int8"),
    providers=("cpu", "qnn", "xnnpack"),
    refusal="the conversion would unpack or cast the weights",
)


def write(source: Source, folder: Path) -> None:
    """Write `model.ort` and `required_operators.config`.

    Raises:
        UserError: the model's target has no ORT format, or ONNX Runtime cannot convert it.
    """
    target = _target(source)
    ort_format.require(target, source.model.manifest.precision)
    model = folder / WEIGHTS["onnx"]
    copyfile(source.model.weights, model)
    ort_format.write(model, target)
    model.unlink()


def run(folder: Path, images: Images) -> Probs:
    """Return probabilities `[n, labels]` of network inputs."""
    session = open_shipped(folder / ort_format.MODEL)
    name = output_name([port.name for port in session.get_outputs()])
    port = session.get_inputs()[0].name
    return np.concatenate([session.run([name], {port: image})[0] for image in images])


def _target(source: Source) -> Target:
    manifest = source.model.manifest
    return targets.resolve(manifest.target or targets.AUTO, manifest.precision)
