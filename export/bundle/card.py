"""The model card: what a person must know before the model is used."""

from benchmarks.report import format as fmt
from benchmarks.report.markdown import table_md
from edgepress.core import registry
from edgepress.core.artifact import Artifact
from edgepress.core.eval_file import EVAL_FILE, load_eval
from edgepress.core.manifest import Manifest
from edgepress.data.dataset import FORMATS
from export.bundle.manifest import DeviceManifest

CROPS = {
    "squash": "resized to {width} x {height} pixels, whatever their shape",
    "center": "cut to the shape of {width} x {height} pixels in the middle, and resized",
}


def text(model: Artifact, device: DeviceManifest) -> str:
    """Return the card in Markdown."""
    manifest = model.manifest
    sections = [
        f"# {device.name}, release {device.release}",
        "Tells for a photograph which of the labels below it has: a probability for each, and "
        "whether it reaches the label's threshold.",
        _labels(model),
        "## What was measured",
        _measured(manifest, model.size_bytes),
        "## What it was held against",
        _gates(device),
        *_formats(device),
        "## Photographs",
        _photographs(manifest),
        "## Training data",
        _data(manifest),
        "## Limits",
        "The figures hold for photographs like those it was trained on. A label that is rare there "
        "is judged by few examples; other cameras, light or subjects can make it wrong without a "
        "sign. `run.py predict --watch DIR` and `run.py serve --watch DIR` count what the device "
        "sees and tell when it has changed.",
        f"Made by edgepress {device.created_with['edgepress']} from the artifact {device.id}.",
    ]
    return "\n\n".join(sections) + "\n"


def _labels(model: Artifact) -> str:
    labels, path = model.manifest.labels, model.file(EVAL_FILE)
    ap = load_eval(path).ap if path is not None else {}
    rows = [
        (name, fmt.score(threshold), fmt.percent(share), fmt.score(ap.get(name)))
        for name, threshold, share in zip(
            labels.names, labels.thresholds, labels.prevalence, strict=True
        )
    ]
    header = ("Label", "Threshold", "Share of the training images", "Average precision, test")
    return table_md(header, rows, left={0})


def _measured(manifest: Manifest, size_bytes: int) -> str:
    found = manifest.measurements
    rows = [
        ("mean average precision, test part", fmt.score(found.map)),
        ("number format", manifest.precision),
        ("made for", manifest.target or "any CPU"),
        ("size of the network's file", fmt.size(size_bytes)),
        ("parameters", fmt.count(found.params)),
        ("multiply-accumulates for one image", fmt.count(found.macs)),
    ]
    return table_md(("", ""), rows, left={0})


def _gates(device: DeviceManifest) -> str:
    verdicts = device.evidence.verdicts
    if not verdicts:
        return "No gate: nothing vouches for it."
    rows = [(one.outcome, one.gate, one.reason) for one in verdicts]
    return table_md(("", "Gate", "Why"), rows, left={0, 1, 2})


def _formats(device: DeviceManifest) -> list[str]:
    if not device.formats:
        return []
    rows = [(name, one.status, one.reason) for name, one in device.formats.items()]
    table = table_md(("Folder in formats/", "Held against ONNX", "Why"), rows, left={0, 1, 2})
    return ["## For other runtimes", table]


def _photographs(manifest: Manifest) -> str:
    spec = manifest.image
    cut = CROPS[spec.crop].format(width=spec.width, height=spec.height)
    declared = spec.pixel_range
    deep = f"; of more, {declared[0]:g} is black and {declared[1]:g} white" if declared else ""
    grey = "made grey (as Pillow's mode L), " if spec.channels == 1 else ""
    return (
        f"RGB with 8 bits per channel{deep}. Inside the model they are {grey}{cut} "
        f"({spec.interpolation}, as Pillow does it), and normalised."
    )


def _data(manifest: Manifest) -> str:
    if manifest.data is None:
        return "Not known: the model was made elsewhere."
    split, source = manifest.data.split, manifest.data.source
    sizes = f"{len(split.train):,} to train on, {len(split.val):,} to choose thresholds, "
    name = source.partition(":")[0] or source
    known = name in registry.names(FORMATS)
    licence = getattr(registry.find(FORMATS, name, "format"), "LICENCE", None) if known else None
    where = name if known else "a data set of the user's"
    stated = licence or "not stated here; ask whoever made the model"
    return f"{where}: {sizes}{len(split.test):,} to measure. Licence: {stated}."
