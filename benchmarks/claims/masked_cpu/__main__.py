"""`python -m benchmarks.claims.masked_cpu` runs a command with the kernels of an AVX2 CPU."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.claims.masked_cpu import masking
from edgepress.core import console
from edgepress.core.cli import main
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun


class Config(Noun):
    """Run a command with AVX-512, VNNI and AMX masked.

    The kernels are those of an AVX2 CPU, the core is this one: results say so in the CPU's name.
    OpenVINO is not masked.
    """

    command: str = "python -m compress --out runs/elpv-avx2"
    """The command in one string; `python` is the Python that runs this."""


def run(config: Config) -> None:
    """Run the command and end with its exit code.

    Raises:
        UserError: the CPU cannot be masked here, or there is no such program.
        SystemExit: the command did not end with 0.
    """
    arguments = _arguments(config.command)
    with TemporaryDirectory(prefix="masked-cpu-") as folder:
        masked = masking.environment(Path(folder))
        console.say(f"AVX-512, VNNI and AMX masked: {config.command}")
        done = subprocess.run(arguments, env=os.environ | masked, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def _arguments(command: str) -> list[str]:
    """Return the program with its path, and its arguments.

    Raises:
        UserError: there is no such program.
    """
    try:
        program, *rest = shlex.split(command) or [""]
    except ValueError as error:
        raise UserError(f"The command cannot be read ({error})", got=command) from None
    path = sys.executable if program == "python" else shutil.which(program)
    if path is None:
        raise UserError(
            "No such program", got=program or command, next_step='--command "python -m compress"'
        )
    return [path, *rest]


if __name__ == "__main__":
    sys.exit(main(Config, run))
