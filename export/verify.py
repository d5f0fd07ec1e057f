"""`python -m export.verify` tests a finished bundle, also under processors that are not here.

The archive, its hashes and its signature are checked as a device does it. Then the bundle's own
runtime answers its golden images: on this machine, and under each processor asked for by QEMU's
user mode. What counts there is numbers, not time.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from pydantic import Field

from compress.core import console
from compress.core.cli import main
from compress.core.errors import GateFailed, UserError
from compress.core.noun import Noun
from export import emulators, sysroot
from export.bundle import contents
from export.device import archive, bundle, signature
from export.device.archive import Files
from export.device.errors import DeviceError
from export.emulators import Processor
from models.defaults import default_bundle

HERE = "this machine"
_ANSWER = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
from edgepress_device.bundle import open_folder
from edgepress_device.selftest import golden_images
from edgepress_device.session import Predictor
bundle = open_folder(folder)
predictor = Predictor(bundle)
for image, expected in golden_images(bundle):
    found = predictor.predict(image)
    print(json.dumps([expected.tolist(), found.probs.tolist(), list(found.labels)]))
"""


class Config(Noun):
    """Check a bundle, and run it on this machine and under other processors (QEMU).

    Exit code 3 when one of them gives other answers than the bundle promises.
    """

    bundle: Path | None = None
    """Zip file that `python -m export.bundle` has written (default: the newest under runs/)."""
    cpu: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Processor to emulate, e.g. aarch64:cortex-a53 or x86_64:Haswell (`qemu-aarch64 -cpu help`
    lists the models); give it as often as needed."""
    key: Path | None = None
    """Public key (PEM) that the bundle must be signed with."""
    sysroot: Path | None = None
    """System root for another architecture, as `python -m export.sysroot` makes it (default: in the
    cache)."""
    timeout_s: float = Field(1200, gt=0)
    """Seconds that one processor may take."""


class Outcome(Noun):
    """What a processor made of the golden images."""

    processor: str
    images: int
    max_prob_diff: float
    tolerance: float
    wrong_decisions: int
    """Labels that are not what the processor's own probabilities and the thresholds say."""

    @property
    def passed(self) -> bool:
        """Whether the bundle may be shipped to such processors."""
        return self.max_prob_diff <= self.tolerance and not self.wrong_decisions


def run(config: Config) -> tuple[Outcome, ...]:
    """Check a bundle and return what each processor made of it, this machine first.

    Raises:
        UserError: no bundle, an altered one, one without the right signature, or a processor that
            cannot be emulated here.
        GateFailed: a processor gives other answers.
    """
    processors = [(one, _sysroot(config, one)) for one in map(emulators.parse, config.cpu)]
    for processor, root in processors:
        emulators.require(processor, root)
    files, manifest = _read(config.bundle or default_bundle(), config.key)
    with tempfile.TemporaryDirectory(prefix="edgepress-verify-") as work:
        folder = Path(work)
        contents.unpack(files, folder)
        outcomes = [_outcome(HERE, _native(folder, config.timeout_s), manifest)]
        for processor, root in processors:
            console.say(f"emulating {processor} ...")
            script = ("-c", _ANSWER, folder)
            done = emulators.run(processor, root, script, config.timeout_s)
            outcomes.append(_outcome(str(processor), done, manifest))
    _tell(outcomes)
    return tuple(outcomes)


def _sysroot(config: Config, processor: Processor) -> Path:
    return config.sysroot or sysroot.default_folder(processor.architecture)


def _read(path: Path, key: Path | None) -> tuple[Files, dict[str, Any]]:
    """Return files and manifest of a bundle whose hashes and signature are right."""
    try:
        files = archive.read(path)
        manifest = bundle.check(files, path)
        if key is not None:
            signature.verify(files, key.read_bytes())
    except DeviceError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"The key cannot be read ({error.strerror})", got=key) from None
    return files, manifest


def _native(folder: Path, timeout_s: float) -> "subprocess.CompletedProcess[str]":
    """Answer on this machine, in a process that sees nothing of this project."""
    command = [sys.executable, "-I", "-c", _ANSWER, str(folder)]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"The bundle did not answer its golden images in {timeout_s:g} s", got=folder
        ) from None


def _outcome(
    name: str, done: "subprocess.CompletedProcess[str]", manifest: dict[str, Any]
) -> Outcome:
    if done.returncode:
        raise GateFailed(f"The bundle does not run on {name}: {emulators.last_line(done)}")
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
    )


def _tell(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        console.result(
            f"{'pass' if one.passed else 'fail'}: {one.processor}: probabilities of {one.images} "
            f"golden images differ by up to {one.max_prob_diff:.2g} (allowed: {one.tolerance:g}), "
            f"{one.wrong_decisions} wrong decisions"
        )
    failed = [one.processor for one in outcomes if not one.passed]
    if failed:
        raise GateFailed(f"The bundle gives other answers on {', '.join(failed)}")


if __name__ == "__main__":
    sys.exit(main(Config, run))
