"""What a bundle promises: its manifest, and that every file is what the manifest says."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DeviceError, NewerSchema
from .archive import Files, is_safe

SCHEMA_VERSION = 2
RANGE_VERSION = 3
"""Of bundles with a pixel range, which older runtimes would pass over."""
MANIFEST = "manifest.json"
MODEL = "model.onnx"
SIGNATURE = "model.sig"
EXPECTED = "golden/expected.json"

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "release": int,
    "id": str,
    "golden_tolerance": (int, float),
    "labels": dict,
    "budget": dict,
    "runtime": dict,
    "files": dict,
}


@dataclass(frozen=True)
class Bundle:
    """A folder whose files are those of its manifest."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def release(self) -> int:
        """Number that grows with every release of a model."""
        return int(self.manifest["release"])

    @property
    def names(self) -> tuple[str, ...]:
        """Label names, in output order."""
        return tuple(self.manifest["labels"]["names"])

    @property
    def pixel_range(self) -> tuple[float, float] | None:
        """Samples of images of more than 8 bits that are black and white; `None`: by the file."""
        found = self.manifest.get("pixel_range")
        return None if found is None else (float(found[0]), float(found[1]))

    @property
    def latency_budget_s(self) -> float | None:
        """Longest p90 of one inference; `None` when not checked."""
        limit: float | None = self.manifest["budget"].get("latency_s")
        return limit

    @property
    def memory_budget_bytes(self) -> int | None:
        """Largest peak of resident memory; `None` when not checked."""
        limit: int | None = self.manifest["budget"].get("peak_rss_bytes")
        return limit


def open_folder(folder: Path) -> Bundle:
    """Return an unpacked bundle after comparing every file that it lists with its hash.

    Files that it does not list are not looked at: nothing reads them.

    Raises:
        DeviceError: no bundle, or a file is missing or altered.
    """
    if folder.is_file():
        raise DeviceError(
            "The bundle is a file, not a folder", got=folder,
            next_step="python -m zipfile -e BUNDLE.zip FOLDER, or install BUNDLE.zip --root DIR",
        )  # fmt: skip
    manifest = parse(_read(folder, MANIFEST), folder)
    for name in manifest["files"]:
        _compare(name, _read(folder, name), manifest, folder)
    return Bundle(folder, manifest)


def check(files: Files, origin: Path) -> dict[str, Any]:
    """Return the manifest of a bundle's files after comparing all of them with it.

    Raises:
        DeviceError: a file is missing, altered, or not listed.
    """
    if MANIFEST not in files:
        raise DeviceError(f"The bundle has no {MANIFEST}", got=origin)
    manifest = parse(files[MANIFEST], origin)
    present = set(files) - {MANIFEST, SIGNATURE}
    if present != set(manifest["files"]):
        odd = ", ".join(sorted(present ^ set(manifest["files"])))
        raise DeviceError(f"Bundle and manifest list different files: {odd}", got=origin)
    for name in present:
        _compare(name, files[name], manifest, origin)
    return manifest


def parse(content: bytes, origin: Path) -> dict[str, Any]:
    """Return a manifest.

    Raises:
        NewerSchema: it is of a newer schema.
        DeviceError: it is not valid, or of an older schema.
    """
    try:
        manifest = json.loads(content)
        version = manifest["schema_version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _invalid("it is not a manifest of edgepress", origin) from None
    if version not in (SCHEMA_VERSION, RANGE_VERSION):
        newer = type(version) is int and version > RANGE_VERSION
        raise (NewerSchema if newer else DeviceError)(
            "The bundle is of another schema than this runtime reads",
            got=f"{origin} with schema_version {version}",
            allowed=f"{SCHEMA_VERSION} and {RANGE_VERSION}",
            next_step=f"{'update the runtime, or ' * newer}use the run.py that lies in the bundle",
        )
    reason = _objection(manifest)
    if reason:
        raise _invalid(reason, origin)
    return dict(manifest)


def _objection(manifest: dict[str, Any]) -> str | None:
    for field, kind in _FIELDS.items():
        value = manifest.get(field)
        if not isinstance(value, kind) or isinstance(value, bool):
            return f"its {field!r} is {value!r}"
    labels = manifest["labels"]
    names, thresholds = labels.get("names"), labels.get("thresholds")
    if not isinstance(names, list) or not isinstance(thresholds, list):
        return "its labels have no names or thresholds"
    if not names or len(names) != len(thresholds) or not all(map(_is_number, thresholds)):
        return "its labels need one threshold each"
    limits = [manifest["budget"].get(name) for name in ("latency_s", "peak_rss_bytes")]
    if not all(limit is None or _is_number(limit) for limit in limits):
        return f"its budget is {manifest['budget']!r}"
    if not _is_range(manifest.get("pixel_range")):
        return f"its pixel range is {manifest['pixel_range']!r}"
    if MODEL not in manifest["files"]:
        return f"it lists no {MODEL}"
    return next((reason for item in manifest["files"].items() if (reason := _bad(*item))), None)


def _is_range(value: Any) -> bool:
    if value is None:
        return True
    pair = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
    return pair and value[0] < value[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _bad(name: str, entry: Any) -> str | None:
    if not is_safe(name) or name in (MANIFEST, SIGNATURE):
        return f"it must not list {name!r}"
    if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
        return f"it has no hash of {name!r}"
    return None


def _compare(name: str, content: bytes, manifest: dict[str, Any], origin: Path) -> None:
    entry = manifest["files"][name]
    if (hashlib.sha256(content).hexdigest(), len(content)) != (entry["sha256"], entry.get("bytes")):
        raise DeviceError(
            f"{name} is not the file that the bundle was made with",
            got=origin,
            next_step="fetch the bundle again",
        )


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        if path.is_symlink():
            raise DeviceError(f"{name} is a link", got=folder, allowed="files only")
        return path.read_bytes()
    except OSError as error:
        raise DeviceError(
            f"{name} of the bundle cannot be read ({error.strerror})",
            got=folder,
            next_step="give the unpacked bundle with --bundle, or --root",
        ) from None


def _invalid(reason: str, origin: Path) -> DeviceError:
    return DeviceError(f"The manifest is not valid: {reason}", got=origin)
