"""Is this a reference? What comes from a file is looked at before it is used."""

import math
from typing import Any

from .errors import WatchError
from .signals import BINS, scales
from .window import counts_from, whole

DAMAGED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
"""What Python raises where data have another shape than they should."""


def check_reference(reference: Any) -> None:
    """Refuse what is no reference.

    Raises:
        WatchError: it is none.
    """
    try:
        _check(reference)
    except DAMAGED as error:
        raise WatchError(f"The reference of the watch is damaged ({error!r}).") from None


def check_labels(labels: Any) -> None:
    """Refuse what are no labels.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: they are none.
    """
    names, thresholds = labels["names"], labels.get("thresholds")
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError("the labels are not names, or not different")
    if thresholds is not None and len([number(one) for one in thresholds]) != len(names):
        raise ValueError("there is not one threshold for each label")


def number(value: Any) -> float:
    """Return a finite number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"not a number: {value!r}")
    return float(value)


def _check(reference: Any) -> None:
    if whole(reference["schema_version"]) != 1:
        raise WatchError(f"The reference has version {reference['schema_version']}. Allowed: 1.")
    check_labels(reference["labels"])
    images, window = whole(reference["images"]), whole(reference["window"])
    if not (images and window and 0 < number(reference["false_alarms"]) < 1):
        raise ValueError("no images, no window, or a rate that is no share")
    number(reference["page_hinkley_allowance"])
    signals = reference["signals"]
    counts = {name: facts["counts"] for name, facts in signals.items()}
    counts_from(counts, list(scales(reference["labels"])), images)
    for facts in signals.values():
        _check_facts(facts)


def _check_facts(facts: Any) -> None:
    starts = [whole(start) for start in facts["groups"]]
    if starts[0] != 0 or starts != sorted(set(starts)) or starts[-1] >= BINS:
        raise ValueError("the groups of bins are not in order")
    for key in ("psi_limit", "mean"):
        number(facts[key])
    for key in ("spread", "page_hinkley_limit"):
        if facts[key] is not None and number(facts[key]) <= 0:
            raise ValueError(f"{key} is not above 0")
