"""`python -m benchmarks.claims.papers elpv` trains by a published protocol, and compares."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray

from benchmarks.claims.papers.result import HEADER, Accuracy, Result, Run, result_rows, table
from edgepress.core import artifact as artifacts
from edgepress.core import console, environment, figures
from edgepress.core.cli import main
from edgepress.core.errors import UserError, unknown_name
from edgepress.core.eval_file import load_eval
from edgepress.core.noun import Noun
from edgepress.core.results import EvalResult

FOLDER = Path(__file__).parent


class Protocol(Noun):
    """A published protocol: how to train, what to measure, what others found."""

    title: str
    label: str
    """The label whose binary accuracy is measured."""
    severity: tuple[str, ...]
    """Cumulative labels; the mean of their probabilities is the expected severity, 0 to 1."""
    threshold: float
    """Fixed beforehand: the protocol has no validation part to tune it on."""
    seeds: tuple[int, ...]
    """Each is the seed of a split and of a training."""
    published: dict[str, float]
    train: dict[str, Any]
    """Options of compress.train."""


class Config(Noun):
    """Train by a published protocol with several seeds and print mean and spread."""

    name: Annotated[str, tyro.conf.Positional] = "elpv"
    """A TOML file of benchmarks/claims/papers."""
    out: Path | None = None
    """Folder of the artifacts (default: runs/papers/NAME)."""
    result: Path | None = None
    """JSON file for the figures, their table beside it (default: result.json in that folder)."""


def run(config: Config) -> Result:
    """Train every seed (what is done is not done again), measure, print and store.

    Raises:
        UserError: unknown protocol, or a training that failed.
    """
    protocol = _read(config.name)
    out = config.out or Path("runs/papers") / config.name
    stored = config.result or out / "result.json"
    figures.check(stored)
    runs = tuple(_run(protocol, seed, out / f"seed-{seed}") for seed in protocol.seeds)
    result = Result(
        title=protocol.title,
        command=f"python -m benchmarks.claims.papers {config.name}",
        published=protocol.published,
        train=protocol.train,
        runs=runs,
        environment=environment.describe(),
    )
    console.table(protocol.title, HEADER, result_rows(result))
    figures.store(stored, result, table(result))
    return result


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
    columns = [found.label_names.index(name) for name in protocol.severity]
    targets = found.targets[:, found.label_names.index(protocol.label)]
    alone = found.scores[:, :, found.label_names.index(protocol.label)]
    return Run(
        seed=seed,
        n_test=len(targets),
        label=_accuracy(targets, alone, protocol.threshold),
        severity=_accuracy(targets, found.scores[:, :, columns].mean(axis=2), protocol.threshold),
        map=found.map,
    )


def _accuracy(
    targets: NDArray[np.float32], probs: NDArray[np.float32], threshold: float
) -> Accuracy:
    """Return the accuracy of `probs` `[views, n]` against `targets` `[n]`, 0 or 1."""
    hits = (probs >= threshold) == (targets == 1)
    averaged = (probs.mean(axis=0) >= threshold) == (targets == 1)
    return Accuracy(one_view=float(hits.mean()), all_views=float(averaged.mean()))


if __name__ == "__main__":
    sys.exit(main(Config, run))
