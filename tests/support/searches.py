"""Searches whose stages cost nothing: what a trial comes to follows from its choices alone."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from colours import LABELS, SPEC

from benchmarks.gates import budgets
from compress.recipes.running import Place
from compress.recipes.steps import Step
from compress.searching import bench as benches
from compress.searching import space, steps, trying
from compress.searching.bench import Bench
from compress.searching.clock import Clock
from compress.searching.costs import Figures
from compress.searching.options import Config
from compress.searching.steps import Frame
from compress.searching.store import opening
from compress.searching.store.ledger import Ledger
from compress.searching.store.opening import About
from edgepress.core import artifact as artifacts
from edgepress.core.artifact import Artifact
from edgepress.core.manifest import DataRef, Manifest, Measurements, Split
from edgepress.core.search import TrialRecord

SPACE = """
[student]
choices = ["pruned", "lenet5", "lcnet_050"]
[width]
low = 0.1
high = 0.9
option = "distill.width"
unless = { student = ["pruned"] }
"""
FIXED = ("image_size=64", "method=none", "method_by_name=none", "augmentation=1.0", "mixup=0.2")
TEACHER_BYTES = 1_000_000
ABOUT = About(data="d", teacher="t", space="s", budgets="", rungs="1, 3", seed=0)


def quality(choices: dict[str, object]) -> float:
    """Return the mAP that a trial comes to; the best is at a learning rate of 2e-3."""
    rate = float(str(choices["learning_rate"]))
    return 0.9 - 0.1 * abs(math.log(rate / 2e-3)) - (0.1 if choices["student"] == "lenet5" else 0)


def takes(choices: dict[str, object]) -> float:
    """Return the share of the teacher's cost that a trial's file takes."""
    return float(str(choices.get("share", choices.get("width", 1.0))))


def stages(log: Path, pause_s: float = 0.0) -> Callable[[Step, Place], Artifact]:
    """Return what runs a step: it notes the step in a log and writes an artifact of its mAP."""

    def run(step: Step, place: Place) -> Artifact:
        folder = place.out / step.name
        if artifacts.is_artifact(folder):
            return artifacts.load(folder)
        time.sleep(pause_s)
        choices = json.loads((place.out.with_suffix(".json")).read_text())
        done = step.options.get("epochs", 9)
        files = place.out / f".{step.name}-files"
        files.mkdir(parents=True, exist_ok=True)
        (files / "model.onnx").write_bytes(b"none")
        found = quality(choices) - 0.1 / (1 + done)
        manifest = Manifest(
            id="id", stage="compress.distill", kind="onnx", image=SPEC, labels=LABELS, data=None,
            config={"epochs": done}, precision="fp32", measurements=Measurements(map=found),
        )  # fmt: skip
        made = artifacts.save(folder, files, manifest)
        with log.open(
            "a"
        ) as file:  # after it, or a kill in between would look like work done twice
            file.write(f"{place.out.name}/{step.name}\n")
        return made

    return run


class Ruler:
    """Measures choices, as if they were files."""

    whole = SimpleNamespace(
        size_bytes=TEACHER_BYTES, manifest=SimpleNamespace(measurements=Measurements(map=0.95))
    )

    def __init__(self, limits: tuple[str, ...], machine: str = "a CPU") -> None:
        self.budgets, self.machine, self.asked = budgets.parse(limits), machine, 0

    def measured(self, file: object) -> tuple[Figures, bool]:
        """Return what a trial takes; another machine is twice as slow."""
        self.asked += 1
        if isinstance(file, Artifact):
            file = json.loads(file.path.parent.with_suffix(".json").read_text())
        assert isinstance(file, dict)
        share = takes(file)
        slow = 1 if self.machine == "a CPU" else 2
        excess = {
            one.text: _own(one.metric, share * slow) / one.limit - 1 for one in self.budgets.each
        }
        figures = Figures(
            latency_s=slow * share * 1e-3, latency_ratio=share * slow, machine=self.machine,
            size_bytes=int(share * TEACHER_BYTES), size_ratio=share, excess=excess,
        )  # fmt: skip
        return figures, any(over > 0 for over in excess.values())


def _own(metric: str, share: float) -> float:
    return share * (TEACHER_BYTES if metric == "size" else 1e-3)


def stand_in(self: Bench, record: TrialRecord) -> dict[str, object]:
    """Return the choices of a trial for its file, and write them beside its folder."""
    file = self.ledger.place(record.number).with_suffix(".json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(record.choices))
    return dict(record.choices)


def bench(
    folder: Path, machine: str = "a CPU", here: str | None = None, **options: object
) -> Bench:
    """Return a bench whose storage is a journal in a folder."""
    config = Config(**{"out": folder, "rungs": 2, "epochs": 3, "trials": 8, **options})
    file = folder.with_name("space.toml")
    file.write_text(SPACE)
    found = space.read(file, FIXED)
    folder.mkdir(exist_ok=True)
    storage = opening.opened(config.storage, folder)
    study = opening.study_of(storage, "search", ABOUT)
    ledger = Ledger(storage, study, found, folder, here or benches._here(folder))
    frame = Frame(
        "data", Path("teacher"), found, steps.rungs(config.epochs, config.rungs), config.seed
    )
    return Bench(config, frame, Ruler(config.budget, machine), ledger, Clock(config.hours), "f")


def patch(patches: pytest.MonkeyPatch, log: Path, pause_s: float = 0.0) -> None:
    """Let trials run such stages."""
    patches.setattr(trying, "run_step", stages(log, pause_s))
    patches.setattr(Bench, "stand_in", stand_in)


def sequence(one: Bench) -> list[object]:
    """Return the choices of all trials."""
    return [record.choices for record in one.ledger.records()]


def of_other_data(run: Callable[[Step, Place], Artifact], folder: Path) -> Artifact:
    """Return an artifact that was made of other data."""
    place = Place("data", folder / "0000", False)
    place.out.mkdir()
    (folder / "0000.json").write_text('{"student": "lenet5", "learning_rate": 1e-3}')
    made = run(Step(name="fp32", stage="export.onnx"), place)
    split = Split(train=(), val=(), test=())
    data = DataRef(source="data", fingerprint="another", split=split)
    return Artifact(made.path, made.manifest.model_copy(update={"data": data}))
