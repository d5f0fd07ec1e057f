"""The values of an open dictionary (data, environment) as people read them."""

from collections.abc import Mapping
from typing import Any

from benchmarks.report import format as fmt

_CERTIFIABLE = "smallest_certifiable_drop"
_NAMES = {
    _CERTIFIABLE: "smallest drop that can be certified",
    "n_images": "images",
    "n_test": "test images",
    "label_names": "labels",
    "cpu": "CPU",
    "cpu_kind": "CPU kind",
    "cpu_instructions": "CPU instructions for int8",
    "cpus": "bound to CPU",
    "cpu_flags": "CPU flags",
    "cpu_pressure_avg10_percent": "CPU pressure (10 s)",
    "dirty": "uncommitted changes",
}


def facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the name of each value, and the value with its unit.

    >>> facts({"n_test": 9, "memory_bytes": 2_000_000})
    [('test images', '9'), ('memory', '2.00 MB')]
    """
    return [
        (_NAMES.get(key, key.removesuffix("_bytes").replace("_", " ")), _told(key, value))
        for key, value in values.items()
    ]


def _told(key: str, value: Any) -> str:
    if key == _CERTIFIABLE and isinstance(value, float):
        return f"{fmt.drop(value)} points of mAP"
    if key.endswith("_bytes") and isinstance(value, (int, float)):
        return fmt.size(value)
    if key.endswith("_percent") and isinstance(value, (int, float)):
        return f"{value:.1f}%"
    return fmt.anything(value)
