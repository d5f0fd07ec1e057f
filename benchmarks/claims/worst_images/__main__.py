"""`python -m benchmarks.claims.worst_images BUNDLE.zip` sends a server the worst photographs."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks.claims.device import bundles
from benchmarks.claims.worst_images import measuring
from benchmarks.claims.worst_images.cases import CASES
from benchmarks.claims.worst_images.result import HEADER, Result, cells, table
from edgepress.core import console, ending, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.device.bundle import archive
from models.defaults import default_bundle


class Config(Noun):
    """Send a bundle's own server photographs that were thought out to take much memory.

    Small files that are large once they are decoded, thin ones, interlaced, progressive, with
    texts; one by one, and then all at once with ordinary ones between them. What it may allocate is
    limited meanwhile. Exit code 3 where it takes more than it was allowed, or answers otherwise
    than it should. Linux only.
    """

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """Bundle as `python -m export.bundle` writes it (default: the newest runs/*.zip)."""
    memory_mb: int = Field(512, ge=200)
    """`--memory-mb` of the server; photographs are expected to be taken as with 512."""
    rounds: int = Field(2, ge=0)
    """How often all of them are sent at once; 0: not at all."""
    out: Path = Path("runs/worst_images.json")
    """JSON file for the figures; their table is written beside it."""


def run(config: Config) -> Result:
    """Measure, print a table and store it.

    Raises:
        UserError: no bundle, or its server does not run.
        GateFailed: it takes more than it may, or answers otherwise.
    """
    if sys.platform != "linux":
        raise UserError("Memory is measured on Linux only", got=sys.platform)
    bundle = config.bundle or default_bundle()
    figures.check(config.out)
    files, manifest = bundles.read(bundle)
    with tempfile.TemporaryDirectory(prefix="edgepress-worst-") as work:
        folder = Path(work).resolve()
        archive.unpack(files, folder)
        result = _measured(config, folder, f"{manifest['name']}, release {manifest['release']}")
    console.table(
        f"Worst photographs, {result.bundle}", HEADER, [cells(row) for row in result.rows]
    )
    figures.store(config.out, result, table(result))
    ending.refuse("Not as promised", result.faults())
    return result


def _measured(config: Config, folder: Path, name: str) -> Result:
    with measuring.serving(folder, config.memory_mb) as served:
        at_rest_bytes = served.memory_bytes("VmRSS")
        rows = tuple(measuring.alone(served, case) for case in CASES)
        console.say("all at once ...")
        together = measuring.together(served, CASES, config.rounds) if config.rounds else None
    return Result(
        command=own_command("benchmarks.claims.worst_images"),
        bundle=name, memory_mb=config.memory_mb,
        at_rest_bytes=at_rest_bytes, rows=rows, together=together,
        environment=environment.describe(),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(Config, run))
