"""`python -m benchmarks.claims.device BUNDLE.zip` measures the runtime that is in a bundle."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.claims.device import bundles, measuring
from benchmarks.claims.device.result import Result, table
from benchmarks.claims.selftest.check import HEADER, Check, check_rows
from edgepress.core import console, ending, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.device.bundle import archive
from models.defaults import default_bundle


class Config(Noun):
    """Measure start, memory and overhead of a bundle's own runtime, and its memory under load.

    Exit code 3 when a demand is not met.
    """

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """Bundle as `python -m export.bundle` writes it (default: the newest runs/*.zip)."""
    load_s: float = Field(30.0, gt=0)
    """Seconds at full load; 300 for the figures of the README."""
    out: Path = Path("runs/device.json")
    """JSON file for the figures; their table is written beside it."""


def run(config: Config) -> Result:
    """Measure, print a table and store it.

    Raises:
        UserError: no bundle, or its runtime does not run.
        GateFailed: a demand is not met.
    """
    bundle = config.bundle or default_bundle()
    figures.check(config.out)
    files, manifest = bundles.read(bundle)
    if "run.py" not in files:
        raise UserError("The bundle brings no runtime along", got=bundle)
    with tempfile.TemporaryDirectory(prefix="edgepress-device-") as work:
        folder = Path(work).resolve()
        archive.unpack(files, folder)
        checks = _measured(folder, config.load_s)
    result = Result(
        command=own_command("benchmarks.claims.device"),
        bundle=f"{manifest['name']}, release {manifest['release']}",
        precision=manifest["precision"],
        checks=checks,
        environment=environment.describe(),
    )
    console.table(f"Device runtime, {result.bundle}", HEADER, check_rows(checks))
    figures.store(config.out, result, table(result))
    ending.refuse("Not met", (check.name for check in checks if check.met is False))
    return result


def _measured(folder: Path, load_s: float) -> tuple[Check, ...]:
    console.say("imports and overhead ...")
    inside = tuple(measuring.imports_and_overhead(folder))
    console.say("cold starts ...")
    start = measuring.cold_start(folder)
    console.say(f"{load_s:g} s at full load ...")
    return (*inside, start, *measuring.serving(folder, load_s))


if __name__ == "__main__":
    sys.exit(main(Config, run))
