"""The model, opened with the options that were measured to suit this device."""

import json
import os
import time
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

# ONNX Runtime's packages report to their maker and keep a database for that in the user's cache
# (1.31); a device tells nobody anything. Read when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

from ..bundle.manifest import MODEL, Bundle
from ..errors import DeviceError, ModelFailed
from ..images import need

UINT8 = np.dtype(np.uint8)
RUNTIME = {"intra_op_threads": 1, "enable_cpu_mem_arena": True, "allow_spinning": False}
"""What holds where a manifest does not say."""
KEPT_BYTES = 64 * 10**6
"""What ONNX Runtime may keep for the next image of what this one took."""
USUAL_COLUMNS = 224


@dataclass(frozen=True)
class Prediction:
    """What the model says about one image."""

    probs: NDArray[np.float32]
    """`[labels]`, each from 0 to 1."""
    labels: tuple[str, ...]
    """Labels whose probability reaches their threshold."""
    seconds: float
    """Time in the model, without decoding."""
    bundle: Bundle
    """The release that says so; another one may be in use by now."""


class Predictor:
    """A bundle's model, ready to predict; may be used by several threads at once."""

    def __init__(self, bundle: Bundle, runtime: dict[str, Any] | None = None) -> None:
        """Open the model with the manifest's options, or with others.

        Raises:
            ModelFailed: ONNX Runtime cannot open it, or it is not a model of a bundle.
        """
        self.bundle = bundle
        self._session = open_session(bundle, runtime)
        shapes = {one.name: one.shape for one in self._session.get_inputs()}
        outputs = {one.name for one in self._session.get_outputs()}
        if list(shapes) != ["image"] or not {"probs", "labels"} <= outputs:
            raise ModelFailed(
                "The model's inputs and outputs are not those of a bundle",
                got=f"{list(shapes)} -> {sorted(outputs)}",
                allowed="image -> probs, labels",
            )
        sizes = tuple(shapes["image"])
        self._fixed = sizes if all(isinstance(size, int) for size in sizes) else None
        self._names = bundle.names
        self._columns = _columns(self._session)
        self._arena = bool(settings(bundle, runtime)["enable_cpu_mem_arena"])

    def need_bytes(self, height: int, width: int) -> int:
        """Return the memory that predicting an image of this size takes at most."""
        return need.resizing(height, width, self._columns, self._arena)

    def predict(self, image: NDArray[np.uint8]) -> Prediction:
        """Return what the model says about a uint8 RGB image `[height, width, 3]`.

        Raises:
            DeviceError: an image of another form.
            ModelFailed: the model raised an error or gave no probabilities.
            MemoryError: the system has no memory for it.
        """
        self._check(image)
        start = time.perf_counter()
        try:
            probs, above = self._session.run(
                ["probs", "labels"], {"image": image}, self._options(image)
            )
        except Exception as error:  # onnxruntime's errors have no common class
            if _no_memory(error):  # says nothing of the model
                raise MemoryError(str(error)) from None
            raise ModelFailed(f"The model failed: {error}") from None
        seconds = time.perf_counter() - start
        found = probs[0]
        values = found.tolist()
        if len(values) != len(self._names) or not all(
            0 <= value <= 1 for value in values
        ):  # or NaN
            raise ModelFailed("The model gave no probabilities", got=values)
        labels = tuple(compress(self._names, above[0].tolist()))
        return Prediction(found, labels, seconds, self.bundle)

    def _options(self, image: NDArray[np.uint8]) -> ort.RunOptions | None:
        """Return how to run: what a large image took is given back, not kept for the next one."""
        if not self._arena or self.need_bytes(*image.shape[:2]) < KEPT_BYTES:
            return None
        options = ort.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        return options

    def _check(self, image: NDArray[np.uint8]) -> None:
        fits = image.ndim == 3 and image.shape[2] == 3
        if self._fixed is not None:
            fits = image.shape == self._fixed
        if not fits or image.dtype != UINT8:
            raise DeviceError(
                "The image does not fit the model",
                got=f"{image.dtype} {list(image.shape)}",
                allowed=f"uint8 {list(self._fixed or ('height', 'width', 3))}",
            )


def _no_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(
        told in str(error) for told in ("Failed to allocate memory", "bad allocation", "bad_alloc")
    )


def settings(bundle: Bundle, runtime: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the options that a bundle's model is opened with: the manifest's, or others."""
    chosen: dict[str, Any] = RUNTIME | bundle.manifest["runtime"] | (runtime or {})
    return chosen


def _columns(session: ort.InferenceSession) -> int:
    """Return the width of the network's input as the model's metadata tell it."""
    told = session.get_modelmeta().custom_metadata_map.get("edgepress.image", "")
    try:
        return int(json.loads(told)["width"])
    except (ValueError, TypeError, KeyError):  # not made by `export.bundle`
        return USUAL_COLUMNS


def open_session(bundle: Bundle, runtime: dict[str, Any] | None = None) -> ort.InferenceSession:
    """Return ONNX Runtime's session of a bundle's model, on the CPU.

    Raises:
        ModelFailed: it cannot be opened.
    """
    wanted = settings(bundle, runtime)
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(wanted["intra_op_threads"])
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = bool(wanted["enable_cpu_mem_arena"])
    spin = "1" if wanted["allow_spinning"] else "0"
    options.add_session_config_entry("session.intra_op.allow_spinning", spin)
    options.log_severity_level = 4  # errors are raised; what remains is noise on a device
    try:
        return ort.InferenceSession(
            str(bundle.folder / MODEL), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors have no common class
        raise ModelFailed(
            f"The model cannot be opened ({error})", got=bundle.folder / MODEL
        ) from None
