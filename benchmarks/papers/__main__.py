"""`python -m benchmarks.papers elpv` trains by a published protocol and compares the accuracy."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from benchmarks import metrics
from benchmarks.evaluation import load_eval
from compress.core import artifact as artifacts
from compress.core import console, environment
from compress.core.cli import main
from compress.core.errors import UserError, unknown_name
from compress.core.noun import Noun
from compress.core.results import EvalResult

FOLDER = Path(__file__).parent


class Protocol(Noun):
    """A published protocol: how to train, what to measure, what others found."""

    title: str
    label: str
    """The label whose binary accuracy is measured."""
    threshold: float
    """Fixed beforehand: the protocol has no validation part to tune it on."""
    seeds: tuple[int, ...]
    """Each is the seed of a split and of a training."""
    published: dict[str, float]
    train: dict[str, Any]
    """Options of compress.train."""


class Run(Noun):
    """One seed."""

    seed: int
    n_test: int
    accuracy_one_view: float
    """Mean over views of the accuracy on one view."""
    accuracy_all_views: float
    """Accuracy of the probabilities averaged over the label-preserving views."""
    map: float | None


class Result(Noun):
    """What was found, next to what was published."""

    title: str
    command: str
    published: dict[str, float]
    train: dict[str, Any]
    runs: tuple[Run, ...]
    environment: dict[str, Any]


class Config(Noun):
    """Train by a published protocol with several seeds and print mean and spread."""

    name: Annotated[str, tyro.conf.Positional] = "elpv"
    """A TOML file of benchmarks/papers."""
    out: Path | None = None
    """Folder of the artifacts and result.json (default: runs/papers/NAME)."""


def run(config: Config) -> Result:
    """Train every seed (what is done is not done again), measure, print and store.

    Raises:
        UserError: unknown protocol, or a training that failed.
    """
    protocol = _read(config.name)
    out = config.out or Path("runs/papers") / config.name
    runs = tuple(_run(protocol, seed, out / f"seed-{seed}") for seed in protocol.seeds)
    result = Result(
        title=protocol.title,
        command=f"python -m benchmarks.papers {config.name}",
        published=protocol.published,
        train=protocol.train,
        runs=runs,
        environment=environment.describe(),
    )
    (out / "result.json").write_text(result.model_dump_json(indent=1) + "\n")
    console.table(protocol.title, ["", "accuracy %"], _rows(result))
    console.result(f"result: {out / 'result.json'}")
    return result


def _rows(result: Result) -> list[tuple[str, str]]:
    """Return the lines of the table: what was published, then mean and spread of ours."""
    seeds = len(result.runs)
    one = _spread(run.accuracy_one_view for run in result.runs)
    averaged = _spread(run.accuracy_all_views for run in result.runs)
    return [
        *((name, f"{100 * value:.2f}") for name, value in result.published.items()),
        (f"edgepress, one view, {seeds} seeds", one),
        (f"edgepress, mean of the label-preserving views, {seeds} seeds", averaged),
    ]


def _spread(values: Iterable[float]) -> str:
    shares = [100 * value for value in values]
    return f"{np.mean(shares):.2f} ± {np.std(shares, ddof=1):.2f}"


def _read(name: str) -> Protocol:
    known = {file.stem: file for file in FOLDER.glob("*.toml")}
    if name not in known:
        raise unknown_name("protocol", name, known)
    return Protocol.model_validate(tomllib.loads(known[name].read_text()))


def _run(protocol: Protocol, seed: int, out: Path) -> Run:
    options = protocol.train | {"seed": seed, "split-seed": seed, "out": out}
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    # A process of its own: the stages lie above this room and meet it on disk only.
    done = subprocess.run([sys.executable, "-m", "compress.train", *flags], check=False)
    if done.returncode:
        raise UserError(f"The training of seed {seed} ended with exit code {done.returncode}")
    return _measure(protocol, seed, load_eval(artifacts.load(out).path / "eval.npz"))


def _measure(protocol: Protocol, seed: int, found: EvalResult) -> Run:
    column = found.label_names.index(protocol.label)
    targets = found.targets[:, column]

    def accuracy(probs: np.ndarray[Any, Any]) -> float:
        share = metrics.accuracy(targets, probs, protocol.threshold)
        assert share is not None  # every target is known, and there are some
        return share

    return Run(
        seed=seed,
        n_test=len(targets),
        accuracy_one_view=float(np.mean([accuracy(view[:, column]) for view in found.scores])),
        accuracy_all_views=accuracy(found.scores.mean(axis=0)[:, column]),
        map=found.map,
    )


if __name__ == "__main__":
    sys.exit(main(Config, run))
