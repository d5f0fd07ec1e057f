"""The images from which the ranges of int8 activations are taken, and how."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod

from edgepress.core import console
from edgepress.core.image_spec import ImageSpec
from edgepress.data.context import Context
from edgepress.data.dataset import Dataset
from edgepress.data.pixels import decoded, normalise
from edgepress.data.split import training_rows

IMAGES = 256
"""How many, where nobody asks for another number."""
Method = Literal["minmax", "moving_average", "percentile", "entropy"]
DEFAULT_METHOD: Method = "minmax"
"""Where nobody asks for another; a quantizer whose best-known way is another one takes that."""
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "moving_average": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}


@dataclass(frozen=True)
class Calibration:
    """The images from which the ranges of activations are taken, and how."""

    pixels: NDArray[np.uint8]
    """Every image of the data set `[n, h, w, c]`."""
    rows: NDArray[np.intp]
    """Which of them are used."""
    image: ImageSpec
    method: Method = "minmax"

    def alone(self) -> "Calibration":
        """Return it with its own images only, as it is handed to another process."""
        return replace(
            self, pixels=np.asarray(self.pixels[self.rows]), rows=np.arange(len(self.rows))
        )

    def inputs(self) -> Iterator[NDArray[np.float32]]:
        """Yield network inputs `[1, c, h, w]`, one image after the other."""
        said = f"calibrating ({self.method})"
        for row in console.track(self.rows.tolist(), said, len(self.rows)):
            yield normalise(self.pixels[[row]], self.image)


def calibration(
    dataset: Dataset, rows: NDArray[np.intp], image: ImageSpec, method: Method = "minmax"
) -> Calibration:
    """Return the calibration on these rows of a data set."""
    return Calibration(decoded(dataset, image), rows, image, method)


def from_training(
    context: Context, n_images: int = IMAGES, seed: int = 0, method: Method = "minmax"
) -> Calibration:
    """Return the calibration on images that are chosen at random from the training part.

    Raises:
        UserError: there is no training image.
    """
    rows = training_rows(context.dataset, context.split, n_images, seed)
    return calibration(context.dataset, rows, context.spec, method)


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds normalised images of batch 1 to onnxruntime's calibration."""

    def __init__(self, images: Calibration, input_name: str) -> None:
        self._n_images = len(images.rows)
        self._name = input_name
        self._inputs = images.inputs()
        self._left = 0

    def __len__(self) -> int:
        return self._n_images

    def set_range(self, start_index: int, end_index: int) -> None:
        """Allow the next images up to the end of the range; ranges come in order."""
        self._left = end_index - start_index

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next image, `None` at the end of the range."""
        if not self._left:
            return None
        self._left -= 1
        return {self._name: next(self._inputs)}
