"""A bundle as it was sent: one archive, its manifest, its signature."""

from .manifest import (
    EXPECTED,
    MANIFEST,
    MODEL,
    RANGE_VERSION,
    SCHEMA_VERSION,
    SIGNATURE,
    Bundle,
    check,
    open_folder,
    parse,
)

__all__ = [
    "EXPECTED",
    "MANIFEST",
    "MODEL",
    "RANGE_VERSION",
    "SCHEMA_VERSION",
    "SIGNATURE",
    "Bundle",
    "check",
    "open_folder",
    "parse",
]
