"""What is tried when no setting reaches the accuracy: the float network is tuned for integers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgepress.core import console
from edgepress.core.errors import UserError
from edgepress.core.manifest import SearchStep
from edgepress.core.wording import counted
from export.making.int8.quantize import first_method, open_workshop
from export.making.int8.search import Found, Search
from export.making.int8.setting import Setting
from export.making.int8.steps import sentence
from export.making.int8.trials import HARMFUL

SHORTEST_S = 1e-9
"""A budget within which a search makes one file and measures its accuracy."""


@dataclass(frozen=True)
class Tuner:
    """Quantization-aware fine-tuning of the float network, ready to be run."""

    epochs: int
    write: Callable[[Path, Path], None]
    """Takes a folder for its own files and writes the tuned network, in float, as an ONNX file."""


def tuned_if_missed(found: Found, search: Search, tuner: Tuner, left_s: float) -> Found:
    """Return the more accurate of what a search has found and what it finds after fine-tuning.

    Where the first has met its demand there is no other. Both are compared with the float file of
    before. The second search takes what is left of the budget, or as long as one file takes; the
    training comes on top. A training that fails costs a warning, not what was found before it.

    Raises:
        UserError: the runtime cannot open or run a file.
    """
    found, drop = _judged(found, search)
    if drop <= search.demands.map_drop:
        return found
    start = time.monotonic()
    change = f"quantization-aware fine-tuning, {counted(tuner.epochs, 'epoch')}"
    console.say(f"  {change}")
    folder = search.workshop.folder / "tuned"
    folder.mkdir()
    try:
        tuner.write(folder, folder / "float.onnx")
    except UserError as error:
        console.warn(f"The fine-tuning failed, and the file is the one from before it. {error}")
        failed = _step(f"{change}: failed", None, False, time.monotonic() - start)
        return replace(found, steps=(*found.steps, failed))
    seconds = time.monotonic() - start
    again = _searched_again(search, found, folder, left_s)
    better = _last_drop(again) < drop
    tuning = _step(change, None, better, seconds)
    steps = (*found.steps, tuning, *(_of_tuned(step, better) for step in again.steps))
    return replace(again if better else found, steps=steps)


def _judged(found: Found, search: Search) -> tuple[Found, float]:
    """Return what was found with its accuracy, which a search without a budget does not measure."""
    if any(step.map_drop is not None for step in found.steps):
        return found, _last_drop(found)
    start = time.monotonic()
    drop = search.judges.map_drop(found.path)
    step = _step("accuracy of the best so far", drop, True, time.monotonic() - start)
    console.say(f"  {sentence(step)}")
    return replace(found, steps=(*found.steps, step)), drop


def _searched_again(search: Search, found: Found, folder: Path, left_s: float) -> Found:
    """Search on the tuned network, for at least one file; its layers are as fast as before."""
    before = search.workshop
    workshop = open_workshop(folder / "float.onnx", before.target, before.images, folder)
    demands = replace(search.demands, budget_s=max(SHORTEST_S, left_s))
    kept = {name: why for name, why in found.setting.kept_float.items() if why != HARMFUL}
    start = Setting(method=first_method(before), kept_float=kept)
    return Search(workshop, search.judges, demands, start).run()


def _last_drop(found: Found) -> float:
    """Return by how much the mAP of the file is lower than the float file's."""
    drops = [step.map_drop for step in found.steps if step.kept and step.map_drop is not None]
    return drops[-1] if drops else np.inf


def _step(change: str, map_drop: float | None, kept: bool, seconds: float) -> SearchStep:
    return SearchStep(change=change, speedup=None, map_drop=map_drop, kept=kept, seconds=seconds)


def _of_tuned(step: SearchStep, better: bool) -> SearchStep:
    """Return a step of the second search: nothing of it is kept where the first one's file is."""
    change = f"after fine-tuning, {step.change}"
    return step.model_copy(update={"change": change, "kept": step.kept and better})
