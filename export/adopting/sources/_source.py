"""What a network made elsewhere offers, and how its input and output become those of edgepress."""

from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from edgepress.core.errors import UserError
from edgepress.core.image_spec import ImageSpec
from edgepress.core.noun import Noun

Floats = NDArray[np.float32]
Layout = Literal["NCHW", "NHWC"]
Output = Literal["logits", "probs"]
ChannelOrder = Literal["RGB", "BGR"]
REVERSED = (2, 1, 0)
"""Our channels in the order of a network that takes blue first."""
Shape = tuple[int | None, ...]
"""Sizes of a tensor; `None` is open."""


class Adapter(Noun):
    """How a network differs from one of edgepress: NCHW, and the data's labels."""

    layout: Layout
    """Order of the axes of the network's images."""
    channel_order: ChannelOrder = "RGB"
    """Ours is RGB; networks trained with OpenCV's or Caffe's images take BGR."""
    output: Output
    """What the network returns; logits get a sigmoid."""
    flat: bool = True
    """Whether that is `[1, labels]`; others, as `[1, labels, 1, 1]`, are read in a row."""
    order: tuple[int, ...] | None = None
    """The network's output for each label of the data; `None` where they are in the same order."""

    def feed(self, image: Floats) -> Floats:
        """Return images `[n, channels, h, w]` as the network takes them."""
        own = image[:, REVERSED] if self.turned else image
        return np.ascontiguousarray(own.transpose(0, 2, 3, 1) if self.layout == "NHWC" else own)

    @property
    def turned(self) -> bool:
        """Whether the channels change places."""
        return self.channel_order == "BGR"

    def probs(self, raw: Floats) -> Floats:
        """Return the network's output `[n, outputs]` as probabilities `[n, labels]`."""
        made: Floats = expit(raw) if self.output == "logits" else raw
        return made if self.order is None else made[:, list(self.order)]


class Source(Protocol):
    """An open network."""

    input_shape: Shape | None
    """Of the images, as the file says it; `None` where it does not."""
    labels: tuple[str, ...] | None
    """In the order of the outputs, as the file says them; `None` where it does not."""
    image: ImageSpec | None
    """What its images are, as the file says it; `None` where it does not."""

    def run(self, image: Floats) -> Floats:
        """Return what the network makes of one image in its own layout.

        Raises:
            UserError: it fails, or returns something else than one tensor of floats.
        """
        ...

    def write(self, adapter: Adapter, spec: ImageSpec, path: Path) -> None:
        """Write `image` float32 `[1, c, h, w]` to `probs` float32 `[1, labels]` as an ONNX file.

        Raises:
            UserError: the network has an operation that cannot be exported.
        """
        ...


def first_line(error: BaseException) -> str:
    """Return the line of a library's error that says what is wrong."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def damaged(name: str, path: Path, error: BaseException) -> UserError:
    """Return the error for a file that cannot be opened."""
    return UserError(
        f"{name} cannot be opened ({type(error).__name__}: {first_line(error)})",
        got=path,
        next_step="save it again, with the versions of the libraries that are installed here",
    )
