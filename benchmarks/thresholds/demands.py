"""The precision or recall that a label must have: `recall[crack] >= 0.98`."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from sklearn.metrics import precision_recall_curve

from benchmarks.metrics._targets import known
from benchmarks.metrics.decisions import halfway_below
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.noun import Noun

_SYNTAX = re.compile(
    r"(?P<metric>[A-Za-z]+)\s*\[(?P<label>[^\]]+)\]\s*(?P<op><=|>=)"
    r"\s*(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)\s*(?P<percent>%?)"
)
_EXAMPLES = "'recall[LABEL] >= 0.98', 'precision[LABEL] >= 90%'"


class Unreachable(UserError):
    """No threshold keeps a demand on these images."""

    def __init__(self, demand: "Demand", highest: float) -> None:
        """Name the demand and the highest value that any threshold reaches."""
        super().__init__(
            "No threshold keeps the demand on the validation images",
            got=demand,
            allowed=f"{demand.metric} up to {highest:.4f}, the highest there",
            next_step="ask for less, or train a better model.",
        )
        self.highest = highest


class Demand(Noun):
    """What one label must reach on validation images."""

    metric: Literal["precision", "recall"]
    """Recall: few misses. Precision: few false alarms."""
    label: str
    """Name of the label."""
    at_least: float = Field(gt=0, le=1)
    """The precision or recall, above 0 and at most 1."""

    def __str__(self) -> str:
        return f"{self.metric}[{self.label}] >= {self.at_least:g}"


def parse_demand(text: str) -> Demand:
    """Read a demand on one label.

    Raises:
        UserError: it cannot be read, names another metric, points the wrong way or asks for
            nothing or for more than everything.

    >>> str(parse_demand("recall[crack] >= 98%"))
    'recall[crack] >= 0.98'
    """
    found = _SYNTAX.fullmatch(text.strip())
    if found is None:
        raise UserError("The demand cannot be read", got=text, allowed=f"for example {_EXAMPLES}")
    metric, label, op, number = found.group("metric", "label", "op", "number")
    if metric not in ("precision", "recall"):
        raise unknown_name("metric of a demand", metric, ("precision", "recall"))
    if op != ">=":
        raise UserError("The demand points the wrong way", got=text, allowed=">=")
    at_least = float(number) / (100 if found["percent"] else 1)
    if not 0 < at_least <= 1:
        raise UserError(f"No {metric} is that", got=text, allowed="above 0, and at most 1 or 100%")
    return Demand.model_validate({"metric": metric, "label": label, "at_least": at_least})


def parse_demands(texts: Iterable[str], label_names: Sequence[str]) -> tuple[Demand, ...]:
    """Read demands on the labels of a model, at most one on each.

    Raises:
        UserError: as `parse_demand`, an unknown label, or a second demand on a label.

    >>> [demand.label for demand in parse_demands(["recall[crack] >= 0.98"], ["crack", "spot"])]
    ['crack']
    """
    demands: dict[str, Demand] = {}
    for text in texts:
        demand = parse_demand(text)
        if demand.label not in label_names:
            raise unknown_name("label", demand.label, label_names)
        if demand.label in demands:
            raise UserError(
                "A label has one threshold, and it can follow one demand only",
                got=f"{demands[demand.label]} and {demand}",
                next_step="keep the demand that matters more.",
            )
        demands[demand.label] = demand
    return tuple(demands.values())


def threshold_for(demand: Demand, targets: ArrayLike, probs: ArrayLike) -> float:
    """Return the threshold that keeps a demand on these images, at the least cost.

    For a recall the highest threshold that reaches it, which has the fewest false alarms; for a
    precision the lowest, which has the fewest misses. As in `metrics.best_threshold` it lies
    halfway to the next lower score. What it reaches on other images may be less: with 50
    positives, recall 0.98 hangs on one of them.

    Args:
        demand: Precision or recall of the label.
        targets: `[n]` of the label, 0, 1 or NaN.
        probs: `[n]` of the label.

    Raises:
        UserError: the label has not both classes here.
        Unreachable: no threshold reaches the precision.
        ValueError: the lengths differ.

    >>> recall = parse_demand("recall[crack] >= 1")
    >>> threshold_for(recall, [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    0.4
    >>> precision = parse_demand("precision[crack] >= 0.9")
    >>> round(threshold_for(precision, [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]), 6)
    0.85
    """
    told = known(targets, probs)
    if told is None:
        raise _one_sided(demand)
    precision, recall, cuts = precision_recall_curve(*told)
    values = (recall if demand.metric == "recall" else precision)[:-1]
    reached = np.flatnonzero(values >= demand.at_least)
    if not len(reached):
        raise Unreachable(demand, float(values.max()))
    return halfway_below(cuts, int(reached[-1 if demand.metric == "recall" else 0]))


def check_demands(texts: Iterable[str], label_names: Sequence[str], targets: ArrayLike) -> None:
    """Refuse demands that these validation images cannot tell anything of, before any work.

    Args:
        texts: The demands.
        label_names: Names of the labels, in output order.
        targets: `[n, labels]` of the validation images, 0, 1 or NaN.

    Raises:
        UserError: as `parse_demands`, or a label has not both classes here.
    """
    all_targets = np.asarray(targets, float)
    for demand in parse_demands(texts, label_names):
        column = all_targets[:, label_names.index(demand.label)]
        if known(column, column) is None:
            raise _one_sided(demand)


def _one_sided(demand: Demand) -> UserError:
    return UserError(
        "The demand cannot be checked: the validation images do not show both sides of it",
        got=str(demand),
        allowed=f"labels with known validation images with and without them; {demand.label} "
        "has only the one or the other",
    )
