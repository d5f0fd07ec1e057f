"""`python -m export.verify` tests finished bundles, also under processors that are not here.

The archives, their hashes and signatures are checked as a device does it. Then each bundle's own
runtime answers its golden images: on this machine, and under each processor asked for by QEMU's
user mode. What counts there is numbers, not time.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from benchmarks.claims.device import bundles
from edgepress.core import console, ending, environment, figures
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.noun import Noun
from edgepress.device.bundle import archive
from edgepress.device.bundle.archive import Files
from export.emulation import qemu, sysroot
from export.emulation.qemu import Processor
from export.emulation.result import Outcome, Result, Verified, table
from models.defaults import default_bundle

HERE = "this machine"
_ANSWER = """
import json, sys
from importlib import import_module
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
from edgepress_device.bundle import open_folder
def module(name):  # in whatever folder of the runtime that the bundle was made with
    file = next((folder / "edgepress_device").rglob(f"{name}.py"))
    return import_module(".".join(file.relative_to(folder).with_suffix("").parts))
bundle = open_folder(folder)
predictor = module("session").Predictor(bundle)
for image, expected in module("selftest").golden_images(bundle):
    found = predictor.predict(image)
    print(json.dumps([expected.tolist(), found.probs.tolist(), list(found.labels)]))
"""


class Config(Noun):
    """Check bundles, and run them on this machine and under other processors (QEMU).

    Exit code 3 when one of them gives other answers than a bundle promises.
    """

    bundle: tuple[Path, ...] = ()
    """Zip file that `python -m export.bundle` has written (default: the newest under runs/); give
    it as often as needed."""
    cpu: tuple[str, ...] = ()
    """Processor to emulate, e.g. aarch64:cortex-a53 or x86_64:Haswell (`qemu-aarch64 -cpu help`
    lists the models); give it as often as needed."""
    key: Path | None = None
    """Public key (PEM) that every bundle must be signed with."""
    sysroot: Path | None = None
    """System root for another architecture (default: in the cache)."""
    fetch_sysroot: Literal["aarch64", "x86_64"] | None = None
    """Fetch Python, numpy, Pillow and onnxruntime for this architecture to --sysroot instead of
    checking a bundle (needs apt)."""
    timeout_s: float = Field(1200, gt=0)
    """Seconds that one processor may take."""
    result: Path | None = None
    """Also write the figures to this JSON file, e.g. docs/results/processors.json, and their table
    beside it."""


def run(config: Config) -> tuple[Verified, ...]:
    """Check bundles and return what each processor made of them, this machine first.

    Raises:
        UserError: no bundle, an altered one, one without the right signature, or a processor that
            cannot be emulated here; or a system root that cannot be fetched.
        GateFailed: a processor gives other answers.
    """
    if config.fetch_sysroot is not None:
        sysroot.fetch(config.fetch_sysroot, _sysroot(config, config.fetch_sysroot))
        return ()
    figures.check(config.result)
    processors = [(one, _sysroot(config, one.architecture)) for one in map(qemu.parse, config.cpu)]
    for processor, root in processors:
        qemu.require(processor, root)
    paths = config.bundle or (default_bundle(),)
    opened = [bundles.read(path, config.key) for path in paths]
    found = tuple(_verified(config, processors, *one) for one in opened)
    result = _as_result(found)
    figures.store(config.result, result, table(result))
    pairs = ((one.bundle, its) for one in found for its in one.outcomes if not its.passed)
    faults = (f"{bundle} on {its.processor}" for bundle, its in pairs)
    ending.refuse("Other answers than promised", faults)
    return found


def _sysroot(config: Config, architecture: str) -> Path:
    return config.sysroot or sysroot.default_folder(architecture)


def _verified(
    config: Config, processors: list[tuple[Processor, Path]], files: Files, manifest: dict[str, Any]
) -> Verified:
    """Let a bundle answer under each processor, and say what came of it."""
    name = f"{manifest['name']}, release {manifest['release']}"
    console.say(f"{name}:")
    with tempfile.TemporaryDirectory(prefix="edgepress-verify-") as work:
        folder = Path(work)
        archive.unpack(files, folder)
        outcomes = [_outcome(HERE, _native(folder, config.timeout_s), manifest)]
        _tell(outcomes[-1])
        for processor, root in processors:
            console.say(f"emulating {processor} ...")
            script = ("-c", _ANSWER, folder)
            done = qemu.run(processor, root, script, config.timeout_s)
            outcomes.append(_outcome(str(processor), done, manifest))
            _tell(outcomes[-1])
    return Verified(
        bundle=name,
        precision=manifest["precision"],
        target=manifest["target"],
        outcomes=tuple(outcomes),
    )


def _native(folder: Path, timeout_s: float) -> "subprocess.CompletedProcess[str]":
    """Answer on this machine, in a process that sees nothing of this project."""
    command = [sys.executable, "-I", "-c", _ANSWER, str(folder)]
    late = "The bundle did not answer its golden images"
    return qemu.in_time(command, timeout_s, late, folder)


def _outcome(
    name: str, done: "subprocess.CompletedProcess[str]", manifest: dict[str, Any]
) -> Outcome:
    crash = qemu.last_line(done) if done.returncode else None
    labels = manifest["labels"]
    thresholds = np.float32(labels["thresholds"])
    largest, wrong = 0.0, 0
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for expected, probs, found in answers:
        largest = max(largest, float(np.abs(np.subtract(expected, probs)).max()))
        above = np.array([label in found for label in labels["names"]])
        wrong += int((above != (np.float32(probs) >= thresholds)).sum())
    return Outcome(
        processor=name,
        images=len(answers),
        max_prob_diff=largest,
        tolerance=manifest["golden_tolerance"],
        wrong_decisions=wrong,
        crash=crash,
    )


def _tell(one: Outcome) -> None:
    if one.crash is not None:
        console.result(f"fail: {one.processor}: the bundle does not run: {one.crash}")
        return
    console.result(
        f"{'pass' if one.passed else 'fail'}: {one.processor}: probabilities of {one.images} "
        f"golden images differ by up to {one.max_prob_diff:.2g} (allowed: {one.tolerance:g}), "
        f"{one.wrong_decisions} wrong decisions"
    )


def _as_result(found: tuple[Verified, ...]) -> Result:
    return Result(
        command=own_command("export.verify"),
        bundles=found,
        environment=environment.describe(),
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
