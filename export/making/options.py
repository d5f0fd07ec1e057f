"""The options of `python -m export.onnx`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from benchmarks.thresholds import ThresholdOptions
from edgepress.core.judging import JudgingOptions
from edgepress.core.several import Gates
from export.making.int8.calibration import IMAGES
from models.defaults import ModelPath


class Config(ThresholdOptions, JudgingOptions):
    """Export a trained network to ONNX, in float or quantized, and hold it against its gates.

    Thresholds are learnt again with the scores of the file itself; an fp32 file, whose scores are
    those of the network, takes them over.
    """

    model: ModelPath | None = None
    """PyTorch artifact, or a float ONNX one; default: the newest PyTorch artifact under runs/,
    else the shipped teacher."""
    quantize: Literal["none", "fp16", "int8", "int8_weights"] = "none"
    """Number format of the file; `none` is fp32, `int8_weights` a file of a quarter of
    the size that computes in fp32."""
    target: str = "auto"
    """Device that the file is for (a file of export/targets); `auto` looks at this CPU's flags."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path | None = None
    """Folder of the artifact; default: runs/MODEL-FORMAT."""
    calibration_images: int = Field(IMAGES, ge=1)
    """Training images from which the ranges of int8 activations are taken."""
    calibration_method: Literal["minmax", "moving_average", "percentile", "entropy"] = "minmax"
    """How the ranges are taken; the search tries the others when accuracy is missed."""
    budget: str = "3m"
    """Longest search for a better int8 file, e.g. `90s`, `10m`; `0` takes the target's best-known
    setting as it is."""
    qat: int = Field(0, ge=0)
    """Epochs of quantization-aware fine-tuning with the float model as teacher, tried only where
    the search misses accuracy, and on top of --budget; 0 is never. PyTorch artifacts only."""
    views: int | None = Field(None, ge=1)
    """Label-preserving views of each test image at most that accuracy is averaged over: fewer are
    quicker to measure and certify less (default: all that the data set declares)."""
    gate: Gates | None = None
    """Gates against the model that it is made from (for all but fp32 its fp32 export). Default:
    fp32 "parity <= 1e-3" "flipped <= 0.002"; fp16 "map drop <= 0.01" "flipped <= 0.005";
    int8_weights "map drop <= 0.01" "size ratio <= 0.5"; int8 "map drop <= 0.01", and, where this
    machine is the target, "int8_convs >= 1" (of ONNX Runtime's CPU provider) and "latency speedup
    >= 1"."""
    ort: bool = False
    """Also write model.ort (ORT format, for minimal builds of ONNX Runtime and mobile apps) and
    required_operators.config, and compare it with model.onnx."""
    provider: str | None = None
    """Runtime for the measurements (`python -m benchmarks.runtimes` lists them); default: the
    target's where it is available here, else cpu."""
    latency_time: str = "3m"
    """Longest measurement of latency, e.g. `90s`, `10m`: rounds go on until every gate on latency
    is decided or this time is over, but at least for 12 rounds of three processes each, which take
    a minute or two."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference when latency is measured."""
    emulate: int = Field(32, ge=0)
    """Images that an int8 file for x86 CPUs is also run on under an emulated CPU without VNNI, when
    qemu-user is installed; 0 is none."""
    seed: int = 0
    """Seed of the choice of calibration images."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""
