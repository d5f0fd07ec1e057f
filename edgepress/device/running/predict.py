"""`predict`: images in, one JSON line each out."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EXIT_BAD_INPUT, EXIT_CHECK_FAILED, EXIT_DONE, DeviceError, ModelFailed
from ..images import frames
from ..images.decoding import MAX_PIXELS, MEMORY_BYTES, BadImage, check_memory, decode
from ..images.frames import Frame, Read
from ..images.newest import Numbered, newest
from ..model.session import Prediction
from .runner import Runner, running
from .watching import Watching, watching


def run(options: Namespace) -> int:
    """Predict all images and print the answers; return the exit code.

    A bad image becomes a line with an `error`, and the others go on.

    Raises:
        DeviceError: no bundle, no images, or a stream that breaks.
    """
    worst, any_image = EXIT_DONE, False
    read = Reader()
    source = frames_of(options, read)
    with running(options.bundle, options.root) as runner:
        read.runner = runner
        opened = watching(options, runner.predictor.bundle)
        with opened or nullcontext():
            for frame in source:
                line, code = answer(frame, runner, opened)
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
                worst, any_image = max(worst, code), True
    if not any_image:
        print("warning: there was no image to predict", file=sys.stderr)
    return worst


class Reader:
    """Decodes photographs by the pixel range of the release in use, once there is one."""

    runner: Runner | None = None

    def __call__(self, source: Path | bytes) -> NDArray[np.uint8]:
        """Return a photograph `[height, width, 3]`.

        Raises:
            BadImage: it cannot be used.
        """
        declared = self.runner.predictor.bundle.pixel_range if self.runner else None
        return decode(source, pixel_range=declared)


def answer(
    frame: Frame, runner: Runner, watch: Watching | None = None
) -> tuple[dict[str, Any], int]:
    """Return what is to be printed about an image, and the exit code that it asks for."""
    try:
        if frame.pixels is None:
            raise BadImage(frame.error or "Bad image")
        height, width = frame.pixels.shape[:2]
        check_memory(runner.predictor.need_bytes(height, width), height, width, MEMORY_BYTES)
        prediction = runner.predict(frame.pixels)
    except ModelFailed as error:
        return {"file": frame.name, "error": str(error)}, EXIT_CHECK_FAILED
    except DeviceError as error:
        return {"file": frame.name, "error": str(error)}, EXIT_BAD_INPUT
    except MemoryError:
        return {"file": frame.name, "error": "There is no memory for it now"}, EXIT_BAD_INPUT
    if watch is not None:
        watch.observe(frame.pixels, prediction)
    return {"file": frame.name, **as_json(prediction)}, EXIT_DONE


def as_json(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as JSON has it, with the labels of the release that has made it."""
    names = prediction.bundle.names
    return {
        "labels": prediction.labels,
        "probs": dict(zip(names, prediction.probs.tolist(), strict=True)),
        "latency_s": round(prediction.seconds, 6),
    }


def frames_of(options: Namespace, read: Read = decode) -> Iterator[Frame]:
    """Return the images that a command is to look at.

    Raises:
        DeviceError: options that contradict each other, or nothing to look at.
    """
    if options.images and options.stdin:
        raise DeviceError("Give images or --stdin, not both")
    if options.latest and options.stdin != "raw":
        raise DeviceError("--latest is for --stdin raw, which may be a camera")
    if options.images:
        return frames.from_files(options.images, read)
    if options.stdin is None:
        raise DeviceError(
            "There is nothing to predict", next_step="give images, folders or --stdin"
        )
    if sys.stdin is None:
        raise DeviceError("Standard input is closed")
    if options.stdin == "paths":
        return frames.from_list(sys.stdin.buffer, read)
    if options.stdin == "lengths":
        return frames.from_lengths(sys.stdin.buffer, read)
    return _raw(options)


def _raw(options: Namespace) -> Iterator[Frame]:
    """Return all frames of a pipe, or the newest one whenever the model is free."""
    if not options.width or not options.height:
        raise DeviceError("Raw frames have no size of their own", next_step="--width, --height")
    size = options.height, options.width
    if options.width * options.height > MAX_PIXELS:
        raise DeviceError(
            f"Raw frames have at most {MAX_PIXELS:,} pixels", got="{}x{}".format(*size)
        )
    if not options.latest:
        taken: Iterator[Numbered] = enumerate(frames.raw(sys.stdin.buffer, *size))
    else:
        # Read in a thread, which may not hold the lock of `sys.stdin` when the process ends.
        pipe = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115
        taken = newest(frames.raw(pipe, *size))
    return (frames.raw_frame(*one, *size) for one in taken)
