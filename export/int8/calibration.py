"""The images from which the ranges of int8 activations are taken, and how."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod

from compress.core import console
from compress.core.image_spec import ImageSpec
from compress.data.dataset import Dataset
from compress.data.pixels import decoded, normalise

Method = Literal["minmax", "moving_average", "percentile", "entropy"]
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
    """Every image of the data set `[n, h, w, 3]`."""
    rows: NDArray[np.intp]
    """Which of them are used."""
    image: ImageSpec
    method: Method = "minmax"


def calibration(
    dataset: Dataset, rows: NDArray[np.intp], image: ImageSpec, method: Method = "minmax"
) -> Calibration:
    """Return the calibration on these rows of a data set."""
    return Calibration(decoded(dataset, image), rows, image, method)


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds normalised images of batch 1 to onnxruntime's calibration."""

    def __init__(self, images: Calibration, input_name: str) -> None:
        self._images = images
        self._name = input_name
        self._rows = console.track(
            images.rows.tolist(), f"calibrating ({images.method})", len(images.rows)
        )
        self._left = 0

    def __len__(self) -> int:
        return len(self._images.rows)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Allow the next images up to the end of the range; ranges come in order."""
        self._left = end_index - start_index

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next image, `None` at the end of the range."""
        if not self._left:
            return None
        self._left -= 1
        pixels = self._images.pixels[[next(self._rows)]]
        return {self._name: normalise(pixels, self._images.image)}
