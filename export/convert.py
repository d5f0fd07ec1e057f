"""`python -m export.convert --model DIR --format F` writes a model for another runtime.

Every format is run on validation images where this machine can run it, and held against the ONNX
file; where it cannot, the folder's manifest says "not verified" and why. `export.converting.every`
does so with every format, `--all`.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.evaluation.candidates import open_model
from edgepress.core import console, ending
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.manifest import Precision
from edgepress.data.context import open_context
from export.converting import check, every, formats, writing
from export.converting.formats._apart import apart
from export.converting.formats._format import require
from export.converting.options import Config
from export.converting.result import Result
from export.converting.writing import Converted
from export.making.int8.calibration import from_training
from export.making.int8.checks import check_images
from export.shipped import photographs
from models.defaults import default_model


def run(config: Config) -> Converted | Result:
    """Convert, compare and store.

    Raises:
        UserError: bad input, a missing package, or a model that the format does not take.
        GateFailed: the converted model does not agree with the ONNX file.
        GateUndecided: it cannot be told whether it does.
    """
    models = [open_model(path) for path in config.model or (default_model("onnx"),)]
    if config.all:
        if config.quantize != "none":
            raise UserError("--quantize goes without --all, which makes every number format")
        return every.run(config, models)
    if len(models) > 1 or config.result is not None:
        raise UserError("Several models, and --result, go with --all")
    return _one(config, models[0])


def _one(config: Config, model: Artifact) -> Converted:
    found = formats.find(config.format)
    quantized: Precision | None = None if config.quantize == "none" else config.quantize
    out = config.out or Path("runs") / writing.named(model, found.FORMAT, quantized)
    writing.check_replaceable(out)
    require(found.FORMAT, model, quantized)
    context = open_context(config.data, (model,), config.skip_bad_images)
    photos = photographs.validation(context, config.images)
    console.say(f"converting {model.path} to {found.FORMAT.name} ...")
    with writing.source_of(model) as source, apart(found) as module:
        judge = partial(check.same_answers, source, module, photos)
        if quantized is not None:
            source = replace(source, quantized=quantized)
            judge = partial(check.as_accurate, source, module, context)
        if quantized == "int8":
            calibration = from_training(context)
            check_images(calibration)
            source = replace(source, calibration=calibration)
        made = writing.convert(source, module, out, judge)
    judged = made.manifest.verification
    console.result(f"{made.path} ({made.size_bytes:,} bytes), {judged.status}: {judged.reason}")
    ending.end_by([judged.finding(str(made.path))])
    return made


if __name__ == "__main__":
    sys.exit(main(Config, run))
