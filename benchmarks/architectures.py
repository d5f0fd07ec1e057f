"""`python -m benchmarks.architectures` trains several networks alike and compares them."""

import sys
from pathlib import Path
from typing import Annotated

import tyro
from pydantic import Field

from benchmarks import compare
from benchmarks.comparison import recommendation
from benchmarks.evaluation.candidates import open_model, unique_names
from benchmarks.gates import checks
from benchmarks.report.schema import Report
from edgepress.core import console, writable
from edgepress.core.artifact import Artifact
from edgepress.core.cli import main
from edgepress.core.commands import own_command
from edgepress.core.errors import UserError
from edgepress.core.noun import Noun
from edgepress.core.several import Gates, Words
from edgepress.core.subcommands import command
from edgepress.data.dataset import read_table
from models.defaults import ModelPath


class Config(Noun):
    """Compare networks on the same data: accuracy, operations, parameters, size, memory, time.

    Each architecture is trained by the same recipe and exported to an fp32 ONNX file; what was made
    already is not made again. The files are measured in turn, and the page shows which are worth
    choosing among. The first model is the reference of all ratios.
    """

    models: Annotated[tuple[ModelPath, ...], tyro.conf.Positional] = ()
    """Models that are trained already: PyTorch artifacts, or ONNX files of any precision."""
    arch: tuple[str, ...] = ()
    """Architecture to train: a timm or torchvision name, or your own `package.module:factory`; give
    it as often as needed."""
    train: Words = ()
    """Options of compress.train for all architectures, as NAME=VALUE, e.g. `epochs=5
    image_size=160 weights=random`."""
    data: str | None = None
    """`elpv`, a path, or `format:path` (default: `elpv`, or the data of models trained already)."""
    out: Path = Path("runs/architectures")
    """Folder of the models and the report."""
    budget: Gates = ()
    """A limit of the device, e.g. `latency p50 <= 20ms`, `peak_rss <= 120MB`, `size <= 4MB`,
    `macs <= 3e8`: the most accurate model that keeps all limits is recommended; exit code 3 where
    none does, 4 where that cannot be told."""
    skip_bad_images: bool = False
    """Leave out images that do not decode, as a training can, instead of stopping."""
    provider: str = "cpu"
    """Runtime for the ONNX files (`python -m benchmarks.runtimes` lists them)."""
    threads: int = Field(1, ge=1)
    """Threads inside one inference when latency is measured."""


def run(config: Config) -> Report:
    """Train, export, measure, write report.html, .md and .json, and recommend.

    Raises:
        UserError: bad architectures, options, models, data or budget, or a training that failed.
        GateFailed: no model keeps the budget.
        GateUndecided: it cannot be told whether one does.
    """
    options = _options(config.train)
    _check_names(config)
    writable.check_folder(config.out, "The report's folder")
    ready = tuple(open_model(path) for path in config.models)
    _check_budget(config, ready)
    trained = tuple(_trained(name, options, config) for name in config.arch)
    models = ready + trained
    files = tuple(
        _exported(model, name, config)
        for model, name in zip(models, unique_names(models), strict=True)
    )
    settings = compare.Config(
        models=files,
        out=config.out,
        data=config.data,
        budget=config.budget,
        provider=config.provider,
        threads=config.threads,
        title="Architectures",
        skip_bad_images=config.skip_bad_images,
        command=own_command("benchmarks.architectures"),
    )
    return compare.run(settings)


def _options(given: tuple[str, ...]) -> list[str]:
    """Return the options of the training as words of a command line.

    Raises:
        UserError: one is not NAME=VALUE, or it is what this command says itself.
    """
    words = []
    for text in given:
        name, equals, value = text.partition("=")
        flag = name.strip().replace("_", "-")
        if not equals or not flag or flag in ("arch", "data", "out", "skip-bad-images"):
            raise UserError(
                "An option of the training cannot be used",
                got=text,
                allowed="NAME=VALUE with the options of compress.train, but arch, data and out; "
                "--skip-bad-images is an option of this command",
            )
        words += [f"--{flag}"] if value == "true" else [f"--{flag}", value]
    return words


def _check_names(config: Config) -> None:
    """Refuse a wrong name before the first training.

    Raises:
        UserError: there is none to compare, one that is unknown, or one twice.
    """
    if len(config.arch) + len(config.models) < 2:
        raise UserError(
            "There is nothing to compare",
            got=f"{len(config.arch)} architectures and {len(config.models)} models",
            next_step="name two or more: --arch resnet18 --arch mobilenetv3_small_100",
        )
    if len(set(config.arch)) < len(config.arch):
        raise UserError("An architecture is named twice", got=" ".join(config.arch))
    if config.arch:
        from models import families  # needs torch, which ready ONNX files do not

        for name in config.arch:
            families.find(name)


def _check_budget(config: Config, ready: tuple[Artifact, ...]) -> None:
    """Refuse limits that nothing here can decide, before the first training.

    Raises:
        UserError: there is one, or there are no such data.
    """
    known = [model.manifest.labels.names for model in ready]
    labels = known[0] if known else read_table(config.data or "elpv")[1].label_names
    limits = recommendation.parse_budget(config.budget)
    checks.require_decidable(limits, checks.Scene(checks.compared(True), labels))


def _trained(name: str, options: list[str], config: Config) -> Artifact:
    """Train an architecture, or leave it as it is where nothing has changed."""
    console.say(f"{name} ...")
    out = config.out / "trained" / _folder(name)
    command("compress.train", "--arch", name, *options, *_data(config, config.data), "--out", out)
    return open_model(out)


def _exported(model: Artifact, name: str, config: Config) -> Path:
    """Return the fp32 ONNX file of a PyTorch artifact, or the path of what is ONNX already."""
    if model.manifest.kind == "onnx":
        return model.path
    out = config.out / "onnx" / _folder(name)
    source = config.data or (model.manifest.data.source if model.manifest.data else None)
    words = ("--model", model.path, "--quantize", "none", *_data(config, source))
    command("export.onnx", *words, "--out", out)
    return out


def _data(config: Config, source: str | None) -> list[str]:
    """Return the options of a stage that say which images it reads."""
    skip = ["--skip-bad-images"] if config.skip_bad_images else []
    return [*(["--data", source] if source else []), *skip]


def _folder(name: str) -> str:
    """Return a name as that of a folder: `torchvision/NAME` and `a.b:make` are not."""
    return name.replace("/", "-").replace(":", ".")


if __name__ == "__main__":
    sys.exit(main(Config, run))
