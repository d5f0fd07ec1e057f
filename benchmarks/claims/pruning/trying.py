"""Cuts and their tuning by the commands; parents, cuts and students stay where they are made."""

import importlib
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.claims.pruning import grid, measuring
from benchmarks.claims.pruning.grid import NETWORKS, PRUNE, SMALLER, Trial
from benchmarks.claims.pruning.measuring import Measured, int8
from benchmarks.claims.settings import problems
from benchmarks.claims.settings.trying import UNJUDGED, made, words
from edgepress.core import artifact as artifacts
from edgepress.core import console, writable
from edgepress.core.artifact import Artifact
from edgepress.core.errors import EdgepressError, GateFailed
from edgepress.core.subcommands import ending_of

TIMEOUT_S = 7200
PEERS = "compress.peers"
"""Of the room above: it is found by name there, as stages of recipes are."""
MEASURED, REFUSED = "measured.json", "refused.txt"


def tried(trial: Trial, work: Path) -> None:
    """Cut, measure and tune, as far as that is not there; why it was not cut is noted.

    Raises:
        UserError: a training or an export failed.
    """
    folder, whole = work / trial.cut.place, parent(trial.network, work)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        cut = _cut(trial.cut, folder / "cut", whole)
        _measured(cut, folder, whole)
    except EdgepressError as error:
        writable.write_whole(folder / REFUSED, f"{error}\n")
        console.say(f"  {error}")
        return
    (folder / REFUSED).unlink(missing_ok=True)
    sizes = NETWORKS[trial.network]
    models = {"teacher": whole, "student": cut.path, "method": "soft-labels", "seed": trial.seed}
    made("compress.distill", tuned(trial, work), models | _steps(whole, sizes.tuned), TIMEOUT_S)


def tuned(trial: Trial, work: Path) -> Path:
    """Return where the network of a trial lies once it has been cut and tuned."""
    return work / trial.place / "tuned"


def known(trial: Trial, work: Path) -> tuple[Measured | None, str | None]:
    """Return what was measured of a cut, or why there is none, as far as that is known."""
    folder = work / trial.cut.place
    file, refused = folder / MEASURED, folder / REFUSED
    return (
        Measured.model_validate_json(file.read_bytes()) if file.is_file() else None,
        refused.read_text().strip() if refused.is_file() else None,
    )


def parent(network: str, work: Path) -> Path:
    """Return where the unpruned network lies; it is trained where it is not there.

    Raises:
        UserError: its training failed.
    """
    folder, sizes = work / network / "parent", NETWORKS[network]
    size = {"arch": network, "image-size": sizes.side, "weights": sizes.weights}
    made("compress.train", folder, size | _steps(folder, sizes.parent), TIMEOUT_S)
    return folder


def _steps(whole: Path, epochs: int) -> dict[str, Any]:
    sizes = NETWORKS[whole.parent.name]
    length = {"epochs": epochs, "batch-size": sizes.batch, "learning-rate": sizes.learning_rate}
    return length | {"data": _data(whole)}


def _data(whole: Path) -> Path:
    """Return the images, beside the unpruned network; they are written where they are not there."""
    folder = whole.with_name("data")
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as draft:
            problems.cells(Path(draft) / "data", grid.CELLS, grid.CELL_SIDE)
            (Path(draft) / "data").rename(folder)
    return folder


def _cut(trial: Trial, out: Path, whole: Path) -> Artifact:
    """Return the network of a trial before it is tuned.

    Raises:
        EdgepressError: it cannot be made, or the machine is too noisy for it.
    """
    if artifacts.is_artifact(out):
        return artifacts.load(out)
    if trial.way in PRUNE:
        return _pruned(trial, out, whole)
    peers: Any = importlib.import_module(PEERS)
    if trial.way == SMALLER:
        return _smaller(peers.width_for(artifacts.load(whole), trial.budget), out, whole)
    config = peers.Peer(
        model=whole,
        data=str(_data(whole)),
        out=out,
        share=trial.budget,
        global_pruning=trial.way == grid.MACS,
    )
    cut: Artifact = peers.macs_driven(config)
    return cut


def _pruned(trial: Trial, out: Path, whole: Path) -> Artifact:
    """Return a network that `compress.prune` has cut.

    Raises:
        GateFailed: it has not, whyever.
    """
    options = PRUNE[trial.way] | {
        "model": whole,
        "data": _data(whole),
        "out": out,
        "budget": f"latency <= {100 * trial.budget:g}%",
        "rounds": 1,
        "epochs": 0,
        "no-sensitivity": True,
        "seed": trial.seed,
        "gate": UNJUDGED,
    }
    ending = ending_of(TIMEOUT_S, "compress.prune", *words(options))
    if not artifacts.is_artifact(out):
        raise GateFailed(f"exit code {ending.code}: {ending.said}")
    return artifacts.load(out)


def _smaller(width: float, out: Path, whole: Path) -> Artifact:
    """Return a network of the same family, of narrower layers, trained as the unpruned one was.

    Raises:
        UserError: its training failed.
    """
    network = whole.parent.name
    models = {"teacher": whole, "student": network, "width": width, "method": "none"}
    sizes = NETWORKS[network]
    start = {"weights": sizes.weights} | _steps(whole, sizes.parent)
    return made("compress.distill", out, models | start, TIMEOUT_S)


def _measured(cut: Artifact, folder: Path, whole: Path) -> None:
    """Measure a cut beside the unpruned network, once.

    Raises:
        EdgepressError: it cannot be exported or timed.
    """
    file = folder / MEASURED
    if file.is_file():
        return
    data = _data(whole)
    files = partial(int8, data=data)
    found = measuring.measured(cut, files(cut.path), files(whole))
    writable.write_json(file, found, "What was measured of a cut")
    console.say(f"  {found.share:.1%} of the unpruned file's time")
