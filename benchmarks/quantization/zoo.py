"""The networks of the benchmark, trained and exported by the commands a user would type."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from compress.core.artifact import is_artifact, load
from compress.core.errors import UserError, unknown_name

FILE = Path(__file__).with_name("zoo.toml")

Options = dict[str, Any]


def networks() -> dict[str, Options]:
    """Return the training options of every network, by architecture."""
    read = tomllib.loads(FILE.read_text())
    return {name: {**read["defaults"], **own} for name, own in read["networks"].items()}


def chosen(names: tuple[str, ...]) -> dict[str, Options]:
    """Return the named networks, or all of them.

    Raises:
        UserError: a name that is not in the zoo.
    """
    known = networks()
    for name in names:
        if name not in known:
            raise unknown_name("network", name, known)
    return {name: known[name] for name in names or known}


def float_model(name: str, options: Options, folder: Path) -> Path:
    """Train and export a network; return the artifact of its fp32 file.

    A network that was trained with these options stays as it is, also when the sources of the
    training have changed since: what is measured is what quantization costs it.

    Raises:
        UserError: a command failed.
    """
    torch, fp32 = folder / "torch", folder / "fp32"
    if not _is_trained(torch, name, options):
        training = [word for key, value in options.items() for word in (_flag(key), str(value))]
        command("compress.train", "--arch", name, *training, "--gate", "map >= 0.2", "--out", torch)
    command("export.onnx", "--model", torch, "--quantize", "none", "--out", fp32)
    return fp32


def _is_trained(torch: Path, name: str, options: Options) -> bool:
    if not is_artifact(torch):
        return False
    config = load(torch).manifest.config
    return config["arch"] == name and all(config[key] == options[key] for key in options)


def int8_model(fp32: Path, folder: Path, budget: str) -> Path:
    """Quantize an fp32 artifact by our search; return the artifact, whatever its gates say.

    Raises:
        UserError: there is no artifact.
    """
    int8 = folder / "edgepress"
    # Speed is measured against all others afterwards, and this CPU is the target.
    demands = ["--gate", "map drop <= 0.005", "--emulate", "0"]
    source: list[object] = [
        "--model",
        fp32,
        "--quantize",
        "int8",
        "--target",
        "auto",
        "--budget",
        budget,
    ]
    words: list[object] = ["export.onnx", *source, *demands, "--out", int8]
    done = _run(*words)
    if not is_artifact(int8) or done not in (0, 3, 4):
        raise UserError("The export failed", got=" ".join(map(str, words)))
    return int8


def command(module: str, *words: object) -> None:
    """Run one of our commands; a gate that is not met is not an error here.

    Raises:
        UserError: it failed.
    """
    if _run(module, *words) not in (0, 3, 4):
        raise UserError("The command failed", got=" ".join(map(str, (module, *words))))


def _run(module: object, *words: object) -> int:
    return subprocess.run([sys.executable, "-m", *map(str, (module, *words))]).returncode


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
