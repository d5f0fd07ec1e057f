"""`predict`: images in, one JSON line each out."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from . import frames
from .errors import EXIT_BAD_INPUT, EXIT_CHECK_FAILED, EXIT_DONE, DeviceError, ModelFailed
from .frames import Frame, Read
from .images import MAX_PIXELS, MEMORY_BYTES, BadImage, check_memory, decode
from .newest import Numbered, newest
from .runner import Runner, running
from .session import Prediction
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
        DeviceError: options that contradict each other, or an address that cannot be used.
    """
    if options.images and options.stdin:
        raise DeviceError("Give images or --stdin, not both")
    addresses = [one for one in options.images if isinstance(one, str)]
    live = addresses or options.stdin in ("mjpeg", "raw")
    if (options.latest or options.every) and not live:
        raise DeviceError("--latest and --every are for a camera: an address, or mjpeg and raw")
    if addresses:
        return _camera(options, read)
    if options.images:
        return frames.from_files(options.images, read)
    return _standard_input(options, read)


def _camera(options: Namespace, read: Read) -> Iterator[Frame]:
    from . import address, camera  # only here: a device starts with what it needs

    if len(options.images) > 1:
        raise DeviceError(
            "A camera is watched alone", got=f"{len(options.images)} images and addresses",
            next_step="start one process for each camera",
        )  # fmt: skip
    wishes = camera.Wishes(options.every, options.timeout_s, options.retries)
    source = camera.images(address.parse(options.images[0]), wishes)
    return (frames.frame(*taken, read) for taken in newest(source, options.every))


def _standard_input(options: Namespace, read: Read) -> Iterator[Frame]:
    if options.stdin is None:
        raise DeviceError(
            "There is nothing to predict", next_step="give images, folders or --stdin"
        )
    if sys.stdin is None:
        raise DeviceError("Standard input is closed")
    stream: BinaryIO = sys.stdin.buffer
    if options.stdin == "paths":
        return frames.from_list(stream, read)
    if options.stdin == "lengths":
        return frames.from_lengths(stream, read)
    if options.latest or options.every:
        # Read in a thread, which may not hold the lock of `sys.stdin` when the process ends.
        stream = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115
    if options.stdin == "mjpeg":
        return (frames.frame(*taken, read) for taken in _some(frames.jpegs(stream), options))
    if not options.width or not options.height:
        raise DeviceError("Raw frames have no size of their own", next_step="--width, --height")
    size = options.height, options.width
    if options.width * options.height > MAX_PIXELS:
        raise DeviceError(
            f"Raw frames have at most {MAX_PIXELS:,} pixels", got="{}x{}".format(*size)
        )
    source = frames.raw(stream, *size)
    return (frames.raw_frame(*taken, *size) for taken in _some(source, options))


def _some(source: Iterator[bytes], options: Namespace) -> Iterator[Numbered]:
    """Return all frames of a stream, or only the newest ones."""
    if options.latest or options.every:
        return newest(source, options.every)
    return enumerate(source)
