"""`make readme`: every committed table, made again from the committed figures beside it.

The figures of claims are written by their commands, with their tables. This makes the tables alone,
when a word of them has changed; it may import every room, which no command may.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from places import ROOT
from pydantic import BaseModel

from benchmarks.claims import bundle, false_alarms, latency_table, recipe, web_resizing
from benchmarks.claims.device import result as device
from benchmarks.claims.distillation import result as distillation
from benchmarks.claims.drift import result as drift
from benchmarks.claims.families import pruned as pruned_families
from benchmarks.claims.families import result as families
from benchmarks.claims.papers import result as papers
from benchmarks.claims.quantization import result as quantization
from benchmarks.claims.selftest import tables as selftest
from benchmarks.claims.settings import result as settings
from benchmarks.claims.worst_images import result as worst_images
from benchmarks.thresholds import effect
from export.converting import result as formats
from export.emulation import result as processors

RESULTS = ROOT / "docs" / "results"
CLAIMS = {
    "bundle": bundle,
    "calibration": effect,
    "device": device,
    "distillation": distillation,
    "drift": drift,
    "false-alarms": false_alarms,
    "families": families,
    "formats": formats,
    "latency-table": latency_table,
    "paper": papers,
    "processors": processors,
    "pruned-families": pruned_families,
    "quantization": quantization,
    "settings": settings,
    "web-resizing": web_resizing,
    "worst_images": worst_images,
}
"""The module of each file of figures: `Result` reads it, `table` makes its table."""


def tables() -> Iterator[tuple[Path, str]]:
    """Yield every table and its file."""
    for name, module in CLAIMS.items():
        kind: type[BaseModel] = module.Result
        make: Callable[[BaseModel], str] = module.table
        file = RESULTS / f"{name}.json"
        yield file.with_suffix(".md"), make(kind.model_validate_json(file.read_text()))
    yield from recipe.tables(RESULTS).items()
    yield from selftest.tables(RESULTS / "selftest").items()


if __name__ == "__main__":
    for path, table in tables():
        path.write_text(f"{table}\n")
