"""Every format of some models, each written in a process of its own, and a table of them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgepress.core import console, ending, environment, figures
from edgepress.core.artifact import Artifact
from edgepress.core.commands import own_command
from edgepress.core.errors import GateFailed, GateUndecided, UserError
from edgepress.core.manifest import Precision
from export import targets
from export.converting import formats, writing
from export.converting.formats._format import Format, ended
from export.converting.result import HEADER, Outcome, Result, rows, table

if TYPE_CHECKING:
    from export.converting.options import Config


@dataclass(frozen=True)
class Wanted:
    """One format of one model."""

    model: Artifact
    format: Format
    quantized: Precision | None
    """Number format that the format's own tool shall make; `None` is the model's."""


def run(config: Config, models: list[Artifact]) -> Result:
    """Convert every model to every format that takes it; none that fails stops the others.

    Raises:
        GateFailed: at least one does not agree with its ONNX file; the table is stored even so.
        GateUndecided: it cannot be told of at least one.
        UserError: at least one could not be made, and none of those made failed.
    """
    figures.check(config.result)
    found = [one for model in models for one in wanted(model)]
    with ThreadPoolExecutor(config.jobs) as pool:
        outcomes = tuple(pool.map(lambda one: _outcome(config, one), found))
    result = Result(
        command=own_command("export.convert"),
        outcomes=outcomes,
        environment=environment.describe(),
    )
    figures.store(config.result, result, table(result))
    console.table("Formats", HEADER, rows(result))
    ending.end_by(one.verification.finding(_named(one)) for one in outcomes if one.verification)
    missing = [f"{_named(one)}: {one.problem}" for one in outcomes if one.problem]
    if missing:
        raise UserError("Not every format could be made", got="; ".join(missing))
    return result


def _named(one: Outcome) -> str:
    return f"{one.model} in {one.format} ({one.precision})"


def wanted(model: Artifact) -> list[Wanted]:
    """Return the formats that a model is meant for, and the number formats that they make of it."""
    manifest, found = model.manifest, []
    for name in formats.names():
        form = formats.find(name).FORMAT
        if manifest.precision in form.precisions and _meant_for(model, form):
            found.append(Wanted(model, form, None))
        if manifest.precision == "fp32" and manifest.kind == "torch":
            found += [Wanted(model, form, precision) for precision in form.makes]
    return found


def _meant_for(model: Artifact, form: Format) -> bool:
    """Tell whether a model computes there as on its target, which only int8 files depend on."""
    manifest = model.manifest
    if manifest.precision != "int8" or manifest.target is None:
        return True
    return targets.resolve(manifest.target, manifest.precision).provider in form.providers


def _outcome(config: Config, one: Wanted) -> Outcome:
    """Convert in a process of its own: a converter may crash, or load what another cannot bear."""
    folder = config.out or Path("runs") / "formats"
    out = folder / writing.named(one.model, one.format, one.quantized)
    options = ["--model", one.model.path, "--format", one.format.name, "--data", config.data]
    options += ["--out", out, "--images", config.images, "--quantize", one.quantized or "none"]
    options += ["--skip-bad-images"] if config.skip_bad_images else []
    command = [sys.executable, "-m", "export.convert", *map(str, options)]
    console.say(f"{out.name} ...")
    with tempfile.TemporaryFile("w+") as said:
        code = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT).returncode
        said.seek(0)
        done = subprocess.CompletedProcess(command, code, said.read(), "")
    kept = (0, GateFailed.exit_code, GateUndecided.exit_code)
    made = writing.read(out) if done.returncode in kept else None
    return Outcome(
        format=one.format.name,
        description=one.format.description,
        model=one.model.name,
        precision=one.quantized or one.model.manifest.precision,
        quantized=one.quantized is not None,
        size_bytes=made.size_bytes if made else None,
        made_with=made.manifest.made_with if made else {},
        verification=made.manifest.verification if made else None,
        problem=None if made else ended(done).strip(),
    )
