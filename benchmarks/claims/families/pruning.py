"""One architecture is trained for a step or two, pruned, loaded again, exported and made int8."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.claims.families.listed import Listed
from benchmarks.claims.families.pruned import Pruned
from benchmarks.claims.families.result import OK, Step
from benchmarks.claims.families.trial import EXPORT, TRAIN, judged
from benchmarks.evaluation.candidates import open_model
from edgepress.core.artifact import Artifact
from edgepress.core.errors import EdgepressError
from edgepress.core.subcommands import Ending, ending_of, problem_of

PRUNE = (
    "--macs", "0.5", "--rounds", "1", "--epochs", "0", "--round-to", "8", "--batch-size", "8",
)  # fmt: skip
REFUSED = (2, 3)
"""A network that cannot be pruned; a budget that cannot be met."""


def tried(listed: Listed, data: Path, timeout_s: float) -> Pruned:
    """Take one architecture through the commands, in a folder that is removed afterwards."""
    start = time.monotonic()
    with TemporaryDirectory(prefix="edgepress-pruned-") as name:
        found = _Trial(listed, data, timeout_s, Path(name)).outcome()
    return found.model_copy(update={"seconds": round(time.monotonic() - start, 1)})


class _Trial:
    """One architecture and its folder."""

    def __init__(self, listed: Listed, data: Path, timeout_s: float, folder: Path) -> None:
        self.data, self.timeout_s = ("--data", str(data)), timeout_s
        self.trained, self.pruned, self.int8 = (
            folder / part for part in ("trained", "pruned", "int8")
        )
        self.listed = listed
        self.known: dict[str, Any] = {}

    def outcome(self) -> Pruned:
        """Return what became of it."""
        listed, out = self.listed, ("--out", str(self.trained))
        size = ("--image-size", str(listed.image_size))
        words = ("--arch", listed.architecture, *size, *self.data, *out, *TRAIN)
        if problem := problem_of(self.timeout_s, "compress.train", *words):
            return self._ended(problem, "train")
        words = ("--model", str(self.trained), *self.data, "--out", str(self.pruned), *PRUNE)
        ending = ending_of(self.timeout_s, "compress.prune", *words)
        self.known["exit_code"] = ending.code
        if problem := problem_of_pruning(ending, self.pruned):
            return self._ended(problem, "prune")
        try:
            self.known |= narrowed(open_model(self.trained), open_model(self.pruned))
        except EdgepressError as error:
            return self._ended(str(error), "replay")
        return self._exported()

    def _exported(self) -> Pruned:
        words = ("--model", str(self.pruned), *self.data, "--out", str(self.int8), *EXPORT)
        if problem := problem_of(self.timeout_s, "export.onnx", *words):
            return self._ended(problem, "export")
        return judged(self._ended(OK, None), open_model(self.int8))

    def _ended(self, outcome: str, step: Step | None) -> Pruned:
        return Pruned(
            **self.listed.model_dump(), **self.known, outcome=outcome, failed_step=step, seconds=0
        )


def problem_of_pruning(ending: Ending, out: Path) -> str | None:
    """Return why nothing was pruned; a refusal must say so by its code and leave nothing."""
    if ending.problem is None and out.is_dir():
        return None
    if ending.code is None:  # it was ended from outside, and goes on from what it leaves
        return ending.said
    faults = []
    if ending.code not in REFUSED:
        faults.append(f"its exit code is {ending.code}, not 2")
    left = [path.name for path in out.parent.glob(f"*{out.name}*")]
    if left:
        faults.append(f"it leaves {', '.join(sorted(left))}")
    return f"{ending.said} (no proper refusal: {'; '.join(faults)})" if faults else ending.said


def narrowed(before: Artifact, after: Artifact) -> dict[str, int | None]:
    """Load a pruned network again, which replays its record, and count what became of its layers.

    Raises:
        UserError: it cannot be loaded, or answers otherwise than when it was measured.
    """
    whole, small = _widths(before), _widths(after)
    return {
        "narrowed": sum(small.get(name, 0) < wide for name, wide in whole.items()),
        "prunable": len(whole),
        "macs_before": before.manifest.measurements.macs,
        "macs": after.manifest.measurements.macs,
    }


def _widths(artifact: Artifact) -> dict[str, int]:
    from models.network_output import LAYERS, width  # they need torch, which figures do not
    from models.stored import load_network

    layers = load_network(artifact).named_modules()
    return {name: width(layer) for name, layer in layers if isinstance(layer, LAYERS)}
