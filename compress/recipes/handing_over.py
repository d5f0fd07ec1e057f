"""What is handed over at the end: a bundle for devices, and five lines that say what to do next."""

import importlib
import re
import shlex
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.gates.text import tells_accuracy
from benchmarks.report import format as shown
from benchmarks.report.schema import ModelEntry, Report
from compress.recipes.running import Place
from compress.recipes.steps import Packing
from edgepress.core import cli, console
from edgepress.core.artifact import Artifact
from edgepress.core.ending import Finding
from edgepress.device.bundle import MANIFEST, SIGNATURE

MOST_LETTERS = 100
BUNDLING = "export.bundle.__main__"
"""A floor above: stages are run by their names."""


class DeviceRelease(BaseModel):
    """What of a bundle's manifest tells one release from another."""

    model_config = ConfigDict(extra="ignore")

    id: str
    """Of the artifact that was packed."""
    release: int


def bundled(
    packing: Packing, place: Place, made: Mapping[str, Artifact], sign: Path | None
) -> Path:
    """Pack the model for devices and return the archive.

    Raises:
        UserError: no key, or photographs that no device takes.
        GateFailed: the bundle does not answer as the model does.
    """
    model = made[packing.model.removeprefix("@")]
    update: dict[str, Any] = {"model": model.path}
    if "release" not in packing.options:
        update["release"] = _release(archive(place), model)
    config = _options(packing, place, sign).model_copy(update=update)
    console.say("bundle: export.bundle")
    written: Path = importlib.import_module(BUNDLING).run(config)
    return written


def _release(earlier: Path, model: Artifact) -> int:
    """Return the number of a bundle: one more than that of another model in its place.

    Devices may have that one, and take none of the same number.
    """
    try:
        with zipfile.ZipFile(earlier) as packed:
            told = DeviceRelease.model_validate_json(packed.read(MANIFEST))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return 1  # there is none, or nothing that a device has taken
    return told.release + (told.id != model.manifest.id)


def check(packing: Packing, place: Place, sign: Path | None) -> None:
    """Refuse what can be known of the bundle before there is a model.

    Raises:
        UserError: a bad option, no key, or a place that cannot be written.
    """
    importlib.import_module(BUNDLING).check(_options(packing, place, sign))


def archive(place: Place) -> Path:
    """Return where the bundle goes."""
    return place.out / f"{_name(place)}.zip"


def _options(packing: Packing, place: Place, sign: Path | None) -> BaseModel:
    stage = importlib.import_module(BUNDLING)
    given = cli.check_options(stage.Config, packing.options)
    config: BaseModel = stage.Config(
        **{
            "data": place.data,
            "out": archive(place),
            "skip_bad_images": place.skip_bad_images,
            "sign": sign,
            "name": _name(place),
            **given,
        }
    )
    return config


def _name(place: Place) -> str:
    """Return the product line, after the folder: devices take letters, digits, `.`, `_` and `-`."""
    words = re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", place.out.resolve().name)
    return "-".join(words)[:MOST_LETTERS] or "model"


def lines(
    report: Report | None, findings: Iterable[Finding], bundle: Path | None, place: Place
) -> tuple[str, ...]:
    """Return what was reached, where it lies, how to try and to ship it, and what is to be done."""
    failed = [one for one in findings if one.outcome != "pass"]
    return (
        f"reached:  {_reached(report)}",
        f"lies in:  {place.out} (report.html{'' if bundle is None else f', {bundle.name}'})",
        f"try it:   {_trial(bundle, place)}",
        f"ship it:  {_shipping(bundle, place)}",
        f"gates:    {_gates(failed)}",
    )


def _reached(report: Report | None) -> str:
    if report is None or not report.models:
        return "no model to report on"
    first, last = report.models[0], report.models[-1]
    return f"{last.name}: {', '.join(_compared(first, last))}"


def _compared(first: ModelEntry, last: ModelEntry) -> list[str]:
    """Return the figures of the last model beside those of the first."""
    found = [f"{shown.size(last.size_bytes)} (of {shown.size(first.size_bytes)})"]
    if last.map is not None and first.map is not None:
        found.append(f"mAP {last.map:.3f} (of {first.map:.3f})")
    for speedup in last.speedup.values():
        found.append(f"{speedup.ratio:.2f} times as fast")
    return found


def _trial(bundle: Path | None, place: Place) -> str:
    if bundle is None:
        return f"the models are artifacts in {place.out}; their ONNX files are model.onnx there"
    folder = bundle.with_suffix("")
    python = shlex.quote(sys.executable)  # which has numpy, Pillow and onnxruntime
    into = shlex.quote(str(folder))
    unpack = f"{python} -m zipfile -e {shlex.quote(str(bundle))} {into}"
    return f"{unpack} && {python} {into}/run.py predict PHOTO"


def _shipping(bundle: Path | None, place: Place) -> str:
    if bundle is not None:
        with zipfile.ZipFile(bundle) as packed:
            signed = SIGNATURE in packed.namelist()
        key = " --key public.pem" if signed else ""
        unsigned = "" if signed else "not signed, which --sign KEY does; "
        return f"python run.py install {bundle.name} --root DIR{key} ({unsigned}docs/shipping.md)"
    earlier = archive(place)
    lies = f"; {earlier.name} is of an earlier run" if earlier.exists() else ""
    return f"not yet: no bundle is written of a model that did not meet its gates{lies}"


def _gates(failed: list[Finding]) -> str:
    if not failed:
        return "all met"
    reasons = "; ".join(dict.fromkeys(one.reason for one in failed))
    return f"{reasons}. Next: {' or '.join(_advice(failed))}"


def _advice(failed: list[Finding]) -> list[str]:
    """Return what helps against gates that were not met, each once."""
    found = {_remedy(one) for one in failed}
    return [*sorted(found), "another --gate"]


def _remedy(finding: Finding) -> str:
    """Return what helps against one; its reason begins with the model and the gate."""
    gate = [*finding.reason.split(": "), ""][1]
    if tells_accuracy(gate):
        if finding.outcome == "inconclusive":
            return "more test images, which can decide it"
        return "the same command with more --hours (and without --quick), which goes on from here"
    if finding.outcome == "inconclusive":
        return "the same command on a quieter machine"
    return "a --budget that says so beforehand, so that a smaller student is chosen"
