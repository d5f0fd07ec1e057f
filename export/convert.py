"""Writes a model for another runtime: `python -m export.convert --model DIR --format F --out DIR`.

Every format is run on validation images where this machine can run it, and held against the ONNX
file; where it cannot, the folder's manifest says "not verified" and why.
"""

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.candidates import open_model
from benchmarks.formats import HEADER, Outcome, Result, rows
from compress.core import console, environment, writable
from compress.core.artifact import Artifact
from compress.core.cli import main
from compress.core.errors import GateFailed, UserError
from compress.core.noun import Noun
from compress.data.dataset import open_data
from export import conversion, formats
from export.bundle import photographs
from export.conversion import Converted
from export.formats._format import require
from models.defaults import default_model


class Config(Noun):
    """Convert a model for another runtime, and compare it with the ONNX file on real images.

    Exit code 3 when the two do not agree; the folder is kept and says so.
    """

    model: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    """Artifact, ONNX or PyTorch (default: the newest ONNX artifact under runs/, else the shipped
    teacher). `litert`, `executorch` and `coreml` are made from the PyTorch one. With --all it may
    be given several times."""
    format: str = "onnx"
    """What to write: a file of export/formats."""
    data: str = "elpv"
    """Where the images to compare on come from: `elpv`, a path, or `format:path`."""
    out: Path | None = None
    """Folder to write (default: runs/MODEL-FORMAT); with --all, a folder of folders
    (default: runs/formats)."""
    images: int = Field(50, ge=1)
    """Validation images at most to compare on."""
    all: bool = False
    """Write every format of every model, each in a process of its own, and a table."""
    jobs: int = Field(1, ge=1)
    """With --all: how many are written at a time."""
    result: Path | None = None
    """With --all: file for the table's figures, e.g. docs/results/formats.json."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""


def run(config: Config) -> Converted | Result:
    """Convert, compare and store.

    Raises:
        UserError: bad input, a missing package, or a model that the format does not take.
        GateFailed: the converted model does not agree with the ONNX file.
    """
    models = [open_model(path) for path in config.model or (default_model("onnx"),)]
    if config.all:
        return _all(config, models)
    if len(models) > 1 or config.result is not None:
        raise UserError("Several models, and --result, go with --all")
    return _one(config, models[0])


def _one(config: Config, model: Artifact) -> Converted:
    module = formats.find(config.format)
    out = config.out or Path("runs") / f"{model.name}-{module.FORMAT.name}"
    conversion.check_replaceable(out)
    paths = photographs.validation(
        model, open_data(config.data, config.skip_bad_images), config.images
    )
    console.say(f"converting {model.path} to {module.FORMAT.name} ...")
    with conversion.source_of(model) as source:
        require(module.FORMAT, source)
        made = conversion.convert(source, module, paths, out)
    found = made.manifest.verification
    console.result(f"{out} ({made.size_bytes:,} bytes), {found.status}: {found.reason}")
    if found.status == "failed":
        raise GateFailed(f"{out} does not answer as the ONNX file does: {found.reason}")
    return made


def _all(config: Config, models: list[Artifact]) -> Result:
    """Convert every model to every format that takes it; none that fails stops the others."""
    out = config.out or Path("runs") / "formats"
    wanted = [
        (model, name)
        for model in models
        for name in formats.names()
        if model.manifest.precision in formats.find(name).FORMAT.precisions
    ]
    with ThreadPoolExecutor(config.jobs) as pool:
        outcomes = tuple(pool.map(lambda pair: _outcome(config, pair[0], pair[1], out), wanted))
    named = " ".join(f"--model {path}" for path in config.model)
    result = Result(
        command=f"python -m export.convert --all {named}".strip(),
        outcomes=outcomes,
        environment=environment.describe(),
    )
    if config.result is not None:
        writable.write_whole(config.result, result.model_dump_json(indent=1) + "\n")
    console.table("Formats", HEADER, rows(result))
    failed = [f"{one.model} in {one.format}" for one in outcomes if _failed(one)]
    if failed:
        raise GateFailed(f"These do not answer as the ONNX file does: {', '.join(failed)}")
    return result


def _outcome(config: Config, model: Artifact, name: str, folder: Path) -> Outcome:
    """Convert in a process of its own: a converter may crash, or load what another cannot bear."""
    out = folder / f"{model.name}-{name}"
    options = ["--model", model.path, "--format", name, "--data", config.data, "--out", out]
    options += ["--images", config.images]
    options += ["--skip-bad-images"] if config.skip_bad_images else []
    command = [sys.executable, "-m", "export.convert", *map(str, options)]
    console.say(f"{model.name} to {name} ...")
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT)
        said.seek(0)
        lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    made = conversion.read(out) if done.returncode in (0, GateFailed.exit_code) else None
    found = formats.find(name).FORMAT
    return Outcome(
        format=name,
        description=found.description,
        model=model.name,
        precision=model.manifest.precision,
        size_bytes=made.size_bytes if made else None,
        made_with=made.manifest.made_with if made else {},
        verification=made.manifest.verification if made else None,
        problem=None if made else (lines or [f"exit code {done.returncode}"])[-1],
    )


def _failed(one: Outcome) -> bool:
    return one.verification is not None and one.verification.status == "failed"


if __name__ == "__main__":
    sys.exit(main(Config, run))
