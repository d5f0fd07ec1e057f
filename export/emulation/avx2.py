"""An int8 file run under an emulated CPU that this machine is not (qemu-user).

x86 CPUs without VNNI add two products of 8-bit numbers into 16 bits, which saturate: the file that
is exact here may be wrong there, and nothing on this machine shows it. QEMU's user mode runs the
same Python and the same onnxruntime on a CPU model of its own; what counts is numbers, not time.
"""

import platform
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.parity import Floats, Parity, compare
from edgepress.core import console
from edgepress.core.alike import NARROW_SUMS
from edgepress.core.cpu import CpuKind
from edgepress.core.errors import UserError
from edgepress.core.gates import Verdict, at_most
from edgepress.core.noun import Noun
from export.emulation import qemu
from export.emulation.qemu import Processor

CPU = "Haswell"
CPU_KIND: CpuKind = "avx2"
"""AVX2, no VNNI."""
PROCESSOR = Processor("x86_64", CPU)
TIMEOUT_S = 1200
_SCRIPT = """
import sys
import numpy, onnxruntime
model, images, out = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 4
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
probs = [session.run(["probs"], {name: image[None]})[0] for image in numpy.load(images)]
numpy.save(out, numpy.concatenate(probs))
"""


class Emulated(Noun):
    """How a file's answers under an emulated CPU differ from those on this machine."""

    cpu: str
    n_images: int
    max_prob_diff: float
    flipped: float
    """Share of decisions that differ."""

    @property
    def sentence(self) -> str:
        """What was found."""
        return (
            f"under an emulated {self.cpu} (AVX2, no VNNI) {100 * self.flipped:.2f}% of the "
            f"decisions on {self.n_images} images differ, and probabilities by up to "
            f"{self.max_prob_diff:.1e}"
        )

    @property
    def verdict(self) -> Verdict:
        """Whether a file for such CPUs may be shipped."""
        found = at_most("flipped", self.flipped, NARROW_SUMS.flipped, self.sentence)
        return found.model_copy(update={"gate": f"{found.gate} under {self.cpu}"})


def available() -> bool:
    """Tell whether this machine can emulate an x86 CPU and is one."""
    return qemu.installed(PROCESSOR) and platform.machine() == PROCESSOR.architecture


def emulate(model: Path, images: Floats, native: Floats, thresholds: tuple[float, ...]) -> Emulated:
    """Run a file on images `[n, c, h, w]` under the emulated CPU and compare with `native`.

    Raises:
        UserError: the emulated process failed.
    """
    console.say(f"emulating a {CPU} on {len(images)} images ...")
    found: Parity = compare(native, _probabilities(model, images), thresholds)
    return Emulated(
        cpu=CPU,
        n_images=found.n_images,
        max_prob_diff=found.max_prob_diff,
        flipped=found.flipped,
    )


def _probabilities(model: Path, images: Floats) -> NDArray[np.float32]:
    with tempfile.TemporaryDirectory(prefix="edgepress-emulated-") as folder:
        given, made = Path(folder) / "images.npy", Path(folder) / "probs.npy"
        np.save(given, images)
        arguments = ("-c", _SCRIPT, model, given, made)
        done = qemu.run(PROCESSOR, None, arguments, TIMEOUT_S)
        if done.returncode or not made.is_file():
            raise UserError(
                f"The model cannot be run under an emulated CPU ({qemu.last_line(done)})",
                got=model,
                next_step="--emulate 0 leaves it out",
            )
        probs: NDArray[np.float32] = np.load(made)
        return probs
