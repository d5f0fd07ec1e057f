"""The options of `python -m export.adopt`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from benchmarks.thresholds import ThresholdOptions
from edgepress.core.alike import REWRITTEN
from edgepress.core.image_spec import Channels, PerChannel, Range
from edgepress.core.several import Gates
from edgepress.data.splitting import Splitting
from export.adopting.sources._source import ChannelOrder, Layout, Output


class Config(Splitting, ThresholdOptions):
    """Make an artifact of a network made elsewhere: ONNX, torch.export, TorchScript or Keras 3.

    What the file does not say is said by options, or found out on images, none of the test part.
    """

    model: Path | None = None
    """The file, which must be named: `.onnx`, `.pt2`, TorchScript (`.pt`), `.keras`."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path | None = None
    """Folder of the artifact; default: runs/FILE."""
    trust: bool = False
    """Open a file that is a program (torch.export, TorchScript), because you trust its maker."""
    labels: tuple[str, ...] | None = None
    """The network's labels in the order of its outputs; default: those that a file of edgepress
    says, else the data's."""
    image_size: tuple[int, ...] | None = Field(None, min_length=1, max_length=2)
    """Height and width of its images in pixels, or one number for both; default: the file's."""
    mean: PerChannel | None = None
    """Mean of pixels in 0..1 of red, green and blue, or of grey, as the network was trained with;
    default, with --std: the usual one whose mAP on images that are not of the test part is surely
    better than that of every other; where none is, both must be said."""
    std: PerChannel | None = None
    """Standard deviation of pixels in 0..1 of the same; pixels of 0 to 255 are 1/255."""
    channel_order: ChannelOrder | None = None
    """BGR for a network that takes blue first, as OpenCV and Caffe read images; default: RGB, or
    BGR where its mAP on images that are not of the test part is surely better."""
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bilinear"
    """Pillow filter of the resize."""
    crop: Literal["squash", "center"] = "squash"
    """`squash` resizes to height x width; `center` keeps the aspect ratio and cuts the middle."""
    pixel_range: Range | None = None
    """LOW HIGH: the samples of images of more than 8 bits that are black and white to it, e.g. 0
    4095 for 12 bits in 16-bit files (default: what the files say)."""
    layout: Layout | None = None
    """Order of the axes of its images; default: the file's, NCHW where that does not tell."""
    channels: Channels | None = None
    """1 for a network of grey images, which are made of colours as Pillow does; default: the
    file's."""
    output: Output | None = None
    """What it returns: `logits` get a sigmoid; default: `probs` where all values are in 0..1."""
    views: int | None = Field(None, ge=1)
    """Label-preserving views of each test image at most that accuracy is averaged over: fewer are
    quicker to measure and certify less (default: all that the data set declares)."""
    gate: Gates = (*REWRITTEN.gates, "chance <= 0.01")
    """Gates; parity and flipped are against the file itself, run by its own library; chance is the
    share of random orders of the test images whose mAP is as high as the network's."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


class Resolved(Config):
    """The options with what the result depends on beside them."""

    out: Path
    model_sha256: str
    """Of the file."""
