"""The options of `python -m export.convert`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from edgepress.core.noun import Noun
from models.defaults import ModelPath


class Config(Noun):
    """Convert a model for another runtime, and compare it with the ONNX file on real images.

    Exit code 3 when the two do not agree, 4 when the images are too few to tell whether a
    quantized model does; the folder is kept and says so.
    """

    model: tuple[ModelPath, ...] = ()
    """Artifact, ONNX or PyTorch (default: the newest ONNX artifact under runs/, else the shipped
    teacher). `litert`, `executorch` and `coreml` are made from the PyTorch one. With --all it may
    be given several times."""
    format: str = "onnx"
    """What to write: a file of export/converting/formats."""
    quantize: Literal["none", "int8", "int8_weights"] = "none"
    """Number format that the format's own tool makes of an fp32 PyTorch artifact (`litert` and
    `executorch` int8, ranges from 256 training images; `coreml` int8_weights), held against "map
    drop <= 0.01" on all test images. The other formats take int8 files of export.onnx."""
    data: str = "elpv"
    """Where the images to compare on come from: `elpv`, a path, or `format:path`."""
    out: Path | None = None
    """Folder to write (default: runs/MODEL-FORMAT, or runs/MODEL-FORMAT-int8); with --all, a folder
    of folders (default: runs/formats)."""
    images: int = Field(50, ge=1)
    """Validation images at most to compare on; what is quantized here is compared on all."""
    all: bool = False
    """Write every format of every model, each in a process of its own, and a table: in every number
    format that the format's own tool makes, and int8 files only for the runtime of their target."""
    jobs: int = Field(1, ge=1)
    """With --all: how many are written at a time."""
    result: Path | None = None
    """With --all: JSON file for the figures, e.g. docs/results/formats.json; their table is written
    beside it."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""
