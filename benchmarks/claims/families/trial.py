"""One architecture is trained for a step or two, exported and made int8, by the commands."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from benchmarks.claims.families.listed import Listed
from benchmarks.claims.families.result import OK, Outcome, Step
from benchmarks.evaluation.candidates import open_model
from edgepress.core.alike import REWRITTEN
from edgepress.core.artifact import Artifact
from edgepress.core.subcommands import problem_of

TRAIN = (
    "--weights", "random", "--epochs", "1", "--batch-size", "8", "--gate", "map >= 0",
)  # fmt: skip
EXPORT = (
    "--quantize", "int8", "--budget", "0", "--emulate", "0", "--calibration-images", "16",
    "--gate", "size <= 100GB",
)  # fmt: skip
"""Without a search and a measurement of time: whether it can be done is asked, not how well."""
MOST_INT8 = 0.5
"""Beyond it an int8 file has nothing to do with its float one, whatever its weights."""


Of = TypeVar("Of", bound=Outcome)


def tried(listed: Listed, data: Path, timeout_s: float) -> Outcome:
    """Take one architecture through the commands, in a folder that is removed afterwards."""
    start = time.monotonic()
    with TemporaryDirectory(prefix="edgepress-families-") as name:
        trained, int8 = (Path(name) / part for part in ("trained", "int8"))
        size = ("--image-size", str(listed.image_size), "--data", str(data))
        words = ("--arch", listed.architecture, *size, "--out", str(trained), *TRAIN)
        step: Step = "train"
        problem = problem_of(timeout_s, "compress.train", *words)
        if problem is None:
            step = "export"
            made = ("--model", str(trained), "--data", str(data), "--out", str(int8), *EXPORT)
            problem = problem_of(timeout_s, "export.onnx", *made)
        found = Outcome(
            family=listed.family,
            architecture=listed.architecture,
            image_size=listed.image_size,
            outcome=problem or OK,
            failed_step=step if problem else None,
            seconds=round(time.monotonic() - start, 1),
        )
        return found if problem else judged(found, open_model(int8))


def judged(found: Of, int8: Artifact) -> Of:
    """Return what became of an architecture whose int8 file was made: is it sound?"""
    known = int8.manifest.measurements
    parity = [one for one in int8.manifest.verdicts if one.gate.startswith("parity")]
    update: dict[str, Any] = {
        "float_prob_diff": parity[0].measured if parity else None,
        "int8_prob_diff": known.parity_max_prob_diff,
        "int8_layers": (known.int8_convs_fused or 0) + (known.dense_int8 or 0),
        "layers": (known.convs_total or 0) + (known.dense_total or 0),
        "params": known.params,
    }
    problem = _unsound(found.model_copy(update=update))
    if problem:
        update |= {"outcome": problem, "failed_step": "export"}
    return found.model_copy(update=update)


def _unsound(found: Outcome) -> str | None:
    if found.float_prob_diff is None or not found.float_prob_diff <= REWRITTEN.probs:
        return f"The fp32 export answers otherwise than PyTorch (by {found.float_prob_diff})."
    if found.int8_prob_diff is None or not found.int8_prob_diff <= MOST_INT8:
        return f"The int8 file answers otherwise than the fp32 one (by {found.int8_prob_diff})."
    if not found.int8_layers:
        return "No layer of the int8 file runs as integers."
    return None
