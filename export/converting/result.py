"""What a model in another format is worth: whether it answers as the ONNX file does."""

from typing import Any, Literal

from benchmarks.report.markdown import table_md
from edgepress.core.ending import Finding
from edgepress.core.gates import Verdict
from edgepress.core.manifest import Precision
from edgepress.core.noun import Noun

Status = Literal["verified", "failed", "inconclusive", "not verified"]
_MARKS: dict[Status, str] = {"verified": "✅", "failed": "❌", "inconclusive": "⚠️"}
HEADER = ("--format", "For", "Model", "Size", "Verified against the ONNX file")


class Verification(Noun):
    """How a converted model was compared with the ONNX file, on the same photographs."""

    status: Status
    reason: str
    """What was found, or why nothing could be."""
    n_images: int | None = None
    """Validation images; `None`, as the next two, where nothing was run."""
    max_prob_diff: float | None = None
    """Largest difference of a probability."""
    flipped: float | None = None
    """Share of decisions, one per image and label, that differ at the thresholds."""
    shown_otherwise: int | None = None
    """Images that show a user other labels than the device runtime gives; `None` where a format
    shows none."""
    verdicts: tuple[Verdict, ...] = ()
    """Of the gates that a model is held against which the format's own tool has quantized; they
    decide in place of the two differences."""

    def finding(self, name: str) -> Finding:
        """Return what it counts for in a command's exit code; `name` is the converted model's."""
        if self.status == "failed":
            return Finding("fail", f"{name} does not answer as the ONNX file does: {self.reason}")
        if self.status == "inconclusive":
            told = f"It cannot be told whether {name} is as accurate as the ONNX file"
            return Finding("inconclusive", f"{told}: {self.reason}")
        return Finding("pass", self.reason)


class Outcome(Noun):
    """One format of one model."""

    format: str
    description: str
    model: str
    precision: Precision
    quantized: bool = False
    """Whether the format's own tool made that precision, of an fp32 model."""
    size_bytes: int | None
    """All files but the manifest; `None` where nothing was made."""
    made_with: dict[str, str]
    """Versions of the packages that made it."""
    verification: Verification | None
    """`None` where nothing was made."""
    problem: str | None = None
    """Why nothing was made."""


class Result(Noun):
    """Every format of some models, made on one machine."""

    command: str
    outcomes: tuple[Outcome, ...]
    environment: dict[str, Any]


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return the lines of the table."""
    return [
        (
            one.format,
            one.description,
            f"{one.model}, {'fp32 to ' if one.quantized else ''}{one.precision}",
            "n/a" if one.size_bytes is None else f"{one.size_bytes / 1e6:.2f} MB",
            _verified(one),
        )
        for one in result.outcomes
    ]


def table(result: Result) -> str:
    """Return every format, and the command that made it."""
    return f"{table_md(HEADER, rows(result), left={0, 1, 2, 4})}\n\nMade by `{result.command}`."


def _verified(one: Outcome) -> str:
    found = one.verification
    if found is None:
        return f"not made: {one.problem}"
    if found.max_prob_diff is None or found.flipped is None:
        return f"{found.status}: {found.reason}"
    said = f"{_MARKS[found.status]} {found.status} on {found.n_images} images: "
    flips = f"{found.flipped:.2%} of decisions flipped"
    if found.verdicts:
        return f"{said}{'; '.join(map(_decided, found.verdicts))}, {flips}"
    most = f"difference of a probability at most {found.max_prob_diff:.1e}"
    return f"{said}{most}, {flips}{_shown(found)}"


def _decided(verdict: Verdict) -> str:
    """Return what a gate has measured, in points."""
    if verdict.measured is None or verdict.ci95 is None:
        return f"{verdict.gate}: {verdict.reason}"
    measured, low, high = (100 * value for value in (verdict.measured, *verdict.ci95))
    what = verdict.gate.partition(" <=")[0]
    return f"{what} of {measured:.2f} points (95% interval {low:.2f} to {high:.2f})"


def _shown(found: Verification) -> str:
    if found.shown_otherwise is None or found.n_images is None:
        return ""
    return f", labels shown as on the device: {found.n_images - found.shown_otherwise} images"
