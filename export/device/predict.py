"""`predict`: images in, one JSON line each out."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from . import frames
from .errors import EXIT_BAD_INPUT, EXIT_CHECK_FAILED, EXIT_DONE, DeviceError, ModelFailed
from .frames import Frame
from .images import BadImage
from .runner import Runner, running
from .session import Prediction
from .watching import Watching, watching


def run(options: Namespace) -> int:
    """Predict all images and print the answers; return the exit code.

    A bad image becomes a line with an `error`, and the others go on.

    Raises:
        DeviceError: no bundle, no images, or a stream that breaks.
    """
    worst = EXIT_DONE
    source = frames_of(options)
    with running(options.bundle, options.root) as runner:
        opened = watching(options, runner.predictor.bundle)
        with opened or nullcontext():
            for frame in source:
                line, code = answer(frame, runner, opened)
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
                worst = max(worst, code)
    return worst


def answer(
    frame: Frame, runner: Runner, watch: Watching | None = None
) -> tuple[dict[str, Any], int]:
    """Return what is to be printed about an image, and the exit code that it asks for."""
    try:
        if frame.pixels is None:
            raise BadImage(frame.error or "Bad image")
        prediction = runner.predict(frame.pixels)
    except ModelFailed as error:
        return {"file": frame.name, "error": str(error)}, EXIT_CHECK_FAILED
    except DeviceError as error:
        return {"file": frame.name, "error": str(error)}, EXIT_BAD_INPUT
    bundle = runner.predictor.bundle
    if watch is not None:
        watch.observe(bundle, frame.pixels, prediction)
    return {"file": frame.name, **as_json(prediction, bundle.names)}, EXIT_DONE


def as_json(prediction: Prediction, names: tuple[str, ...]) -> dict[str, Any]:
    """Return a prediction as JSON has it."""
    return {
        "labels": prediction.labels,
        "probs": dict(zip(names, prediction.probs.tolist(), strict=True)),
        "latency_s": round(prediction.seconds, 6),
    }


def frames_of(options: Namespace) -> Iterator[Frame]:
    """Return the images that a command is to look at.

    Raises:
        DeviceError: options that contradict each other.
    """
    if options.images and options.stdin:
        raise DeviceError("Give images or --stdin, not both")
    if options.images:
        return frames.from_files(options.images)
    stream = sys.stdin.buffer
    if options.stdin == "paths":
        return frames.from_list(stream)
    if options.stdin == "lengths":
        return frames.from_lengths(stream)
    if options.stdin == "mjpeg":
        return frames.from_jpegs(stream)
    if options.stdin == "raw":
        if not options.width or not options.height:
            raise DeviceError("Raw frames have no size of their own", next_step="--width, --height")
        return frames.from_raw(stream, options.height, options.width)
    raise DeviceError("There is nothing to predict", next_step="give images, folders or --stdin")
