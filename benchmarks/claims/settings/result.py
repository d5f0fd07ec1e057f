"""What each training reached, and the tables of it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.claims.settings.grid import Trial, trial
from benchmarks.report.markdown import table_md
from edgepress.core.noun import Noun


class Outcome(Noun):
    """What one training reached."""

    trial: Trial
    map_val: float | None
    """mAP on validation images, upright."""
    seconds: float


class Result(Noun):
    """What all reached, and where."""

    command: str = "python -m benchmarks.claims.settings"
    outcomes: tuple[Outcome, ...]
    environment: dict[str, Any]


VARIED = {
    "learning_rate": "learning rate",
    "augmentation": "augmentation",
    "batch_size": "batch",
    "mixup": "mixup",
    "epochs": "epochs",
}
Kind = tuple[str, str, str, str]
"""Problem, network, step and loss."""


def table(result: Result) -> str:
    """Return a table for each setting: mAP on validation images, where nothing else differs."""
    usual = Trial.model_fields
    held = ", ".join(f"{VARIED[name]} {usual[name].default:g}" for name in list(VARIED)[:4])
    parts = [
        f"{len(result.outcomes)} trainings (`{result.command}`); if not said otherwise, {held}."
    ]
    parts += [made for name in VARIED if (made := _varied(result.outcomes, name))]
    return "\n\n".join(parts)


def _varied(outcomes: Sequence[Outcome], name: str) -> str:
    """Return the table of the outcomes that differ from the usual ones in this setting only."""
    found: dict[Kind, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in outcomes:
        if one.map_val is not None and _only(one.trial, name):
            found[_kind(one.trial)][getattr(one.trial, name)].append(one.map_val)
    rows = {kind: cells for kind, cells in sorted(found.items()) if len(cells) > 1}
    values = sorted({value for cells in rows.values() for value in cells})
    header = (f"mAP % by {VARIED[name]}", *(f"{value:g}" for value in values))
    body = [
        (_told(kind), *(_mean(cells.get(value)) for value in values))
        for kind, cells in rows.items()
    ]
    return table_md(header, body, left={0}) if body else ""


def _only(one: Trial, name: str) -> bool:
    """Tell whether a trial differs from the usual one of its kind in this setting only."""
    usual = trial(one.problem, one.network, step=one.step, loss=one.loss, seed=one.seed)
    return one.model_copy(update={name: getattr(usual, name)}) == usual


def _kind(one: Trial) -> Kind:
    return one.problem, one.network, one.step, one.loss


def _told(kind: Kind) -> str:
    problem, network, step, loss = kind
    student = "student of " if step == "distill" else ""
    return f"{problem}, {student}{network}" + (f", {loss}" if loss != "bce" else "")


def _mean(values: Sequence[float] | None) -> str:
    """Return the mean over the seeds, with their number where it is not one."""
    if not values:
        return ""
    several = f" ({len(values)})" if len(values) > 1 else ""
    return f"{100 * sum(values) / len(values):.1f}{several}"
