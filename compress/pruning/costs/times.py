"""The times that `python -m benchmarks.latency_table` has written, read back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from benchmarks.operators.variants import Variants
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun

Floats = NDArray[np.float64]
Shape = tuple[int, ...]


class Node(Noun):
    """One node that ran, in the order in which they did."""

    name: str
    op_type: str
    reads: tuple[Shape, ...]
    makes: tuple[Shape, ...]


class Visited(Noun):
    """One visit to a file, seconds a run; see `benchmarks.operators.visits`."""

    file: str
    reference_s: tuple[float, float]
    plain_s: float
    nodes_s: tuple[float, ...]


class Times(Noun):
    """What was measured on one machine."""

    schema_version: Literal[1]
    index: str
    """Hash of the index of the variants."""
    machine: dict[str, str]
    nodes: dict[str, tuple[Node, ...]]
    """By file."""
    visits: tuple[Visited, ...]

    @property
    def reference_s(self) -> float:
        """Median over visits of what the reference took beside them."""
        return float(np.median([np.mean(visit.reference_s) for visit in self.visits]))

    def networks_s(self, files: Sequence[str]) -> Floats:
        """Return what each file takes `[files]`: medians of ratios to the reference beside it."""
        ratios = ([one.plain_s / np.mean(one.reference_s) for one in self._of(f)] for f in files)
        return np.array([np.median(each) for each in ratios]) * self.reference_s

    def nodes_s(self, file: str) -> Floats:
        """Return what each node of a file takes `[nodes]`; together they take what the file does.

        The profiler tells shares: it slows a network down, and what slows the machine down while it
        looks slows all nodes down. So what runs between the nodes is part of them.
        """
        shares = [np.array(one.nodes_s) / sum(one.nodes_s) for one in self._of(file)]
        typical = np.median(shares, axis=0)
        found: Floats = typical / typical.sum() * self.networks_s((file,))
        return found

    def _of(self, file: str) -> list[Visited]:
        return [visit for visit in self.visits if visit.file == file]


def loaded(path: Path) -> Times:
    """Return the times that a file holds, whatever they are of.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        return Times.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"The times cannot be read ({error.strerror})", got=path) from None
    except ValidationError as error:
        what = error.errors()[0]
        raise UserError(f"The file holds no times of variants ({what['msg']})", got=path) from None


def read(path: Path, variants: Variants) -> Times:
    """Return the times of a folder of variants.

    Args:
        path: What the command has written.
        variants: The folder.

    Raises:
        UserError: it cannot be read, is of other variants, or not all were timed.
    """
    found = loaded(path)
    if found.index != variants.digest:
        raise UserError(
            "The times are of other variants: of another network, target, precision, number of "
            "threads or multiple of widths",
            got=path,
            next_step=to_be_timed(variants.folder),
        )
    if any(len(one.nodes_s) != len(found.nodes.get(one.file, ())) for one in found.visits):
        raise UserError("The file tells other nodes than it has times of", got=path)
    if missing := {*variants.files} - {visit.file for visit in found.visits}:
        raise UserError("Not all variants were timed", got=f"{path} without {sorted(missing)[0]}")
    return found


def to_be_timed(folder: Path) -> str:
    """Return what is to be done with a folder of variants."""
    return (
        f"copy {folder} to the device, run `python -m benchmarks.latency_table FOLDER --out "
        "times.json` there and give its file: --latency-table times.json"
    )
