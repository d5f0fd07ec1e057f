"""From the file that another tool has made to one that can be measured like ours."""

import json
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from benchmarks.evaluation.candidates import open_model
from benchmarks.runtimes import cpu
from edgepress.core.artifact import Artifact
from edgepress.core.errors import UserError
from edgepress.core.hashing import SHORT, file_sha256

_PREFIX = "edgepress."


def finish(draft: Path, fp32: Artifact, calibration: Path, out: Path) -> None:
    """Write `draft` to `out` with the fp32 file's metadata, if our onnxruntime can run it.

    Inputs and outputs must have the names that the fp32 file gives them (one input, `probs`); an
    image of `calibration` is run once.

    Raises:
        UserError: there is no file, or it cannot be run as the fp32 file can.
    """
    if not draft.is_file():
        raise UserError("The tool ended without an error, and without a file")
    labelled = draft.with_name("labelled.onnx")
    onnx.save(_with_metadata(draft, fp32), labelled)
    image = np.load(calibration, mmap_mode="r")[:1]
    cpu.open_session(open_model(labelled), threads=1).run(np.asarray(image))
    labelled.replace(out)


def _with_metadata(draft: Path, fp32: Artifact) -> onnx.ModelProto:
    """Return the model with labels and preprocessing of its parent, and an id of its own."""
    try:
        model = onnx.load(draft)
    except DecodeError:
        raise UserError("What the tool has written is not an ONNX model") from None
    parent = onnx.load(fp32.weights, load_external_data=False)
    if _ports(model) != _ports(parent):
        raise UserError(f"The tool has changed inputs or outputs: {_ports(model)}")
    props = {prop.key: prop.value for prop in parent.metadata_props}
    facts = {key: value for key, value in props.items() if key.startswith(_PREFIX)}
    own = {
        "id": file_sha256(draft)[:SHORT],
        "parent": fp32.manifest.id,
        "precision": "int8",
        "target": None,
    }
    facts |= {_PREFIX + key: json.dumps(value) for key, value in own.items()}
    theirs = {prop.key: prop.value for prop in model.metadata_props}
    onnx.helper.set_model_props(model, theirs | facts)
    return model


def _ports(model: onnx.ModelProto) -> str:
    ends = (model.graph.input, model.graph.output)
    return " -> ".join(", ".join(port.name for port in ports) for ports in ends)
