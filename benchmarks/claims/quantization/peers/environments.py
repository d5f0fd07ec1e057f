"""The environments of the other tools: what builds them, which there are, and running one.

The folder is the registry: `NAME.py` (or `NAME_.py`, where NAME is a package) and
`requirements/NAME.txt` make a peer. Environments lie under `.venv-peers` in the current folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.claims.quantization.peers import _made
from benchmarks.evaluation.candidates import open_model
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.hashing import file_sha256

SCRIPTS = Path(__file__).parent
HOME = Path(".venv-peers")
COMMAND = "python -m benchmarks.claims.quantization.peers"

Status = Literal["made", "failed", "timed out", "not installed"]

_STAMP = ".requirements.sha256"
"""Written last: an environment without it, or with another content, is built again."""
_QUIET = {"OLIVE_DISABLE_TELEMETRY": "1", "NNCF_CI": "1", "CI": "1"}
"""No tool may report this machine to its maker; of Olive, only CI stops every message."""
_SIGKILL = -9


@dataclass(frozen=True)
class Outcome:
    """How a tool ended on a model."""

    status: Status
    seconds: float
    """Start of its process to its end; the check of the file comes after."""
    detail: str | None = None
    """What went wrong, in one line: the tool's own error where it has one."""

    @property
    def ok(self) -> bool:
        """There is a file, and it can be measured."""
        return self.status == "made"


def known() -> dict[str, Path]:
    """Return the script of every peer by its name."""
    return {
        name: script
        for script in sorted(SCRIPTS.glob("*.py"))
        if _requirements(name := script.stem.rstrip("_").replace("_", "-")).is_file()
    }


def find() -> dict[str, Path]:
    """Return the interpreter of every peer whose environment is there and up to date."""
    return {name: _interpreter(name) for name in known() if _is_ready(name)}


def script_of(name: str) -> Path:
    """Return a peer's script.

    Raises:
        UserError: no peer of that name.
    """
    scripts = known()
    if name not in scripts:
        raise unknown_name("peer", name, scripts)
    return scripts[name]


def build(name: str) -> None:
    """Make a peer's environment, in place of one that is unfinished or has other packages.

    Raises:
        UserError: no such peer, or a package that cannot be installed.
    """
    script_of(name)
    folder, listed = HOME / name, _requirements(name)
    (folder / _STAMP).unlink(missing_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", str(folder)], name)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([str(_interpreter(name)), *install, "--requirement", str(listed)], name)
    (folder / _STAMP).write_text(file_sha256(listed))


def quantize(name: str, fp32: Path, calibration: Path, out: Path, timeout_s: float) -> Outcome:
    """Let a peer make the int8 file `out` of an fp32 model, in a process of its own.

    `fp32` is an artifact or a file, `calibration` an `.npy` file of float32 `[n, c, h, w]`. What
    the tool prints is left in `out` with the ending `.log`. There is a file `out` exactly when the
    outcome is ok.

    Raises:
        UserError: no such peer, no calibration images, or an fp32 model that cannot be used.
    """
    script, model = script_of(name), open_model(fp32)
    if not calibration.is_file():
        raise UserError("There are no calibration images", got=calibration, allowed="an .npy file")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.unlink(missing_ok=True)
    if not _is_ready(name):
        return Outcome("not installed", 0.0, f"{COMMAND} {name} installs it")
    with tempfile.TemporaryDirectory(prefix=".peer-", dir=out.parent) as folder:
        draft = Path(folder) / "int8.onnx"
        files = {"--fp32": model.weights, "--calibration": calibration, "--out": draft}
        words = [text for flag, file in files.items() for text in (flag, str(file.resolve()))]
        # -I: neither the script's folder nor our packages are seen by what the tool imports
        command = [str(_interpreter(name)), "-I", str(script), *words]
        outcome = _watch(command, out.with_suffix(".log"), timeout_s)
        if not outcome.ok:
            return outcome
        try:
            _made.finish(draft, model, calibration, out)
        except UserError as error:
            return Outcome("failed", outcome.seconds, _short(error, folder))
    return outcome


def _watch(command: list[str], log: Path, timeout_s: float) -> Outcome:
    """Run a tool in an empty folder, which takes its temporary files too; say how it ended."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edgepress-peer-") as empty, log.open("w") as text:
        try:
            code = subprocess.run(
                command,
                cwd=empty,
                env=os.environ | _QUIET | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), empty),
                stdin=subprocess.DEVNULL,
                stdout=text,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
            ).returncode
        except subprocess.TimeoutExpired:
            return Outcome("timed out", time.monotonic() - start, f"after {timeout_s:g} s")
    seconds = time.monotonic() - start
    if code == 0:
        return Outcome("made", seconds)
    return Outcome("failed", seconds, _said(code, log.read_text(errors="replace")))


def _said(code: int, text: str) -> str:
    """Return the line that says why: of the last traceback, else the last of all."""
    if code == _SIGKILL:
        return "the process was killed, as the system does when the memory runs out"
    _, found, traceback = text.rpartition("Traceback (most recent call last):\n")
    lines = [line.rstrip() for line in traceback.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(" ")] if found else lines[-1:]
    return telling[0] if telling else f"exit code {code} without a message"


def _short(error: UserError, folder: str) -> str:
    """Return the message of an error without the temporary folder, which is gone by then."""
    return str(error).partition(" Got: ")[0].replace(folder + os.sep, "")


def _run(command: list[str], name: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(HOME / name, ignore_errors=True)
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise UserError(
            f"The environment of {name} cannot be built ({lines[-1]})",
            got=_requirements(name),
            next_step=f"check the network and the Python version, then {COMMAND} {name}",
        )


def _requirements(name: str) -> Path:
    return SCRIPTS / "requirements" / f"{name}.txt"


def _interpreter(name: str) -> Path:
    """Return the path as it is: resolved, it would leave the environment."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return HOME.absolute().joinpath(name, *parts)


def _is_ready(name: str) -> bool:
    stamp = HOME / name / _STAMP
    same = stamp.is_file() and stamp.read_text() == file_sha256(_requirements(name))
    return same and _interpreter(name).is_file()
