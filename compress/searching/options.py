"""The options of `python -m compress.search`."""

from pathlib import Path
from typing import Annotated, Literal

import tyro
from pydantic import Field

from edgepress.core.noun import Noun
from edgepress.core.several import Gates, Words
from models.defaults import ZOO_TEACHER, ModelPath


class Config(Noun):
    """Search the students of a teacher for the best one within a budget.

    Students are taught and quantized by the ordinary stages and judged on the validation part; at
    most three are then judged on the test part, once. The same command goes on where it was
    stopped, and with --worker helps a search that is running. `status` shows how far one is.
    """

    what: Annotated[Literal["run", "status"], tyro.conf.Positional] = "run"
    """`run`, or `status` of the search in --out."""
    teacher: ModelPath = ZOO_TEACHER
    """Artifact of the teacher (default: the one shipped in models/zoo/)."""
    data: str = "elpv"
    """`elpv`, a path whose format is recognised, or `format:path`."""
    out: Path = Path("runs/search")
    """Folder of the search: trials, finalists, search.json and the report."""
    budget: Gates = ()
    """A limit of the device, e.g. `latency <= 2ms`, `latency <= 10%` (of the teacher's fp32 file),
    `size <= 1MB`; give it as often as needed. What cannot keep it is not trained."""
    gate: Gates = ("map drop <= 0.01",)
    """A demand on the finalists against the teacher's fp32 file, on the test part."""
    hours: float | None = Field(None, gt=0, le=10_000)
    """Length of the whole search, all runs together (default: until --trials)."""
    trials: int | None = Field(None, ge=1)
    """Trials that are trained at most (default: as many as the hours hold; without them 30)."""
    epochs: int = Field(24, ge=1, le=10_000)
    """Epochs of distillation of a trial that comes to its end."""
    rungs: int = Field(3, ge=1, le=6)
    """Times at which a trial is held against the others, the last at its end; each has about three
    times the epochs of the one before."""
    space: Path | None = None
    """TOML file with the dimensions that differ from compress/searching/space.toml."""
    set: Words = ()
    """Dimensions that are fixed or narrowed: `image_size=160`, `width=[0.5, 0.75]`,
    `share=0.1..0.4`."""
    finalists: int = Field(3, ge=1, le=3)
    """Trials at most that are judged on the test part."""
    storage: str | None = None
    """Where trials are written down: sqlite:///FILE, postgresql://USER@HOST/NAME, grpc://HOST:PORT,
    or a journal file (default: journal.log in --out)."""
    study: str | None = None
    """Name of the search in the storage (default: that of the folder --out)."""
    worker: bool = False
    """Only try: begin trials, or go on with those that were left, until the search is over."""
    seed: int = 0
    """Seed of the choices and of what is trained."""
    skip_bad_images: bool = False
    """Go on without the images that cannot be decoded, and list them."""
