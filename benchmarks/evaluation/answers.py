"""The answers that are stored with an ONNX file, and held against those that it gives now."""

from pathlib import Path

from benchmarks.runtimes import _session
from edgepress.core.artifact import Artifact
from edgepress.core.manifest import Precision
from edgepress.data import probe

PROBED: tuple[Precision, ...] = ("fp32", "int8_weights")
"""Of which the answers are held against those that were stored. The kernels of int8 files differ by
the kind of CPU, and fp16 is computed in fp32 on some."""


def store_answers(model: Artifact, small: probe.Small, folder: Path) -> None:
    """Store what an ONNX file answers on the CPU, where other CPUs would give the same answers."""
    if model.manifest.precision in PROBED:
        session = _session.find("cpu").open_session(model, threads=1)
        probe.write(session.run, small, model.manifest.image, folder)


def check_answers(session: _session.Runs, model: Artifact, runtime: str) -> None:
    """Refuse a file that answers otherwise than when it was measured; torch checks its networks.

    Raises:
        UserError: it does, on the CPU.
    """
    if runtime == "cpu" and model.manifest.precision in PROBED:
        probe.check(session.run, model)
