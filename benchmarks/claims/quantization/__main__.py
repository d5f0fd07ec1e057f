"""`python -m benchmarks.claims.quantization` holds our int8 files against other tools'."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from pydantic import Field

from benchmarks.claims.quantization import zoo
from benchmarks.claims.quantization.measuring import Made, network_result
from benchmarks.claims.quantization.peers import environments
from benchmarks.claims.quantization.result import (
    NOT_INSTALLED,
    OURS,
    NetworkResult,
    Result,
    header,
    mean_speedup,
    missed,
    rows,
    table,
)
from benchmarks.evaluation.candidates import open_model
from edgepress.core import console, ending, figures, writable
from edgepress.core.cli import main
from edgepress.core.hashing import file_sha256, value_hash
from edgepress.core.noun import Noun
from edgepress.data.context import open_context
from edgepress.data.dataset import open_data
from edgepress.data.pixels import decoded, normalise
from edgepress.data.split import training_rows

TIMEOUT_S = 1800
"""Longest time that another tool may take for one network."""


class Config(Noun):
    """Train networks on ELPV, quantize them by every tool that is installed, and measure.

    What was done is not done again. Exit code 3 where our file misses what is demanded of it.
    """

    networks: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Architectures of zoo.toml (default: all)."""
    out: Path = Path("runs/quantization")
    """Folder of the models."""
    result: Path = Path("runs/quantization/result.json")
    """JSON file of the figures; their table is written beside it."""
    calibration_images: int = Field(256, ge=1)
    """Training images that every tool calibrates on."""


def run(config: Config) -> Result:
    """Measure, print a table and store it.

    Raises:
        UserError: an unknown network, or a command that failed.
        GateFailed: our file of a network misses what is demanded of it.
    """
    networks, found = zoo.chosen(config.networks), []
    figures.check(config.result)
    for name, options in networks.items():
        console.say(f"{name} ...")
        found.append(_network(name, options, config))
        result = Result(command="python -m benchmarks.claims.quantization", networks=tuple(found))
        figures.store(config.result, result, table(result))
    console.table("int8 against fp32", header(tuple(found)), rows(tuple(found)))
    mean = mean_speedup(found)
    if mean is not None:
        console.result(f"geometric mean of our speed-ups: {mean:.2f}")
    ending.refuse("Not reached", (miss for one in found for miss in missed(one)))
    return result


def _network(name: str, options: zoo.Options, config: Config) -> NetworkResult:
    """Make every file of a network and measure them, or return what was measured of the same."""
    folder = config.out / name
    fp32 = zoo.float_model(name, options, folder)
    made = (_ours(fp32, folder, options), *_peers(fp32, folder, config))
    _calibration_path(fp32, config).unlink(missing_ok=True)  # 150 MB at 224 pixels
    files: tuple[Path | Made, ...] = (fp32, *made)
    stored, key = folder / "result.json", value_hash([_content(one) for one in files])
    found = _stored(stored, key)
    if found is None:
        found = network_result(fp32, made, open_data("elpv"), options["views"])
        found = found.model_copy(update={"key": key})
        writable.write_json(stored, found)
    return _with_costs(found, made[0])


def _with_costs(found: NetworkResult, ours: Made) -> NetworkResult:
    """Return the result with what making our file took, which is noted beside the file."""
    names = ("seconds", "search_s", "peak_rss_bytes")
    costs = {name: getattr(ours, name) for name in names}
    entries = (found.ours.model_copy(update=costs), *found.entries[1:])
    return found.model_copy(update={"entries": entries})


def _content(one: Path | Made) -> str:
    """Return what names a model's content, or why there is no model."""
    path = one if isinstance(one, Path) else one.path
    if path is not None:
        return file_sha256(open_model(path).weights)
    assert isinstance(one, Made)
    return f"{one.tool}: {one.failure}"


def _stored(file: Path, key: str) -> NetworkResult | None:
    try:
        found = NetworkResult.model_validate_json(file.read_text())
    except (OSError, ValueError):
        return None
    return found if found.key == key else None


def _ours(fp32: Path, folder: Path, options: zoo.Options) -> Made:
    """Quantize by our search; what it took is kept beside the artifact."""
    int8, record = folder / OURS, folder / f"{OURS}.json"
    cost = zoo.int8_model(fp32, int8, options)
    manifest = open_model(int8).manifest
    key, search_s = manifest.id, sum(step.seconds for step in manifest.search)
    stored = _recorded(record, key)
    if stored is None:  # else it was there already, and nothing was searched
        stored = {"key": key, "seconds": cost.seconds, "peak_rss_bytes": cost.peak_rss_bytes}
        record.write_text(json.dumps(stored))
    return Made(
        OURS,
        int8,
        stored["seconds"],
        search_s=search_s,
        peak_rss_bytes=stored["peak_rss_bytes"],
    )


def _peers(fp32: Path, folder: Path, config: Config) -> Iterator[Made]:
    """Let every tool quantize the same file on the same images; what was made is kept."""
    ready = environments.find()
    key = f"{file_sha256(open_model(fp32).weights)} {config.calibration_images}"
    for tool in environments.known():
        out = folder / f"{tool}.onnx"
        record = out.with_suffix(".json")
        if tool not in ready:
            yield Made(tool, None, 0.0, NOT_INSTALLED)
            continue
        stored = _recorded(record, key)
        if stored is None:
            console.say(f"  {tool} ...")
            images = calibration_file(fp32, config)
            outcome = environments.quantize(tool, fp32, images, out, TIMEOUT_S)
            failure = None if outcome.ok else outcome.detail or outcome.status
            stored = {"key": key, "seconds": outcome.seconds, "failure": failure}
            record.write_text(json.dumps(stored))
        failed = stored["failure"] is not None
        yield Made(tool, None if failed else out, stored["seconds"], stored["failure"])


def _recorded(record: Path, key: str) -> dict[str, Any] | None:
    """Return what was noted when a file was made, `None` if it was made of something else."""
    found: dict[str, Any] = json.loads(record.read_text()) if record.is_file() else {}
    return found if found.get("key") == key else None


def _calibration_path(fp32: Path, config: Config) -> Path:
    return fp32.parent / f"calibration-{config.calibration_images}.npy"


def calibration_file(fp32: Path, config: Config) -> Path:
    """Write the images that our export calibrates on, float32 `[n, c, h, w]`, for other tools."""
    file = _calibration_path(fp32, config)
    if not file.is_file():
        context = open_context("elpv", (open_model(fp32),))
        dataset, spec = context.dataset, context.spec
        chosen = training_rows(dataset, context.split, config.calibration_images, seed=0)
        np.save(file, normalise(np.asarray(decoded(dataset, spec)[chosen]), spec))
    return file


if __name__ == "__main__":
    sys.exit(main(Config, run))
