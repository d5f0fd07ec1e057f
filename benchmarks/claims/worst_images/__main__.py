"""`python -m benchmarks.claims.worst_images BUNDLE.zip` sends a server the worst photographs."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import Field

from benchmarks.claims.device import bundles
from benchmarks.claims.worst_images import measuring
from benchmarks.claims.worst_images.cases import CASES
from benchmarks.claims.worst_images.measuring import Row, Together
from benchmarks.claims.worst_images.page import HEADER, cells, page
from edgepress.core import console, ending, environment, writable
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.device import archive
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
    out: Path | None = None
    """Folder for `worst_images.json` and `README.md`."""


class Result(Noun):
    """What every photograph took, and all of them at once."""

    command: str
    bundle: str
    """Name and release."""
    memory_mb: int
    at_rest_bytes: int
    """Resident memory of the server after some ordinary photographs."""
    rows: tuple[Row, ...]
    together: Together | None
    environment: dict[str, Any]

    def faults(self) -> list[str]:
        """Return what is not as promised."""
        allowed_bytes = self.memory_mb * 10**6
        took = [row.memory_bytes for row in self.rows]
        took += [self.together.memory_bytes] if self.together else []
        other = [f"{row.name}: {row.status}" for row in self.rows if row.status != row.expected]
        failed = [500] if self.together and 500 in self.together.answered else []
        more = [f"{size / 1e6:.0f} MB" for size in took if size > allowed_bytes]
        return [*other, *map(str, failed), *more]


def run(config: Config) -> Result:
    """Measure, print a table and store it.

    Raises:
        UserError: no bundle, or its server does not run.
        GateFailed: it takes more than it may, or answers otherwise.
    """
    if sys.platform != "linux":
        raise UserError("Memory is measured on Linux only", got=sys.platform)
    bundle = config.bundle or default_bundle()
    if config.out is not None:
        writable.check_replaced_file(config.out / "worst_images.json", "The file of the figures")
    files, manifest = bundles.read(bundle)
    with tempfile.TemporaryDirectory(prefix="edgepress-worst-") as work:
        folder = Path(work).resolve()
        archive.unpack(files, folder)
        result = _measured(config, folder, f"{manifest['name']}, release {manifest['release']}")
    console.table(
        f"Worst photographs, {result.bundle}", HEADER, [cells(row) for row in result.rows]
    )
    if config.out is not None:
        config.out.mkdir(parents=True, exist_ok=True)
        text = result.model_dump_json(indent=1) + "\n"
        writable.write_whole(config.out / "worst_images.json", text)
        writable.write_whole(config.out / "README.md", page(result.model_dump()))
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
