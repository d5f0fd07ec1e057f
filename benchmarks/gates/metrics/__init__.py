"""Gate metrics, one file each: a metric is called as its file is, and says all there is to say.

A file has a `METRIC` (`_metric.Metric`): its forms, each with its direction, its unit and how it is
found, what must be measured for it, and what it tells of a model. Files with a leading underscore
are what several share. Whoever needs some metrics asks for them here, by what they are.
"""

from functools import cache

from benchmarks.gates.metrics._metric import Finder, Form, Metric, Need, Shown, Unit
from edgepress.core import registry
from edgepress.core.errors import unknown_name

__all__ = [
    "Finder",
    "Form",
    "Metric",
    "Need",
    "Shown",
    "Unit",
    "every",
    "find",
    "module_of",
    "names",
]


@cache
def names() -> tuple[str, ...]:
    """Return the name of every metric."""
    return tuple(name.replace("-", "_") for name in registry.names(__name__))


@cache
def find(name: str) -> Metric:
    """Return a metric by its name.

    Raises:
        UserError: no such metric.
    """
    if name not in names():
        raise unknown_name("gate metric", name, names())
    metric: Metric = registry.find(__name__, name, "gate metric").METRIC
    return metric


def every() -> dict[str, Metric]:
    """Return all metrics by their names."""
    return {name: find(name) for name in names()}


def module_of(name: str) -> str:
    """Return the full name of the module that a metric is from.

    Raises:
        UserError: no such metric.
    """
    return registry.module_of(__name__, name, "gate metric")
