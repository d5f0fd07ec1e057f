"""The networks of the benchmark, trained and exported by the commands a user would type."""

import tomllib
from pathlib import Path
from typing import Any

from edgepress.core.artifact import is_artifact, load
from edgepress.core.errors import unknown_name
from edgepress.core.subcommands import Cost, command

FILE = Path(__file__).with_name("zoo.toml")

Options = dict[str, Any]
BUDGET = "budget"
"""The one option that is not of the training: the longest search for our file."""


def networks() -> dict[str, Options]:
    """Return the options of every network, by architecture."""
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

    A network that was trained with these options stays as it is, and so does its fp32 file, also
    when the sources of the stages have changed since: what is measured is what quantization costs.

    Raises:
        UserError: a command failed.
    """
    torch, fp32 = folder / "torch", folder / "fp32"
    if not _is_trained(torch, name, options):
        wanted = _training(options).items()
        training = [word for key, value in wanted for word in (_flag(key), str(value))]
        command("compress.train", "--arch", name, *training, "--gate", "map >= 0.2", "--out", torch)
    if not _is_exported(fp32, torch):
        views = ("--views", options["views"])
        command("export.onnx", "--model", torch, "--quantize", "none", *views, "--out", fp32)
    return fp32


def _is_trained(torch: Path, name: str, options: Options) -> bool:
    if not is_artifact(torch):
        return False
    config = load(torch).manifest.config
    return config["arch"] == name and all(
        config[key] == value for key, value in _training(options).items()
    )


def _training(options: Options) -> Options:
    return {key: value for key, value in options.items() if key != BUDGET}


def _is_exported(fp32: Path, torch: Path) -> bool:
    return is_artifact(fp32) and load(fp32).manifest.parents == (load(torch).manifest.id,)


def int8_model(fp32: Path, out: Path, options: Options) -> Cost:
    """Quantize an fp32 artifact by our search; there is an artifact, whatever its gates say.

    Raises:
        UserError: there is no artifact.
    """
    # Speed is measured against all others afterwards, and this CPU is the target.
    demands = ["--gate", "map drop <= 0.005", "--emulate", "0"]
    settings = ["--quantize", "int8", "--target", "auto", "--budget", options[BUDGET]]
    settings += ["--views", str(options["views"])]
    return command("export.onnx", "--model", fp32, *settings, *demands, "--out", out)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
